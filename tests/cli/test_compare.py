"""`recurra compare`: learners side by side, each run a process of its own."""

import json
from pathlib import Path

import pytest

from recurra.cli import main

SETTINGS = ["--set", "esn.units=15", "--set", "esn.ridge=1e-8", "--set", "esn.washout=10"]


def run(capsys, *words):
    code = main(["compare", *words, "--json", "--out", "c"])
    out = capsys.readouterr().out
    return code, json.loads(out)["results"] if code in (0, 7) else json.loads(out)["error"]


def test_rows_seeds_report_and_the_same_again(wave, capsys):
    words = ["wave.csv", "--learners", "esn", "--seeds", "2", "--workers", "2", "--seed", "5", *SETTINGS]
    code, results = run(capsys, *words)
    assert (code, results["failed"]) == (0, 0)
    assert [(row["learner"], row["runs"]) for row in results["rows"]] == [("esn", 2), ("persistence", 1), ("linear", 1)]
    seeds = {(row["learner"], row["seed"]): row for row in results["seeds"]}
    assert sorted(seed for learner, seed in seeds if learner == "esn") == [5, 6]
    low, high = sorted(seeds["esn", seed]["one_step_nrmse"] for seed in (5, 6))
    assert results["rows"][0]["one_step_nrmse"] == {"median": (low + high) / 2, "low": low, "high": high}
    assert main(["fit", "wave.csv", "--learner", "esn", "--seed", "6", "--json", "--out", "alone", *(
        word.removeprefix("esn.") for word in SETTINGS
    )]) == 0  # fmt: skip
    alone = json.loads(capsys.readouterr().out)["results"]["score"]
    assert seeds["esn", 6]["one_step_nrmse"] == alone["one_step"]["nrmse"]
    assert seeds["persistence", None]["one_step_nrmse"] == alone["one_step"]["baselines"]["persistence"]["nrmse"]
    page = Path(results["report"]).read_text()
    assert page.rindex("How long can it be forecast?") > page.rindex("Every run")
    assert "Learners compared on wave.csv" in page
    assert "medians of 2 seeds" in page
    before = {path: path.stat().st_mtime_ns for path in Path("c/rows").glob("*/model.safetensors")}
    assert len(before) == 4
    assert run(capsys, *words) == (code, results)
    assert all(path.stat().st_mtime_ns == when for path, when in before.items())


@pytest.mark.bad_input(59)
def test_a_run_that_fails_is_a_row_and_tried_again(wave, capsys):
    words = ["wave.csv", "--learners", "esn", "--seeds", "1", *SETTINGS, "--limit", "60"]
    blocked = Path("c/rows/esn-seed-0")
    assert run(capsys, *words)[0] == 0
    (blocked / "config.toml").unlink()
    (blocked / "metrics.json").unlink()
    Path("c/metrics.json").unlink()
    code, results = run(capsys, *words)
    assert code == 7
    (failed,) = [row for row in results["seeds"] if row["reason"]]
    assert failed["learner"] == "esn"
    assert failed["reason"].startswith("ConfigError: c/rows/esn-seed-0 holds other files")
    assert results["rows"][0] == {**results["rows"][0], "runs": 1, "failed": 1, "seconds": None}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["wave.csv", "--learners", "esm"], "did you mean 'esn'"),
        (["wave.csv", "--learners", "esn", "--seeds", "0"], "at least one"),
        (["wave.csv", "--learners", "esn", "--budget", "soon"], "write 60s, 5m or 2h"),
        (["wave.csv", "--learners", "esn", "--set", "units=3"], "--set esn.units=100"),
        (["wave.csv", "--learners", "esn", "--length", "10"], "are for task:NAME"),
        (["wave.csv", "--learners", "esn", "--workers", "1", "--dask", "1"], "choose one"),
        (["task:adding", "--learners", "esn", "--split", "0.5"], "--split has no meaning for a task"),
        (["task:adding", "--learners", "esn", "--dt", "0.5"], "--dt has no meaning for a task"),
        (["task:addin", "--learners", "esn"], "did you mean 'adding'"),
        (["task:adding", "--learners", "esn", "--length", "0"], "whole number from 10 on, got 0"),
        (["task:adding", "--learners", "esn", "--sequences", "1"], "at least two"),
        (["task:adding", "--learners", "esn,"], "`--learners esn,`"),
        (["task:adding", "--learners", "esn", "--seed", "-1"], "seed -1 must be in 0 ... 2^32 - 1"),
        (["task:adding", "--learners", "esn", "--seed", "4294967295", "--seeds", "2"], "seed 4294967296 must be"),
        (["wave.csv", "--learners", "esn", "--seed", "-1"], "seed -1 must be in 0 ... 2^32 - 1"),
    ],
)
def test_options_that_cannot_be(wave, capsys, words, said):
    code, error = run(capsys, *words)
    assert code == 2
    assert said in error["message"]
    assert not Path("c").exists()


