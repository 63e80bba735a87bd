"""The seasonal forecast against periodic series and a loop; the periods of sines, and of what has none."""

import numpy as np
import pytest

import recurra as rc
from recurra.baselines import Seasonal, periods
from recurra.baselines.seasonal import _lagged_sums
from recurra.errors import ConfigError, DataError, RecurraWarning

SEASON = np.random.default_rng(0).standard_normal((7, 2))
PERIODIC = np.tile(SEASON, (12, 1))
SEEDS = range(20)


def _standard(values):
    return (values - values.mean(axis=0)) / values.std(axis=0)


def _sine(seed, rows=600, noise=0.5):
    """A sine of period 25 of a phase of its own, in white noise."""
    rng = np.random.default_rng(seed)
    wave = np.sin(2 * np.pi * np.arange(rows) / 25 + rng.uniform(0, 6)) + noise * rng.standard_normal(rows)
    return _standard(wave[:, None])


def test_a_forecast_is_a_loop_over_the_row_a_period_ago():
    rows = np.random.default_rng(1).standard_normal((3, 5, 2))
    network = Seasonal(2, 4)
    state, one_step = network.run(network.initial_state(3), rows[:, :4])
    _, free = network.free_run(state, rows[:, 4], np.zeros((3, 11, 1)))
    for one in range(3):
        known = [*np.zeros((3, 2)), *rows[one]]  # before any data: the mean
        for t in range(4):
            np.testing.assert_array_equal(one_step[one, t], known[t])  # of row t + 1, from rows up to t
        for k in range(11):
            known.append(known[-4])
            np.testing.assert_array_equal(free[one, k], known[-1])


def test_a_forecast_in_two_pieces_is_the_whole():
    network, last = Seasonal(1, 5), np.array([[4.0]])
    start = np.arange(4.0)[None, :, None]
    _, whole = network.free_run(start, last, np.zeros((1, 13, 0)))
    for cut in (2, 5, 8):
        state, first = network.free_run(start, last, np.zeros((1, cut, 0)))
        _, second = network.free_run(state, first[:, -1], np.zeros((1, 13 - cut, 0)))
        np.testing.assert_array_equal(np.concatenate([first, second], axis=1), whole)


def test_lagged_sums_are_those_of_the_pairs_that_were_measured():
    values = np.random.default_rng(2).standard_normal((40, 2))
    values[np.random.default_rng(3).random((40, 2)) < 0.2] = np.nan
    products, pairs = _lagged_sums(values, 13)
    for k in range(14):
        each = values[: 40 - k] * values[k:]
        np.testing.assert_allclose(products[k], np.nansum(each, axis=0), atol=1e-12)
        np.testing.assert_array_equal(pairs[k], np.sum(~np.isnan(each), axis=0))


@pytest.mark.parametrize(("noise", "first"), [(0.0, 20), (0.5, 17), (1.0, 12)])
def test_the_period_of_a_sine_in_noise_is_found(noise, first):
    """Within a row, of 20 phases: always among the candidates, mostly before its multiples."""
    close = [[abs(period - 25) <= 1 for period in periods([_sine(seed, noise=noise)])] for seed in SEEDS]
    assert sum(map(any, close)) == 20
    assert sum(each[0] for each in close) >= first


def test_six_periods_are_enough_for_a_clean_sine():
    assert [periods([_sine(seed, rows=150, noise=0.0)])[0] for seed in SEEDS] == [25] * 20


@pytest.mark.parametrize(
    "draw",
    [
        pytest.param(lambda e: e, id="white noise"),
        pytest.param(lambda e: np.cumsum(e, axis=0), id="random walk"),
        pytest.param(lambda e: np.cumsum(np.cumsum(e, axis=0), axis=0), id="integrated random walk"),
        pytest.param(lambda e: np.arange(len(e))[:, None] + e, id="trend"),
    ],
)
def test_rows_without_a_season_show_none(draw):
    shocks = (np.random.default_rng(seed).standard_normal((600, 2)) for seed in SEEDS)
    assert [periods([_standard(draw(each))]) for each in shocks] == [[]] * 20


