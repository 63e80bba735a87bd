"""The ablation in small: what differs between its trainings, and nothing else."""

import pytest

from recurra.examples import ablation


def test_four_trainings_on_the_same_sequences():
    outcome = ablation.run(seeds=1, seed=3, sequences=5000)
    entry = outcome.results["seeds"][0]
    first = [entry[name]["learning"][0]["loss"] for name in ablation.CELLS]
    assert first[0] != first[2]  # other weights
    assert set(outcome.results["median"]) == set(ablation.CELLS)
    # the mean of two numbers from 0 to 1 is within 0.04 of 1/2 with the probability 1 - 0.92^2
    assert outcome.results["chance"] == pytest.approx(0.8464)
    assert all(0.5 < entry[name]["wrong_fraction"] <= 1 for name in ablation.CELLS)  # nothing is learnt in 50 updates
    assert [row[:2] for row in outcome.table.rows] == [
        ["orthogonal", 0.0],
        ["orthogonal", 0.99],
        ["like a reservoir", 0.0],
        ["like a reservoir", 0.99],
    ]
    assert len(outcome.sections[0].figures) == 1
