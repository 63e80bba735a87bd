"""The laser example in small: its protocol, its scores and its baselines by independent loops."""

import json
from pathlib import Path

import numpy as np
import pytest

from recurra.data import datasets
from recurra.examples import laser

TUNED = Path(__file__).resolve().parents[2] / "benchmarks" / "laser"


@pytest.fixture(scope="module")
def series():
    return datasets.load("santa-fe-laser")[: laser.TRAINED + laser.TESTED]


def nmse(forecast, truth):
    return np.mean((forecast - truth) ** 2) / np.var(truth)


def test_baselines_are_what_loops_give(series):
    y = series.values[:, 0]
    found = laser._baselines(series)
    persistence = found["persistence"]
    assert persistence["one_step"]["nmse"] == pytest.approx(nmse(y[999:5999], y[1000:6000]), rel=1e-9)
    assert persistence["closed_loop"]["nmse"] == pytest.approx(nmse(y[999], y[1000:1100]), rel=1e-9)
    mean = y[:1000].mean()
    assert found["climatology"]["one_step"]["nmse"] == pytest.approx(nmse(mean, y[1000:6000]), rel=1e-9)
    assert found["climatology"]["closed_loop"]["nmse"] == pytest.approx(nmse(mean, y[1000:1100]), rel=1e-9)
    for score in found.values():
        assert score["one_step"]["r2"] == pytest.approx(1 - score["one_step"]["nmse"], abs=1e-12)


def test_the_linear_baseline_is_least_squares_on_the_lags(series):
    y, order = series.values[:, 0], 8
    table = np.array([[1.0, *y[t - order : t][::-1]] for t in range(order, 6000)])
    weights = np.linalg.lstsq(table[: 1000 - order], y[order:1000], rcond=None)[0]
    expected = nmse(table[1000 - order :] @ weights, y[1000:6000])
    model = laser.Linear(order=order).fit(series[:1000])
    assert laser._score(series[1000:], model.predict(series[1000:]), model.forecast(100))["one_step"][
        "nmse"
    ] == pytest.approx(expected, rel=1e-7)


def test_a_square_undoes_a_root(series):
    np.testing.assert_allclose(laser._square(laser._root(series)).values, series.values, atol=1e-12)
    assert laser._root(series).times[-1] == series.times[-1]


def test_laser_in_small(monkeypatch):
    for settings in (laser.ONE_STEP, laser.CLOSED_LOOP):
        monkeypatch.setitem(settings, "units", 200)
    outcome = laser.run(seeds=2, seed=0)
    found = outcome.results
    assert [entry["seed"] for entry in found["seeds"]] == [0, 1]
    assert found["median"]["one_step"]["r2"] > 0.99
    for name in ("linear", "persistence", "climatology"):
        assert found["baselines"][name]["one_step"]["nmse"] > 5 * found["median"]["one_step"]["nmse"]
    values = datasets.load("santa-fe-laser").values[1000:6000]
    assert found["rounding_nmse"] == pytest.approx(1 / 12 / np.var(values), rel=1e-12)
    assert found["best"]["closed_loop"]["nmse"] == min(e["closed_loop"]["nmse"] for e in found["seeds"])
    assert len(outcome.sections) == 1
    assert all(figure.startswith("<svg") for figure in outcome.sections[0].figures)
    assert outcome.table.rows[0][1] == found["median"]["one_step"]["r2"]


@pytest.mark.skipif(not TUNED.exists(), reason="needs the repository")
@pytest.mark.parametrize(
    ("file", "settings"), [("results", laser.ONE_STEP), ("results-closed-loop", laser.CLOSED_LOOP)]
)
def test_the_settings_are_those_that_the_training_rows_chose(file, settings):
    chosen = json.loads((TUNED / f"{file}.jsonl").read_text().splitlines()[-1])
    params = laser.ESN(**settings).get_params()
    assert {name: params[name] for name in chosen if name in params} == {k: v for k, v in chosen.items() if k in params}
    assert len(set(chosen) & set(params)) >= 4
