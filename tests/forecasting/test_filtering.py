"""A filter with a constant gain beside the recursion written out, and the errors that it has in closed form."""

import numpy as np
import pytest

from recurra.baselines import LinearAR
from recurra.forecasting import Filtered, Origins, choose_gain, filtered_rows, forecast_origins
from recurra.reservoirs.delay_map import DelayMap
from recurra.reservoirs.polynomials import Polynomials

GROWTH, NOISE = 1.05, 0.01
DRIVEN = LinearAR(np.array([[0.1, 0.9, 0.3, 0.5], [0.0, -0.2, 0.8, 1.0]]), 3)  # two channels and a drive


class Growing:
    """x[t+1] = 1.05 x[t], many at a time."""

    def initial_state(self, batch):
        return np.zeros((batch, 0))

    def run(self, state, inputs):
        return state, GROWTH * inputs

    def free_run(self, state, last, drive):
        return state, last[:, None] * GROWTH ** np.arange(1, drive.shape[1] + 1)[:, None]


SCALAR = Growing()


def noisy(rows, batch, seed):
    """x[t+1] = 1.05 x[t] from many starts, with noise on what is seen of it."""
    rng = np.random.default_rng(seed)
    truth = 0.01 * rng.standard_normal((batch, 1)) * GROWTH ** np.arange(rows)
    return truth[:, :, None], (truth + NOISE * rng.standard_normal(truth.shape))[:, :, None]


def test_it_is_the_recursion_of_an_observer():
    rng = np.random.default_rng(0)
    inputs, last, drive = (
        rng.uniform(-0.2, 0.2, (4, 9, 3)),
        rng.uniform(-0.2, 0.2, (4, 2)),
        rng.uniform(-0.2, 0.2, (4, 5, 1)),
    )
    network = Filtered(DRIVEN, 0.3, burn=3)
    state, forecasts = network.run(network.initial_state(4), inputs)
    _, free = network.free_run(state, last, drive)
    a, A = DRIVEN.coefficients[:, 0], DRIVEN.coefficients[:, 1:]
    for one, y, u, ahead, path in zip(inputs, last, drive, forecasts, free, strict=True):
        forecast = None
        for t, x in enumerate(one):
            row = x[:2] if t < 3 else forecast + 0.3 * (x[:2] - forecast)
            forecast = a + A @ np.append(row, x[2])
            np.testing.assert_allclose(ahead[t], forecast, rtol=1e-12, atol=1e-14)
        row = forecast + 0.3 * (y - forecast)
        for k in range(5):
            row = a + A @ np.append(row, u[k])
            np.testing.assert_allclose(path[k], row, rtol=1e-12, atol=1e-14)


def test_rows_in_pieces_give_the_same_forecasts():
    inputs = np.random.default_rng(1).uniform(-0.2, 0.2, (2, 12, 3))
    network = Filtered(DRIVEN, 0.5, burn=4)
    whole, state, pieces = network.run(network.initial_state(2), inputs)[1], network.initial_state(2), []
    for first, last in ((0, 2), (2, 3), (3, 8), (8, 12)):
        state, found = network.run(state, inputs[:, first:last])
        pieces.append(found)
    np.testing.assert_allclose(np.concatenate(pieces, axis=1), whole, rtol=1e-14)


def test_a_gain_of_one_changes_nothing():
    rng = np.random.default_rng(2)
    origins = Origins(*(rng.standard_normal(shape) for shape in ((3, 6, 3), (3, 2), (3, 4, 1), (3, 4, 2))))
    np.testing.assert_array_equal(
        forecast_origins(Filtered(DRIVEN, 1.0, 2), origins), forecast_origins(DRIVEN, origins)
    )
    short = Origins(origins.warm[:, :0], origins.last, origins.drive, origins.truth)
    np.testing.assert_array_equal(forecast_origins(Filtered(DRIVEN, 0.4, 2), short), forecast_origins(DRIVEN, short))


