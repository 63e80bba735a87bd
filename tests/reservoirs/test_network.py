"""The echo state network as a forecaster: closed loop, increments and a stack of candidates against plain loops."""

import numpy as np
import pytest

from recurra.reservoirs import EchoState, draw_reservoir

UNITS, CHANNELS, DRIVE = 30, 2, 1


@pytest.fixture
def reservoir():
    return draw_reservoir(
        UNITS,
        CHANNELS + DRIVE,
        spectral_radius=0.8,
        in_degree=6,
        input_scaling=0.5,
        bias_scaling=0.5,
        leak=0.7,
        seed=1,
    )


def coefficients(seed, *stack, lags=1):
    rng = np.random.default_rng(seed)
    return 0.2 * rng.standard_normal((*stack, CHANNELS, 1 + lags * (CHANNELS + DRIVE) + UNITS))


def advance(reservoir, h, x):
    """h' = (1 - a) h + a tanh(W h + W_in x + b), with a dense product."""
    new = np.tanh(reservoir.W.toarray() @ h + reservoir.W_in @ x + reservoir.b)
    return (1 - reservoir.leak) * h + reservoir.leak * new


@pytest.mark.parametrize("lags", [0, 1, 3])
@pytest.mark.parametrize("increment", [False, True])
def test_runs_are_loops(reservoir, increment, lags):
    """y' = c + V [x; the lags - 1 inputs before x; h'] (+ y)."""
    rng = np.random.default_rng(0)
    readout = coefficients(1, lags=lags)
    network = EchoState(reservoir, readout, lags=lags, increment=increment)
    warm, drive = rng.standard_normal((3, 12, CHANNELS + DRIVE)), rng.standard_normal((3, 7, DRIVE))
    last = rng.standard_normal((3, CHANNELS))
    state, forced = network.run(network.initial_state(3), warm)
    np.testing.assert_array_equal(network.warm(network.initial_state(3), warm), state)
    _, free = network.free_run(state, last, drive)
    for one in range(3):
        h, y, seen = np.zeros(UNITS), last[one], [np.zeros(CHANNELS + DRIVE)] * 3
        for t in range(12 + 7):
            x = warm[one, t] if t < 12 else np.concatenate([y, drive[one, t - 12]])
            h, seen = advance(reservoir, h, x), [x, *seen]
            expected = readout @ np.concatenate([[1.0], *seen[:lags], h])
            expected = expected + x[:CHANNELS] if increment else expected
            found = forced[one, t] if t < 12 else free[one, t - 12]
            np.testing.assert_allclose(found, expected, atol=1e-11)
            y = expected if t >= 12 else y


def test_a_stack_of_candidates_is_each_candidate_alone(reservoir):
    rng = np.random.default_rng(3)
    stack = coefficients(4, 5)  # five candidates
    start, last = rng.uniform(-1, 1, (2, UNITS)), rng.standard_normal((2, CHANNELS))
    drive = rng.standard_normal((2, 6, DRIVE))
    many = [np.concatenate([array] * 5) for array in (start, last, drive)]
    _, together = EchoState(reservoir, stack).free_run(*many)
    for index, readout in enumerate(stack):
        _, alone = EchoState(reservoir, readout).free_run(start, last, drive)
        np.testing.assert_allclose(together[2 * index : 2 * index + 2], alone, atol=1e-11)


def test_a_runaway_loop_stays_finite(reservoir):
    readout = np.zeros((CHANNELS, 1 + CHANNELS + DRIVE + UNITS))
    readout[:, 1] = 50.0
    _, free = EchoState(reservoir, readout).free_run(
        np.zeros((1, UNITS)), np.ones((1, CHANNELS)), np.zeros((1, 300, DRIVE))
    )
    assert free[0, 0, 0] == pytest.approx(50.0)
    assert np.isfinite(free).all()
