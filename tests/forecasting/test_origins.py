"""Forecast origins against a cut row by row, and scores against hand arithmetic."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recurra.forecasting import Origins, closed_loop_errors, forecast_origins, horizon_score


def table(rows, channels, drive):
    """Every entry tells its row and column: 100 row + column, the drive negative."""
    grid = 100.0 * np.arange(rows)[:, None]
    return grid + np.arange(channels), -grid - np.arange(drive)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_cut_is_what_a_loop_cuts(data):
    warmup, steps = data.draw(st.integers(0, 6)), data.draw(st.integers(0, 5))
    rows = warmup + steps + data.draw(st.integers(1, 6))
    channels, drive = data.draw(st.integers(1, 3)), data.draw(st.integers(0, 2))
    known = data.draw(st.lists(st.integers(warmup, rows - 1 - steps), min_size=1, max_size=4))
    y, u = table(rows, channels, drive)
    cut = Origins.cut(y, u, known, warmup, steps)
    assert len(cut) == len(known)
    assert cut.warm.shape == (len(known), warmup, channels + drive)
    assert cut.drive.shape == (len(known), steps, drive)
    for i, r in enumerate(known):
        assert cut.last[i].tolist() == y[r].tolist()
        for j in range(warmup):
            t = r - warmup + j
            assert cut.warm[i, j].tolist() == [*y[t], *u[t + 1]]
        for k in range(steps):
            assert cut.truth[i, k].tolist() == y[r + 1 + k].tolist()
            assert cut.drive[i, k].tolist() == u[r + 1 + k].tolist()


def test_join_puts_batches_one_after_the_other():
    y, u = table(20, 2, 1)
    parts = [Origins.cut(y, u, rows, 3, 4) for rows in ([5, 9], [12])]
    joined, whole = Origins.join(parts), Origins.cut(y, u, [5, 9, 12], 3, 4)
    for name in ("warm", "last", "drive", "truth"):
        np.testing.assert_array_equal(getattr(joined, name), getattr(whole, name))


class Counter:
    """y[t+1] = y[t] + u[t+1] + the number of rows seen so far: shows the state, the drive and the order of rows."""

    def initial_state(self, batch):
        return np.zeros(batch)

    def run(self, state, inputs):
        return state + inputs.shape[1], inputs[..., :1] + inputs[..., 1:]

    def free_run(self, state, last, drive):
        y, out = last, []
        for k in range(drive.shape[1]):
            state = state + 1
            y = y + drive[:, k] + state[:, None]
            out.append(y)
        return state, np.stack(out, axis=1)


def test_forecasts_start_from_the_warm_state():
    y, u = np.zeros((12, 1)), np.full((12, 1), 0.5)
    forecast = forecast_origins(Counter(), Origins.cut(y, u, [4, 6], 3, 2))
    np.testing.assert_allclose(forecast[:, :, 0], [[4.5, 10.0], [4.5, 10.0]])  # 0 + .5 + 4, then + .5 + 5


def test_errors_are_root_mean_squares_over_channels():
    truth = np.zeros((1, 3, 2))
    forecast = np.array([[[3.0, 4.0], [0.0, 0.0], [-1.0, 1.0]]])
    np.testing.assert_allclose(closed_loop_errors(forecast, truth), [[np.sqrt(12.5), 0.0, 1.0]])


def test_horizon_score_is_monotone_and_bounded():
    errors = np.random.default_rng(0).uniform(0.01, 0.9, (3, 4, 5))
    scores = horizon_score(errors)
    assert scores.shape == (3,)
    assert (horizon_score(errors * 0.5) < scores).all()
    for candidate in range(3):
        assert errors[candidate].min() <= scores[candidate] <= errors[candidate].max()


def test_a_runaway_origin_has_a_bounded_say():
    errors = np.full((2, 4, 5), 0.1)
    errors[0, 0], errors[1, 0] = 1e6, np.inf
    ran_away = horizon_score(errors)
    assert np.isfinite(ran_away).all()
    assert ran_away[0] == ran_away[1]  # beyond the ceiling it does not matter by how much
    assert ran_away[0] > horizon_score(np.full((4, 5), 0.1))


def test_a_lower_ceiling_cannot_raise_the_score():
    errors = np.random.default_rng(1).uniform(0, 30, (4, 5))
    assert horizon_score(errors, 1.0) <= horizon_score(errors, 5.0) <= horizon_score(errors, 100.0)


def test_a_perfect_forecast_scores_best():
    assert 0 <= float(horizon_score(np.zeros((2, 3)))) == pytest.approx(0, abs=1e-15)