@pytest.mark.parametrize("gain", [0.5, 0.2, 1 - 1 / GROWTH**2])
def test_the_error_of_the_filtered_rows_is_that_of_theory(gain):
    """e' = (1 - K) a e + K v has the variance K^2 sigma^2 / (1 - (1 - K)^2 a^2), least at Kalman's K = 1 - 1 / a^2."""
    truth, seen = noisy(100, 4000, seed=3)
    rows = Filtered(SCALAR, gain, burn=1).rows(seen)
    variance = gain**2 * NOISE**2 / (1 - ((1 - gain) * GROWTH) ** 2)
    assert np.std(rows[:, -1] - truth[:, -1]) == pytest.approx(np.sqrt(variance), rel=0.05)


def test_the_gain_that_forecasts_best_is_that_of_kalman():
    truth, seen = noisy(130, 2000, seed=4)
    origins = Origins(seen[:, :99], seen[:, 99], np.zeros((2000, 30, 0)), truth[:, 100:])
    kalman = 1 - 1 / GROWTH**2
    chosen, score = choose_gain(SCALAR, origins, 1, (1.0, 0.4, kalman, 0.02))
    assert chosen.gain == kalman
    errors = np.abs(forecast_origins(chosen, origins) - origins.truth)
    assert score == pytest.approx(np.exp(np.log(errors).mean()), rel=1e-9)


def test_the_gains_of_a_batch_are_each_by_itself():
    rng = np.random.default_rng(6)
    origins = Origins(*(rng.uniform(-0.2, 0.2, shape) for shape in ((3, 9, 3), (3, 2), (3, 5, 1), (3, 5, 2))))
    gains, burn = (1.0, 0.6, 0.1), 4
    every = Filtered(DRIVEN, np.repeat(gains, 3)[:, None], burn)
    found = forecast_origins(every, Origins.join([origins] * 3)).reshape(3, 3, 5, 2)
    alone = [forecast_origins(Filtered(DRIVEN, gain, burn), origins) for gain in gains]
    np.testing.assert_allclose(found, alone, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("gain", [1.0, 0.4])
@pytest.mark.parametrize("rows", [0, 1, 3, 9])
def test_a_network_that_warms_up_without_forecasts_comes_to_the_same_state(gain, rows):
    rng = np.random.default_rng(7)
    basis = Polynomials.over(rng.uniform(-1, 1, (2, 9)), 2)
    network = Filtered(DelayMap(basis, rng.normal(0, 0.1, (1, 1 + basis.size)), 1, lags=2), gain, burn=3)
    inputs, last = rng.uniform(-0.5, 0.5, (4, rows, 1)), rng.uniform(-0.5, 0.5, (4, 1))
    ways = [network.warm(network.initial_state(4), inputs), network.run(network.initial_state(4), inputs)[0]]
    warm, run = (network.free_run(state, last, np.zeros((4, 6, 0)))[1] for state in ways)
    np.testing.assert_allclose(warm, run, rtol=1e-12, atol=1e-14)


def test_a_forecast_that_is_astray_gives_way_to_its_row():
    wild = Filtered(LinearAR(np.array([[5.0, 0.0]]), 1), 0.1, burn=1)
    seen = np.array([[[0.1], [0.2], [0.3]]])
    np.testing.assert_array_equal(wild.rows(seen), seen)


def test_what_is_missing_stays_so_and_later_rows_change_nothing_before():
    rng = np.random.default_rng(5)
    values, drive = rng.uniform(-0.2, 0.2, (20, 2)), rng.uniform(-0.2, 0.2, (20, 1))
    values[7, 1] = np.nan
    network = Filtered(DRIVEN, 0.3, burn=2)
    rows = filtered_rows(network, values, drive)
    np.testing.assert_array_equal(np.isnan(rows), np.isnan(values))
    later = values.copy()
    later[12:] += 0.1
    np.testing.assert_array_equal(filtered_rows(network, later, drive)[:12], rows[:12])
