"""The update rules by themselves: five steps down a coupled quadratic, a new rate and momentum at each."""

import jax
import numpy as np
import optax
import pytest

from recurra.training import OPTIMIZERS
from recurra.training.optimizers import Now

RATES = np.array([0.1, 0.2, 0.05, 0.08, 0.02])
MOMENTA = np.array([0.5, 0.9, 0.0, 0.75, 0.95, 0.6])  # one more: Nesterov looks ahead
DECAY = 0.3
_M = np.random.default_rng(0).standard_normal((8, 8))
H, TARGET = _M @ _M.T / 8 + np.eye(8) / 4, np.random.default_rng(1).standard_normal(8)
START = np.random.default_rng(2).standard_normal(8)  # a matrix of 2 x 3, and a bias of 2
MATRIX = np.arange(8) < 6


def _gradient(w):
    """Of (w - d)^T H (w - d) / 2."""
    return H @ (w - TARGET)


def _sgd():
    w = START
    for rate in RATES:
        w = w - rate * _gradient(w)
        yield w


def _momentum():
    """Polyak's heavy ball, the rate outside: v <- mu v + g, w <- w - epsilon v."""
    w, v = START, 0.0
    for rate, mu in zip(RATES, MOMENTA, strict=False):
        v = mu * v + _gradient(w)
        w = w - rate * v
        yield w


def _nesterov():
    """Sutskever et al. 2013, equations 3 and 4, for theta; what is seen is theta + mu v, where the next gradient is."""
    theta, v = START, np.zeros(8)
    for rate, mu, next_mu in zip(RATES, MOMENTA, MOMENTA[1:], strict=False):
        v = mu * v - rate * _gradient(theta + mu * v)
        theta = theta + v
        yield theta + next_mu * v


def _rmsprop():
    """Hinton's rule with Keras' documented constants: rho 0.9, epsilon 1e-7 under the root, momentum 0."""
    w, v = START, 0.0
    for rate in RATES:
        g = _gradient(w)
        v = 0.9 * v + (1 - 0.9) * g**2
        w = w - rate * g / np.sqrt(v + 1e-7)
        yield w


def _adagrad():
    """Duchi et al. 2011, with Keras' documented constants: the sum starts at 0.1, epsilon 1e-7 under the root."""
    w, total = START, 0.1
    for rate in RATES:
        g = _gradient(w)
        total = total + g**2
        w = w - rate * g / np.sqrt(total + 1e-7)
        yield w


def _adam(decay=0.0):
    """Kingma and Ba, Algorithm 1; with a decay Loshchilov and Hutter, Algorithm 2: lambda w beside m / sqrt(v)."""
    w, m, v = START, 0.0, 0.0
    for t, rate in enumerate(RATES, start=1):
        g = _gradient(w)
        m = 0.9 * m + (1 - 0.9) * g
        v = 0.999 * v + (1 - 0.999) * g**2
        w = w - rate * ((m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-7) + decay * MATRIX * w)
        yield w


PAPERS = {
    "sgd": _sgd,
    "momentum": _momentum,
    "nesterov": _nesterov,
    "rmsprop": _rmsprop,
    "adagrad": _adagrad,
    "adam": _adam,
    "adamw": lambda: _adam(DECAY),
}


def _follow(optimizer, gradient=_gradient, start=START, dtype=np.float64, decay=DECAY):
    """The weights after each of the five updates, and the dtypes of the steps."""
    path, kinds = [start.astype(dtype)], set()
    with jax.enable_x64(dtype == np.float64):
        state = OPTIMIZERS[optimizer](Now(0.0, 0.0, 0.0, 0.0)).init(path[0])
        for k in range(5):
            now = Now(*np.array([RATES[k], *MOMENTA[k : k + 2]], dtype), (decay * MATRIX).astype(dtype))
            weights, slope = path[-1], gradient(path[-1]).astype(dtype)
            step, state = OPTIMIZERS[optimizer](now).update(slope, state, weights)
            kinds |= {leaf.dtype.name for leaf in jax.tree.leaves(step)}
            path.append(np.asarray(optax.apply_updates(weights, step)))
    return np.array(path[1:]), kinds


def test_every_rule_has_its_paper():
    assert set(PAPERS) == set(OPTIMIZERS)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_five_steps_are_those_of_the_paper(optimizer):
    path, kinds = _follow(optimizer)
    assert kinds == {"float64"}
    np.testing.assert_allclose(path, list(PAPERS[optimizer]()), rtol=4e-15, atol=4e-15)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_single_precision_stays_single_and_close(optimizer):
    path, kinds = _follow(optimizer, dtype=np.float32)
    assert kinds == {"float32"}
    np.testing.assert_allclose(path, list(PAPERS[optimizer]()), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_without_a_gradient_only_the_decay_moves_and_only_matrices(optimizer):
    path, _ = _follow(optimizer, gradient=np.zeros_like)
    shrunk = START * np.cumprod(1 - RATES * DECAY)[:, None]  # w <- w - epsilon lambda w
    expected = np.where(MATRIX, shrunk, START) if optimizer == "adamw" else np.tile(START, (5, 1))
    np.testing.assert_allclose(path, expected, rtol=4e-15)


def test_a_decay_in_adamw_is_no_gradient():
    """An L2 penalty would be divided by sqrt(v) and hardly depend on its strength; the decay is proportional to it."""
    moved = [_follow("adamw", decay=decay)[0][0] - _follow("adam")[0][0] for decay in (0.1, 0.2)]
    np.testing.assert_allclose(moved[1], 2 * moved[0], rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(moved[0], -RATES[0] * 0.1 * MATRIX * START, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("optimizer", "length"), [("rmsprop", 1 / np.sqrt(0.1)), ("adam", 1.0), ("adamw", 1.0)])
def test_the_first_step_of_an_adaptive_rule_does_not_depend_on_the_size_of_the_gradient(optimizer, length):
    """RMSprop goes epsilon / sqrt(1 - rho), Adam epsilon, in every weight, against the sign of its slope."""
    for size in (1e2, 1e6):
        path, _ = _follow(optimizer, gradient=lambda w, size=size: size * _gradient(w), decay=0.0)
        expected = START - RATES[0] * length * np.sign(_gradient(START))
        np.testing.assert_allclose(path[0], expected, atol=1e-5)
