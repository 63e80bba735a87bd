"""FORCE learning: its algebra step by step, and a network that goes on with a sine alone."""

import numpy as np
import pytest

from recurra.reservoirs import EchoState, RecursiveLeastSquares, draw_reservoir, force_train

UNITS, PENALTY = 25, 0.5


def network(feedback, channels=1, drive=1, units=UNITS, lags=0, increment=False, radius=1.3, **changes):
    options = {"in_degree": 5, "input_scaling": 0.5, "bias_scaling": 0.2, "leak": 0.6, **changes}
    reservoir = draw_reservoir(
        units,
        channels + drive,
        spectral_radius=radius,
        channels=channels,
        feedback_scaling=feedback,
        seed=1,
        **options,
    )
    return EchoState(reservoir, np.zeros((channels, 1 + lags * (channels + drive) + units)), lags, increment)


def start(net):
    channels, width = net.coefficients.shape
    return RecursiveLeastSquares.start(width - 1, channels, penalty=PENALTY)


def teacher(rows, channels=1, drive=1, seed=0):
    rng = np.random.default_rng(seed)
    y = np.sin(0.2 * np.arange(rows + 1))[:, None] * rng.uniform(0.5, 1, channels)
    u = rng.standard_normal((rows, drive))
    return np.concatenate([y[:-1], u], axis=1), y[1:]


def test_without_feedback_it_is_recursive_least_squares():
    net, (inputs, targets) = network(0.0), teacher(80)
    found = force_train(net, start(net), inputs, targets, washout=10)
    states = net.reservoir.harvest(np.zeros(UNITS), inputs)
    expected = start(net)
    for t in range(10, 80):
        expected = expected.update(states[t : t + 1], targets[t : t + 1])
    np.testing.assert_allclose(found.readout.coefficients, expected.coefficients, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("increment", [False, True])
@pytest.mark.parametrize("lags", [0, 2])
def test_an_update_divides_the_error_by_one_plus_the_leverage(increment, lags):
    """e+ = e- / (1 + phi' P phi), with P the inverse of the sums so far, by an independent loop with dense matrices."""
    net, (inputs, targets) = network(0.8, channels=2, lags=lags, increment=increment), teacher(60, channels=2)
    found = force_train(net, start(net), inputs, targets, washout=5)
    W, width = net.reservoir.W.toarray(), net.coefficients.shape[1]
    h, seen = np.zeros(UNITS), [np.zeros(3)] * 3
    A, B, V = np.diag([0.0] + [PENALTY] * (width - 1)), np.zeros((width, 2)), np.zeros((2, width))
    z = inputs[0, :2]
    for t in range(60):
        x = np.concatenate([z if t > 5 else inputs[t, :2], inputs[t, 2:]])
        new = np.tanh(W @ h + net.reservoir.W_in @ x + net.reservoir.b)
        h, seen = 0.4 * h + 0.6 * new, [x, *seen]
        if t < 5:
            continue
        phi = np.concatenate([[1.0], *seen[:lags], h])
        carried = x[:2] if increment else np.zeros(2)
        before = V @ phi + carried - targets[t]
        leverage = np.inf if t == 5 else phi @ np.linalg.solve(A, phi)  # no row yet: nothing holds the constant
        A, B = A + np.outer(phi, phi), B + np.outer(phi, targets[t] - carried)
        V = np.linalg.solve(A, B).T
        z = V @ phi + carried
        np.testing.assert_allclose(found.before[t - 5], before, atol=1e-8)
        np.testing.assert_allclose(found.after[t - 5], z - targets[t], atol=1e-8)
        np.testing.assert_allclose(found.after[t - 5], before / (1 + leverage), atol=1e-8)
    np.testing.assert_allclose(found.readout.coefficients, V, atol=1e-7)


def test_rows_without_a_target_teach_nothing():
    """The network runs on through them, and what they should have been changes nothing."""
    net, (inputs, targets) = network(0.8), teacher(70)
    targets[30:40] = np.nan
    other = inputs.copy()
    other[11:, 0] = 99.0  # from then on the network sees its own output alone
    found, same = (force_train(net, start(net), x, targets, washout=10) for x in (inputs, other))
    assert len(found.before) == len(found.after) == 70 - 10 - 10
    np.testing.assert_array_equal(found.readout.coefficients, same.readout.coefficients)


def test_a_frozen_network_goes_on_with_the_sine():
    """Eight periods after training, on its own output: the state is on the cycle that it was taught."""
    net = network(1.0, drive=0, units=100, radius=1.2, bias_scaling=0.2, leak=0.5)
    rows = 1500
    y = np.sin(2 * np.pi * np.arange(rows + 401) / 50)[:, None]
    online = RecursiveLeastSquares.start(100, 1, penalty=1e-3)
    found = force_train(net, online, y[:rows], y[1 : rows + 1], washout=50)
    trained = EchoState(net.reservoir, found.readout.coefficients, lags=0)
    state = trained.warm(trained.initial_state(1), y[None, :rows])
    _, free = trained.free_run(state, y[None, rows], np.zeros((1, 400, 0)))
    assert np.abs(free[0, :, 0] - y[rows + 1 : rows + 401, 0]).max() < 2e-3
    assert np.abs(found.before[-200:]).mean() < 0.01 * np.abs(found.before[:20]).mean()
    assert (np.abs(found.after) <= np.abs(found.before) + 1e-9).all()
