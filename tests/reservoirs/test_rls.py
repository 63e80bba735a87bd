"""Recursive least squares: the ridge solution after every row, weighted least squares with forgetting."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recurra.reservoirs import RecursiveLeastSquares, TriangularFactor

PENALTY = 0.37


def data(rows=90, features=7, targets=2, seed=0):
    rng = np.random.default_rng(seed)
    H = rng.standard_normal((rows, features)) * rng.uniform(0.2, 2, features) + rng.uniform(-4, 4, features)
    return H, H @ rng.standard_normal((features, targets)) + rng.standard_normal((rows, targets)) + 5.0


def dense(H, Y, penalty, forgetting=1.0):
    """[c, V] of sum w_i |y_i - c - V h_i|^2 + forgetting^n p |V|^2 by the normal equations, with c left free."""
    rows, features = H.shape
    w = forgetting ** np.arange(rows - 1, -1, -1.0)
    A = np.concatenate([np.ones((rows, 1)), H], axis=1)
    D = np.diag([0.0] + [penalty * forgetting**rows] * features)
    return np.linalg.solve(A.T @ (w[:, None] * A) + D, A.T @ (w[:, None] * Y)).T


def row_by_row(H, Y, penalty, forgetting=1.0):
    online = RecursiveLeastSquares.start(H.shape[1], Y.shape[1], penalty=penalty, forgetting=forgetting)
    for h, y in zip(H, Y, strict=True):
        online = online.update(h[None], y[None])
    return online


def test_without_forgetting_it_is_the_ridge_solution_bias_included():
    H, Y = data()
    s1 = np.linalg.norm(H - H.mean(axis=0), 2)
    ridge = TriangularFactor.empty(7, 2).add(H, Y).path().solve(PENALTY / s1**2)  # a ridge is relative
    online = row_by_row(H, Y, PENALTY)
    np.testing.assert_allclose(online.coefficients, ridge, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(online.coefficients, dense(H, Y, PENALTY), rtol=1e-10, atol=1e-10)
    assert (online.rows, online.features) == (90, 7)


@pytest.mark.parametrize("forgetting", [0.999, 0.95, 0.7])
def test_with_forgetting_it_is_weighted_least_squares(forgetting):
    H, Y = data(seed=1)
    found = row_by_row(H, Y, PENALTY, forgetting).coefficients
    np.testing.assert_allclose(found, dense(H, Y, PENALTY, forgetting), rtol=1e-9, atol=1e-9)


def test_after_every_row_it_is_the_solution_of_the_rows_so_far():
    H, Y = data(rows=25, seed=2)
    online = RecursiveLeastSquares.start(7, 2, penalty=PENALTY, forgetting=0.9)
    for n in range(1, 26):
        online = online.update(H[n - 1 : n], Y[n - 1 : n])
        np.testing.assert_allclose(online.coefficients, dense(H[:n], Y[:n], PENALTY, 0.9), rtol=1e-8, atol=1e-8)


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(1, 20), min_size=1, max_size=8), forgetting=st.sampled_from([1.0, 0.98, 0.8]))
def test_rows_may_come_in_blocks(cuts, forgetting):
    H, Y = data(rows=sum(cuts), seed=3)
    online, first = RecursiveLeastSquares.start(7, 2, penalty=PENALTY, forgetting=forgetting), 0
    for size in cuts:
        online = online.update(H[first : first + size], Y[first : first + size])
        first += size
    one = row_by_row(H, Y, PENALTY, forgetting)
    np.testing.assert_allclose(online.coefficients, one.coefficients, rtol=1e-9, atol=1e-9)
    assert online.rows == one.rows


def test_what_is_updated_stays_as_it_was():
    H, Y = data(seed=4)
    old = row_by_row(H[:40], Y[:40], PENALTY, 0.9)
    before = old.coefficients.copy()
    old.update(H[40:], Y[40:])
    np.testing.assert_array_equal(old.coefficients, before)


def test_it_follows_a_law_that_changes():
    H, Y = data(rows=400, targets=1, seed=5)
    Y[:200], Y[200:] = H[:200, :1] * 3, H[200:, :1] * -2
    forgets, remembers = (row_by_row(H, Y, 1e-6, mu).coefficients[0, 1] for mu in (0.9, 1.0))
    assert forgets == pytest.approx(-2, abs=1e-6)
    assert remembers > -1


def test_directions_that_nothing_excites_any_more_do_no_harm():
    """The penalty and the early rows fade to nothing after 40,000 rows; where nothing is known, weights are small."""
    H, Y = data(rows=50, targets=1, seed=6)
    online = row_by_row(H, Y, PENALTY, 0.9)
    quiet = np.zeros((20_000, 7))
    quiet[:, 0] = np.random.default_rng(7).standard_normal(20_000)
    for _ in range(2):
        online = online.update(quiet, 1 + 2 * quiet[:, :1])
    np.testing.assert_allclose(online.coefficients[0], [1, 2, 0, 0, 0, 0, 0, 0], atol=1e-9)


def test_the_factor_keeps_what_the_inverse_loses():
    """Singular values over 6 decades and a target of noise: the textbook update of the inverse P is wrong by far."""
    rng = np.random.default_rng(8)
    rotation = np.linalg.qr(rng.standard_normal((8, 8)))[0]
    H, Y = rng.standard_normal((300, 8)) * np.logspace(0, -6, 8) @ rotation, rng.standard_normal((300, 1))
    top = np.concatenate([np.ones((300, 1)), H], axis=1)
    bottom = np.concatenate([np.zeros((8, 1)), 1e-10 * np.eye(8)], axis=1)
    expected = np.linalg.lstsq(np.concatenate([top, bottom]), np.concatenate([Y, np.zeros((8, 1))]), rcond=None)[0]
    P, theta = np.diag([1e12, *[1e20] * 8]), np.zeros((9, 1))
    for h, y in zip(top, Y, strict=True):
        k = P @ h / (1 + h @ P @ h)
        theta += np.outer(k, y - h @ theta)
        P -= np.outer(k, h @ P)
    found, scale = row_by_row(H, Y, 1e-20).coefficients.T, np.abs(expected).max()
    assert np.abs(found - expected).max() < 1e-7 * scale
    assert np.abs(theta - expected).max() > 1e-2 * scale
