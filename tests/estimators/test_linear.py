"""The autoregression as an estimator: known processes, and the choice of its order recomputed."""

import numpy as np
import pytest

import recurra as rc
from recurra.errors import ConfigError, DataError
from recurra.estimators import baseline_set
from recurra.estimators.baselines import fibonacci_orders
from recurra.forecasting import horizon_score


def second_order(rows, noise=0.0, seed=0):
    """Two channels of a VAR(2) with slowly decaying oscillations, in their own units, far from zero."""
    A0, A1 = np.array([[1.6, 0.1], [-0.2, 1.5]]), np.array([[-0.75, -0.05], [0.1, -0.7]])
    rng = np.random.default_rng(seed)
    y = np.zeros((rows, 2))
    y[:2] = rng.standard_normal((2, 2))
    for t in range(1, rows - 1):
        y[t + 1] = A0 @ y[t] + A1 @ y[t - 1] + noise * rng.standard_normal(2)
    return y * [3.0, 500.0] + [10.0, -2000.0]


def test_a_noiseless_process_is_continued_exactly():
    y = second_order(130)
    model = rc.Linear(order=2).fit(y[:60])
    np.testing.assert_allclose(model.forecast(70).values, y[60:], rtol=1e-8)
    np.testing.assert_allclose(model.predict(rc.Series(y)[60:]).values, y[60:], rtol=1e-8)


def test_permuted_channels_permute_the_forecast(chaos):
    order = [2, 0, 1]
    permuted = rc.Series(chaos.values[:600, order], dt=chaos.dt, channels=[chaos.channels[i] for i in order])
    one = rc.Linear(order=2).fit(chaos[:600]).forecast(15).values
    other = rc.Linear(order=2).fit(permuted).forecast(15).values
    np.testing.assert_allclose(other, one[:, order], rtol=1e-8, atol=1e-8)


def test_two_lags_are_found_where_one_cannot_swing():
    y = second_order(600, noise=0.3, seed=2)
    model = rc.Linear(max_order=8, horizon=10).fit(y)
    scores = {}
    for entry in model.history_:
        scores[entry["order"]] = min(scores.get(entry["order"], np.inf), entry["validation"])
    assert model.network_.order >= 2
    assert set(scores) == {1, 2, 3, 5, 8}
    assert scores[1] > 1.1 * min(scores.values())
    assert scores[2] < 1.05 * min(scores.values())


def test_the_choice_is_the_best_score_refitted_on_all_rows():
    y = second_order(300, noise=0.3, seed=3)
    model = rc.Linear(max_order=5, horizon=10).fit(y)
    best = min(model.history_, key=lambda entry: entry["validation"])
    p = best["order"]
    assert model.network_.order == p
    z = (y - y.mean(axis=0)) / y.std(axis=0)
    table = np.array([np.concatenate([[1.0], *z[t : t - p if t >= p else None : -1]]) for t in range(p - 1, 299)])
    expected = np.linalg.lstsq(table, z[p:], rcond=None)[0].T
    np.testing.assert_allclose(model.network_.coefficients, expected, atol=1e-9)


def test_the_score_of_an_order_is_that_of_rows_it_was_not_fitted_to():
    """A given series validates, just long enough for one origin."""
    y, held = second_order(300, noise=0.3, seed=4), second_order(40, noise=0.3, seed=5)
    model = rc.Linear(order=2, horizon=40).fit(y, validation=held)
    mean, std = y.mean(axis=0), y.std(axis=0)
    z, v = (y - mean) / std, (held - mean) / std
    table = np.array([np.concatenate([[1.0], z[t], z[t - 1]]) for t in range(1, 299)])
    A = np.linalg.lstsq(table, z[2:], rcond=None)[0].T
    known = list(v[:3])  # order 2 asks for two rows before the last known one
    while len(known) < 40:
        known.append(A @ np.concatenate([[1.0], known[-1], known[-2]]))
    errors = np.sqrt(np.mean((np.array(known[3:]) - v[3:]) ** 2, axis=1))
    assert len({entry["cutoff"] for entry in model.history_}) == len(model.history_)
    for entry in model.history_:
        assert entry["validation"] == pytest.approx(float(horizon_score(errors[None])), rel=1e-6)


def test_candidate_orders():
    assert fibonacci_orders(1) == (1,)
    assert fibonacci_orders(2) == (1, 2)
    assert fibonacci_orders(10) == (1, 2, 3, 5, 8, 10)
    assert fibonacci_orders(34) == (1, 2, 3, 5, 8, 13, 21, 34)


def test_orders_that_the_rows_cannot_determine_are_left_out():
    model = rc.Linear(max_order=34).fit(second_order(60, noise=0.3))
    tried = {entry["order"] for entry in model.history_}
    assert 1 in tried
    assert all(2 * (1 + 2 * order) < 48 - order for order in tried)
    with pytest.raises(DataError, match="too few"):
        rc.Linear(order=30).fit(second_order(60, noise=0.3))


@pytest.mark.parametrize("bad", [{"order": 0}, {"order": 1.5}, {"max_order": 0}, {"horizon": 0}, {"order": True}])
def test_wrong_parameters(bad):
    with pytest.raises(ConfigError, match=next(iter(bad))):
        rc.Linear(**bad).fit(np.arange(100.0))


def test_persistence_forecasts_the_last_row_and_predicts_the_row_before(chaos):
    model = rc.Persistence().fit(chaos[:100])
    np.testing.assert_allclose(model.forecast(5).values, np.tile(chaos.values[99], (5, 1)), rtol=1e-13)
    np.testing.assert_allclose(model.predict(chaos[100:110]).values, chaos.values[99:109], rtol=1e-13)


def test_an_unstable_candidate_is_taken_only_where_all_are(monkeypatch, chaos):
    """Higher orders forecast the held-out rows better; were only the first order stable, it would have to be taken."""
    free = rc.Linear(max_order=5).fit(chaos[:700])
    assert free.network_.order > 1
    monkeypatch.setattr(baseline_set, "_stable", lambda network, origins: network.order == 1)
    assert rc.Linear(max_order=5).fit(chaos[:700]).network_.order == 1
    monkeypatch.setattr(baseline_set, "_stable", lambda network, origins: False)
    assert rc.Linear(max_order=5).fit(chaos[:700]).network_.order == free.network_.order


def test_a_candidate_that_the_refit_makes_unstable_gives_way(monkeypatch, chaos):
    free = rc.Linear(max_order=5).fit(chaos[:700])
    refitted = {"rows": 0}
    refit = baseline_set._refit

    def counting(training, entry):
        refitted["rows"] += 1
        return refit(training, entry)

    monkeypatch.setattr(baseline_set, "_refit", counting)
    monkeypatch.setattr(
        baseline_set, "_stable", lambda network, origins: not refitted["rows"] or network.order != free.network_.order
    )
    assert rc.Linear(max_order=5).fit(chaos[:700]).network_.order != free.network_.order
