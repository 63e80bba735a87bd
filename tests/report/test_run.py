"""The report of a run directory: the numbers of its files; a file that is missing or damaged is refused."""

import json

import numpy as np
import pytest

from recurra import report
from recurra.errors import RunDirectoryError
from recurra.experiment import read_run
from recurra.series import Series


def change(run_dir, edit):
    document = json.loads((run_dir / "metrics.json").read_text())
    edit(document["results"])
    (run_dir / "metrics.json").write_text(json.dumps(document))


def texts(found):
    return "\n".join(section.text for section in found.sections)


def test_the_report_shows_the_scores_of_the_run(run_dir):
    found = report.run_report(run_dir)
    assert found.title == "ESN forecast of lorenz63"
    assert "trained on 900 rows of x, y, z" in found.summary
    assert "500 steps (10\u00a0s)" in found.summary
    assert "0.812 standard deviations" in found.summary
    assert "23\u00a0% smaller than that of the best baseline, linear" in found.summary
    closed, step = found.sections[0].tables
    assert list(closed.columns) == [
        "Learner",
        "RMSE (m)",
        "NRMSE",
        "MAE (m)",
        "sMAPE (%)",
        "R²",
        "valid time (s)",
    ]
    assert closed.rows[0] == ["ESN", 6.4321, 0.8123, 4.1, 61.25, 0.34, 6.46]
    assert [row[0] for row in closed.rows] == ["ESN", "persistence", "linear"]
    assert step.rows[1][2] == 0.05
    assert [each.value for each in found.highlights] == ["6.46\u00a0s", "0.812", "1.06", "1.50×10⁻⁵"]
    assert "5.85 Lyapunov times" in found.highlights[0].note  # 6.46 s at 0.9056 per s
    assert sum(len(section.figures) for section in found.sections) == 4
    assert found.command[-1] == "runs/a b"
    assert found.config["parameters"] == {"units": 500}
    assert found.versions == {"python": "3.11.9", "numpy": "2.4.6", "recurra": "0.1.0"}
    assert found.data_hash.startswith("9f86d081")


def test_the_forecasts_come_back_as_they_were(run_dir, example):
    _, test, forecasts = example
    run = read_run(run_dir)
    assert list(run.forecasts) == ["esn", "persistence", "climatology", "linear"]
    np.testing.assert_array_equal(run.forecasts["esn"].values, forecasts["esn"].values)
    np.testing.assert_array_equal(run.forecasts["linear"].values, forecasts["linear"].values)
    np.testing.assert_array_equal(run.test.values, test.values)
    np.testing.assert_array_equal(run.forecasts["esn"].times, test.times)
    assert run.test.units == test.units


def test_channels_may_be_called_anything_and_dates_may_be_the_time(tmp_path, write):
    t = np.datetime64("2020-01-01", "ns") + np.arange(60) * np.timedelta64(1, "D")
    whole = Series(np.random.default_rng(0).normal(size=(60, 2)), times=t, channels=["a:b", "time"])
    train, test = whole.split(40)
    other = Series(test.values + 1, times=test.times, channels=whole.channels)
    run = read_run(write(tmp_path / "run", train, test, {"gru": test, "linear": other}, learner="gru"))
    np.testing.assert_array_equal(run.forecasts["gru"].values, test.values)
    np.testing.assert_array_equal(run.forecasts["linear"].values, test.values + 1)
    np.testing.assert_array_equal(run.forecasts["gru"].times, test.times)
    assert report.run_report(tmp_path / "run").title == "GRU forecast of lorenz63"


def test_inputs_between_channels_and_baselines_are_not_forecasts(run_dir, example):
    _, test, forecasts = example
    path = run_dir / "forecast.csv"
    rows = [line.split(",") for line in path.read_text().splitlines()]
    driven = [[*row[:4], "u:v" if i == 0 else "0.5", *row[4:]] for i, row in enumerate(rows)]
    path.write_text("\n".join(",".join(row) for row in driven))
    run = read_run(run_dir)
    assert list(run.forecasts) == ["esn", "persistence", "climatology", "linear"]
    np.testing.assert_array_equal(run.forecasts["linear"].values, forecasts["linear"].values)
    assert len(run.forecasts["esn"]) == len(test)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (0.5, "2.1 times smaller than that of the best baseline"),
        (4.2284, "4.0 times larger than"),
        (1.1, "4.1\u00a0% larger than"),
        (0.0, "; the best baseline, linear, has 1.06"),
    ],
)
def test_the_summary_compares_with_the_best_baseline(run_dir, error, words):
    change(run_dir, lambda results: results["score"]["closed_loop"].update(nrmse=error))
    assert words in report.run_report(run_dir).summary


@pytest.mark.parametrize(
    "name", ["config.toml", "metrics.json", "data.npz", "forecast.csv", "history.jsonl", "env.json"]
)
def test_a_missing_file_is_refused(run_dir, name):
    (run_dir / name).unlink()
    with pytest.raises(RunDirectoryError, match=name if name != "metrics.json" else "not finished"):
        report.run_report(run_dir)


def test_no_model_is_needed(run_dir):
    assert not (run_dir / "model.safetensors").exists()
    sections = report.run_report(run_dir).sections
    assert len(sections) == 6
    assert "Lyapunov times" in sections[-1].text  # every report ends with how long anything can be forecast


