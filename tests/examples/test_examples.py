"""The examples in small: their protocol, and the figures that are known from elsewhere."""

from importlib import import_module

import numpy as np
import pytest

from recurra.data import datasets
from recurra.errors import RecurraWarning
from recurra.estimators import Linear
from recurra.examples import EXAMPLES, earth_rotation, lorenz, oscillator, simple_sine
from recurra.metrics import nrmse

SMALL = {"seeds": 1, "seed": 0}


def test_every_example_is_described_and_has_a_run():
    names = "simple-sine oscillator lorenz earth-rotation laser sine-recursive noisy-sine driven-oscillator many-body "
    names += "spiral lorenz-trajectories rows pulses sines-generator dna-motif identify-oscillator solve-oscillator "
    names += "ablation decisions tracks"
    assert set(EXAMPLES) == set(names.split())
    for name, example in EXAMPLES.items():
        assert example.title
        assert example.shows.endswith(".")
        assert example.seeds >= (3 if name == "rows" else 5)
        assert callable(import_module(example.home).run)


def test_simple_sine_as_lectured_never_moves_its_recurrent_weights():
    with pytest.warns(RecurraWarning, match="recurrent weights are unused"):
        outcome = simple_sine.run(**SMALL, as_lectured=True)
    entry = outcome.results["seeds"][0]
    assert entry["recurrent_weights_moved"] == 0.0
    assert 0.31 <= entry["train"]["mse"] <= 0.39  # an independent NumPy run of the lecture's code: 0.334 to 0.363
    assert 0.34 <= entry["test"]["mse"] <= 0.53
    assert (entry["train"]["pairs"], entry["test"]["pairs"]) == (800, 200)  # 4 of each are made up by the padding
    assert entry["first_test_row_forecast"] == 804
    assert "never changes" in outcome.results["warning"]


def test_simple_sine_put_right_moves_them_and_forecasts_every_test_row():
    outcome = simple_sine.run(**SMALL)
    entry = outcome.results["seeds"][0]
    assert entry["recurrent_weights_moved"] > 0.1
    assert (entry["train"]["pairs"], entry["test"]["pairs"]) == (796, 200)
    assert entry["first_test_row_forecast"] == 800
    assert "warning" not in outcome.results
    noise = 4 / 12  # variance of 2 u
    assert entry["test"]["mse"] > 0.85 * noise  # nothing beats the noise but by luck: 200 rows, standard error 6 %


def test_simple_sine_baselines_are_what_theory_says():
    """Persistence doubles the noise, the mean of four rows adds a quarter of it; the sine moves little in a step."""
    series = [simple_sine.NoisySine().simulate(steps=999, seed=k) for k in range(20)]
    found = [simple_sine._baselines(each.values[:, 0]) for each in series]
    assert np.mean([b["persistence"] for b in found]) == pytest.approx(2 / 3, rel=0.05)
    assert np.mean([b["mean of 4"] for b in found]) == pytest.approx(5 / 12, rel=0.05)


def test_oscillator_starts_and_frequencies_are_unseen():
    train = oscillator.training_set("oscillator")
    test = oscillator.unseen_set("oscillator")
    assert (len(train), len(test)) == (40, 10)
    frequency = [[part.provenance["parameters"]["frequency"] for part in parts] for parts in (train, test)]
    assert not set(frequency[0]) & set(frequency[1])
    assert min(np.abs(a.values[0] - b.values[0]).max() for a in train for b in test) > 1e-3
    for part in test:
        w = part.provenance["parameters"]["frequency"]
        drive = part.inputs.values[:, 0]
        np.testing.assert_allclose(drive, np.cos(w * part.times), atol=1e-12)
        rows = oscillator._scored(part)
        assert rows * oscillator.DT * w / (2 * np.pi) == pytest.approx(5, abs=0.06)
        assert oscillator.WARMUP + 1 + rows <= len(part)


@pytest.mark.parametrize(("name", "low", "high"), [("oscillator", 0.0, 1e-6), ("duffing", 0.1, 0.3)])
def test_a_linear_model_is_exact_for_the_oscillator_and_fails_for_duffing(name, low, high):
    train = oscillator.training_set(name)
    test = oscillator.unseen_set(name)
    model = Linear(max_order=8).fit(train)
    start = oscillator.WARMUP + 1
    pairs = [(part[start:], model.forecast(len(part) - start, part[:start], part[start:].inputs)) for part in test]
    truth, forecast = (np.concatenate([pair[k].values for pair in pairs]) for k in (0, 1))
    assert low <= nrmse(truth, forecast, model.frame_.scaler.std) <= high


def test_lorenz_in_small():
    outcome = lorenz.run(**SMALL, sizes=(200,), starts=2)
    found = outcome.results
    assert len(found["seeds"][0]["200"]["starts"]) == 2
    assert found["median"]["200"]["valid_time"] > 8  # Lyapunov times; 500 units reach 25
    assert found["baselines"]["linear"] < 2
    assert all(row > lorenz.TRAINED for row in found["origins"])
    assert 25 < found["truth_agreement"]["least"] < 40  # where float64 ends
    assert outcome.table.rows[0][1] == found["median"]["200"]["valid_time"]


def test_earth_rotation_protocol_and_persistence():
    """Errors of persistence over the 61 origins, from the file of the data package by an independent loop."""
    series = datasets.load("earth-rotation", until=earth_rotation.UNTIL)
    first = earth_rotation.UNTIL - 90 - 30 * 60
    train, origins = earth_rotation._protocol(series, first)
    assert len(origins) == 61
    assert train.times[-1] == first == series.times[origins[0]]
    assert series.times[origins[-1]] + 90 == earth_rotation.UNTIL == series.times[-1]
    x = series.values[:, 0]
    expected = {h: np.sqrt(np.mean([(x[r + h] - x[r]) ** 2 for r in origins])) for h in (10, 30, 90)}
    rows = Linear(order=2).fit(train).backtest(series, 90, origins).table([10, 30, 90])
    got = {round(r["horizon"]): r["rmse"]["x"] for r in rows if r["learner"] == "persistence"}
    assert got == pytest.approx(expected, rel=1e-9)
    assert got == pytest.approx({10: 15.50, 30: 44.72, 90: 121.96}, rel=1e-3)
