"""Losses against their closed forms, central differences, and what minimises them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize, special, stats

from recurra.errors import ConfigError
from recurra.training import LOSSES, Loss

DELTA = 0.7


def _closed_form(name, z, y, unit):
    """Each term by itself, from textbooks: with SciPy's own functions where it has one."""
    e = (z[..., : y.shape[-1]] - y) / unit
    if name == "squared":
        return e**2
    if name == "absolute":
        return np.abs(e)
    if name == "huber":
        return special.huber(DELTA, e)
    if name == "gaussian":
        return -stats.norm.logpdf(e, scale=np.exp(z[..., y.shape[-1] :] / 2))
    if name == "binary":
        return -y * special.log_expit(z) - (1 - y) * special.log_expit(-z)
    return -(y * special.log_softmax(z, axis=-1)).sum(axis=-1, keepdims=True)


def _case(name, rng):
    z = 2 * rng.normal(size=(4, 3, 4 if name == "gaussian" else 2))
    y = rng.random((4, 3, 2))
    if name == "categorical":
        y /= y.sum(axis=-1, keepdims=True)
    return z, y, 1.0 if name in ("binary", "categorical") else np.array([0.5, 2.0])


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_its_closed_form_and_so_is_its_gradient(name):
    z, y, unit = _case(name, np.random.default_rng(3))
    loss, h = Loss(name, DELTA), 1e-3
    with jax.enable_x64(True):
        value, gradient = jax.value_and_grad(lambda z: loss.mean(z, y, unit))(z)
        value, gradient = float(value), np.asarray(gradient)
    assert value == pytest.approx(_closed_form(name, z, y, unit).mean(), rel=1e-14)
    shifts = np.array([-2, -1, 1, 2])[:, None, None, None, None] * h * np.eye(z.size).reshape(-1, *z.shape)
    a, b, c, d = (_closed_form(name, z + part, y, unit).mean(axis=(1, 2, 3)) for part in shifts)
    np.testing.assert_allclose(gradient.ravel(), (a - 8 * b + 8 * c - d) / (12 * h), atol=1e-8, rtol=0)


def _minimum(name, y, outputs):
    """The constant output that minimises the mean loss of many targets: there its gradient vanishes."""
    with jax.enable_x64(True):
        mean = jax.jit(jax.value_and_grad(lambda z: Loss(name).mean(jnp.broadcast_to(z, (len(y), outputs)), y)))
        near = optimize.minimize(lambda z: tuple(map(np.asarray, mean(z))), np.zeros(outputs), jac=True, method="BFGS")
        found = optimize.root(lambda z: np.asarray(mean(z)[1]), near.x, method="lm", tol=1e-14)
    return found.x


def test_the_squared_error_is_least_at_the_mean_and_the_absolute_one_at_the_median():
    y = np.random.default_rng(1).gamma(1.0, size=(201, 1))
    assert _minimum("squared", y, 1)[0] == pytest.approx(y.mean(), rel=1e-9)
    with jax.enable_x64(True):
        values = [float(Loss("absolute").mean(np.full_like(y, z), y)) for z in np.sort(y[:, 0])]
        slope = jax.grad(lambda z: Loss("absolute").mean(z + 0 * y, y))
        median = np.median(y)
        assert float(slope(median - 1e-9)) < 0 < float(slope(median + 1e-9))
    assert np.sort(y[:, 0])[np.argmin(values)] == median


def test_the_gaussian_likelihood_is_greatest_at_the_mean_and_the_variance():
    y = np.random.default_rng(1).gamma(2.0, size=(200, 1))
    mean, a = _minimum("gaussian", y, 2)
    assert mean == pytest.approx(y.mean(), rel=1e-8)
    assert np.exp(a) == pytest.approx(y.var(), rel=1e-8)


def test_cross_entropies_are_least_at_the_frequencies_of_the_classes():
    classes = np.random.default_rng(1).choice(3, size=300, p=[0.6, 0.3, 0.1])
    y = np.eye(3)[classes]
    frequencies = y.mean(axis=0)
    np.testing.assert_allclose(special.softmax(_minimum("categorical", y, 3)), frequencies, rtol=1e-8)
    np.testing.assert_allclose(special.expit(_minimum("binary", y, 3)), frequencies, rtol=1e-8)


@pytest.mark.parametrize("name", ["binary", "categorical"])
def test_cross_entropies_of_large_logits_are_finite_and_exact(name):
    z = np.array([[800.0, -800.0]], np.float32)
    y = np.array([[0.0, 1.0]], np.float32)
    value, gradient = jax.value_and_grad(lambda z: Loss(name).mean(z, y))(z)
    assert float(value) == (800.0 if name == "binary" else 1600.0)
    np.testing.assert_allclose(gradient, [[0.5, -0.5]] if name == "binary" else [[1.0, -1.0]])


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("instead", [np.nan, np.inf, 1e6, 0.0])
def test_unobserved_targets_count_for_nothing(name, instead):
    rng = np.random.default_rng(7)
    z, y, unit = _case(name, rng)
    observed = rng.random(y.shape) < 0.6
    if name == "categorical":
        observed[...] = observed[..., :1]
    wrong = np.where(observed, y, instead)
    terms = _closed_form(name, z, y, unit)
    kept = observed if name != "categorical" else observed[..., :1]
    with jax.enable_x64(True):
        dropped = jax.grad(lambda z: jnp.sum(Loss(name, DELTA).terms(z, y, unit)[np.nonzero(kept)]) / kept.sum())(z)
        value, gradient = jax.value_and_grad(lambda z: Loss(name, DELTA).mean(z, wrong, unit, observed))(z)
        value, gradient, dropped = float(value), np.asarray(gradient), np.asarray(dropped)
    assert value == pytest.approx(terms[kept].mean(), rel=1e-14)
    np.testing.assert_allclose(gradient, dropped, rtol=1e-14, atol=1e-14)


def test_a_class_that_is_unobserved_in_one_column_is_unobserved():
    z, y = np.array([[1.0, 2.0], [0.5, -1.0]]), np.array([[1.0, np.nan], [0.0, 1.0]])
    with jax.enable_x64(True):
        value = float(Loss("categorical").mean(z, y, 1.0, ~np.isnan(y)))
    assert value == pytest.approx(-special.log_softmax(z[1])[1], rel=1e-14)


def test_where_nothing_is_observed_loss_and_gradient_are_zero():
    y = np.full((3, 2), np.nan, np.float32)
    value, gradient = jax.value_and_grad(lambda z: Loss().mean(z, y, 1.0, ~np.isnan(y)))(np.ones((3, 2), np.float32))
    assert float(value) == 0.0
    np.testing.assert_array_equal(gradient, 0.0)


def test_a_loss_that_cannot_be_is_refused():
    with pytest.raises(ConfigError, match="unknown loss 'hubre': did you mean 'huber'"):
        Loss("hubre")
    with pytest.raises(ConfigError, match="positive number"):
        Loss("huber", 0.0)
