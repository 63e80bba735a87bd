import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest

import recurra.examples
from recurra.cli import main
from recurra.report import Section, Table


@dataclass(frozen=True)
class Outcome:
    """What an example gives back."""

    results: dict
    table: Any
    sections: list
    data_hash: str = "00ff"


class Sine:
    """An example that only says how it was called."""

    title = "The simple sine"
    shows = "what the lecture shows"
    seeds = 2
    options = ("as_lectured",)
    calls = 0
    worked: ClassVar = []  # the parts that were not found
    signal_in = None  # the part of two in which a signal comes

    @classmethod
    def run(cls, *, seeds, seed, progress, parts, **options):
        cls.calls += 1

        def work():
            if part == cls.signal_in:
                os.kill(os.getpid(), signal.SIGTERM)
            cls.worked.append(part)
            return {"mse": 0.5}

        for part in (1, 2):
            assert parts.get(f"seed-{part}", work) == {"mse": 0.5}
            progress({"epoch": part, "epochs": 2, "loss": 0.5, "validation": None})
        rows = [{"seed": seed + i, "train": {"mse": 0.5}} for i in range(seeds)]
        table = Table(["seed", "MSE"], [[row["seed"], row["train"]["mse"]] for row in rows], "errors by seed")
        return Outcome({"seeds": rows, "options": options}, table, [Section("How", "text")])


@pytest.fixture
def sine(tmp_path, monkeypatch):
    class Fresh(Sine):
        calls = 0
        worked: ClassVar = []

    package = ModuleType("recurra.examples")
    package.__path__ = recurra.examples.__path__
    package.EXAMPLES = {"simple-sine": Fresh}
    package.demo = Fresh
    monkeypatch.setitem(sys.modules, "recurra.examples", package)
    monkeypatch.chdir(tmp_path)
    return Fresh


def test_an_example_writes_a_report_and_prints_its_table(sine, tmp_path, capsys):
    assert main(["example", "simple-sine", "--seed", "5", "--as-lectured"]) == 0
    lines = capsys.readouterr().out.splitlines()
    (run,) = (tmp_path / "runs").iterdir()
    assert run.name.startswith("example-simple-sine-")
    assert lines[0] == "errors by seed"
    assert lines[2:5] == ["seed  MSE", "   5  0.5", "   6  0.5"]
    assert lines[-1] == f"runs/{run.name}/report.html"
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["complete"] is True
    assert metrics["results"]["options"] == {"as_lectured": True}
    page = (run / "report.html").read_text()
    assert "00ff" in page
    assert "The simple sine" in page
    assert "what the lecture shows" in page


def test_results_by_seed_and_no_second_run(sine, results):
    first = results("example", "simple-sine", "--seeds", "3", "--out", "e", "--as-lectured")
    assert first["seeds"][2]["train"]["mse"] == 0.5
    assert first["options"] == {"as_lectured": True}
    assert results("example", "simple-sine", "--seeds", "3", "--out", "e", "--as-lectured") == first
    assert sine.calls == 1
    results("example", "simple-sine", "--seeds", "3", "--out", "e", "--as-lectured", "--force")
    assert sine.calls == 2


def test_the_list(sine, results, capsys):
    entry = {"name": "simple-sine", "title": sine.title, "shows": sine.shows}
    assert results("example", "--list") == {"examples": [entry]}
    assert main(["example"]) == 0
    assert "simple-sine" in capsys.readouterr().out


def test_the_demo(sine, tmp_path, capsys):
    assert main(["demo"]) == 0
    (run,) = (tmp_path / "runs").iterdir()
    assert run.name.startswith("demo-")
    assert capsys.readouterr().out.splitlines()[-1].endswith("report.html")


def test_refusals(sine, capsys):
    assert main(["example", "simple-sin"]) == 2
    assert "did you mean 'simple-sine'" in capsys.readouterr().err
    assert main(["demo", "--seeds", "0"]) == 2
    assert main(["demo", "--set", "as_lectured=true"]) == 2
    assert main(["example", "simple-sine", "--set", "as_lecture=true"]) == 2
    assert "did you mean 'as_lectured'" in capsys.readouterr().err
    assert main(["example", "simple-sine", "--set", "as_lectured=3"]) == 2
    assert sine.calls == 0


@pytest.mark.bad_input(50)
@pytest.mark.parametrize(("part", "found"), [(1, 0), (2, 1)])
def test_stopped_in_a_part_it_goes_on_with_that_part(sine, results, monkeypatch, capsys, part, found):
    monkeypatch.setattr(sine, "signal_in", part)
    assert main(["example", "simple-sine", "--out", "e"]) == 143
    assert "stopped by SIGTERM: the same command resumes" in capsys.readouterr().err
    assert len(list(Path("e").glob("part-*.json"))) == found
    monkeypatch.setattr(sine, "signal_in", None)
    assert len(results("example", "simple-sine", "--out", "e")["seeds"]) == 2
    assert (sine.calls, sine.worked) == (2, [1, 2])
    assert not list(Path("e").glob("part-*.json"))


@pytest.mark.parametrize("text", ["", "{", '{"recurra": "0.0.1", "part": {}}', "[]", '{"part": {}}'])
def test_a_part_that_is_damaged_or_of_another_version_is_made_anew(sine, results, monkeypatch, text):
    monkeypatch.setattr(sine, "signal_in", 2)
    assert main(["example", "simple-sine", "--out", "e"]) == 143
    monkeypatch.setattr(sine, "signal_in", None)
    Path("e/part-seed-1.json").write_text(text)
    results("example", "simple-sine", "--out", "e")
    assert sine.worked == [1, 1, 2]


def test_the_demo_has_no_options_and_neither_has_an_example_without(sine, monkeypatch, capsys):
    monkeypatch.setattr(sine, "options", ())
    assert main(["example", "simple-sine", "--as-lectured"]) == 2
    assert "unknown option of simple-sine 'as_lectured'" in capsys.readouterr().err


def test_damaged_results_are_refused(sine, results, capsys):
    results("example", "simple-sine", "--out", "e")
    for text in ('{"complete": true}', '{"complete": true, "results": {"table": {"rows": 3}}}'):
        Path("e/metrics.json").write_text(text)
        assert main(["example", "simple-sine", "--out", "e"]) == 6
        assert "Start anew with --force" in capsys.readouterr().err
    assert main(["report", "e"]) == 6
    assert "keeps no model" in capsys.readouterr().err
