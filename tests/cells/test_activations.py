"""Every activation and its derivative against closed forms, written down here by themselves."""

import jax
import numpy as np
import pytest
from scipy import special

from recurra.cells import ACTIVATIONS, ELEMENTWISE, Elman, activation
from recurra.errors import ConfigError

A = np.concatenate([-np.logspace(2.5, -6, 40), np.logspace(-6, 2.5, 40), [-3.0 + 1e-9, 3.0 - 1e-9]])
s = special.expit

CLOSED = {  # sigma(a), sigma'(a)
    "tanh": (np.tanh, lambda a: 1 / np.cosh(a) ** 2),
    "relu": (lambda a: (a + np.abs(a)) / 2, lambda a: 1.0 * (a > 0)),
    "identity": (lambda a: a, np.ones_like),
    "logistic": (s, lambda a: s(a) * s(-a)),
    "hard-logistic": (lambda a: np.clip(a / 6 + 0.5, 0, 1), lambda a: (np.abs(a) < 3) / 6),
    "leaky-relu": (lambda a: np.maximum(a, 0.01 * a), lambda a: np.where(a > 0, 1, 0.01)),
    "elu": (lambda a: np.maximum(a, 0) + np.expm1(np.minimum(a, 0)), lambda a: np.exp(np.minimum(a, 0))),
    "softplus": (lambda a: np.maximum(a, 0) + np.log1p(np.exp(-np.abs(a))), s),
    "softsign": (lambda a: a / (1 + np.abs(a)), lambda a: 1 / (1 + np.abs(a)) ** 2),
    "silu": (lambda a: a * s(a), lambda a: s(a) + a * s(a) * s(-a)),
    "gelu": (
        lambda a: a * special.erfc(-a / np.sqrt(2)) / 2,
        lambda a: special.erfc(-a / np.sqrt(2)) / 2 + a * np.exp(-(a**2) / 2) / np.sqrt(2 * np.pi),
    ),
}


def test_the_table_is_complete():
    assert set(CLOSED) == set(ELEMENTWISE) == set(ACTIVATIONS) - {"softmax"}
    assert all(entry.formula for entry in ACTIVATIONS.values())


@pytest.mark.parametrize("name", CLOSED)
def test_value_and_derivative_are_those_of_the_formula(name):
    value, slope = CLOSED[name]
    a = A[np.abs(A) < 300]
    with jax.enable_x64(True), np.errstate(over="ignore"):
        np.testing.assert_allclose(ACTIVATIONS[name](a), value(a), rtol=1e-14, atol=1e-15)
        found = jax.jit(jax.vmap(jax.grad(ACTIVATIONS[name].function)))(a)
        np.testing.assert_allclose(found, slope(a), rtol=2e-14, atol=1e-15)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_nothing_overflows(name):
    with jax.enable_x64(True):
        value, slope = jax.jit(lambda a: jax.jvp(ACTIVATIONS[name].function, (a,), (np.ones(2),)))(
            np.array([-1e4, 1e4])
        )
    assert np.isfinite(value).all()
    assert np.isfinite(slope).all()


def test_the_slope_of_relu_at_its_kink_is_that_of_the_left():
    assert jax.grad(ACTIVATIONS["relu"].function)(0.0) == 0
    assert jax.grad(ACTIVATIONS["leaky-relu"].function)(0.0) == np.float32(0.01)


def test_softmax_is_a_probability_and_its_jacobian_is_diag_p_minus_p_p():
    a = np.array([0.3, -1.2, 2.0, 0.0])
    with jax.enable_x64(True):
        p = np.asarray(ACTIVATIONS["softmax"](a))
        jacobian = jax.jit(jax.jacobian(ACTIVATIONS["softmax"].function))(a)
    np.testing.assert_allclose(p, np.exp(a) / np.exp(a).sum(), rtol=1e-15)
    np.testing.assert_allclose(jacobian, np.diag(p) - np.outer(p, p), atol=1e-16)


def test_an_unknown_one_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match="'sofplus': did you mean 'softplus'"):
        activation("sofplus")
    with pytest.raises(ConfigError, match="'Tanh': did you mean 'tanh'"):
        Elman.draw(1, 1, np.random.default_rng(0), activation="Tanh")


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elman_applies_it_to_every_unit(name):
    rng = np.random.default_rng(0)
    cell = Elman(rng.normal(size=(4, 2)), rng.normal(size=(4, 4)), rng.normal(size=4), name)
    h, x = rng.normal(size=4), rng.normal(size=2)
    with jax.enable_x64(True):
        new = cell(h, x)
    np.testing.assert_allclose(new, CLOSED[name][0](cell.U @ x + cell.W @ h + cell.b), rtol=1e-13)
