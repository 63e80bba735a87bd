"""Least squares over trees: against NumPy's, closed forms, and one-step pairs of Euler's method."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recurra.cells import Elman
from recurra.cells.euler import velocity_unit
from recurra.errors import ConfigError
from recurra.systems import DampedOscillator
from recurra.training.least_squares import least_squares


def _line(w, data):
    x, y, sigma = data
    return (w["slope"] * x + w["offset"] - y) / sigma


def _decay(w, data):
    t, y = data
    return w[0] * jnp.exp(-w[1] * t) - y


def test_a_straight_line_with_its_errors_is_that_of_the_textbook():
    rng = np.random.default_rng(0)
    x, sigma = np.linspace(0, 5, 30), rng.uniform(0.5, 2.0, 30)
    y = 2 * x - 1 + sigma * rng.standard_normal(30)
    found = least_squares(_line, {"slope": np.array(0.0), "offset": np.array(0.0)}, (x, y, sigma))
    A = np.column_stack([np.ones(30), x]) / sigma[:, None]  # the leaves of a dict come in the order of their names
    exact = np.linalg.solve(A.T @ A, A.T @ (y / sigma))
    assert [found.weights["offset"], found.weights["slope"]] == pytest.approx(exact, rel=1e-9)
    np.testing.assert_allclose(found.covariance(), np.linalg.inv(A.T @ A), rtol=1e-9)
    assert 2 * found.cost == pytest.approx(np.sum((A @ exact - y / sigma) ** 2), rel=1e-12)  # chi-square
    assert found.converged


@pytest.mark.parametrize("reverse", [False, True])
def test_the_jacobian_is_exact_either_way(reverse):
    t = np.linspace(0, 3, 12)
    found = least_squares(_decay, np.array([1.0, 1.0]), (t, 3 * np.exp(-0.7 * t)), reverse=reverse)
    assert found.weights == pytest.approx([3.0, 0.7], abs=1e-9)
    expected = np.column_stack([np.exp(-0.7 * t), -3 * t * np.exp(-0.7 * t)])
    np.testing.assert_allclose(found.jacobian, expected, atol=1e-8)


def _one_step(cell, data):
    v, xs, after = data
    return (jax.vmap(cell)(v, xs) - after).ravel()


def test_pairs_of_one_step_of_euler_give_the_unit_its_weights_back():
    eta, dt, rng = 0.4, 0.01, np.random.default_rng(1)
    xs, v = rng.standard_normal((500, 2)), rng.standard_normal((500, 1))
    after = v[:, 0] + dt * (xs[:, 1] - eta * v[:, 0] - xs[:, 0])
    start = Elman(rng.standard_normal((1, 2)), rng.standard_normal((1, 1)), np.zeros(1), "identity")
    found = least_squares(_one_step, start, (v, xs, after[:, None])).weights
    exact = velocity_unit(DampedOscillator(damping=eta), dt)
    for name in ("W", "U", "b"):
        assert np.abs(getattr(found, name) - getattr(exact, name)).max() < 1e-10
    assert start.b == 0


def test_what_is_not_determined_has_no_finite_error():
    found = least_squares(lambda w, data: jnp.repeat(w[0] + w[1] - data, 3), np.array([1.0, 2.0]), np.array(4.0))
    assert np.isinf(found.covariance()).all()
    assert found.cost == pytest.approx(0, abs=1e-20)


def test_residuals_without_numbers_or_weights_are_refused():
    with pytest.raises(ConfigError, match="not finite"):
        least_squares(lambda w, data: jnp.log(w), np.array([-1.0]))
    with pytest.raises(ConfigError, match="nothing to fit"):
        least_squares(lambda w, data: w, {"a": 3})


def test_the_units_of_the_weights_do_not_decide_whether_they_are_determined():
    """Two weights, each in a residual of its own: variances 1e-24 and 1e12 in closed form."""

    def apart(w, data):
        return jnp.stack([1e12 * (w["a"] - data), 1e-6 * (w["b"] - 2 * data)])

    found = least_squares(apart, {"a": np.array(0.9), "b": np.array(1.5)}, np.array(1.0))
    np.testing.assert_allclose(np.diag(found.covariance()), [1e-24, 1e12], rtol=1e-9)
