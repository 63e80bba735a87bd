"""`docs/robustness.md`: sixty bad inputs, each with its answer and with tests that exist and are about it."""

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "robustness.md"
ROW = re.compile(r"^\| *(\d+) *\|(.+)\|(.+)\|(.+)\|(.+)\|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py::\w+)`")


@cache
def rows():
    """number -> (input, answer, code, tests)"""
    found = {}
    for number, *cells in ROW.findall(PAGE.read_text(encoding="utf-8")):
        assert int(number) not in found, f"row {number} stands twice"
        found[int(number)] = [cell.strip() for cell in cells]
    return found


@cache
def marked():
    """number -> the tests that carry its mark"""
    found = defaultdict(set)
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                for mark in numbers(node):
                    found[mark].add(f"{path.relative_to(ROOT).as_posix()}::{node.name}")
    return found


def numbers(node):
    """The rows that a test is marked with; a mark on one of its parameters counts."""
    for part in [*node.decorator_list]:
        for call in ast.walk(part):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.bad_input":
                yield from (argument.value for argument in call.args)


def test_every_row_is_there_with_its_answer():
    table = rows()
    assert sorted(table) == list(range(1, 61))
    assert all(all(cells) for cells in table.values())


@pytest.mark.parametrize("number", range(1, 61))
def test_the_tests_of_a_row_are_those_that_carry_its_mark(number):
    named = set(TEST.findall(rows()[number][3]))
    assert named, f"row {number} names no test"
    assert named == marked()[number]
