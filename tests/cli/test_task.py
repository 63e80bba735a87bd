import json
import os
import signal
from pathlib import Path

import pytest

import recurra.experiment.long_lag as runner
from recurra.cli import main
from recurra.cli.task import seconds

TINY = ("--set", "units=20", "--set", "sequences_per_epoch=1200")


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def entry(epoch):
    return {"epoch": epoch, "loss": 0.1 / epoch, "validation": None, "wrong_fraction": 0.5 / epoch, "seconds": epoch}


def pretended(task, learner, *, seed, progress, checkpoint, settings, most=None, budget=None, whole=False):
    """What a training gives back, without one; its checkpoint stands in for that of a stopped one."""
    resumed = checkpoint.exists()
    for epoch in (1, 2):
        checkpoint.write_text("so far")
        if os.environ.get("STOP") == str(seed) and epoch == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        progress({"epoch": epoch, "epochs": 2, "loss": 0.1, "validation": None})
    found = {"stop": "solved", "solved": True, "wrong_fraction": 0.002 * seed, "errors": 0.002 * seed, "failure": None}
    if os.environ.get("DIVERGE") == str(seed):
        failure = {"message": "training exploded", "cause": {"update": 3}}
        found = {"stop": "diverged", "solved": False, "wrong_fraction": 1.0, "errors": None, "failure": failure}
    counts = {"sequences": 2000 * (seed + 1), "seconds": 2.0, "epochs": 2, "updates": 40, "gradient_passes": 4000}
    history = [entry(1), entry(2)]
    given = {"seed": seed, "settings": settings, "most": most, "budget": budget, "resumed": resumed}
    return {**given, **found, **counts, "deviation": 0.01, "parameters": 77, "alarms": [], "history": history}


def test_a_reservoir_solves_the_adding_problem(results, capsys):
    found = results("task", "adding", "--length", "20", "--learner", "esn", *TINY)
    assert found["solved"] is True
    assert found["wrong_fraction"] < 0.01
    assert found["sequences"] == 1200
    assert found["seconds"] > 0
    assert found["baseline"] == {"loss": pytest.approx(1 / 6), "wrong_fraction": 0.9216}
    assert found["seeds"][0]["settings"]["units"] == 20
    page = Path(found["report"]).read_text()
    assert "u1 + u2" in page
    assert Path(found["run"]).name.startswith("task-adding-esn-")
    assert results("task", "adding", "--length", "20", "--learner", "esn", *TINY) == found
    assert main(["task", "adding", "--length", "20", "--learner", "esn", *TINY]) == 0
    out, err = capsys.readouterr()
    assert "esn on adding, length 20: solved (41 parameters)" in out
    assert "92.2 % are wrong" in out
    assert out.splitlines()[-1] == found["report"]
    assert "finished before" in err


def test_several_seeds_are_averaged_and_all_must_solve_it(results, monkeypatch):
    monkeypatch.setattr(runner, "run_long_lag", pretended)
    found = results("task", "xor", "--seed", "3", "--seeds", "2", "--out", "r", "--budget", "2m", "--sequences", "9000")
    assert (found["solved"], found["wrong_fraction"], found["sequences"]) == (True, pytest.approx(0.007), 9000)
    assert [each["seed"] for each in found["seeds"]] == [3, 4]
    assert [(each["budget"], each["most"]) for each in found["seeds"]] == [(120.0, 9000)] * 2
    assert "history" not in found["seeds"][0]
    history = [json.loads(line) for line in Path("r/history.jsonl").read_text().splitlines()]
    assert [(line["seed"], line["epoch"]) for line in history] == [(3, 1), (3, 2), (4, 1), (4, 2)]
    page = Path("r/report.html").read_text()
    assert "Learning curve of seed 4" in page
    assert "recurra task xor --seed 3" in page
    assert not [*Path("r").glob("part-*"), *Path("r").glob("checkpoint*")]


def test_a_divergence_is_told_with_the_results(monkeypatch, capsys):
    monkeypatch.setattr(runner, "run_long_lag", pretended)
    monkeypatch.setenv("DIVERGE", "1")
    words = ["task", "xor", "--seeds", "2", "--out", "r", "--json"]
    for _ in range(2):  # finished, it says the same
        assert main(words) == 4
        found = json.loads(capsys.readouterr().out)["results"]
        assert (found["solved"], found["wrong_fraction"]) == (False, 0.5)
        assert [each["stop"] for each in found["seeds"]] == ["solved", "diverged"]
    assert main(words[:-1]) == 4
    assert "seed 1: training exploded" in capsys.readouterr().out


