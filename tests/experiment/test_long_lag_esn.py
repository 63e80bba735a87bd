"""Leaky echo state networks on tasks with long lags, against loops over time and least squares over stored states."""

import numpy as np
import pytest

from recurra.experiment.long_lag import run_long_lag
from recurra.experiment.long_lag_esn import draw_leaky, features_at, fit_leaky, states_at
from recurra.experiment.long_lag_settings import settings_for
from recurra.reservoirs import draw_reservoir
from recurra.tasks.long_lag import long_lag


def reservoir(features, units=12):
    options = {"spectral_radius": 0.9, "in_degree": 4, "input_scaling": 1.0, "bias_scaling": 0.5, "leak": 0.3}
    return draw_reservoir(units, features, **options, seed=1)


@pytest.mark.parametrize("name", ["adding", "5-bit-memory"])
def test_states_at_judged_steps_by_a_loop(name):
    task = long_lag(name, 20)
    batch, drawn = task.draw(9, seed=0), reservoir(task.inputs)
    W, wanted = drawn.W.toarray(), []
    for x, there, judged in zip(batch.inputs, batch.present, batch.judged, strict=True):
        h = np.zeros(12)
        for t in range(len(x)):
            if there[t]:
                h = 0.7 * h + 0.3 * np.tanh(W @ h + drawn.W_in @ x[t] + drawn.b)
            if judged[t]:
                wanted.append(h)
    np.testing.assert_allclose(states_at(drawn, batch), wanted, atol=1e-12)


def test_without_the_kernels_the_states_are_the_same(monkeypatch):
    task = long_lag("adding", 20)
    batch, drawn = task.draw(9, seed=0), reservoir(task.inputs)
    fast = states_at(drawn, batch)
    monkeypatch.setattr("recurra.experiment.long_lag_esn.native", lambda reservoir: None)
    np.testing.assert_allclose(states_at(drawn, batch), fast, atol=1e-12)


def test_the_readout_is_the_ridge_regression_of_all_answers():
    task = long_lag("temporal-order", 20)
    chosen = settings_for(task, "esn", {"units": 14, "leaks": [0.5, 5.0]})
    reservoirs = draw_leaky(task.inputs, chosen, 20, 3)
    assert [each.units for each in reservoirs] == [7, 7]
    assert [each.leak for each in reservoirs] == [0.025, 0.25]
    seen = []
    fitted = fit_leaky(reservoirs, task, 7, 3500, "states", lambda count: seen.append(count))
    assert seen == [2000, 3000, 3500]
    assert fitted.sequences == 3500
    batches = [task.draw(count, seed=[1, 7, first]) for first, count in ((1000, 1000), (2000, 1000), (3000, 500))]
    H = np.concatenate([features_at(reservoirs, batch, "states") for batch in batches])
    Y = np.concatenate([batch.targets[batch.judged] for batch in batches]).astype(float)
    X, mean = H - H.mean(axis=0), Y.mean(axis=0)
    penalty = fitted.network.ridge * np.linalg.norm(X, 2) ** 2
    stacked = np.concatenate([X, np.sqrt(penalty) * np.eye(14)])
    V = np.linalg.lstsq(stacked, np.concatenate([Y - mean, np.zeros((14, 4))]), rcond=0)[0]
    test = task.draw(50, seed=99)
    outputs = fitted.network.outputs(test)
    wanted = mean + (features_at(reservoirs, test, "states") - H.mean(axis=0)) @ V
    np.testing.assert_allclose(outputs[test.judged], wanted, atol=1e-5)
    assert not outputs[~test.judged].any()


@pytest.mark.parametrize(("name", "length"), [("adding", 250), ("multiplication", 60), ("xor", 60)])
def test_slow_leaks_solve_what_is_a_sum_over_time(name, length):
    settings = {"sequences_per_epoch": 1500} if name == "adding" else {}
    task = long_lag(name, length)
    found = run_long_lag(task, "esn", seed=0, settings=settings)
    assert found["solved"] is True
    assert found["wrong_fraction"] < 0.001
    assert found["deviation"] < 0.005
    assert found["parameters"] == 201 * task.outputs


def test_noise_that_is_summed_up_is_not_told_apart_from_the_signal():
    found = run_long_lag(long_lag("noisy-recall", 100), "esn", seed=0)
    assert (found["solved"], found["stop"]) == (False, "sequences")
    assert found["wrong_fraction"] > 0.2


def test_the_pass_ends_when_time_is_over():
    found = run_long_lag(long_lag("adding", 20), "esn", seed=0, budget=1e-6)
    assert found["sequences"] == 2000  # those held out, and one piece


def test_the_same_seed_gives_the_same_result():
    first, again = (run_long_lag(long_lag("adding", 20), "esn", seed=4, most=1200) for _ in range(2))
    assert first["deviation"] == again["deviation"]
    assert first["sequences"] == 1200
