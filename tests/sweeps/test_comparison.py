"""Comparisons: who runs with what, and what is told of the runs."""

import json

import numpy as np
import pytest

from recurra.errors import ConfigError
from recurra.experiment.run_directory import read_results
from recurra.sweeps import InProcess
from recurra.sweeps import task as task_module
from recurra.sweeps.comparison import (
    ON_DATA,
    ON_TASK,
    curve_of,
    curve_points,
    on_data,
    on_task,
    split_settings,
    summary,
    told_of_fit,
    told_of_task,
)

SETTINGS = {
    "esn": {"units": 15, "ridge": 1e-8, "washout": 10},
    "rnn": {"units": 3, "epochs": 20, "bptt_length": 8, "validation": 0.2},
}


@pytest.fixture
def base(tmp_path):
    t = 0.3 * np.arange(150)
    np.savetxt(tmp_path / "wave.csv", np.sin(t) + 0.3 * np.sin(1.7 * t), header="x", comments="")
    return {"data": {"source": str(tmp_path / "wave.csv")}, "split": 0.7}


def test_every_learner_and_seed_once_and_the_baselines_beside(tmp_path, base):
    runs = on_data(base, ["esn", "rnn", "linear"], [3, 4], home=tmp_path, budget=7.0, settings=SETTINGS)
    assert [(run.learner, run.seed) for run in runs] == [
        *(("esn", 3), ("esn", 4), ("rnn", 3), ("rnn", 4), ("linear", None), ("persistence", None)),
    ]
    configs = {run.task.name: run.task.arguments["config"] for run in runs}
    assert configs["rnn-seed-4"]["parameters"]["budget"] == 7.0
    assert configs["rnn-seed-4"]["parameters"]["units"] == 3
    assert configs["rnn-seed-4"]["parameters"]["epochs"] == 20  # as it was told
    assert "budget" not in configs["esn-seed-3"]["parameters"]
    assert {config["split"] for config in configs.values()} == {0.7}
    assert len({config["data"]["source"] for config in configs.values()}) == 1
    for learners, said in ((["esm"], "did you mean 'esn'"), (["rnn"], "unknown parameter of rnn 'untis'")):
        with pytest.raises(ConfigError, match=said):
            on_data(base, learners, [0], home=tmp_path, settings={"rnn": {"untis": 3}})


def test_a_budget_and_nothing_else_ends_a_training(tmp_path, base):
    short = {"rnn": {"units": 3, "epochs": 7}}
    (told, *_) = on_data(base, ["rnn"], [0], home=tmp_path, budget=1.0, settings=short)
    (timed, *_) = on_data(base, ["rnn"], [0], home=tmp_path, budget=1.0)
    (alone, *_) = on_data(base, ["rnn"], [0], home=tmp_path)
    assert [run.task.arguments["config"]["parameters"]["epochs"] for run in (told, timed, alone)] == [7, 100_000, 100]


@pytest.fixture
def new_process(monkeypatch):
    """As if no task had been done in this process yet."""
    monkeypatch.setattr(task_module, "_begun", 0)


def test_what_is_told_is_what_the_runs_hold(tmp_path, base, new_process):
    runs = on_data(base, ["esn", "rnn"], [0], home=tmp_path, settings=SETTINGS)
    reasons = {outcome.task.name: outcome.reason for outcome in InProcess().run([run.task for run in runs])}
    rows = {run.learner: told_of_fit(run, reasons[run.task.name]) for run in runs}
    assert {row["reason"] for row in rows.values()} == {""}
    for run in runs:
        score = read_results(run.path)["score"]
        row = rows[run.learner]
        assert row["closed_loop_nrmse"] == score["closed_loop"]["nrmse"]
        assert row["one_step_nrmse"] == score["one_step"]["nrmse"]
        assert row["valid_time"] == score["closed_loop"]["valid_time"]
        assert row["seconds"] == json.loads((run.path / "env.json").read_text())["cost"]["seconds"]
        assert not (run.path / "report.html").exists()  # the comparison has its own
    assert rows["esn"]["peak_memory_bytes"] > 2**25
    assert rows["rnn"]["peak_memory_bytes"] is None  # of the same process: the peak may be that of the first
    assert summary(list(rows.values()), ["peak_memory_bytes"])[1]["peak_memory_bytes"] is None
    assert (rows["esn"]["gradient_passes"], rows["rnn"]["gradient_passes"]) == (None, 20.0)
    assert rows["rnn"]["parameters"] == 3 * 3 + 3 * 1 + 3 + 3 + 1
    curve = curve_of(tmp_path / "rnn-seed-0")
    assert [point["passes"] for point in curve] == list(range(1, 21))
    assert all(point["loss"] > 0 for point in curve)
    seconds = [point["seconds"] for point in curve if point["seconds"] is not None]  # where a checkpoint was written
    assert 0 < seconds[0] <= seconds[-1] <= rows["rnn"]["seconds"]
    assert curve[-1]["seconds"] == seconds[-1]
    (tmp_path / "esn-seed-0" / "env.json").write_text("{}")
    assert told_of_fit(runs[0], "")["reason"].startswith("its results cannot be read")
    failed = told_of_fit(runs[0], "killed by SIGKILL")
    assert (failed["reason"], failed["seconds"]) == ("killed by SIGKILL", None)
    assert set(failed) == {"learner", "seed", "run", "reason", *ON_DATA}


