"""`docs/lecture.md`: every item of the lecture with its place, a way to see it, and tests that exist."""

import ast
import importlib
import re
import shlex
from functools import cache
from pathlib import Path

import pytest

from recurra.cli.parser import parse

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "lecture.md"
ROW = re.compile(r"^\| *([A\d]+\.\d+) *\|(.+)\|(.+)\|(.+)\|(.+)\|(.+)\|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py::\w+)`")
COUNTS = {  # section of the lecture -> how many items it has
    "1": 3,
    "2": 5,
    "3": 1,
    "4": 5,
    "5": 6,
    "6": 8,
    "7": 9,
    "A4": 10,
    "8": 12,
    "9": 17,
    "10": 7,
    "11": 10,
    "12": 7,
    "13": 8,
}
IDS = [f"{section}.{k + 1}" for section, count in COUNTS.items() for k in range(count)]


@cache
def rows():
    """id -> (item, where, how to see it, tests, figure)"""
    found = {}
    for name, *cells in ROW.findall(PAGE.read_text(encoding="utf-8")):
        assert name not in found, f"item {name} stands twice"
        found[name] = [cell.strip() for cell in cells]
    return found


@cache
def functions(path):
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def code(cell):
    return re.findall(r"`([^`]+)`", cell)


def resolves(name):
    """Whether a dotted name is a module or something in one."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            if not hasattr(found, part) and part not in getattr(found, "__dataclass_fields__", ()):
                return False
            found = getattr(found, part, None)
        return True
    return False


def test_every_item_of_the_lecture_has_a_row():
    assert len(IDS) == 108
    assert list(rows()) == IDS
    for name, cells in rows().items():
        assert all(cells), f"item {name} has an empty cell"


def test_every_named_test_exists():
    missing = [
        f"{name}: {test}"
        for name, cells in rows().items()
        for test in TEST.findall(cells[3])
        if not (ROOT / test.split("::")[0]).is_file() or test.split("::")[1] not in functions(test.split("::")[0])
    ]
    assert not missing


def test_every_item_names_a_test():
    assert [name for name, cells in rows().items() if not TEST.findall(cells[3])] == []


def test_many_tests_are_named():
    assert len({test for cells in rows().values() for test in TEST.findall(cells[3])}) >= 80


@pytest.mark.parametrize("name", IDS)
def test_places_exist_and_commands_are_understood(name):
    item = rows()[name]
    places = [word for word in code(item[1]) if word.startswith("recurra.")]
    assert places, f"item {name} names no place in the package"
    assert [place for place in places if not resolves(place)] == []
    for command in code(item[2]):
        if command.startswith("recurra "):
            parse(shlex.split(command)[1:])  # refused where it is not understood


def test_the_check_of_places_can_fail():
    assert resolves("recurra.cells.LSTM.draw")
    assert not resolves("recurra.cells.LSTN")
    assert not resolves("recurra.no_such_module")
