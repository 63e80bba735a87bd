"""Ridge readouts against dense solutions, for any cutting of the rows into blocks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recurra.reservoirs.readout import QR_LIMIT, GramSum, TriangularFactor, empty_sum

SUMS = pytest.mark.parametrize("kind", [TriangularFactor, GramSum])
RIDGES = (1e-12, 1e-6, 1e-2, 1.0, 30.0)


def data(rows=120, features=9, targets=2, seed=0):
    rng = np.random.default_rng(seed)
    H = rng.standard_normal((rows, features)) * rng.uniform(0.1, 3, features) + rng.uniform(-5, 5, features)
    Y = H @ rng.standard_normal((features, targets)) + rng.standard_normal((rows, targets)) + 4.0
    return H, Y


def dense(H, Y, ridge):
    """[c, V] of min |Y - 1 c - H V|^2 + ridge s1^2 |V|^2 by one stacked least-squares problem; c is not penalised."""
    s1 = np.linalg.norm(H - H.mean(axis=0), 2)
    features = H.shape[1]
    top = np.concatenate([np.ones((len(H), 1)), H], axis=1)
    bottom = np.concatenate([np.zeros((features, 1)), np.sqrt(ridge) * s1 * np.eye(features)], axis=1)
    stacked = np.concatenate([Y, np.zeros((features, Y.shape[1]))])
    return np.linalg.lstsq(np.concatenate([top, bottom]), stacked, rcond=None)[0].T


def in_blocks(kind, H, Y, sizes):
    total, first = kind.empty(H.shape[1], Y.shape[1]), 0
    for size in sizes:
        total = total.add(H[first : first + size], Y[first : first + size])
        first += size
    return total


@SUMS
def test_the_whole_path_is_separate_dense_solutions(kind):
    H, Y = data()
    path = in_blocks(kind, H, Y, [120]).path()
    for ridge in RIDGES:
        np.testing.assert_allclose(path.solve(ridge), dense(H, Y, ridge), rtol=1e-9, atol=1e-10)


@SUMS
def test_without_ridge_it_is_least_squares(kind):
    H, Y = data(seed=1)
    table = np.concatenate([np.ones((len(H), 1)), H], axis=1)
    expected = np.linalg.lstsq(table, Y, rcond=None)[0].T
    np.testing.assert_allclose(in_blocks(kind, H, Y, [50, 70]).path().solve(0.0), expected, atol=1e-10)


@SUMS
def test_what_is_left_is_the_sum_of_squared_errors(kind):
    H, Y = data(seed=5)
    total = in_blocks(kind, H, Y, [70, 50])
    for V in (total.solve(1e-3), np.random.default_rng(6).standard_normal((Y.shape[1], 1 + H.shape[1]))):
        errors = Y - V[:, 0] - H @ V[:, 1:].T
        assert total.left(V) == pytest.approx(np.sum(errors**2), rel=1e-9)


@SUMS
def test_a_huge_ridge_leaves_the_mean(kind):
    H, Y = data(seed=2)
    solution = in_blocks(kind, H, Y, [120]).path().solve(1e12)
    np.testing.assert_allclose(solution[:, 0], Y.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(solution[:, 1:], 0, atol=1e-10)


@SUMS
def test_shifting_the_targets_shifts_the_constant_alone(kind):
    H, Y = data(seed=3)
    before, after = (in_blocks(kind, H, Y + shift, [120]).path().solve(0.1) for shift in (0.0, 100.0))
    np.testing.assert_allclose(after[:, 1:], before[:, 1:], atol=1e-10)
    np.testing.assert_allclose(after[:, 0], before[:, 0] + 100, atol=1e-9)


@SUMS
def test_more_features_than_rows(kind):
    H, Y = data(rows=8, features=20, seed=4)
    path = in_blocks(kind, H, Y, [3, 5]).path()
    for ridge in (1e-8, 1e-3):
        np.testing.assert_allclose(path.solve(ridge), dense(H, Y, ridge), rtol=1e-6, atol=1e-7)


@SUMS
@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.integers(1, 60), min_size=1, max_size=12), seed=st.integers(0, 1000))
def test_blocks_do_not_matter(kind, sizes, seed):
    H, Y = data(rows=sum(sizes) + 12, seed=seed)
    whole = in_blocks(kind, H, Y, [len(H)])
    cut = in_blocks(kind, H, Y, [*sizes, 12])
    assert cut.rows == whole.rows == len(H)
    for ridge in (1e-9, 1e-2):
        np.testing.assert_allclose(cut.path().solve(ridge), whole.path().solve(ridge), rtol=1e-7, atol=1e-8)


@SUMS
def test_adding_leaves_the_old_sum_and_the_rows_as_they_were(kind):
    H, Y = data(seed=5)
    old = in_blocks(kind, H, Y, [40, 30])
    before, kept = old.path().solve(0.01), (H.copy(), Y.copy())
    new = old.add(H[70:], Y[70:])
    np.testing.assert_array_equal(old.path().solve(0.01), before)
    assert (old.rows, new.rows) == (70, 120)
    assert np.abs(new.path().solve(0.01) - before).max() > 1e-3
    np.testing.assert_array_equal(H, kept[0])
    np.testing.assert_array_equal(Y, kept[1])


def test_the_triangular_factor_keeps_what_the_gram_matrix_loses():
    """Noiseless targets on features whose singular values span 14 decades: the weakest direction decides."""
    rng = np.random.default_rng(6)
    rows, features = 600, 15
    U = np.linalg.qr(rng.standard_normal((rows, features)) - 0.0)[0]
    U -= U.mean(axis=0)
    U = np.linalg.qr(U)[0]
    V = np.linalg.qr(rng.standard_normal((features, features)))[0]
    s = np.logspace(0, -14, features)
    H = (U * s) @ V.T
    Y = U.sum(axis=1, keepdims=True)  # as strong in every direction
    errors = {}
    for kind, ridge in ((TriangularFactor, 1e-34), (GramSum, 1e-34), (GramSum, 1e-16)):
        solution = in_blocks(kind, H, Y, [100] * 6).path().solve(ridge)
        forecast = solution[:, 0] + H @ solution[:, 1:].T
        errors[kind, ridge] = np.sqrt(np.mean((forecast - Y) ** 2) / np.mean(Y**2))
    # Rounding of H itself, 1e-16, against s = 1e-14 leaves about 1 % in the weakest of the 15 directions.
    assert errors[TriangularFactor, 1e-34] < 0.02
    # The Gram matrix is blind below 1e-8: 6 of 15 directions are lost, sqrt(6 / 15) = 0.63, or wrongly amplified.
    assert min(errors[GramSum, 1e-34], errors[GramSum, 1e-16]) > 0.5


def test_both_sums_agree_where_both_can_see():
    H, Y = data(rows=300, features=30, seed=7)
    for ridge in (1e-10, 1e-4):
        one, other = (in_blocks(kind, H, Y, [77, 223]).path().solve(ridge) for kind in (TriangularFactor, GramSum))
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-10)


def test_the_number_of_features_picks_the_sum():
    assert isinstance(empty_sum(5, 1), TriangularFactor)
    assert isinstance(empty_sum(QR_LIMIT + 1, 1), GramSum)


@SUMS
def test_trained_numbers_are_outputs_times_features_and_a_constant(kind):
    H, Y = data(features=9, targets=2)
    assert in_blocks(kind, H, Y, [120]).path().solve(1e-3).size == 2 * (1 + 9)


@SUMS
@pytest.mark.parametrize("kept", [1, 4, 9])
def test_the_first_features_alone_are_what_a_sum_of_their_own_gives(kind, kept):
    rng = np.random.default_rng(kept)
    features, targets = rng.standard_normal((60, 9)), rng.standard_normal((60, 2))
    whole, own = (kind.empty(size, 2) for size in (9, kept))
    for first in (0, 25):
        rows = slice(first, first + 25 + 10 * (first > 0))
        whole, own = whole.add(features[rows], targets[rows]), own.add(features[rows, :kept], targets[rows])
    part = whole.leading(kept)
    assert (part.features, part.rows) == (kept, 60)
    for ridge in (1e-12, 1e-2):
        np.testing.assert_allclose(part.path().solve(ridge), own.path().solve(ridge), rtol=1e-8, atol=1e-11)
    again = part.add(features[:5, :kept], targets[:5])  # it goes on as any sum
    expected = own.add(features[:5, :kept], targets[:5])
    np.testing.assert_allclose(again.path().solve(1e-3), expected.path().solve(1e-3), rtol=1e-8, atol=1e-11)