def test_the_threshold_is_that_of_the_score(run_dir):
    first = report.run_report(run_dir)
    change(run_dir, lambda results: results["score"]["closed_loop"].update(threshold=0.7))
    found = report.run_report(run_dir)
    assert "error below 0.7 standard deviations" in found.highlights[0].note
    assert "0.4" in first.sections[2].figures[0]
    assert "0.7" in found.sections[2].figures[0]
    assert first.sections[2].figures != found.sections[2].figures


def test_how_far_the_truth_can_be_trusted_is_said(run_dir):
    truth = {"method": "rk4", "internal_step": 0.02, "local_error": None, "agreement_time": 6.0}
    change(run_dir, lambda results: results.update(truth=truth))
    assert "(rk4, fixed step 0.02). It agrees with a second solver" in texts(report.run_report(run_dir))
    truth = {"method": "accurate", "internal_step": "adaptive", "local_error": 1e-12, "agreement_time": 6.0}
    change(run_dir, lambda results: results.update(truth=truth))
    assert "local error held at 1e-12 by sub-steps" in texts(report.run_report(run_dir))


def test_it_ends_with_how_long_the_data_can_be_forecast(run_dir):
    last = report.run_report(run_dir).sections[-1]
    assert last.title == "How long can it be forecast?"
    assert "The largest exponent, 0.906 per time unit, is that of lorenz63" in last.text
    change(run_dir, lambda results: results.update(lyapunov_exponent=None))
    last = report.run_report(run_dir).sections[-1]
    assert "not known: no exponent of theirs is. `recurra diagnose` estimates it" in last.text


def test_a_learner_without_epochs_is_said_to_have_none(run_dir):
    (run_dir / "history.jsonl").write_text("")
    assert "solved in one step" in texts(report.run_report(run_dir))


def test_what_was_tried_stands_beside_the_training_that_followed(run_dir):
    trial = {"trial": 0, "learner": "gru", "rung": 0, "validation": 0.5, "units": 16}
    change(run_dir, lambda results: results.update(candidates=[trial]))
    titles = [section.title for section in report.run_report(run_dir).sections]
    assert titles.index("What was tried?") + 1 == titles.index("Training")
    (run_dir / "history.jsonl").write_text("")
    titles = [section.title for section in report.run_report(run_dir).sections]
    assert "What was tried?" in titles
    assert "Training" not in titles


def test_a_score_without_a_baseline_says_so(run_dir):
    change(run_dir, lambda results: [table.update(baselines={}) for table in results["score"].values()])
    assert "there is no baseline to compare with" in report.run_report(run_dir).summary


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.toml", b"a = "),
        ("config.toml", b"x = 5"),
        ("config.toml", b"data = 5"),
        ("config.toml", b"[data]\nsuorce = 'x'"),
        ("config.toml", b"a = " + b"[" * 100_000),
        ("metrics.json", b"{"),
        ("metrics.json", b"[1]"),
        ("metrics.json", b'{"complete": true}'),
        ("metrics.json", b'{"complete": true, "command": [], "results": {"score": 3}}'),
        ("data.npz", b"PK\x03\x04 cut short"),
        ("forecast.csv", b"time,x,y,z\n1,2\n"),
        ("forecast.csv", b"time,x\n1,2\n"),
        ("forecast.csv", b"time,x,y,z\n" + 500 * b"1,2,3,four\n"),
        ("forecast.csv", b"time,x,y,z\n1,2,3,4\n"),
        ("forecast.csv", b"time,x,y,z\n1,2,3," + b"4" * 200_000),
        ("forecast.csv", b""),
        ("history.jsonl", b'{"epoch": 1}\n'),
        ("history.jsonl", b'{"epoch": 1, "loss": NaN}\n'),
        ("history.jsonl", b'{"epoch": 1, "loss": 0.5, "validation": "a"}\n'),
        ("history.jsonl", b"[1, 2]\n"),
        ("env.json", b"\xff"),
        ("env.json", b"3"),
    ],
)
def test_a_damaged_file_is_refused_by_name(run_dir, name, content):
    (run_dir / name).write_bytes(content)
    with pytest.raises(RunDirectoryError, match=name) as caught:
        report.run_report(run_dir)
    assert caught.value.exit_code == 6


@pytest.mark.parametrize(
    ("edit", "key"),
    [
        (lambda results: results.pop("learner"), "results.learner"),
        (lambda results: results.update(time_unit=3), "results.time_unit"),
        (lambda results: results["rows"].update(test="many"), "results.rows.test"),
        (lambda results: results["score"]["closed_loop"].update(rmse="low"), "results.score.closed_loop.rmse"),
        (lambda results: results["score"]["one_step"].update(baselines={"a": {}}), "results.score"),
        (lambda results: results["score"]["closed_loop"].pop("threshold"), "results.score.closed_loop.threshold"),
        (lambda results: results.update(truth={"method": "rk4"}), "results.truth.internal_step"),
    ],
)
def test_results_without_what_is_shown_are_refused(run_dir, edit, key):
    change(run_dir, edit)
    with pytest.raises(RunDirectoryError, match=f"no valid .*{key}"):
        report.run_report(run_dir)


def test_a_pickle_in_the_data_is_not_read(run_dir):
    np.savez(run_dir / "data.npz", train_values=np.array([{"a": 1}], dtype=object))
    with pytest.raises(RunDirectoryError, match=r"data\.npz"):
        report.run_report(run_dir)


def test_no_directory_is_refused(tmp_path):
    for name in ("nowhere", "n" * 300):
        with pytest.raises(RunDirectoryError, match=name):
            report.run_report(tmp_path / name)
