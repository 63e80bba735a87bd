"""Kernels from their formulas, and kernel ridge regression against the dense bordered system."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recurra.reservoirs.kernel_ridge import KernelPath
from recurra.reservoirs.kernels import KERNELS, Kernel

ROOT5 = np.sqrt(5)
FORMULAS = {
    "gaussian": lambda r: np.exp(-(r**2) / 2),
    "matern-5/2": lambda r: (1 + ROOT5 * r + 5 * r**2 / 3) * np.exp(-ROOT5 * r),
}


def matrix(name, length, centres, vectors):
    """Entry by entry."""
    k = FORMULAS[name]
    return np.array([[k(np.linalg.norm(z - c) / length) for z in vectors.T] for c in centres.T])


@pytest.mark.parametrize("name", KERNELS)
@given(variables=st.integers(1, 5), length=st.floats(0.1, 20), seed=st.integers(0, 99))
@settings(max_examples=20)
def test_a_kernel_is_its_formula(name, variables, length, seed):
    rng = np.random.default_rng(seed)
    centres, vectors = rng.standard_normal((variables, 7)), rng.standard_normal((variables, 9))
    kernel = Kernel(centres, length, name)
    np.testing.assert_allclose(kernel(vectors), matrix(name, length, centres, vectors), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(np.diag(kernel(centres)), 1.0, atol=1e-6)


def fitted(kernel, vectors, targets, size=4):
    rows = [(vectors[:, k : k + size], targets[k : k + size]) for k in range(0, len(targets), size)]
    return KernelPath.of(kernel, rows, targets.shape[1], lambda: None)


def centred_top(K):
    H = np.eye(len(K)) - 1 / len(K)
    return np.linalg.eigvalsh(H @ K @ H)[-1]


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("ridge", [1.0, 1e-3, 1e-6])
def test_with_all_rows_as_centres_it_solves_the_bordered_system(name, ridge):
    """[[K + s I, 1], [1^T, 0]] [a; c] = [y; 0]: the minimum with a constant that is free."""
    rng = np.random.default_rng(2)
    vectors, targets = rng.standard_normal((2, 30)), rng.standard_normal((30, 3)) + 5.0
    K = matrix(name, 0.7, vectors, vectors)
    A = np.block([[K + ridge * centred_top(K) * np.eye(30), np.ones((30, 1))], [np.ones((1, 30)), np.zeros((1, 1))]])
    solution = np.linalg.solve(A, np.concatenate([targets, np.zeros((1, 3))]))
    found = fitted(Kernel(vectors, 0.7, name), vectors, targets).solve(ridge)
    new = rng.standard_normal((2, 11))
    expected = solution[-1] + matrix(name, 0.7, vectors, new).T @ solution[:-1]
    seen = found[:, 0] + matrix(name, 0.7, vectors, new).T @ found[:, 1:].T
    np.testing.assert_allclose(seen, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", KERNELS)
def test_with_fewer_centres_it_is_the_minimum_over_what_they_span(name):
    """The normal equations over [c, a], with the penalty a^T K a."""
    rng = np.random.default_rng(3)
    vectors, targets = rng.standard_normal((2, 60)), rng.standard_normal((60, 2))
    centres, ridge = vectors[:, ::6], 1e-3
    kernel = Kernel(np.ascontiguousarray(centres), 0.8, name)
    path = fitted(kernel, vectors, targets, size=25)
    Knm, Kmm = matrix(name, 0.8, vectors, centres), matrix(name, 0.8, centres, centres)
    centred = (Knm - Knm.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(Kmm)).T
    penalty = ridge * np.linalg.norm(centred, 2) ** 2
    X = np.concatenate([np.ones((60, 1)), Knm], axis=1)
    P = np.zeros((11, 11))
    P[1:, 1:] = penalty * Kmm
    expected = np.linalg.solve(X.T @ X + P, X.T @ targets)
    np.testing.assert_allclose(path.solve(ridge), expected.T, rtol=1e-6, atol=1e-9)


def test_the_size_of_a_block_does_not_matter_and_nothing_is_penalised_but_the_function():
    rng = np.random.default_rng(4)
    vectors, targets = rng.standard_normal((3, 40)), rng.standard_normal((40, 1))
    kernel = Kernel(vectors, 1.5)
    one, other = (fitted(kernel, vectors, targets, size).solve(1e-4) for size in (1, 40))
    np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)
    shifted = fitted(kernel, vectors, targets + 100.0).solve(1e-4)
    np.testing.assert_allclose(shifted[:, 0], fitted(kernel, vectors, targets).solve(1e-4)[:, 0] + 100, rtol=1e-8)
    flat = fitted(kernel, vectors, targets).solve(1e9)
    np.testing.assert_allclose(flat[0, 0], targets.mean(), rtol=1e-6)


def test_a_ridge_of_nearly_nothing_stays_finite_where_the_kernel_is_flat():
    """A long Gaussian has few eigenvalues above rounding: what is left out cannot blow the coefficients up."""
    x = np.linspace(-1, 1, 200)
    path = fitted(Kernel(x[None], 1.0), x[None], np.sin(3 * x)[:, None], size=200)
    found = path.solve(1e-17)
    new = np.linspace(-0.99, 0.99, 77)
    seen = found[0, 0] + matrix("gaussian", 1.0, x[None], new[None]).T @ found[0, 1:]
    assert path.W.shape[1] < 30
    np.testing.assert_allclose(seen, np.sin(3 * new), atol=1e-6)