def test_stopped_it_goes_on_with_the_same_seed(monkeypatch, results, capsys):
    monkeypatch.setattr(runner, "run_long_lag", pretended)
    monkeypatch.setenv("STOP", "1")
    assert main(["task", "copy", "--seeds", "3", "--out", "r"]) == 143
    assert "stopped by SIGTERM after a checkpoint: the same command resumes" in capsys.readouterr().err
    assert [file.name for file in Path("r").glob("part-*")] == ["part-seed-0.json"]
    assert Path("r/checkpoint.safetensors").exists()
    monkeypatch.delenv("STOP")
    found = results("task", "copy", "--seeds", "3", "--out", "r")
    assert [each["resumed"] for each in found["seeds"]] == [False, True, False]


def test_the_list_tells_every_task(results, capsys):
    listed = results("task", "--list")
    names = {task["name"] for task in listed["tasks"]}
    assert names >= {"adding", "multiplication", "xor", "temporal-order", "temporal-order-3", "random-permutation"}
    assert names >= {"5-bit-memory", "20-bit-memory", "noisy-recall", "copy", "adding-1997", "multiplication-1997"}
    assert all(task[key] for task in listed["tasks"] for key in ("definition", "lag", "rule", "trivial", "chance"))
    assert {item["name"] for item in listed["learners"]} >= {"rnn", "gru", "lstm", "momentum", "hessian-free", "esn"}
    assert listed["others"] == []
    assert main(["task", "--list"]) == 0
    assert "loss 0.1667, wrong 92.2 %" in capsys.readouterr().out


def test_the_list_at_a_length_that_some_tasks_do_not_have(results, capsys):
    listed = results("task", "--list", "--length", "15")
    assert len(listed["tasks"]) == 9
    least = {task["name"]: task["least"] for task in listed["others"]}
    assert least == {
        **dict.fromkeys(("temporal-order", "temporal-order-3", "temporal-order-1997", "temporal-order-3-1997"), 20),
        **dict.fromkeys(("adding-1997", "multiplication-1997"), 22),
    }
    assert main(["task", "--list", "--length", "15"]) == 0
    out = capsys.readouterr().out
    assert "longer than 15: temporal-order from 20 on" in out
    assert "multiplication-1997 from 22 on" in out


def test_the_same_directory_takes_the_corrected_command(results):
    words = ["task", "adding", "--length", "20", "--out", "r"]
    assert main([*words, "--learner", "hessian-free", "--set", "damping=1e300"]) == 2
    assert results(*words, "--learner", "esn", *TINY)["solved"] is True


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["addin"], "did you mean 'adding'"),
        (["adding", "--learner", "lsm"], "did you mean 'lstm'"),
        (["adding", "--set", "unit=3"], "did you mean 'units'"),
        (["adding", "--set", "units=none"], "a whole number"),
        (["adding", "--length", "3"], "whole number from 10"),
        (["adding", "--seeds", "0"], "at least one seed"),
        (["adding", "--seed", "-1"], "seed -1 must be in 0 ... 2^32 - 1"),
        (["adding", "--seed", "4294967295", "--seeds", "2"], "seed 4294967296 must be"),
        (["adding", "--learner", "hessian-free", "--set", "damping=1e300"], "`damping` is 1e+300"),
        (["adding", "--sequences", "1"], "at least two"),
        (["adding", "--budget", "0"], "write 60s"),
        (["adding", "--budget", "5d"], "write 60s"),
    ],
)
def test_refusals(words, message, capsys):
    assert main(["task", *words]) == 2
    assert message in capsys.readouterr().err
    assert not [path for path in Path().rglob("*") if path != Path("runs")]  # nothing that refuses the right command


def test_damaged_results_are_refused(results, monkeypatch, capsys):
    monkeypatch.setattr(runner, "run_long_lag", pretended)
    results("task", "xor", "--out", "r")
    for text in ('{"complete": true, "results": {"task": 3}}', '{"complete": true}'):
        Path("r/metrics.json").write_text(text)
        assert main(["task", "xor", "--out", "r"]) == 6
        assert "Start anew with --force" in capsys.readouterr().err


@pytest.mark.parametrize(("text", "wanted"), [("90", 90), ("60s", 60), ("1.5m", 90), ("2h", 7200)])
def test_times(text, wanted):
    assert seconds(text) == wanted
