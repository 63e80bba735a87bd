"""The report of a run directory: the numbers of its files, and a line for each file that is missing."""

import json

import numpy as np
import pytest

from recurra import report
from recurra.errors import DataError, RunDirectoryError
from recurra.report.run_files import read_run
from recurra.series import Series


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
    assert found.config["model"] == {"units": 500}
    assert found.versions == {"python": "3.11.9", "numpy": "2.4.6", "recurra": "0.1.0"}
    assert found.data_hash.startswith("9f86d081")
    assert "What is missing" not in [section.title for section in found.sections]


def test_the_forecasts_come_back_as_they_were(run_dir, example):
    _, test, forecasts = example
    run = read_run(run_dir)
    assert list(run.forecasts) == ["", "persistence", "climatology", "linear"]
    np.testing.assert_array_equal(run.forecasts[""].values, forecasts["esn"].values)
    np.testing.assert_array_equal(run.forecasts["linear"].values, forecasts["linear"].values)
    np.testing.assert_array_equal(run.truth.values, test.values)
    np.testing.assert_array_equal(run.forecasts[""].times, test.times)
    assert run.truth.units == test.units


def test_channels_may_be_called_anything_and_dates_may_be_the_time(tmp_path, write):
    t = np.datetime64("2020-01-01", "ns") + np.arange(60) * np.timedelta64(1, "D")
    whole = Series(np.random.default_rng(0).normal(size=(60, 2)), times=t, channels=["a:b", "time"])
    train, test = whole.split(40)
    other = Series(test.values + 1, times=test.times, channels=whole.channels)
    run = read_run(write(tmp_path / "run", train, test, {"gru": test, "linear": other}, learner="gru"))
    np.testing.assert_array_equal(run.forecasts[""].values, test.values)
    np.testing.assert_array_equal(run.forecasts["linear"].values, test.values + 1)
    np.testing.assert_array_equal(run.forecasts[""].times, test.times)
    assert report.run_report(tmp_path / "run").title == "GRU forecast of lorenz63"


def test_inputs_between_channels_and_baselines_are_not_forecasts(run_dir, example):
    _, test, forecasts = example
    path = run_dir / "forecast.csv"
    rows = [line.split(",") for line in path.read_text().splitlines()]
    driven = [[*row[:4], "u:v" if i == 0 else "0.5", *row[4:]] for i, row in enumerate(rows)]
    path.write_text("\n".join(",".join(row) for row in driven))
    run = read_run(run_dir)
    assert list(run.forecasts) == ["", "persistence", "climatology", "linear"]
    np.testing.assert_array_equal(run.forecasts["linear"].values, forecasts["linear"].values)
    assert len(run.forecasts[""]) == len(test)


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
    document = json.loads((run_dir / "metrics.json").read_text())
    document["results"]["score"]["closed_loop"]["nrmse"] = error
    (run_dir / "metrics.json").write_text(json.dumps(document))
    assert words in report.run_report(run_dir).summary


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("config.toml", "config.toml is missing: the configuration is not known."),
        ("metrics.json", "metrics.json is missing: there are no scores, and the command is not known."),
        ("data.npz", "data.npz is missing: there is no truth to draw."),
        ("forecast.csv", "forecast.csv is missing: there is no forecast to draw."),
        ("history.jsonl", "history.jsonl is missing: the training curve is not known."),
        ("env.json", "env.json is missing: versions are not known."),
    ],
)
def test_a_missing_file_is_said(run_dir, name, line):
    (run_dir / name).unlink()
    found = report.run_report(run_dir)
    assert found.sections[-1].title == "What is missing"
    assert found.sections[-1].text == line
    assert line in report.render(found)


def test_an_empty_directory_still_gives_a_report(tmp_path):
    found = report.run_report(tmp_path)
    assert texts(found).count("is missing") == 5  # the forecast is not looked for without data
    assert "neither data nor scores" in found.summary


def test_a_learner_without_epochs_is_said_to_have_none(run_dir):
    (run_dir / "history.jsonl").write_text("")
    assert "solved in one step" in texts(report.run_report(run_dir))


def test_without_a_test_part_nothing_is_drawn_and_it_is_said(run_dir):
    with np.load(run_dir / "data.npz") as arrays:
        kept = dict(arrays)
    kept["test_values"], kept["test_times"] = kept["test_values"][:0], kept["test_times"][:0]
    np.savez(run_dir / "data.npz", **kept)
    found = report.run_report(run_dir)
    assert "data.npz holds no test part" in texts(found)


def test_a_score_without_a_baseline_says_so(run_dir):
    document = json.loads((run_dir / "metrics.json").read_text())
    document["results"]["score"]["closed_loop"]["baselines"] = {}
    (run_dir / "metrics.json").write_text(json.dumps(document))
    assert "there is no baseline to compare with" in report.run_report(run_dir).summary


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.toml", b"a = "),
        ("metrics.json", b"{"),
        ("metrics.json", b"[1]"),
        ("data.npz", b"PK\x03\x04 cut short"),
        ("forecast.csv", b"time,x,y,z\n1,2\n"),
        ("forecast.csv", b"time,x\n1,2\n"),
        ("forecast.csv", b"time,x,y,z\n1,2,3,four\n"),
        ("forecast.csv", b""),
        ("history.jsonl", b'{"epoch": 1}\n'),
        ("env.json", b"\xff"),
    ],
)
def test_a_damaged_file_is_refused_by_name(run_dir, name, content):
    (run_dir / name).write_bytes(content)
    with pytest.raises(DataError, match=name):
        report.run_report(run_dir)


def test_a_pickle_in_the_data_is_not_read(run_dir):
    np.savez(run_dir / "data.npz", train_values=np.array([{"a": 1}], dtype=object))
    with pytest.raises(DataError, match=r"data\.npz"):
        report.run_report(run_dir)


def test_no_directory_is_refused(tmp_path):
    with pytest.raises(RunDirectoryError, match="nowhere"):
        report.run_report(tmp_path / "nowhere")
