"""Metrics against numbers worked out by hand, closed forms and an independent loop."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn import metrics as reference

from recurra import metrics
from recurra.errors import ConfigError, DataError
from recurra.series import Series

NAMES = ("rmse", "mae", "smape", "r2", "nrmse", "error_growth", "valid_prediction_time")
TABLES = arrays.arrays(np.float64, st.tuples(st.integers(2, 12), st.integers(1, 4)), elements=st.floats(-1e3, 1e3))


@pytest.fixture
def pair():
    rng = np.random.default_rng(3)
    truth = rng.normal(size=(40, 3)) * [1.0, 10.0, 0.1] + [0.0, 5.0, -2.0]
    return truth, truth + rng.normal(size=truth.shape) * [0.3, 2.0, 0.05]


def test_agree_with_scikit_learn(pair):
    truth, forecast = pair
    assert metrics.rmse(truth, forecast) == pytest.approx(
        math.sqrt(reference.mean_squared_error(truth.ravel(), forecast.ravel())), rel=1e-13
    )
    assert metrics.mae(truth, forecast) == pytest.approx(reference.mean_absolute_error(truth, forecast), rel=1e-13)
    assert metrics.r2(truth, forecast) == pytest.approx(reference.r2_score(truth, forecast), rel=1e-12)


def test_errors_by_hand():
    truth, forecast = [[0.0, 1.0], [2.0, 3.0]], [[1.0, 1.0], [2.0, 0.0]]
    assert metrics.rmse(truth, forecast) == pytest.approx(math.sqrt(10 / 4), rel=1e-15)
    assert metrics.mae(truth, forecast) == 1.0
    assert metrics.smape(truth, forecast) == pytest.approx(100 * (2 + 0 + 0 + 2) / 4, rel=1e-15)


def test_smape_bounds_and_zero_over_zero():
    assert metrics.smape([1.0, -2.0, 3.0], [-1.0, 2.0, 0.0]) == 200.0
    assert metrics.smape([0.0, 0.0], [0.0, 0.0]) == 0.0
    assert metrics.smape([0.0, 4.0], [0.0, 4.0 / 3]) == pytest.approx(50.0, rel=1e-14)


def test_r2_is_zero_for_the_mean_and_defined_for_a_flat_channel():
    truth = np.array([[1.0, 0.1], [2.0, 0.1], [6.0, 0.1]])
    mean = np.tile([3.0, 0.1], (3, 1))
    assert metrics.r2(truth[:, :1], mean[:, :1]) == pytest.approx(0.0, abs=1e-15)
    assert metrics.r2(truth, mean) == pytest.approx(0.5, abs=1e-15)  # the flat channel is exact: 1
    assert metrics.r2(truth[:, 1:], mean[:, 1:] + 1e-3) == 0.0


def test_nrmse_takes_the_root_mean_square_over_channels():
    truth = np.zeros((4, 2))
    forecast = np.tile([3.0, 40.0], (4, 1))
    assert metrics.nrmse(truth, forecast, scale=[1.0, 10.0]) == pytest.approx(math.sqrt((9 + 16) / 2), rel=1e-15)
    assert metrics.nrmse(truth, forecast, scale=2.0) == pytest.approx(math.sqrt((9 + 1600) / 8), rel=1e-15)


def test_scale_comes_from_the_argument_then_the_forecast_then_the_truth(pair):
    truth, forecast = pair
    carried = Series(forecast, provenance={"training_std": [2.0, 2.0, 2.0]})
    per_channel = np.sqrt(((forecast - truth) ** 2).mean(axis=0))
    assert metrics.nrmse(truth, carried, scale=4.0) == pytest.approx(math.sqrt((per_channel**2).mean()) / 4, rel=1e-13)
    assert metrics.nrmse(truth, carried) == pytest.approx(math.sqrt((per_channel**2).mean()) / 2, rel=1e-13)
    assert metrics.nrmse(truth, forecast) == pytest.approx(
        math.sqrt(((per_channel / truth.std(axis=0)) ** 2).mean()), rel=1e-13
    )


def test_error_growth_by_a_loop(pair):
    truth, forecast = pair
    scale = [1.0, 10.0, 0.1]
    expected = [
        math.sqrt(sum(((forecast[k, c] - truth[k, c]) / scale[c]) ** 2 for c in range(3)) / 3) for k in range(40)
    ]
    np.testing.assert_allclose(metrics.error_growth(truth, forecast, scale), expected, rtol=1e-13)


@pytest.mark.parametrize(
    ("errors", "valid"),
    [
        ([0.1, 0.2, 0.5, 0.1], 2),  # one that comes back within does not count
        ([0.4, 0.4, 0.4, 0.4], 4),  # the threshold itself is still valid
        ([0.41, 0.0, 0.0, 0.0], 0),
        ([0.0, 0.0, 0.0, 9.0], 3),
    ],
)
def test_valid_prediction_time_counts_leading_rows(errors, valid):
    truth = np.zeros((4, 1))
    forecast = np.array(errors)[:, None]
    assert metrics.valid_prediction_time(truth, forecast, scale=1.0, dt=0.25) == valid * 0.25
    assert metrics.valid_prediction_time(Series(truth, dt=0.25), forecast, scale=1.0) == valid * 0.25
    assert metrics.valid_prediction_time(truth, forecast, scale=1.0) == valid


def test_valid_prediction_time_of_exponential_growth():
    # e(t) = e0 exp(lambda t) crosses 0.4 at ln(0.4 / e0) / lambda.
    rate, start, dt = 0.9, 1e-6, 0.01
    times = dt * np.arange(1, 3001)
    error = start * np.exp(rate * times)
    valid = metrics.valid_prediction_time(np.zeros(3000), error, scale=1.0, dt=dt)
    assert valid == pytest.approx(math.log(0.4 / start) / rate, abs=dt)


def test_valid_prediction_time_refuses_two_steps():
    truth, forecast = Series(np.zeros((3, 1)), dt=1.0), Series(np.ones((3, 1)), dt=0.5)
    with pytest.raises(DataError, match=r"dt 1, the forecast 0\.5"):
        metrics.valid_prediction_time(truth, forecast, scale=1.0)
    assert metrics.valid_prediction_time(truth, forecast, threshold=2.0, scale=1.0, dt=0.5) == 1.5


@pytest.mark.parametrize("argument", [{"threshold": 0.0}, {"threshold": math.nan}, {"dt": 0.0}, {"dt": math.inf}])
def test_valid_prediction_time_refuses_senseless_arguments(argument):
    with pytest.raises(ConfigError, match=next(iter(argument))):
        metrics.valid_prediction_time([0.0], [0.0], scale=1.0, **argument)


@pytest.mark.parametrize("name", NAMES)
def test_refuse_unequal_shapes(name):
    with pytest.raises(DataError, match=r"truth \(3, 2\) and forecast \(2, 2\)"):
        getattr(metrics, name)(np.zeros((3, 2)), np.zeros((2, 2)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_refuse_what_is_not_finite(name, bad):
    forecast = Series([[0.0, 1.0], [1.0, bad], [2.0, bad]], channels=["x", "v"])
    with pytest.raises(DataError, match=r"forecast has 2 values that are not finite, the first in row 1, channel 'v'"):
        getattr(metrics, name)(np.ones((3, 2)), forecast)


@pytest.mark.parametrize("name", NAMES)
def test_refuse_swapped_channels(name):
    truth, forecast = Series(np.eye(3, 2), channels=["x", "v"]), Series(np.eye(3, 2), channels=["v", "x"])
    with pytest.raises(DataError, match="another order"):
        getattr(metrics, name)(truth, forecast)


@pytest.mark.parametrize("name", NAMES)
def test_refuse_nothing(name):
    with pytest.raises(DataError, match="no rows"):
        getattr(metrics, name)(np.empty((0, 2)), np.empty((0, 2)))


@pytest.mark.parametrize("scale", [[1.0, 0.0], [1.0, -1.0], [1.0, math.nan], [1.0, math.inf], [1.0]])
def test_refuse_a_scale_that_cannot_divide(scale):
    with pytest.raises(DataError, match="scale"):
        metrics.nrmse(np.eye(3, 2), np.zeros((3, 2)), scale=scale)


def test_a_constant_truth_needs_a_scale():
    with pytest.raises(DataError, match=r"standard deviation of the truth is 0\.0 in channel 0"):
        metrics.nrmse(np.full(5, 0.1), np.zeros(5))


def test_huge_errors_do_not_overflow():
    assert metrics.rmse([0.0, 0.0], [3e200, 4e200]) == pytest.approx(5e200 / math.sqrt(2), rel=1e-14)
    assert metrics.smape([1.5e308], [1.5e308]) == 0.0


@given(TABLES)
def test_a_perfect_forecast_has_no_error(table):
    scores = [getattr(metrics, name)(table, table) for name in ("rmse", "mae", "smape", "r2")]
    assert scores == [0, 0, 0, 1]
    assert metrics.nrmse(table, table, scale=1.0) == 0
    assert metrics.valid_prediction_time(table, table, scale=1.0, dt=2.0) == 2.0 * len(table)


@given(TABLES, st.integers(0, 2**32 - 1), st.floats(1e-3, 1e3))
def test_units_do_not_change_scaled_errors(table, seed, factor):
    forecast = table + np.random.default_rng(seed).normal(size=table.shape)
    before = metrics.nrmse(table, forecast, scale=np.ones(table.shape[1]))
    after = metrics.nrmse(table * factor, forecast * factor, scale=np.full(table.shape[1], factor))
    assert after == pytest.approx(before, rel=1e-9)
    assert metrics.rmse(table * factor, forecast * factor) == pytest.approx(
        factor * metrics.rmse(table, forecast), rel=1e-9
    )


def test_inputs_are_not_modified(pair):
    truth, forecast = pair
    before = truth.copy(), forecast.copy()
    for name in NAMES:
        getattr(metrics, name)(truth, forecast)
    np.testing.assert_array_equal(truth, before[0])
    np.testing.assert_array_equal(forecast, before[1])


def test_rows_of_other_times_are_not_compared():
    truth = Series(np.arange(10.0), dt=0.5)
    with pytest.raises(DataError, match=r"truth starts at 0.5, the forecast at 0.0"):
        metrics.rmse(truth[1:6], truth[:5])
