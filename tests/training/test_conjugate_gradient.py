"""Conjugate gradients against dense algebra and SciPy, and what other implementations get wrong."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse.linalg

from recurra.training import conjugate_gradient as cg

N = 60


@pytest.fixture(autouse=True)
def _float64():
    with jax.enable_x64(True):
        yield


def spd(condition, seed=0):
    """A random symmetric positive definite matrix and a right side."""
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.standard_normal((N, N)))[0]
    return Q @ np.diag(np.geomspace(1, condition, N)) @ Q.T, rng.standard_normal(N)


def solve(A, b, start=None, **options):
    options = {"most": 4 * N, "tolerance": 0.0, "inverse": 1.0} | options
    run = jax.jit(lambda A, b, x: cg.conjugate_gradient(lambda v: A @ v, b, x, **options))
    return jax.tree.map(np.asarray, run(A, b, np.zeros_like(b) if start is None else start))


def phi(A, b, x):
    return 0.5 * x @ A @ x - b @ x


def test_a_well_conditioned_system_is_solved():
    A, b = spd(1e4)
    found = solve(A, b, most=6 * N)
    exact = np.linalg.solve(A, b)
    assert np.linalg.norm(found.x - exact) <= 1e-8 * np.linalg.norm(exact)


def test_as_many_iterations_as_there_are_eigenvalues():
    Q = np.linalg.qr(np.random.default_rng(1).standard_normal((N, N)))[0]
    A = Q @ np.diag(np.repeat([1.0, 2.0, 5.0, 10.0], N // 4)) @ Q.T
    found = solve(A, np.ones(N), most=4)
    np.testing.assert_allclose(found.x, np.linalg.solve(A, np.ones(N)), rtol=1e-10)
    assert cg.REASONS[found.reason] == "solved"


def test_the_iterates_are_scipys():
    A, b = spd(30)  # of a larger condition the rounding errors of both grow beyond any tolerance
    path = []
    scipy.sparse.linalg.cg(A, b, rtol=0, maxiter=25, callback=lambda x: path.append(x.copy()))
    found = solve(A, b, most=25)
    assert found.count == len(cg.saved(25))  # 25 is one of them
    for slot, i in enumerate(cg.saved(25)):
        np.testing.assert_allclose(found.iterates[slot], path[i - 1], rtol=1e-8, atol=1e-12)


def test_the_right_preconditioner_is_applied_from_the_first_step():
    rng = np.random.default_rng(2)
    scales = np.geomspace(1, 1e6, N)
    B = rng.standard_normal((N, N)) / 50
    A = np.diag(scales) + np.sqrt(np.outer(scales, scales)) * (B + B.T) / 2
    b = rng.standard_normal(N)
    plain = solve(A, b, most=3000, tolerance=1e-9)
    scaled = solve(A, b, most=3000, tolerance=1e-9, inverse=1 / scales)
    assert plain.steps >= 3 * scaled.steps
    assert phi(A, b, scaled.x) <= phi(A, b, plain.x) + 1e-9 * abs(phi(A, b, plain.x))
    # with M = A for a diagonal A the first step is the solution: the scalar of that step must be r'My
    once = solve(np.diag(scales), b, most=1, inverse=1 / scales)
    np.testing.assert_allclose(once.x, b / scales, rtol=1e-12)


def test_a_warm_start_from_the_solution_ends_at_once():
    A, b = spd(100)
    found = solve(A, b, np.linalg.solve(A, b) * (1 + 1e-14))
    assert found.steps <= 1
    assert found.count == 1
    np.testing.assert_allclose(found.iterates[0], np.linalg.solve(A, b), rtol=1e-10)


def test_the_value_is_phi_and_falls_at_every_saved_iterate():
    A, b = spd(1e4)
    found = solve(A, b, np.full(N, 0.1), most=100)
    values = [phi(A, b, x) for x in found.iterates[: found.count]]
    np.testing.assert_allclose(found.values[: found.count], values, rtol=1e-10)
    assert (np.diff(values) < 0).all()
    np.testing.assert_allclose(found.iterates[found.count - 1], found.x)


@pytest.mark.parametrize("size", [1.0, 1e-6, 1e-12])
def test_the_number_of_iterations_does_not_depend_on_the_scale_in_float32(size):
    A, b = (array.astype(np.float32) for array in spd(100))
    whole = solve(A, b, most=250, tolerance=cg.TOLERANCE)
    small = solve(A, np.float32(size) * b, most=250, tolerance=cg.TOLERANCE)
    assert cg.REASONS[whole.reason] == cg.REASONS[small.reason] == "little progress"
    assert abs(int(whole.steps) - int(small.steps)) <= 1
    np.testing.assert_allclose(small.x, size * whole.x, rtol=1e-3, atol=1e-4 * size)


def test_it_stops_by_the_rule_of_relative_progress():
    A, b = spd(50)
    path = [0.0]
    scipy.sparse.linalg.cg(A, b, rtol=0, maxiter=200, callback=lambda x: path.append(phi(A, b, x)))

    def stops(i):
        k = max(10, int(np.ceil(0.1 * i)))
        return i > k and path[i] < 0 and (path[i] - path[i - k]) / path[i] < k * 5e-4

    expected = next(i for i in range(1, 201) if stops(i))
    assert solve(A, b, most=250, tolerance=5e-4).steps == expected
    assert solve(A, b, most=250, tolerance=5e-4, least=expected + 7).steps == expected + 7


def test_a_direction_of_negative_curvature_ends_it_with_the_iterate_before():
    A = np.diag([1.0, 2.0, -1.0])
    found = solve(A, np.array([1.0, 1.0, 0.0]), most=50)
    assert np.isfinite(found.x).all()
    found = solve(-np.eye(3), np.ones(3), most=50)
    assert cg.REASONS[found.reason] == "no positive curvature"
    assert found.steps == 0
    np.testing.assert_array_equal(found.iterates[0], 0.0)


def test_a_product_that_is_not_finite_is_no_iterate():
    run = jax.jit(
        lambda b: cg.conjugate_gradient(lambda v: jnp.where(jnp.linalg.norm(v) > 0, jnp.nan, 0.0) * v, b, 0 * b, most=9)
    )
    found = run(np.ones(3))
    assert cg.REASONS[found.reason] == "no positive curvature"
    np.testing.assert_array_equal(found.x, 0.0)


def test_the_residual_that_is_updated_does_not_drift():
    A, b = (array.astype(np.float32) for array in spd(1e3))
    found = solve(A, b, most=240)  # four residuals are computed anew, each by one further product
    assert found.products == 1 + found.steps + (int(found.steps) - 1) // 50
    exact = np.linalg.solve(A.astype(float), b.astype(float))
    assert np.linalg.norm(found.x - exact) <= 1e-3 * np.linalg.norm(exact)


def test_the_grid_of_saved_iterates_is_that_of_the_author():
    assert cg.saved(250)[1:] == (5, 7, 9, 11, 15, 19, 25, 32, 41, 54, 69, 90, 117, 152, 197)
