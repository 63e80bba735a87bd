"""Forecasts with a filled memory alone are compared."""

import jax
import numpy as np
import pytest

from recurra.cells import Convolution
from recurra.models import Stack
from recurra.models.stack import draw_readout
from recurra.training import NextSteps
from recurra.training.full_windows import FullWindows

RNG = np.random.default_rng(5)
VALUES, DRIVE = RNG.standard_normal((30, 1)), RNG.standard_normal((30, 1))
STARTS = np.array([0, 9, 18], np.int32)
STEPS, MEMORY = 6, 4
MODEL = Stack((Convolution.draw(2, 3, RNG, MEMORY),), draw_readout((3, 1), "relu", RNG))


def _by_hand(observed):
    """The mean squared error over every row that has four rows of its window before it."""
    cell, readout = MODEL.cells[0], MODEL.readout[0]
    squares = []
    for start in STARTS:
        for row in range(start + MEMORY, start + STEPS + 1):
            past = [np.append(VALUES[row - 1 - j], DRIVE[row - j]) for j in range(MEMORY)]
            y = readout.V @ np.tanh(cell.U @ np.concatenate(past) + cell.b) + readout.c
            if observed[row, 0]:
                squares.append((y[0] - VALUES[row, 0]) ** 2)
    return np.mean(squares)


@pytest.mark.parametrize("missing", [(), (5, 12)])
def test_the_loss_is_that_of_the_rows_with_a_whole_window_before_them(missing):
    observed = np.ones((30, 1), bool)
    observed[list(missing)] = False
    data = (VALUES, DRIVE, STARTS, *((observed,) if missing else ()))
    with jax.enable_x64(True):
        loss = jax.jit(FullWindows(NextSteps(STEPS, STEPS), MEMORY).loss)
        found = float(loss(MODEL, data, np.arange(3)))
    assert found == pytest.approx(_by_hand(observed), rel=1e-12)
