"""The band reduction and the update of triangular factors against dense solutions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recurra.reservoirs.band import WIDTH, Band, largest_square
from recurra.reservoirs.readout import BAND, GramSum, TriangularFactor
from recurra.reservoirs.triangle import with_rows

SIZES = [1, 2, WIDTH - 1, WIDTH, WIDTH + 1, 2 * WIDTH, 2 * WIDTH + 30, 3 * WIDTH + 1]


def triangle(size, rng, decades=0):
    U, V = (np.linalg.qr(rng.standard_normal((size, size)))[0] for _ in range(2))
    return np.linalg.qr((U * np.logspace(0, -decades, size)) @ V)[1]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("penalty", [1e-6, 0.1, 30.0])
def test_a_band_solves_what_the_dense_problem_does(size, penalty):
    rng = np.random.default_rng(size)
    R, rhs = triangle(size, rng, 3), rng.standard_normal((size, 2))
    band = Band.of(R, rhs)
    stacked = np.concatenate([R, np.sqrt(penalty) * np.eye(size)]), np.concatenate([rhs, np.zeros((size, 2))])
    expected = np.linalg.lstsq(*stacked, rcond=None)[0]
    np.testing.assert_allclose(band.back(band.solve(penalty)), expected, rtol=1e-8, atol=1e-9)
    assert band.largest == pytest.approx(np.linalg.norm(R, 2) ** 2, rel=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_the_band_has_the_singular_values_of_the_triangle(size):
    rng = np.random.default_rng(1)
    R = triangle(size, rng, 2)
    B, first = np.zeros((size, size)), 0
    for D, S in Band.of(R, np.zeros((size, 1))).blocks:
        k, beside = S.shape
        B[first : first + k, first : first + k] = D
        B[first : first + k, first + k : first + k + beside] = S
        first += k
    np.testing.assert_array_equal(np.tril(B, -1), 0)
    np.testing.assert_array_equal(np.triu(B, WIDTH + 1)[: max(0, size - 2 * WIDTH)], 0)
    np.testing.assert_allclose(np.linalg.svd(B)[1], np.linalg.svd(R)[1], rtol=1e-11)


@pytest.mark.parametrize("size", [1, 40, 300])
def test_the_largest_singular_value(size):
    rng = np.random.default_rng(2)
    A = rng.standard_normal((size, size))
    assert largest_square(A) == pytest.approx(np.linalg.norm(A, 2) ** 2, rel=1e-12)
    assert largest_square(1e-200 * A) == pytest.approx(np.linalg.norm(1e-200 * A, 2) ** 2, abs=0)
    assert largest_square(np.zeros((size, size))) == 0


@settings(max_examples=40, deadline=None)
@given(size=st.integers(1, 150), count=st.integers(1, 200), seed=st.integers(0, 99), empty=st.booleans())
def test_rows_below_a_triangle(size, count, seed, empty):
    """R^T R of the result is that of all rows; columns of zeros are no harm."""
    rng = np.random.default_rng(seed)
    R, rows = np.triu(rng.standard_normal((size, size))), rng.standard_normal((count, size))
    if empty:
        R[:, size // 2], rows[:, size // 2] = 0, 0
    kept = R.copy()
    found = with_rows(R, np.asfortranarray(rows.copy()))
    np.testing.assert_array_equal(np.tril(found, -1), 0)
    np.testing.assert_allclose(found.T @ found, R.T @ R + rows.T @ rows, atol=1e-11)
    np.testing.assert_array_equal(R, kept)


@pytest.mark.parametrize("kind", [TriangularFactor, GramSum])
@pytest.mark.parametrize("features", [9, BAND + 20])
def test_one_ridge_is_that_of_the_path(kind, features):
    rng = np.random.default_rng(3)
    H = rng.standard_normal((400, features)) + 2
    Y = H @ rng.standard_normal((features, 2)) + rng.standard_normal((400, 2))
    total = kind.empty(features, 2).add(H, Y)
    for ridge in (0.0, 1e-10, 1e-3, 2.0):
        np.testing.assert_allclose(total.solve(ridge), total.path().solve(ridge), rtol=1e-8, atol=1e-10)


def test_a_path_of_many_features_reaches_ridges_that_a_gram_matrix_does_not():
    """Noiseless targets, singular values over 14 decades: as good as the singular value decomposition."""
    rng = np.random.default_rng(4)
    features = BAND + 50
    U = np.linalg.qr(rng.standard_normal((600, features)))[0]
    H = (U * np.logspace(0, -14, features)) @ np.linalg.qr(rng.standard_normal((features, features)))[0]
    Y = U.sum(axis=1, keepdims=True)
    total = TriangularFactor.empty(features, 1).add(H, Y)
    path = total.path()
    for ridge in (1e-20, 1e-28):
        errors = []
        for found in (path.solve(ridge), total.solve(ridge), path.singular.solve(ridge)):
            errors.append(np.sqrt(np.mean((found[:, 0] + H @ found[:, 1:].T - Y) ** 2) / np.mean(Y**2)))
        assert max(errors) < 1.2 * errors[-1] + 0.02
    gram = GramSum.empty(features, 1).add(H, Y).path().solve(1e-28)
    assert np.sqrt(np.mean((gram[:, 0] + H @ gram[:, 1:].T - Y) ** 2) / np.mean(Y**2)) > 5 * errors[0]


def test_features_that_do_not_vary_get_no_weight():
    total = TriangularFactor.empty(BAND + 1, 1).add(np.ones((400, BAND + 1)), np.arange(400.0)[:, None])
    for found in (total.solve(1e-6), total.path().solve(1e-6), total.solve(0.0)):
        np.testing.assert_allclose(found[0, 0] + found[0, 1:].sum(), 199.5, rtol=1e-6)