def test_periods_are_those_of_the_series_that_were_given():
    """Nearest of equal peaks first; series are not joined, and what is missing is left out."""
    assert periods([_standard(PERIODIC)]) == [7, 14, 21]
    pieces = [_standard(PERIODIC)[at : at + 31] for at in (0, 3, 40, 50)]
    assert periods(pieces)[0] == 7
    holed = _standard(PERIODIC)
    holed[np.random.default_rng(4).random(holed.shape) < 0.3] = np.nan
    assert sorted(periods([holed])) == [7, 14, 21]
    assert periods([_standard(PERIODIC)], most=2) == [7, 14]
    assert periods([np.array([[1.0], [-1.0], [1.0], [-1.0]])]) == []  # a third of four rows is no period


@pytest.mark.parametrize("period", [7, None])
def test_a_periodic_series_is_continued_to_the_bit(period, tmp_path):
    model = rc.Seasonal(period=period).fit(PERIODIC)
    assert model.network_.period == 7
    expected = np.tile(SEASON, (5, 1))
    np.testing.assert_allclose(model.forecast(35).values, expected, rtol=0, atol=4e-16)
    np.testing.assert_allclose(model.predict(PERIODIC[:20], history=PERIODIC).values, expected[:20], atol=4e-16)
    model.save(tmp_path / "model.safetensors")
    again = rc.load(tmp_path / "model.safetensors")
    assert (type(again), again.get_params(), again.network_) == (rc.Seasonal, {"period": period}, Seasonal(2, 7))
    assert again.forecast(35).values.tobytes() == model.forecast(35).values.tobytes()


def test_the_choice_is_the_candidate_with_the_best_closed_loop():
    """On a slow trend a multiple of the period is as much worse as it is longer."""
    t = np.arange(240)
    model = rc.Seasonal().fit(np.sin(2 * np.pi * t / 12) + t / 400)
    scores = {entry["period"]: entry["validation"] for entry in model.history_}
    assert [*scores] == [12, 24, 36, 48, 60]
    assert [*scores.values()] == sorted(scores.values())
    assert scores[12] < 0.8 * scores[24]
    assert model.network_.period == 12


def test_a_season_that_is_not_there_is_asked_for():
    with pytest.raises(DataError, match=r"shows no period: give `period`"):
        rc.Seasonal().fit(np.random.default_rng(6).standard_normal(200))
    assert "seasonal" not in rc.Persistence().fit(np.random.default_rng(6).standard_normal(200)).baselines_
    assert rc.Persistence().fit(PERIODIC).baselines_["seasonal"] == Seasonal(2, 7)


def test_a_history_shorter_than_a_season_is_preceded_by_the_mean():
    model = rc.Seasonal(period=7).fit(PERIODIC)
    with pytest.warns(RecurraWarning, match=r"history has 3 rows and the warm-up wants 7"):
        forecast = model.forecast(7, history=PERIODIC[:3]).values
    np.testing.assert_allclose(forecast[:4], np.tile(PERIODIC.mean(axis=0), (4, 1)), atol=1e-15)
    np.testing.assert_allclose(forecast[4:], PERIODIC[:3], atol=4e-16)


def test_a_missing_value_comes_back_as_the_last_one_that_was_observed():
    mask = np.ones(PERIODIC.shape, bool)
    mask[-3, 1] = False
    series = rc.Series(PERIODIC, mask=mask)
    forecast = rc.Seasonal(period=7).fit(series).forecast(7).values
    expected = SEASON.copy()
    expected[4, 1] = SEASON[3, 1]
    np.testing.assert_allclose(forecast, expected, atol=1e-15)


@pytest.mark.parametrize("period", [0, -3, 2.5, "weekly", True])
def test_a_period_that_cannot_be_is_refused(period):
    with pytest.raises(ConfigError, match=r"Seasonal: `period` must be a whole number of at least 1"):
        rc.Seasonal(period=period).fit(PERIODIC)
