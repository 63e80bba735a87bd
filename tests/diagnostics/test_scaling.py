"""The straight part of curves that are made of a known one."""

import numpy as np
import pytest

from recurra.diagnostics.scaling import line, straight_part


def test_it_finds_the_straight_part_between_two_bends():
    x = np.linspace(0, 10, 481)
    y = np.where(x < 2, -2 * (2 - x) ** 2, 0) + 0.7 * np.minimum(x, 8)
    first, last, slope = straight_part(x, y, shortest=2.0, rough=0.002, bent=0.02)
    assert x[first] == pytest.approx(2, abs=0.5)
    assert x[last] == pytest.approx(8, abs=0.5)
    assert slope == pytest.approx(0.7, rel=0.01)


def test_a_line_is_straight_and_what_has_no_straight_part_has_none():
    x = np.linspace(0, 1, 50)
    first, last, slope = straight_part(x, 3 - 2 * x, shortest=0.5)
    assert (first, last) == (0, 49)
    assert slope == pytest.approx(-2, rel=1e-12)
    noise = np.random.default_rng(0).normal(size=50)
    assert straight_part(x, noise, shortest=0.5) is None
    assert straight_part(x, np.ones(50), shortest=0.5) == (0, 49, 0.0)
    assert straight_part(x, x, shortest=1.5) is None
    assert straight_part(x[:3], x[:3], shortest=0.0) is None


def test_a_line_of_least_squares():
    x, y = np.arange(9.0), np.random.default_rng(1).normal(size=9)
    slope, scatter = line(x, y)
    fit = np.polyfit(x, y, 1)
    assert slope == pytest.approx(fit[0], rel=1e-12)
    assert scatter == pytest.approx(np.sqrt(np.mean((y - np.polyval(fit, x)) ** 2)), rel=1e-12)
