"""The two places of the reset gate: their sizes, where they agree, and where they must not."""

import dataclasses

import jax
import numpy as np
import pytest

from recurra.cells import GRU
from recurra.models import Stack, parameter_count

SIZES = [(1, 1), (1, 32), (4, 32), (3, 5), (2, 64), (7, 1), (10, 10), (3, 100)]


@pytest.mark.parametrize(("inputs", "units"), SIZES)
def test_sizes_in_closed_form(inputs, units):
    counts = {
        after: parameter_count(Stack.draw("gru", inputs, 2, units=units, reset_after=after, seed=0))
        for after in (True, False)
    }
    assert counts[True] == 3 * units * (inputs + units + 2) + 2 * (units + 1)
    assert counts[False] == 3 * units * (inputs + units + 1) + 2 * (units + 1)


def _pair(reset):
    """The same weights with the gate after and before the product; the bias of the gate sets it."""
    rng = np.random.default_rng(0)
    U, W, b = rng.normal(size=(12, 2)), rng.normal(size=(12, 4)), rng.normal(size=12)
    U[4:8], W[4:8], b[4:8] = 0, 0, reset
    before = GRU(U, W, b, None)
    return dataclasses.replace(before, d=np.zeros(12)), before


def _step(cell):
    rng = np.random.default_rng(1)
    with jax.enable_x64(True):
        return np.asarray(cell(rng.normal(size=4), rng.normal(size=2)))


def test_they_agree_where_nothing_is_reset_and_where_all_is():
    for reset in (1000.0, -1000.0):  # r is exactly 1 and 0
        after, before = _pair(reset)
        np.testing.assert_allclose(_step(after), _step(before), rtol=0, atol=1e-15)


def test_they_agree_where_all_units_are_reset_alike_and_differ_elsewhere():
    # W (r h) = r W h for a number r; not for a vector.
    after, before = _pair(0.4)
    np.testing.assert_allclose(_step(after), _step(before), rtol=0, atol=1e-15)
    after, before = _pair(np.array([3.0, -3.0, 0.0, 1.0]))
    assert np.abs(_step(after) - _step(before)).max() > 1e-2


def test_the_gate_before_the_product_has_one_bias():
    drawn = GRU.draw(3, 4, np.random.default_rng(0), reset_after=False)
    assert drawn.d is None
    assert not drawn.reset_after
    assert GRU.draw(3, 4, np.random.default_rng(0)).reset_after