def test_a_summary_leaves_failed_runs_out():
    rows = [
        {"learner": "rnn", "reason": "", "seconds": 3.0, "valid_time": 1.0},
        {"learner": "rnn", "reason": "", "seconds": 1.0, "valid_time": None},
        {"learner": "rnn", "reason": "dead", "seconds": None, "valid_time": None},
        {"learner": "esn", "reason": "dead", "seconds": None, "valid_time": None},
    ]
    rnn, esn = summary(rows, ["seconds", "valid_time"])
    assert (rnn["runs"], rnn["failed"]) == (3, 1)
    assert rnn["seconds"] == {"median": 2.0, "low": 1.0, "high": 3.0}
    assert rnn["valid_time"] == {"median": 1.0, "low": 1.0, "high": 1.0}
    assert (esn["runs"], esn["failed"], esn["seconds"]) == (1, 1, None)


def test_of_what_is_solved_or_not_the_share_is_told():
    rows = [{"learner": "lstm", "reason": "", "solved": solved} for solved in (True, False, True)]
    assert summary(rows, ["solved"])[0]["solved"] == {"median": 2 / 3, "low": 2 / 3, "high": 2 / 3}


def test_passes_add_up_and_candidates_are_no_epochs():
    history = [
        {"ridge": 1e-6, "validation": 0.2},
        {"epoch": 1, "loss": 4.0, "passes": 11.0, "seconds": 0.5},
        {"epoch": 2, "loss": 2.0, "passes": 7.5, "seconds": 0.9, "validation": 0.1},
    ]
    assert curve_points(history) == [
        {"seconds": 0.5, "passes": 11.0, "loss": 4.0, "validation": None},
        {"seconds": 0.9, "passes": 18.5, "loss": 2.0, "validation": 0.1},
    ]


def test_settings_say_whose_they_are():
    assert split_settings({"esn": {"units": 3}}, ["esn", "rnn"]) == {"esn": {"units": 3}}
    for given in ({"units": 3}, {"lstm": {"units": 3}}):
        with pytest.raises(ConfigError, match=r"--set esn\.units=100"):
            split_settings(given, ["esn", "rnn"])


NETWORK = {"lstm": {"units": 4, "batch_size": 50, "sequences_per_epoch": 200}}


def test_a_network_on_a_task_has_a_curve_in_the_unit_of_its_table(tmp_path, new_process):
    most, settings = 500, {**NETWORK, "hessian-free": {"units": 15, "sequences_per_epoch": 100, "curvature_batch": 50}}
    settings["hessian-free"] |= {"chunk": 50, "cg_steps": 4}
    runs = on_task("adding", 20, [*settings], [0], home=tmp_path, most=most, settings=settings)
    assert [outcome.reason for outcome in InProcess().run([run.task for run in runs])] == ["", ""]
    lstm, second = (told_of_task(run, "") for run in runs)
    assert (lstm["sequences"], lstm["gradient_passes"], lstm["solved"]) == (400, 400, False)
    points = curve_of(runs[0].path)
    assert [point["passes"] for point in points] == [200.0, 400.0]  # gradients of one sequence
    assert [point["loss"] > 0 and point["seconds"] > 0 for point in points] == [True, True]
    assert lstm["peak_memory_bytes"] > 2**25
    assert second["peak_memory_bytes"] is None
    each = [entry["passes"] for entry in read_results(runs[1].path)["history"]]
    assert curve_of(runs[1].path)[-1]["passes"] == pytest.approx(second["gradient_passes"])
    assert second["gradient_passes"] == round(100 * sum(each)) > 500


def test_a_training_that_diverges_is_a_failed_run_and_in_no_median(tmp_path):
    settings = {"sgd": {"units": 4, "batch_size": 50, "sequences_per_epoch": 200, "learning_rate": 1e30}}
    (run,) = on_task("adding-1997", 22, ["sgd"], [0], home=tmp_path, most=400, settings=settings)
    (outcome,) = InProcess().run([run.task])
    assert outcome.reason == ""
    row = told_of_task(run, outcome.reason)
    assert row["reason"] == f"DivergenceError: {read_results(run.path)['failure']['message']}"
    assert "learning rate 1e+30" in row["reason"]
    good = {**row, "reason": "", "wrong_fraction": 0.25}
    (told,) = summary([row, good], ["wrong_fraction"])
    assert (told["runs"], told["failed"], told["wrong_fraction"]["median"]) == (2, 1, 0.25)


def test_a_setting_that_is_refused_late_leaves_no_run_behind(tmp_path):
    settings = {"hessian-free": {"damping": 1e300}}
    (run,) = on_task("adding", 20, ["hessian-free"], [0], home=tmp_path, most=400, settings=settings)
    (outcome,) = InProcess().run([run.task])
    assert outcome.reason.startswith("ConfigError: `damping` is 1e+300")
    assert not run.path.exists()


def test_a_task_with_a_long_lag(tmp_path):
    runs = on_task("adding", 20, ["esn"], [0, 1], home=tmp_path, most=400)
    assert [(run.learner, run.seed) for run in runs] == [("esn", 0), ("esn", 1)]
    (outcome,) = InProcess().run([runs[0].task])
    row = told_of_task(runs[0], outcome.reason)
    assert (row["reason"], row["gradient_passes"]) == ("", None)
    found = read_results(runs[0].path)
    assert row["sequences"] == found["sequences"] <= 400
    assert row["wrong_fraction"] == found["wrong_fraction"]
    assert set(row) == {"learner", "seed", "run", "reason", *ON_TASK}
    assert curve_of(runs[0].path) == []
    assert told_of_task(runs[1], "")["reason"].startswith("its results cannot be read")
    for words, said in ((("addin", 20, ["esn"]), "adding"), (("adding", 20, ["esm"]), "esn")):
        with pytest.raises(ConfigError, match=said):
            on_task(*words, [0], home=tmp_path)
