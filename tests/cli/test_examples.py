import json
import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

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
    calls = 0

    @classmethod
    def run(cls, *, seeds, seed, options, progress):
        cls.calls += 1
        progress({"epoch": 1, "epochs": 1, "loss": 0.5, "validation": None})
        rows = [{"seed": seed + i, "train": {"mse": 0.5}} for i in range(seeds)]
        table = Table(["seed", "MSE"], [[row["seed"], row["train"]["mse"]] for row in rows], "errors by seed")
        return Outcome({"seeds": rows, "options": options}, table, [Section("How", "text")])


@pytest.fixture
def sine(tmp_path, monkeypatch):
    class Fresh(Sine):
        calls = 0

    package = ModuleType("recurra.examples")
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
