"""The decisions in small: their protocol, and baselines by an independent loop."""

import numpy as np
import pytest

from recurra.examples import decisions
from recurra.systems import Autoregressive


@pytest.fixture(scope="module")
def outcome():
    return decisions.run(seeds=2, seed=3, rows=1000)


def test_baselines_are_those_of_the_rows_that_are_decided_about(outcome):
    for entry in outcome.results["seeds"]:
        for name, coefficient in decisions.SERIES.items():
            x = Autoregressive(coefficient=coefficient).simulate(steps=999, seed=entry["seed"]).values[:, 0]
            up = [x[t] > x[t - 1] for t in range(500, 1000)]
            same = [(x[t] > x[t - 1]) == (x[t - 1] > x[t - 2]) for t in range(500, 1000)]
            assert entry[name]["rows"] == 500
            assert entry[name]["baselines"] == {"always hold": np.mean(up), "persistence": np.mean(same)}


def test_theory_is_what_a_long_series_shows():
    x = Autoregressive(coefficient=0.9).simulate(steps=200_000, seed=1).values[:, 0]
    moves, best = np.diff(x), -x[:-1]
    found = decisions.theory(0.9)
    assert np.mean(np.sign(best) == np.sign(moves)) == pytest.approx(found["accuracy"], abs=3 * 0.5 / np.sqrt(200_000))
    ratio = np.mean(moves**2) / np.mean((x[1:] - 0.9 * x[:-1]) ** 2)
    assert ratio == pytest.approx(found["persistence_ratio"], abs=0.004)
    assert decisions.theory(1.0) == {"accuracy": 0.5, "persistence_ratio": 1.0}


def test_the_table_and_the_figures_are_there(outcome):
    assert [row[0] for row in outcome.table.rows] == ["random walk", "autoregression"]
    assert [section.title for section in outcome.sections] == ["Random walk", "Autoregression"]
    assert all("<svg" in section.figures[0] for section in outcome.sections)
    assert "no skill" in outcome.sections[0].text.lower()
