"""Sinusoids and an autoregression: against waves that are known, a loop that fits them anew at every row, and files."""

import dataclasses

import numpy as np
import pytest

import recurra as rc
from recurra.baselines import Harmonic, LinearAR, fit_linear, residuals, sinusoids
from recurra.errors import ConfigError, DataError

K = np.arange(600)
WAVES = np.stack(
    [2.0 * np.sin(0.3 + 2 * np.pi * K / 37.3) + 0.01 * K, np.cos(2 * np.pi * K / 37.3) - np.sin(2 * np.pi * K / 11.9)],
    axis=1,
)
PERIODS = np.array([37.3, 11.9])


def network_of(order=2, window=50):
    """Two channels with an autoregression that is stable and couples them."""
    rng = np.random.default_rng(0)
    return Harmonic(np.array([9.0, 4.5]), window, LinearAR(0.3 * rng.standard_normal((2, 1 + 2 * order)) / order, 2))


def by_hand(network, known, steps):
    """Fit to the last w rows by the formula, carry the residual on, and add."""
    w, m = network.window, len(network.periods)
    p, c = network.residual.order, network.residual.coefficients
    if len(known) >= w:
        k = np.arange(1 - w, steps + 1)
        columns = [np.ones(len(k)), k]
        columns += [f(2 * np.pi * k / P) for f in (np.cos, np.sin) for P in network.periods]
        table = np.stack(columns, axis=1)
        assert table.shape[1] == 2 + 2 * m
        waves = table @ np.linalg.lstsq(table[:w], known[-w:], rcond=None)[0]
        left, waves = [*(known[-w:] - waves[:w])], waves[w:]
        c = c if network.half_life is None else fitted_by_hand(np.array(left), p, network.half_life)
    else:
        left, waves = [*np.zeros((p, 2)), *known], np.zeros((steps, 2))
    for _ in range(steps):
        left.append(c[:, 0] + c[:, 1:] @ np.concatenate(left[: -p - 1 : -1]))
    return waves + np.array(left[-steps:])


def fitted_by_hand(left, p, half_life):
    """The autoregression of residuals, row by row, the last row with weight 1."""
    table = np.array([[1.0, *left[t - p : t][::-1].ravel()] for t in range(p, len(left))])
    weights = np.sqrt([2.0 ** (-(len(left) - 1 - t) / half_life) for t in range(p, len(left))])[:, None]
    return np.linalg.lstsq(weights * table, weights * left[p:], rcond=None)[0].T


@pytest.mark.parametrize("half_life", [None, 12.5])
def test_forecasts_are_those_of_a_fit_at_every_row(half_life):
    network, rows = (
        dataclasses.replace(network_of(), half_life=half_life),
        np.random.default_rng(1).standard_normal((3, 70, 2)),
    )
    state, one_step = network.run(network.initial_state(3), rows[:, :65])
    for one in range(3):
        for t in (0, 1, 30, 48, 49, 50, 64):
            expected = by_hand(network, rows[one, : t + 1], 1)[0]
            np.testing.assert_allclose(one_step[one, t], expected, rtol=0, atol=1e-12)
    _, free = network.free_run(state, rows[:, 65], np.zeros((3, 20, 1)))
    for one in range(3):
        np.testing.assert_allclose(free[one], by_hand(network, rows[one, :66], 20), rtol=0, atol=1e-12)


def test_before_the_window_is_full_the_autoregression_is_of_the_rows_themselves():
    network, rows = network_of(), np.random.default_rng(2).standard_normal((1, 20, 2))
    state, _ = network.run(network.initial_state(1), rows[:, :19])
    _, free = network.free_run(state, rows[:, 19], np.zeros((1, 5, 0)))
    np.testing.assert_allclose(free[0], by_hand(network, rows[0], 5), rtol=0, atol=1e-13)


def test_rows_in_two_pieces_are_the_whole():
    network, rows = network_of(), np.random.default_rng(3).standard_normal((2, 90, 2))
    _, whole = network.run(network.initial_state(2), rows)
    state, first = network.run(network.initial_state(2), rows[:, :57])
    _, second = network.run(state, rows[:, 57:])
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), whole, rtol=0, atol=1e-13)
    state, empty = network.run(state, rows[:, :0])
    assert empty.shape == (2, 0, 2)
    after, _ = network.free_run(state, rows[:, 57], np.zeros((2, 60, 0)))
    assert after.shape == (2, 49, 3)
    assert after[..., -1].all()  # what was forecast counts as known


@pytest.mark.parametrize("noise", [0.0, 1e-3])
def test_the_periods_of_known_waves(noise):
    rows = WAVES + noise * np.random.default_rng(4).standard_normal(WAVES.shape)
    found = sinusoids(rows)
    # the deviation of the estimate of a frequency is sqrt(24 / n^3) noise / amplitude, in radians a row
    np.testing.assert_allclose(found, PERIODS, rtol=1e-6 + 10 * noise / np.sqrt(600**3))
    assert sinusoids(np.random.default_rng(5).standard_normal((5, 1))).size == 0  # too few rows to hold three
    assert sinusoids(0.5 * K[:, None]).size == 0  # a line is no wave


