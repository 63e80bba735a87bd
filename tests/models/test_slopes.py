"""The activations in NumPy: those of the cells, with slopes that the complex step confirms."""

import jax
import numpy as np
import pytest

from recurra.cells import ACTIVATIONS, ELEMENTWISE
from recurra.errors import ConfigError
from recurra.models.slopes import SIGMAS, sigma, through_output

A = np.concatenate([np.linspace(-6, 6, 97) + 1e-3, [-800.0, 800.0]])


def test_the_names_are_those_of_the_cells():
    assert list(SIGMAS) == list(ACTIVATIONS)


@pytest.mark.parametrize("name", SIGMAS)
def test_values_are_those_of_the_cells(name):
    with jax.enable_x64(True):
        wanted = np.asarray(ACTIVATIONS[name](A))
    np.testing.assert_allclose(sigma(name).value(A), wanted, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_slopes_are_those_of_the_complex_step(name):
    a = A[:-2]
    slopes = sigma(name).value(a + 1e-30j).imag / 1e-30
    np.testing.assert_allclose(sigma(name).slope(a), slopes, rtol=1e-13, atol=1e-15)


def test_the_slope_at_a_kink_is_the_one_to_the_left():
    assert sigma("relu").slope(np.zeros(1)) == 0
    assert sigma("leaky-relu").slope(np.zeros(1)) == 0.01
    assert sigma("hard-logistic").slope(np.array([-3.0, 3.0])).tolist() == [0, 1 / 6]


def test_softmax_sends_errors_back_through_its_full_jacobian():
    z, e = np.array([0.3, -1.0, 2.0]), np.array([1.0, -2.0, 0.5])
    jacobian = np.array([sigma("softmax").value(z + 1e-30j * unit).imag / 1e-30 for unit in np.eye(3)]).T
    np.testing.assert_allclose(through_output("softmax", z, e), jacobian.T @ e, rtol=1e-13)
    np.testing.assert_allclose(sigma("softmax").slope(z), np.diag(jacobian), rtol=1e-13)


def test_an_unknown_name_is_refused():
    with pytest.raises(ConfigError, match="did you mean 'tanh'"):
        sigma("tahn")
