"""Polynomials against an independent loop, and what they span against the monomials."""

from itertools import product
from math import comb, prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recurra._types import LOST
from recurra.estimators.ngrc import HIGHEST
from recurra.reservoirs.polynomials import Polynomials, polynomial_count, powers


def chebyshev(k, z):
    return np.cos(k * np.arccos(z))  # the definition, on [-1, 1]


@given(variables=st.integers(1, 4), degree=st.integers(1, 6))
def test_every_multi_index_is_there_once_the_smaller_degrees_first(variables, degree):
    found = powers(variables, degree)
    every = {each for each in product(range(degree + 1), repeat=variables) if 1 <= sum(each) <= degree}
    assert {tuple(row) for row in found.tolist()} == every
    assert len(found) == len(every) == polynomial_count(variables, degree) == comb(variables + degree, degree) - 1
    assert (np.diff(found.sum(axis=1)) >= 0).all()


@given(variables=st.integers(1, 4), degree=st.integers(1, 7), seed=st.integers(0, 99))
@settings(max_examples=30)
def test_they_are_the_products_of_the_definition(variables, degree, seed):
    rng = np.random.default_rng(seed)
    table = 3.0 + 2.0 * rng.uniform(-1, 1, (variables, 20))
    basis = Polynomials.over(table, degree)
    z = (table - basis.middle[:, None]) / basis.half[:, None]
    assert np.abs(z).max() == pytest.approx(1, abs=1e-12)
    z = np.clip(z, -1, 1)
    expected = np.array(
        [
            [prod(basis.weight**k * chebyshev(k, z[i, t]) for i, k in enumerate(row)) for t in range(20)]
            for row in powers(variables, degree).tolist()
        ]
    )
    np.testing.assert_allclose(basis(table), expected, atol=1e-12)


def test_a_lower_degree_is_the_beginning_of_a_higher_one():
    table = np.random.default_rng(0).standard_normal((3, 15))
    basis = Polynomials.over(table, 5)
    low = basis.of_degree(2)
    np.testing.assert_array_equal(low(table), basis(table)[: low.size])
    assert low.size == 9


def test_they_span_what_the_monomials_span():
    rng = np.random.default_rng(1)
    table = rng.uniform(2, 5, (2, 60))
    seen = np.concatenate([np.ones((1, 60)), Polynomials.over(table, 4)(table)])
    monomials = np.array([table[0] ** i * table[1] ** j for i in range(5) for j in range(5 - i)])
    assert seen.shape == monomials.shape
    coefficients = np.linalg.lstsq(seen.T, monomials.T, rcond=None)[0]
    np.testing.assert_allclose(seen.T @ coefficients, monomials.T, rtol=1e-10)


def test_they_are_far_better_conditioned_than_powers():
    rows = np.linspace(-1, 1, 400)[None]
    seen = Polynomials.over(rows, 12)
    weighted = seen(rows) / seen.weight ** np.arange(1, 13)[:, None]
    powers_of_it = np.array([rows[0] ** k for k in range(1, 13)])
    assert np.linalg.cond(weighted) < 10
    assert np.linalg.cond(powers_of_it) > 1e3


def test_a_variable_that_does_not_move_gives_constants():
    table = np.stack([np.full(8, 7.0), np.linspace(0, 1, 8)])
    found = Polynomials.over(table, 3)(table)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[0], 0.0)


def test_the_highest_degree_stays_finite_where_a_closed_loop_is_held():
    basis = Polynomials(np.zeros(2), np.full(2, 0.5), HIGHEST)
    assert np.isfinite(basis(np.full((2, 1), -2 * LOST))).all()