def test_residuals_are_blocks_from_the_end_without_the_waves():
    blocks = residuals([WAVES], PERIODS, 250)
    assert [len(block) for block in blocks] == [250, 250]
    np.testing.assert_allclose(blocks, 0, atol=1e-10)
    gappy = WAVES.copy()
    gappy[590] = np.nan
    first, _ = residuals([gappy], PERIODS, 250)
    assert np.isnan(first[240]).all()
    np.testing.assert_allclose(np.delete(first, 240, axis=0), 0, atol=1e-10)
    assert residuals([WAVES[:100]], PERIODS, 250) == []
    gappy[360:] = np.nan
    assert len(residuals([gappy], PERIODS, 250)) == 1  # of the other, ten rows are measured


def test_waves_and_an_autoregression_are_forecast_as_they_go_on():
    rng, rows, left = np.random.default_rng(6), 9000, np.zeros(9000)
    for t in range(1, rows):
        left[t] = 0.9 * left[t - 1] + 0.1 * rng.standard_normal()
    k = np.arange(rows)
    y = np.sin(2 * np.pi * k / 50) + 0.5 * np.cos(2 * np.pi * k / 13.7) + left
    model = rc.Harmonic(window=2500, order=1).fit(y[:5000])
    found = np.sort(model.network_.periods)
    np.testing.assert_allclose(found, [13.7, 50.0], rtol=1e-3)
    test = model.backtest(rc.Series(y), 40, range(5000, 8900, 10))
    spread = test.table([1, 20])
    one, twenty = (next(iter(row["rmse"].values())) for row in spread if row["learner"] == "harmonic")
    # of an autoregression with 0.9, the error variance after h steps is 0.01 (1 - 0.81^h) / 0.19
    assert one == pytest.approx(0.1, rel=0.1)
    assert twenty == pytest.approx(0.1 * np.sqrt((1 - 0.81**20) / 0.19), rel=0.12)


def test_an_autoregression_that_is_fitted_anew_follows_one_that_changes():
    rng, rows, left = np.random.default_rng(10), 6000, np.zeros(6000)
    for t in range(1, rows):
        left[t] = (0.9 if t < 3000 else -0.9) * left[t - 1] + 0.1 * rng.standard_normal()
    y = np.sin(2 * np.pi * np.arange(rows) / 50) + left
    settings, origins = {"periods": [50.0], "window": 1000, "order": 1}, range(5000, 5900, 3)
    anew = rc.Harmonic(**settings, half_life=200).fit(y[:2900]).backtest(rc.Series(y), 1, origins)
    once = rc.Harmonic(**settings).fit(y[:2900]).backtest(rc.Series(y), 1, origins)
    errors = [np.sqrt(np.mean((each.forecasts["harmonic"] - each.truth) ** 2)) for each in (anew, once)]
    assert errors[0] == pytest.approx(0.1, rel=0.1)  # the noise of a step
    # an autoregression with 0.9 where -0.9 is true is off by 1.8 left, whose variance is 0.01 / (1 - 0.81)
    assert errors[1] == pytest.approx(0.1 * np.sqrt(1 + 1.8**2 / 0.19), rel=0.1)


def test_what_is_fitted_anew_is_so_from_a_file(tmp_path):
    rows = WAVES + 0.1 * np.random.default_rng(11).standard_normal(WAVES.shape)
    model = rc.Harmonic(periods=[37.3], window=300, order=3, half_life=60).fit(rows)
    model.save(tmp_path / "model")
    assert rc.load(tmp_path / "model").forecast(50).values.tobytes() == model.forecast(50).values.tobytes()


def test_a_wave_alone_is_exact_and_a_file_keeps_it(tmp_path):
    series = rc.Series(WAVES)
    model = rc.Harmonic(periods=[37.3, 11.9], window=300, order=1).fit(series[:500])
    np.testing.assert_allclose(model.forecast(100).values, WAVES[500:], atol=1e-8)
    model.save(tmp_path / "model")
    loaded = rc.load(tmp_path / "model")
    assert loaded.forecast(100).values.tobytes() == model.forecast(100).values.tobytes()
    assert (loaded.network_.window, loaded.network_.periods.tolist()) == (300, [37.3, 11.9])


def test_it_stands_beside_every_score_where_there_is_a_period():
    model = rc.ESN(units=20, ridge=1e-6).fit(rc.Series(WAVES)[:500])
    assert "harmonic" in model.baselines_
    assert model.score(rc.Series(WAVES)[500:])["closed_loop"]["baselines"]["harmonic"]["nrmse"] < 1e-6
    noise = np.random.default_rng(7).standard_normal(300)
    assert "harmonic" not in rc.ESN(units=20, ridge=1e-6).fit(noise).baselines_


def test_what_is_refused():
    for options in ({"periods": [2.0]}, {"periods": []}, {"window": 3}, {"order": 0}, {"half_life": 0}):
        with pytest.raises(ConfigError):
            rc.Harmonic(**options).fit(WAVES)
    with pytest.raises(DataError, match="show no period"):
        rc.Harmonic().fit(np.random.default_rng(8).standard_normal(300))
    with pytest.raises(DataError, match="too few"):
        rc.Harmonic(periods=[37.3], window=700).fit(WAVES)


def test_orders_are_those_of_least_squares():
    left = residuals([WAVES + np.random.default_rng(9).standard_normal(WAVES.shape)], PERIODS, 300)
    fitted = fit_linear([(each[:-1], each[1:]) for each in left], (3,))[3, 1e-12]
    table = np.concatenate([[[1.0, *each[t - 3 : t][::-1].ravel()] for t in range(3, 300)] for each in left])
    target = np.concatenate([each[3:] for each in left])
    np.testing.assert_allclose(fitted.coefficients, np.linalg.lstsq(table, target, rcond=None)[0].T, atol=1e-12)