def test_a_task(wave, capsys):
    words = ["task:adding", "--length", "20", "--learners", "esn", "--seeds", "1", "--sequences", "300"]
    code, results = run(capsys, *words)
    assert code == 0
    (row,) = results["rows"]
    (seed,) = results["seeds"]
    assert seed["sequences"] <= 300
    assert row["wrong_fraction"]["median"] == seed["wrong_fraction"]
    assert (row["gradient_passes"], seed["gradient_passes"]) == (None, None)
    page = Path(results["report"]).read_text()
    assert "How long can it be forecast?" not in page
    assert "gradient of one sequence" in page
    assert "Every run saw the same rows" not in page
    assert "1 seed" in page
    assert not list(Path("c/rows").glob("*/report.html"))
    assert main(["compare", *words, "--out", "c", "--quiet"]) == 0
    assert capsys.readouterr().out.split("\n")[0].split() == [
        *("learner", "solved", "wrong", "sequences", "seconds", "parameters", "passes", "MiB", "runs"),
    ]


def test_a_network_on_a_task_that_saw_less_than_it_might(wave, capsys):
    small = ["--set", "lstm.units=4", "--set", "lstm.sequences_per_epoch=200"]
    words = ["task:adding", "--length", "20", "--learners", "lstm,esn", "--seeds", "1", "--sequences", "500", *small]
    code, results = run(capsys, *words)
    lstm, esn = results["seeds"]
    assert (code, lstm["sequences"], lstm["gradient_passes"]) == (0, 400, 400)
    assert main(["compare", *words, "--out", "c", "--quiet"]) == 0
    assert "of 500 sequences, whole epochs within the limits were seen: lstm 400\n" in capsys.readouterr().out
    assert esn["sequences"] == 500
    page = Path(results["report"]).read_text()
    assert "The training loss against passes" in page
    assert "gradients of one sequence" in page


def test_a_divergence_on_a_task_fails_the_comparison(wave, capsys):
    words = ["task:adding-1997", "--length", "22", "--learners", "sgd", "--seeds", "1", "--sequences", "400"]
    words += ["--set", "sgd.units=4", "--set", "sgd.learning_rate=1e30", "--set", "sgd.sequences_per_epoch=200"]
    assert main(["compare", *words, "--json", "--out", "c"]) == 7
    out, err = capsys.readouterr()
    assert "1 run in c, 0 finished before; each in a process of its own" in err
    assert "[1/1] sgd-seed-0: DivergenceError: training " in err
    results = json.loads(out)["results"]
    assert (results["failed"], results["rows"][0]["wrong_fraction"]) == (1, None)
    assert results["seeds"][0]["reason"].startswith("DivergenceError: training ")
    assert "No run has finished." in Path(results["report"]).read_text()


def test_the_help_says_where_the_learners_are(capsys):
    assert main(["compare", "--help"]) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert "for task:NAME those of `recurra task --list`" in words
    assert "stops before the epoch that would exceed N" in words
