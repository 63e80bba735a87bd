"""Rolling origins against one forecast at a time, and the tables against loops."""

import numpy as np
import pytest

from recurra import metrics
from recurra.errors import ConfigError, DataError
from recurra.estimators.backtest import Backtest, pick_origins

HORIZON = 12


@pytest.fixture
def backtest(fitted, chaos):
    return fitted.backtest(chaos, HORIZON, [699, 731, 802, 850])


def test_every_forecast_is_the_forecast_from_its_history(backtest, fitted, chaos):
    assert next(iter(backtest.forecasts)) == fitted.kind
    assert set(backtest.forecasts) - {"seasonal", "harmonic"} == {
        fitted.kind,
        "persistence",
        "climatology",
        "linear",
        "nearest",
    }
    for i, r in enumerate([699, 731, 802, 850]):
        history = chaos[: r + 1]
        alone = {fitted.kind: fitted.forecast(HORIZON, history=history)}
        alone |= fitted.baseline_forecasts(HORIZON, history=history)
        for learner, series in alone.items():
            np.testing.assert_allclose(backtest.forecasts[learner][i], series.values, rtol=1e-6, atol=1e-6)
        np.testing.assert_array_equal(backtest.truth[i], chaos.values[r + 1 : r + 1 + HORIZON])
        assert backtest.origins[i] == chaos.times[r]


def test_table_is_a_loop(backtest, fitted, chaos):
    rows = backtest.table([1, 5, HORIZON])
    assert len(rows) == 3 * len(backtest.forecasts)
    for row in rows:
        h = round(row["horizon"] / chaos.dt)
        for c, channel in enumerate("xyz"):
            errors = [
                backtest.forecasts[row["learner"]][i][h - 1, c] - chaos.values[r + h, c]
                for i, r in enumerate([699, 731, 802, 850])
            ]
            assert row["rmse"][channel] == pytest.approx(np.sqrt(np.mean(np.square(errors))), rel=1e-12)
            assert row["mae"][channel] == pytest.approx(np.mean(np.abs(errors)), rel=1e-12)
    assert [row["horizon"] for row in rows[:3]] == pytest.approx([0.02, 0.1, 0.24])


def test_valid_times_are_those_of_the_metric(backtest, chaos):
    scale = chaos.values[:700].std(axis=0)
    for threshold in (0.05, 0.4):
        for learner, times in backtest.valid_times(threshold).items():
            expected = [
                metrics.valid_prediction_time(truth, forecast, threshold, scale, chaos.dt)
                for truth, forecast in zip(backtest.truth, backtest.forecasts[learner], strict=True)
            ]
            assert times == pytest.approx(expected), learner


def test_valid_times_of_known_errors():
    truth, forecast = np.zeros((3, 4, 1)), np.zeros((3, 4, 1))
    forecast[0, 2:] = 9.0  # leaves in row 2, after two valid rows
    forecast[1, 0] = 9.0  # is out at once, though it comes back
    table = Backtest(truth, {"one": forecast}, np.arange(3.0), 0.5, ("x",), np.array([2.0]))
    assert table.valid_times(1.0)["one"].tolist() == [1.0, 0.0, 2.0]
    assert table.valid_times(4.5)["one"].tolist() == [2.0, 2.0, 2.0]


@pytest.mark.parametrize("horizons", [[0], [-1], [5], [1, 2.0]])
def test_horizons_outside_the_backtest_are_refused(horizons):
    table = Backtest(np.zeros((1, 4, 1)), {"one": np.zeros((1, 4, 1))}, np.zeros(1), 1.0, ("x",), np.ones(1))
    with pytest.raises(ConfigError, match="1 to 4"):
        table.table(horizons)


def test_origins_spread_evenly_from_the_first_to_the_last_possible():
    assert pick_origins([100], memory=10, horizon=5, origins=3) == [9, 52, 94]
    assert pick_origins([100], memory=10, horizon=5, origins=1) == [9]
    assert pick_origins([16], memory=10, horizon=5, origins=10) == [9, 10]  # no origin twice
    assert pick_origins([15], memory=10, horizon=5, origins=10) == [9]
    assert pick_origins([100], memory=10, horizon=5, origins=[94, 9]) == [94, 9]


@pytest.mark.bad_input(7)
def test_a_horizon_longer_than_the_rows_or_than_every_segment_names_the_longest():
    with pytest.raises(ConfigError, match=r"10 known rows and 5 to score, got 14 rows: take a `horizon` of at most 4"):
        pick_origins([14], memory=10, horizon=5, origins=1)
    assert pick_origins([14], memory=10, horizon=4, origins=1) == [9]
    with pytest.raises(ConfigError, match=r"got 37 rows in 3 segments: take a `horizon` of at most 3"):
        pick_origins([12, 13, 12], memory=10, horizon=5, origins=1)
    assert pick_origins([12, 13, 12], memory=10, horizon=3, origins=9) == [21]
    with pytest.raises(ConfigError, match=r"18 known rows and 5 to score, got 20 rows: take a `horizon` of at most 2"):
        pick_origins([20], memory=10, horizon=5, origins=1, trained=17)
    assert pick_origins([20], memory=10, horizon=2, origins=1, trained=17) == [17]


def test_impossible_origins_are_refused():
    with pytest.raises(DataError, match=r"10 known rows and 5 to score, got 10 rows: give the rows before"):
        pick_origins([10], memory=10, horizon=5, origins=1)
    for origins in ([8], [95], [20.5], [], 0):
        with pytest.raises(ConfigError, match="origins"):
            pick_origins([100], memory=10, horizon=5, origins=origins)
    for horizon in (0, 2.5):
        with pytest.raises(ConfigError, match="horizon"):
            pick_origins([100], memory=10, horizon=horizon, origins=1)
