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


def test_lorenz_with_rows_that_are_close_in_time():
    found = correlation_dimension(Lorenz63().simulate(steps=60_000, dt=0.01, seed=0), theiler=100)
    assert found.dimension == pytest.approx(2.06, abs=0.03)
    assert abs(found.dimension - 2.06) < 2 * found.error < 0.15


def cantor(rng, rows):
    return 2 * rng.integers(0, 2, (rows, 30)) @ 3.0 ** -np.arange(1, 31)


CANTOR = np.log(2) / np.log(3)
SETS = {
    "line": (1, lambda rng, rows: rng.random((rows, 1))),
    "noise": (3, lambda rng, rows: rng.normal(size=(rows, 3))),
    "Cantor set": (CANTOR, lambda rng, rows: cantor(rng, rows)[:, None]),
    "Cantor set times a line": (1 + CANTOR, lambda rng, rows: np.stack([cantor(rng, rows), rng.random(rows)], axis=1)),
    "Cantor dust": (2 * CANTOR, lambda rng, rows: np.stack([cantor(rng, rows), cantor(rng, rows)], axis=1)),
}


@pytest.mark.parametrize("name", SETS)
def test_sets_of_known_dimension(name):
    dimension, draw = SETS[name]
    found = correlation_dimension(draw(np.random.default_rng(0), 10_000))
    assert found.dimension == pytest.approx(dimension, rel=0.015)
    assert abs(found.dimension - dimension) < 3 * found.error


def test_a_sphere_on_which_the_law_is_exact():
    """Of two points on a sphere with the radius R the share of r^2 / 4 R^2 is nearer than r."""
    rng = np.random.default_rng(2)
    y = rng.normal(size=(10_000, 3))
    found = correlation_dimension(y / np.linalg.norm(y, axis=1, keepdims=True))
    assert found.dimension == pytest.approx(2, abs=0.02)
    inside = found.radii >= found.range[0]
    np.testing.assert_allclose(found.correlation[inside], found.radii[inside] ** 2 / 12, rtol=0.1)  # R^2 = 3


def test_the_error_knows_that_rows_which_follow_each_other_are_alike():
    found = []
    for seed in range(40):
        angle = np.random.default_rng(seed).normal(size=2000).cumsum() * 0.15
        y = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        found.append(correlation_dimension(y, theiler=20, references=500))
    spread = np.std([each.dimension for each in found])
    assert spread < np.mean([each.error for each in found]) < 3 * spread  # half of a bend is in it too


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
