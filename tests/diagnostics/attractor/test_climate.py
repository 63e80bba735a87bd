"""The climate of a forecast: the same attractor passes beside its floor, another one and a standstill do not."""

import json

import numpy as np
import pytest

from recurra.diagnostics.attractor.climate import climate
from recurra.errors import DataError


def henon(rows, a=1.4, start=0.1):
    x = np.zeros(rows + 200)
    x[1] = start
    for k in range(1, len(x) - 1):
        x[k + 1] = 1 - a * x[k] ** 2 + 0.3 * x[k - 1]
    return np.stack([x[200:], 0.3 * x[199:-1]], axis=1)


@pytest.fixture(scope="module")
def truth():
    return henon(4000)


def test_the_same_attractor_cannot_be_told_from_itself(truth):
    found = climate(truth, henon(4000, start=0.23))
    assert (found.rows, found.stretches) == (1000, (4, 4))
    assert len(found.scores) == 10
    for score in found.scores.values():
        assert 0 <= score.floor <= score.ceiling
        assert score.passed
    assert found.words == "All 10 measures are as small as between stretches of 1000 rows of the truth."


def test_another_attractor_is_found_out(truth):
    found = climate(truth, henon(2000, a=1.3))
    assert found.stretches == (4, 2)
    for name in ("divergence", "mixture", "spectrum", "log_spectrum", "wasserstein", "return_map"):
        assert found.scores[name].value > 1.5 * found.scores[name].floor, name
        assert not found.scores[name].passed, name
    assert "larger: " in found.words


def test_a_forecast_that_stands_still_or_runs_away_has_numbers_too(truth):
    for forecast in (np.full((1000, 2), 0.3), np.full((1000, 2), 1e6)):
        found = climate(truth, forecast)
        assert not any(score.passed for name, score in found.scores.items() if name != "third")
        assert found.spectrum.value == 1
        assert found.return_map.value == np.inf
        plain = found.as_dict()
        assert json.loads(json.dumps(plain, allow_nan=False)) == plain
        assert plain["return_map"]["value"] is None
        assert plain["return_map"]["floor"] > 0


def test_the_dimension_is_measured_when_it_is_asked_for(truth):
    found = climate(truth, henon(1000, start=0.23), dimension=True, theiler=2)
    assert found.dimension.floor < 0.15
    assert found.dimension.value < 0.15
    cycle = np.tile([[0.1, 0.2], [0.5, 0.3]], (500, 1))
    assert climate(truth, cycle, dimension=True).dimension.value == pytest.approx(1.2, abs=0.1)


def test_what_cannot_be_measured_is_left_out():
    rng = np.random.default_rng(0)
    many = climate(rng.normal(size=(400, 6)), rng.normal(size=(400, 6)))
    assert many.divergence is None
    assert "divergence" not in many.as_dict()
    slow = climate(np.sin(0.001 * np.arange(1600)), np.sin(0.001 * np.arange(400)))
    assert slow.return_map is None


def test_too_short_a_truth_is_refused(truth):
    with pytest.raises(DataError, match="4 stretches of 100"):
        climate(truth[:399], truth)
    with pytest.raises(DataError, match="forecast has 99 rows"):
        climate(truth, truth[:99])
