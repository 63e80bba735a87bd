"""Baselines against processes whose coefficients and errors are known, and against plain loops."""

import numpy as np
import pytest

from recurra.baselines import Climatology, LinearAR, Persistence, fit_linear

A0 = np.array([[0.5, 0.3], [-0.2, 0.6]])
A1 = np.array([[-0.3, 0.1], [0.15, -0.2]])
B0 = np.array([[0.7], [-0.4]])  # of u[t + 1]
B1 = np.array([[0.2], [0.9]])  # of u[t]
OFFSET = np.array([0.3, -1.1])


def arx(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """y[t+1] = a + A0 y[t] + A1 y[t-1] + B0 u[t+1] + B1 u[t], without noise."""
    rng = np.random.default_rng(seed)
    u, y = rng.standard_normal((rows, 1)), np.empty((rows, 2))
    y[:2] = rng.standard_normal((2, 2))
    for t in range(1, rows - 1):
        y[t + 1] = OFFSET + A0 @ y[t] + A1 @ y[t - 1] + B0 @ u[t + 1] + B1 @ u[t]
    return y, u


def steps(y: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate([y[:-1], u[1:]], axis=1), y[1:]


def noise(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((rows, 3)), rng.standard_normal((rows, 2))


def lag_rows(inputs: np.ndarray, targets: np.ndarray, order: int, largest: int) -> tuple:
    """[1, x[t], ..., x[t - order + 1]] and the target beside x[t], by a loop over the rows with `largest` lags."""
    table = [np.concatenate([[1.0], *(inputs[t - k] for k in range(order))]) for t in range(largest - 1, len(inputs))]
    return np.array(table), targets[largest - 1 :]


def only(parts, order):
    (network,) = fit_linear(parts, [order]).values()
    return network


def test_arx_coefficients_are_recovered_from_noiseless_data():
    fitted = only([steps(*arx(200, seed=1)), steps(*arx(90, seed=2))], 2)
    truth = np.concatenate([OFFSET[:, None], A0, B0, A1, B1], axis=1)
    np.testing.assert_allclose(fitted.coefficients, truth, atol=1e-8)
    assert fitted.order == 2


def test_several_orders_from_one_decomposition_are_separate_least_squares():
    parts = [noise(70, seed=3), noise(40, seed=4), noise(9, seed=5), noise(6, seed=6)]
    fitted = fit_linear(parts, [1, 2, 4, 7])
    for (order, _), network in fitted.items():
        tables, targets = zip(*(lag_rows(*part, order, 7) for part in parts[:3]), strict=True)
        expected = np.linalg.lstsq(np.concatenate(tables), np.concatenate(targets), rcond=None)[0].T
        np.testing.assert_allclose(network.coefficients, expected, atol=1e-10)
        assert network.order == order
    assert [order for order, _ in fitted] == [1, 2, 4, 7]


def test_collinear_lags_get_the_smallest_coefficients():
    wave = np.sin(0.3 * np.arange(120))[:, None]  # two lags determine the next value: the third is redundant
    inputs, targets = wave[:-1], wave[1:]
    fitted = only([(inputs, targets)], 3)
    table, wanted = lag_rows(inputs, targets, 3, 3)
    expected = np.linalg.lstsq(table, wanted, rcond=1e-10)[0].T  # the pseudo-inverse: of least norm
    np.testing.assert_allclose(fitted.coefficients, expected, atol=1e-9)
    np.testing.assert_allclose(table @ fitted.coefficients.T, wanted, atol=1e-12)


def test_cutoffs_are_those_of_a_truncated_singular_value_decomposition():
    rng = np.random.default_rng(8)
    t = np.arange(300)[:, None]
    y = np.sin(0.3 * t) + 1e-5 * rng.standard_normal((300, 1))
    cutoffs = (1e-12, 1e-3, 0.9)
    fitted = fit_linear([(y[:-1], y[1:])], [6], cutoffs)
    table, wanted = lag_rows(y[:-1], y[1:], 6, 6)
    for cutoff in cutoffs:
        expected = np.linalg.lstsq(table, wanted, rcond=cutoff)[0].T
        np.testing.assert_allclose(fitted[6, cutoff].coefficients, expected, atol=1e-9)
    sizes = [np.linalg.norm(fitted[6, cutoff].coefficients) for cutoff in cutoffs]
    assert sizes[0] > sizes[1] > sizes[2] > 0


@pytest.mark.parametrize("order", [1, 3])
def test_teacher_forced_run_is_a_loop_over_lags(order):
    rng = np.random.default_rng(0)
    network = LinearAR(rng.standard_normal((2, 1 + 3 * order)), features=3)
    inputs = rng.standard_normal((4, 11, 3))
    state, forecasts = network.run(network.initial_state(4), inputs)
    for one in range(4):
        lags = [np.zeros(3)] * order
        for t in range(11):
            lags = [inputs[one, t], *lags[:-1]]
            expected = network.coefficients @ np.concatenate([[1.0], *lags])
            np.testing.assert_allclose(forecasts[one, t], expected, atol=1e-13)
        np.testing.assert_array_equal(state[one], np.array(lags[: order - 1]).reshape(order - 1, 3))


@pytest.mark.parametrize("order", [1, 3])
def test_free_run_is_a_loop_on_its_own_output(order):
    rng = np.random.default_rng(1)
    network = LinearAR(0.3 * rng.standard_normal((2, 1 + 3 * order)), features=3)
    warm, last, drive = (
        rng.standard_normal((2, 5, 3)),
        rng.standard_normal((2, 2)),
        rng.standard_normal((2, 8, 1)),
    )
    state, _ = network.run(network.initial_state(2), warm)
    _, forecasts = network.free_run(state, last, drive)
    for one in range(2):
        lags, y = [*warm[one, ::-1][: order - 1]], last[one]
        for k in range(8):
            lags = [np.concatenate([y, drive[one, k]]), *lags]
            y = network.coefficients @ np.concatenate([[1.0], *lags[:order]])
            np.testing.assert_allclose(forecasts[one, k], y, atol=1e-12)


def test_runs_in_two_pieces_are_one_run():
    rng = np.random.default_rng(2)
    network = LinearAR(rng.standard_normal((2, 10)), features=3)
    inputs = rng.standard_normal((3, 9, 3))
    state, whole = network.run(network.initial_state(3), inputs)
    middle, first = network.run(network.initial_state(3), inputs[:, :1])
    last_state, second = network.run(middle, inputs[:, 1:])
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), whole, atol=1e-13)
    np.testing.assert_array_equal(last_state, state)


def test_growth_is_the_largest_root():
    roots = np.array([0.9 * np.exp(0.7j), 0.9 * np.exp(-0.7j), -0.4])
    lags = -np.poly(roots).real[1:]  # z^3 = l0 z^2 + l1 z + l2
    drive = [5.0, -7.0, 2.0]  # of no consequence
    table = np.concatenate([[3.0], np.column_stack([lags, drive]).ravel()])
    assert LinearAR(table[None], features=2).growth == pytest.approx(0.9, rel=1e-12)


def test_growth_is_what_a_deviation_grows_by():
    rng = np.random.default_rng(9)
    network = LinearAR(np.concatenate([OFFSET[:, None], 2 * A0, B0, A1, B1], axis=1), features=3)
    start, drive = rng.standard_normal((1, 2)), np.zeros((1, 31, 1))
    one, other = (network.free_run(network.initial_state(1), y, drive)[1][0] for y in (start, start + 1e-3))
    apart = np.linalg.norm(one - other, axis=1)
    assert (apart[30] / apart[10]) ** (1 / 20) == pytest.approx(network.growth, rel=0.02)


def test_a_runaway_autoregression_stays_finite():
    network = LinearAR(np.array([[0.0, 10.0]]), features=1)
    _, forecasts = network.free_run(network.initial_state(1), np.ones((1, 1)), np.zeros((1, 400, 0)))
    np.testing.assert_allclose(forecasts[0, :3, 0], [10, 100, 1000])
    assert np.isfinite(forecasts).all()
    assert forecasts[0, -1, 0] > 1e3


def test_persistence_of_an_autoregression_errs_by_the_known_ratio():
    """For y[t+1] = a y[t] + e: MSE(persistence) / MSE(best) = 2 / (1 + a), both one step ahead."""
    a, rows = 0.9, 200_000
    shocks = np.random.default_rng(7).standard_normal(rows)
    y = np.empty(rows)
    y[0] = shocks[0] / np.sqrt(1 - a**2)
    for t in range(1, rows):
        y[t] = a * y[t - 1] + shocks[t]
    inputs, truth = y[None, :-1, None], y[1:, None]
    persistence = Persistence(1)
    _, naive = persistence.run(persistence.initial_state(1), inputs)
    linear = only([(inputs[0], truth)], 1)
    _, best = linear.run(linear.initial_state(1), inputs)
    ratio = np.mean((naive[0] - truth) ** 2) / np.mean((best[0] - truth) ** 2)
    assert ratio == pytest.approx(2 / (1 + a), rel=0.01)  # sampling error: about 0.2 %
    assert linear.coefficients[0, 1] == pytest.approx(a, abs=5 * np.sqrt((1 - a**2) / rows))


def test_persistence_repeats_the_last_row():
    last, drive = np.array([[1.0, -2.0], [3.0, 4.0]]), np.zeros((2, 5, 1))
    network = Persistence(2)
    _, forecasts = network.free_run(network.initial_state(2), last, drive)
    assert forecasts.shape == (2, 5, 2)
    assert (forecasts == last[:, None]).all()
    inputs = np.random.default_rng(0).standard_normal((2, 6, 3))
    _, forced = network.run(network.initial_state(2), inputs)
    np.testing.assert_array_equal(forced, inputs[..., :2])
    forced[:] = 0
    assert (inputs[..., :2] != 0).all()


def test_climatology_is_the_mean():
    network = Climatology(2)
    _, forecasts = network.free_run(network.initial_state(3), np.ones((3, 2)), np.ones((3, 4, 1)))
    _, forced = network.run(network.initial_state(3), np.ones((3, 6, 3)))
    assert forecasts.shape == (3, 4, 2)
    assert forced.shape == (3, 6, 2)
    assert not forecasts.any()
    assert not forced.any()
