"""Dimension and entropy from exponents, at the edges of their definitions."""

import numpy as np
import pytest

from recurra.diagnostics import entropy_bound, kaplan_yorke_dimension


@pytest.mark.parametrize(
    ("exponents", "size", "expected"),
    [
        ([-0.1, -0.2], None, 0.0),  # a point
        ([0.0, -0.3], None, 1.0),  # a cycle
        ([0.0, 0.0, -0.3], None, 2.0),  # a torus
        ([-1.6232, 0.4192], None, 1 + 0.4192 / 1.6232),  # any order
        ([0.5, -0.5], None, 2.0),  # volume is kept
        ([0.5, -0.1], None, 2.0),  # and here it grows
        ([0.5, -0.1], 3, None),  # the third could be anything
        ([0.5, -0.7], 3, 1 + 0.5 / 0.7),  # here it plays no part
        ([0.2, -np.inf], None, 1.0),
        ([-np.inf], None, 0.0),
    ],
)
def test_the_dimension_is_that_of_the_formula(exponents, size, expected):
    found = kaplan_yorke_dimension(exponents, size)
    assert found == (None if expected is None else pytest.approx(expected, abs=1e-12))


def test_the_entropy_is_the_sum_of_what_is_positive():
    assert entropy_bound([0.4192, -1.6232]) == 0.4192
    assert entropy_bound([-1.0, -2.0]) == 0.0
