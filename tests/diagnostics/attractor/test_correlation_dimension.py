"""Correlation dimensions that are known, and the sum itself against a loop over all pairs."""

import numpy as np
import pytest

from recurra.diagnostics.attractor.correlation_dimension import correlation_dimension
from recurra.errors import ConfigError, DataError
from recurra.systems import Lorenz63


def henon(rows):
    x = np.zeros(rows + 100)
    for k in range(1, len(x) - 1):
        x[k + 1] = 1 - 1.4 * x[k] ** 2 + 0.3 * x[k - 1]
    return np.stack([x[100:], x[99:-1]], axis=1)


@pytest.mark.parametrize("norm", [2.0, np.inf])
@pytest.mark.parametrize("theiler", [0, 12])
def test_the_correlation_sum_is_that_of_a_loop_over_all_pairs(theiler, norm):
    y = np.random.default_rng(0).normal(size=(600, 2)).cumsum(axis=0)
    found = correlation_dimension(y, theiler=theiler, references=600, norm=norm)
    z = (y - y.mean(axis=0)) / y.std(axis=0)
    apart = np.linalg.norm(z[:, None] - z[None], ord=norm, axis=2)
    far = np.abs(np.subtract.outer(np.arange(600), np.arange(600))) > theiler
    wanted = [(apart[far] <= r).mean() for r in found.radii]
    np.testing.assert_allclose(found.correlation, wanted, rtol=1e-12)


def test_a_circle_has_one_dimension_and_a_square_two():
    rng = np.random.default_rng(1)
    angle = 2 * np.pi * rng.random(6000)
    circle = correlation_dimension(np.stack([np.cos(angle), 5 * np.sin(angle)], axis=1))
    assert circle.dimension == pytest.approx(1, abs=0.02)
    square = correlation_dimension(rng.random((20_000, 2)))
    assert square.dimension == pytest.approx(2, abs=0.04)
    assert abs(square.dimension - 2) < 4 * square.error
    x = np.log(square.radii)
    inside = (square.radii >= square.range[0]) & (square.radii <= square.range[1])
    assert square.dimension == pytest.approx(np.polyfit(x[inside], np.log(square.correlation[inside]), 1)[0], rel=1e-6)


def test_the_henon_map_and_the_lorenz_system_have_theirs():
    found = correlation_dimension(henon(20_000), theiler=5)
    assert found.dimension == pytest.approx(1.21, abs=0.02)
    assert found.error < 0.02
    found = correlation_dimension(Lorenz63().simulate(steps=30_000, dt=0.05, seed=0), theiler=40)
    assert found.dimension == pytest.approx(2.05, abs=0.03)


def test_a_cycle_has_no_dimensions_and_a_few_points_of_many_none_that_can_be_told():
    assert correlation_dimension(np.tile([[0.1, 0.2], [0.5, 0.3]], (400, 1))).dimension == 0
    found = correlation_dimension(np.random.default_rng(3).normal(size=(500, 12)))
    assert found.dimension is None
    assert found.error is None
    assert found.range is None


def test_what_cannot_be_is_refused():
    y = np.random.default_rng(2).normal(size=(600, 2))
    for options in ({"theiler": -1}, {"theiler": 150}, {"references": 99}, {"norm": 0.5}):
        with pytest.raises(ConfigError):
            correlation_dimension(y, **options)
    with pytest.raises(DataError, match="500"):
        correlation_dimension(y[:499])
    with pytest.raises(DataError, match="does not vary"):
        correlation_dimension(np.ones((600, 2)))
