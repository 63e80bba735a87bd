"""The harvest: which rows it hands on, whatever the blocks, and how it counts saturated states."""

import numpy as np
import pytest

from recurra.reservoirs import RecursiveLeastSquares, TriangularFactor, draw_reservoir, harvest
from recurra.reservoirs.harvest import Harvest, Saturation
from recurra.reservoirs.readout import GramSum

ROWS, UNITS = 120, 20


@pytest.fixture
def reservoir():
    return draw_reservoir(
        UNITS, 2, spectral_radius=0.8, in_degree=4, input_scaling=0.5, bias_scaling=0.2, leak=0.7, seed=0
    )


@pytest.fixture
def rows():
    rng = np.random.default_rng(1)
    return rng.standard_normal((ROWS, 2)), rng.standard_normal((ROWS, 3))


def handed_on(reservoir, inputs, targets, *, washout=10, increment=False):
    found = list(Harvest(reservoir, 1, increment, washout).blocks(inputs, targets, range(len(inputs)), np.zeros(UNITS)))
    return np.concatenate([seen for seen, _, _ in found]), np.concatenate([wanted for _, wanted, _ in found])


@pytest.mark.parametrize("block", [7, 11, 1000])
def test_a_row_with_a_missing_target_is_left_out_and_drives_the_states(block, reservoir, rows, monkeypatch):
    monkeypatch.setattr(harvest, "BLOCK", block)
    inputs, targets = rows
    targets[30:60, 1], targets[80, 0] = np.nan, np.nan
    seen, wanted = handed_on(reservoir, inputs, targets)
    kept = [t for t in range(10, ROWS) if not 30 <= t < 60 and t != 80]
    states = reservoir.harvest(np.zeros(UNITS), inputs)
    np.testing.assert_allclose(seen, np.hstack([inputs, states])[kept], atol=1e-13)
    np.testing.assert_array_equal(wanted, targets[kept])


def test_increments_are_from_the_inputs_as_they_are_given(reservoir, rows):
    inputs, targets = rows
    _, wanted = handed_on(reservoir, inputs, targets[:, :2], increment=True)
    np.testing.assert_array_equal(wanted, (targets[:, :2] - inputs)[10:])


def test_a_washout_longer_than_a_block(reservoir, rows, monkeypatch):
    monkeypatch.setattr(harvest, "BLOCK", 8)
    inputs, targets = rows
    targets[40:70] = np.nan  # and blocks in which nothing is known
    counter = Harvest(reservoir, 1, False, 20)
    total, _ = counter.add(TriangularFactor.empty(2 + UNITS, 3), inputs, targets, range(ROWS), None)
    assert total.rows == ROWS - 20 - 30
    online = RecursiveLeastSquares.start(2 + UNITS, 3, penalty=0.1, forgetting=0.9)
    for seen, wanted, _ in counter.blocks(inputs, targets, range(ROWS), np.zeros(UNITS)):
        online = online.update(seen, wanted)
    assert online.rows == total.rows


def test_states_at_the_ends_of_the_tanh_are_counted():
    counter = Saturation()
    assert counter.share == 0
    counter.count(np.array([[0.995, -1.0, 0.99, 0.5]]))
    counter.count(np.array([[0.0, -0.98, 0.2, 0.1]]))
    assert counter.share == 0.25


def test_a_harvest_counts_all_its_states(reservoir, rows):
    inputs, targets = 200 * rows[0], rows[1]
    counted = Harvest(reservoir, 1, False, 10)
    counted.add(TriangularFactor.empty(2 + UNITS, 3), inputs, targets, range(ROWS), None)
    states = reservoir.harvest(np.zeros(UNITS), inputs)
    assert counted.saturation.share == (np.abs(states) > 0.99).mean()
    assert counted.saturation.states == ROWS * UNITS


def test_the_sums_of_many_reservoirs_are_those_of_each(rows):
    inputs, targets = rows
    drawn = [
        draw_reservoir(UNITS, 2, spectral_radius=0.8, in_degree=4, input_scaling=1, bias_scaling=0, leak=1, seed=seed)
        for seed in range(5)
    ]
    each = [Harvest(reservoir, 1, False, 10) for reservoir in drawn]
    found = harvest.add_many(each, [GramSum.empty(2 + UNITS, 3)] * 5, inputs, targets)
    for total, reservoir in zip(found, drawn, strict=True):
        states = reservoir.harvest(np.zeros(UNITS), inputs)[10:]
        seen = np.hstack([np.ones((ROWS - 10, 1)), inputs[10:], states, targets[10:]])
        np.testing.assert_allclose(total.G, seen.T @ seen, rtol=1e-12, atol=1e-12)
        assert total.rows == ROWS - 10
