"""The trajectories of Lorenz in small: protocol and baselines by independent loops, and the slip with the sign."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from recurra.examples import lorenz_trajectories as example
from recurra.report import Table


@pytest.fixture(scope="module")
def outcome():
    return example.run(seeds=1, seed=0, further=2, epochs=10)


@pytest.fixture(scope="module")
def data():
    train, test, _ = example.trajectories(0)
    values = np.stack([part.values for part in train])
    mean, std = values.mean(axis=(0, 1)), values.std(axis=(0, 1))
    return (values - mean) / std, (test.values - mean) / std


def test_whole_trajectories_are_held_out_and_start_in_the_cube():
    train, test, more = example.trajectories(2)
    assert (len(train), len(test), [len(part) for part in more]) == (9, 800, [2500, 2500])
    assert {len(part) for part in train} == {800}
    starts = np.stack([part.values[0] for part in (*train, test, *more)])
    assert np.abs(starts).max() <= 15
    assert len(np.unique(starts, axis=0)) == 12
    assert test.provenance["method"] == "accurate"
    assert test.dt == pytest.approx(0.01, rel=1e-12)


def test_the_trajectories_are_those_of_the_lorenz_equations():
    def field(t, s):
        return [10 * (s[1] - s[0]), s[0] * (28 - s[2]) - s[1], s[0] * s[1] - 8 / 3 * s[2]]

    test = example.trajectories(0)[1]
    again = solve_ivp(field, (0, 3), test.values[0], t_eval=test.times[:301], rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(test.values[:301], again.y.T, atol=1e-6)


def test_the_two_lag_autoregression_is_least_squares_on_standardised_rows(outcome, data):
    train, test = data
    lags = np.concatenate([np.hstack([np.ones((798, 1)), part[1:-1], part[:-2]]) for part in train])
    weights = np.linalg.lstsq(lags, np.concatenate([part[2:] for part in train]), rcond=None)[0]
    rows = range(example.KNOWN, 800)
    errors = [np.array([1.0, *test[t - 1], *test[t - 2]]) @ weights - test[t] for t in rows]
    found = outcome.results["baselines"]["vector AR, 2 lags"]["test"]["one_step"]["mse"]
    assert found == pytest.approx(np.mean(np.square(errors)), rel=1e-6)
    assert 1e-5 < found < 6e-5  # 5.7e-5 on another draw of starts


def test_persistence_by_a_loop_one_step_and_in_closed_loop(outcome, data):
    test, known = data[1], example.KNOWN
    found = outcome.results["baselines"]["persistence"]["test"]
    one_step = np.mean([(test[t - 1] - test[t]) ** 2 for t in range(known, 800)])
    assert found["one_step"]["mse"] == pytest.approx(one_step, rel=1e-9)
    rows = 0
    while np.sqrt(np.mean((test[known - 1] - test[known + rows]) ** 2)) <= 0.4:
        rows += 1
    assert found["closed_loop"]["valid_time"] == pytest.approx(rows * 0.01 * 0.9056, rel=1e-9)


def test_a_good_step_is_not_a_long_forecast(outcome):
    """Eight lags extrapolate a step to many digits, and are lost in closed loop before a Lyapunov time is over."""
    linear = outcome.results["baselines"]["vector AR, 8 lags"]["further"]
    assert linear["one_step"]["mse"] < 1e-8
    assert linear["closed_loop"]["valid_time"] < 0.5
    lstm, esn = (outcome.results["median"][name] for name in ("lstm", "esn"))
    assert esn["further"]["closed_loop"]["valid_time"] > 5
    assert isinstance(outcome.table, Table)
    assert [row[0] for row in outcome.table.rows[::2]] == ["LSTM", "vanilla RNN", "vector AR, 2 lags", "persistence"]
    assert outcome.table.rows[0][1] == lstm["test"]["one_step"]["mse"]


def test_the_wrong_sign_of_sigma_leaves_every_bound_within_about_a_time_unit():
    def field(t, s):
        return [10 * (s[0] - s[1]), s[0] * (28 - s[2]) - s[1], s[0] * s[1] - 8 / 3 * s[2]]

    def far(t, s):
        return np.abs(s).max() - 1e4

    far.terminal = True
    starts = np.random.default_rng(1).uniform(-15, 15, (5, 3))
    times = [solve_ivp(field, (0, 2), start, events=far).t[-1] for start in starts]
    assert max(times) < 1.2
    assert 0.5 < np.median(times) < 0.9
