import csv
import json
import signal

import numpy as np
import pytest

from recurra import systems
from recurra.errors import ConfigError, DivergenceError, Interrupted, RunDirectoryError
from recurra.estimators import LEARNERS, load
from recurra.experiment import RunDirectory, config_hash, make_config, read_run, run_fit
from recurra.experiment.config import check_data_hash
from recurra.experiment.run_files import write_data
from recurra.series import Series

FILES = {"config.toml", "data.npz", "metrics.json", "history.jsonl", "model.safetensors", "forecast.csv"}
FILES |= {"env.json", "run.log", ".lock"}


def wave(rows=240, drive=False):
    t = 0.1 * np.arange(rows)
    values = np.stack([np.sin(t), np.cos(t)], axis=1)
    inputs = Series(np.sin(3 * t), times=t, channels=["F"]) if drive else None
    return Series(values, times=t, channels=["x", "v"], units=["m", "m/s"], inputs=inputs)


def fit(path, series, *settings, **options):
    learner = () if any("learner=" in each for each in settings) else ("learner=esn",)
    config = make_config(settings=(*learner, *settings), options={"data.source": "wave.csv"})
    config = check_data_hash(config, series.sha256)
    with RunDirectory(path, config.as_dict()) as run:
        return config, run_fit(config, run, series, **options)


def test_every_file_is_written_and_says_the_same(tmp_path):
    series = wave()
    config, results = fit(tmp_path, series, "learner=esn", "units=30", "washout=10", command=["recurra", "fit"])
    assert {file.name for file in tmp_path.iterdir()} == FILES
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["complete"] is True
    assert metrics["command"] == ["recurra", "fit"]
    assert metrics["results"] == results
    assert results["config_sha256"] == config_hash(config.as_dict())
    assert results["rows"] == {"train": 192, "gap": 0, "test": 48}
    run = read_run(tmp_path)
    assert run.train.sha256 == series[:192].sha256
    assert run.test.sha256 == series[192:].sha256
    model = load(tmp_path / "model.safetensors")
    rows = list(csv.DictReader((tmp_path / "forecast.csv").open()))
    forecast = model.forecast(48)
    assert [float(row["x"]) for row in rows] == forecast.values[:, 0].tolist()
    assert [float(row["time"]) for row in rows] == forecast.times.tolist()
    assert results["score"]["closed_loop"]["rmse"] == pytest.approx(
        np.sqrt(((forecast.values - series.values[192:]) ** 2).mean()), rel=1e-12
    )
    baselines = results["score"]["closed_loop"]["baselines"]
    assert set(baselines) == {"persistence", "climatology", "nearest", "linear"}
    assert {f"{name}:{channel}" for name in baselines for channel in "xv"} < set(rows[0])
    assert float(rows[7]["persistence:v"]) == pytest.approx(series.values[191, 1], rel=1e-12)


def test_a_driven_series_keeps_its_inputs(tmp_path):
    series = wave(drive=True)
    fit(tmp_path, series, "learner=linear", "order=3")
    run = read_run(tmp_path)
    assert run.test.sha256 == series[192:].sha256
    assert "F" in (tmp_path / "forecast.csv").read_text().splitlines()[0].split(",")


def test_dates_survive(tmp_path):
    times = np.datetime64("2026-01-01", "ns") + np.arange(120) * np.timedelta64(1, "h")
    series = Series(np.sin(0.3 * np.arange(120)), times=times)
    fit(tmp_path, series, "learner=persistence")
    assert read_run(tmp_path).train.sha256 == series[:96].sha256


def broken(*lengths):
    """A wave in segments of these lengths, ten rows apart."""
    whole = wave(sum(lengths) + 10 * (len(lengths) - 1))
    rows, at, breaks = [], 0, []
    for length in lengths:
        breaks.append(len(rows))
        rows += range(at, at + length)
        at += length + 10
    frame = {"channels": whole.channels, "units": whole.units, "dt": whole.dt, "breaks": breaks[1:]}
    return Series(whole.values[rows], times=whole.times[rows], **frame)


def test_missing_rows_and_values_survive(tmp_path):
    series = broken(100, 60, 80)
    values = series.values.copy()
    values[[5, 130], [0, 1]] = np.nan
    frame = {"times": series.times, "dt": series.dt, "breaks": series.breaks}
    series = Series(values, channels=series.channels, units=series.units, **frame).masked()
    _, results = fit(tmp_path, series, "learner=persistence")
    run = read_run(tmp_path)
    assert run.series.sha256 == series.sha256
    assert (run.train.breaks, len(run.test)) == ((100, 160), 48)
    assert results["forecast"] == {"before": [160, 192], "rows": [192, 240]}


def test_test_segments_after_a_break_are_scored_from_their_own_history(tmp_path):
    series = broken(150, 60, 90)
    _, results = fit(tmp_path, series, "learner=esn", "units=30", "washout=10", "split=0.6", "split_by=trajectory")
    assert results["rows"] == {"train": 210, "gap": 0, "test": 90}
    run = read_run(tmp_path)
    model = load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(run.forecasts["esn"].values, model.forecast(len(run.truth), run.before).values)
    assert run.truth.times[-1] == series.times[-1]
    assert results["score"]["closed_loop"]["rows"] == len(run.truth)


def test_the_same_run_twice_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        fit(tmp_path / name, wave(), "units=20", "washout=10", "seed=5")
    for name in (
        "config.toml",
        "data.npz",
        "metrics.json",
        "model.safetensors",
        "forecast.csv",
        "history.jsonl",
    ):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_stopped_and_resumed_equals_uninterrupted(tmp_path):
    settings = ["learner=rnn", "units=4", "epochs=30", "bptt_length=8"]
    events = []
    fit(tmp_path / "whole", wave(), *settings, progress=events.append)

    def stop(event):
        raise Interrupted("stopped", signal_number=signal.SIGTERM)

    with pytest.raises(Interrupted):
        fit(tmp_path / "parts", wave(), *settings, progress=stop)
    assert not (tmp_path / "parts" / "metrics.json").exists()
    assert (tmp_path / "parts" / "checkpoint.safetensors").exists()
    resumed = []
    fit(tmp_path / "parts", wave(), *settings, progress=resumed.append)
    assert len(resumed) < len(events)
    for name in ("model.safetensors", "forecast.csv", "history.jsonl", "metrics.json"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert len((tmp_path / "whole" / "history.jsonl").read_text().splitlines()) == 30


@pytest.mark.parametrize(
    ("stage", "written", "missing"),
    [
        (1, "data.npz", "model.safetensors"),
        (2, "data.npz", "model.safetensors"),
        (3, "forecast.csv", "metrics.json"),
    ],
)
def test_a_stop_between_the_stages(tmp_path, stage, written, missing):
    calls = []

    def stop():
        calls.append(None)
        if len(calls) == stage:
            raise Interrupted("stopped", signal_number=signal.SIGINT)

    path = tmp_path / "parts"
    with pytest.raises(Interrupted) as caught:
        fit(path, wave(), "learner=linear", stop=stop)
    assert caught.value.exit_code == 130
    assert (path / written).exists()
    assert not (path / missing).exists()
    with pytest.raises(RunDirectoryError, match="not finished"):
        read_run(path)
    fit(path, wave(), "learner=linear", stop=stop)
    fit(tmp_path / "whole", wave(), "learner=linear")
    for name in ("model.safetensors", "forecast.csv", "metrics.json"):
        assert (path / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_results_by_seed(tmp_path):
    series = wave()
    _, results = fit(tmp_path, series, "units=20", "washout=10", "seed=3")
    (entry,) = results["seeds"]
    assert entry["seed"] == 3
    forecast = load(tmp_path / "model.safetensors").predict(series[:192])
    mse = np.mean((forecast.values - series.values[1:192]) ** 2)
    assert entry["train"]["one_step"]["mse"] == pytest.approx(mse, rel=1e-12)
    assert entry["train"]["one_step"]["rmse"] == pytest.approx(np.sqrt(mse), rel=1e-12)
    for loop, table in results["score"].items():
        assert entry["test"][loop] == {key: value for key, value in table.items() if key != "baselines"}


def test_how_long_the_truth_is_true_is_measured_in_training_deviations(tmp_path):
    # So few steps from a given start that rounding changes nothing of what follows.
    series = systems.Lorenz63().simulate(steps=1000, dt=0.02, method="euler", initial=[1.0, 1.0, 20.0])
    _, results = fit(tmp_path, series, "learner=persistence", "split=0.9")
    train, test = series.split(0.9)
    time = systems.agreement_time(test, 0.4, train.values.std(axis=0))
    assert results["truth"] == {
        "method": "euler",
        "internal_step": 0.02,
        "local_error": None,
        "agreement_time": time,
        "threshold": 0.4,
    }
    # The few rows of the test part spread less: in their deviations it would be shorter.
    assert systems.agreement_time(test, 0.4) < time < 2.0


class Diverging:
    """An estimator whose training leaves the finite numbers."""

    def get_params(self):
        return {}

    def check(self):
        pass

    def fit(self, data, checkpoint=None, progress=None):
        raise DivergenceError("left the finite numbers", cause={"epoch": 3, "gradient_norm": float("inf")})


class DivergingLearner:
    def build(self):
        return Diverging()


def test_a_diverged_run_is_a_result_with_a_cause(tmp_path, monkeypatch):
    monkeypatch.setitem(LEARNERS, "diverging", DivergingLearner())
    with pytest.raises(DivergenceError):
        fit(tmp_path, wave(), "learner=diverging")
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["complete"] is False
    assert metrics["results"]["failure"]["cause"] == {"epoch": 3, "gradient_norm": None}
    assert "diverged" in (tmp_path / "run.log").read_text()


def test_parameters_out_of_range_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="units"):
        fit(tmp_path, wave(), "units=0")


def test_damaged_data_are_refused(tmp_path):
    fit(tmp_path, wave(), "learner=persistence")
    path = tmp_path / "data.npz"
    good = path.read_bytes()
    for bad in (good[:-30], good[:200], b"", good[:2000] + bytes([good[2000] ^ 1]) + good[2001:]):
        path.write_bytes(bad)
        with pytest.raises(RunDirectoryError, match="damaged"):
            read_run(tmp_path)
    np.savez_compressed(path, values=np.zeros(10**6))
    with pytest.raises(RunDirectoryError, match="would inflate"):
        read_run(tmp_path)
    np.savez(path, values=np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(RunDirectoryError, match="Python objects"):
        read_run(tmp_path)
    write_data(path, wave()[:100])
    with pytest.raises(RunDirectoryError, match="are not the 100 rows"):
        read_run(tmp_path)
    write_data(path, wave())
    assert len(read_run(tmp_path).test) == 48


def test_a_directory_that_is_no_run(tmp_path):
    with pytest.raises(RunDirectoryError, match="no run directory"):
        read_run(tmp_path)
