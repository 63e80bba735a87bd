"""The figure of neighbours that part: the curve, its straight part with the slope that is the estimate, and its end."""

import dataclasses

import numpy as np
import pytest

from recurra.diagnostics.exponents.from_data import ExponentEstimate
from recurra.report.stretching import stretching_figure

TIMES = 0.1 * np.arange(31)
FOUND = ExponentEstimate(
    exponent=2.0,
    error=0.1,
    times=TIMES,
    stretching=np.minimum(-5 + 2.0 * TIMES, -1.0),
    saturation=-0.5,
    region=(2, 18),
    method="rosenstein",
    delay=3,
    dimension=4,
    theiler=12,
    unfolded=True,
)


def test_the_curve_and_its_straight_part_lie_at_their_values(read):
    figure = read(stretching_figure(FOUND, "x", "s"))
    across, up = figure.ticks()
    drawn = figure.line("line-neighbours")
    np.testing.assert_allclose(read.to_data(drawn[:, 0], across), TIMES, atol=0.01)
    np.testing.assert_allclose(read.to_data(drawn[:, 1], up), FOUND.stretching, atol=0.03)
    straight = figure.line("line-straight")
    t, s = read.to_data(straight[[0, -1], 0], across), read.to_data(straight[[0, -1], 1], up)
    assert t == pytest.approx([0.2, 1.8], abs=0.01)
    assert (s[1] - s[0]) / (t[1] - t[0]) == pytest.approx(2.0, rel=0.02)
    np.testing.assert_allclose(read.to_data(figure.line("line-saturation")[:, 1], up), -0.5, atol=0.03)
    assert {"straight part", "distance of unrelated states", "time (s)"} <= set(figure.texts)
    assert "By the method of Rosenstein: 4 rows 3 apart" in figure.words
    assert "none within 12 rows of time" in figure.words
    assert "2.00 per time unit, is the estimate" in figure.words


def test_where_nothing_is_straight_no_line_is_drawn_and_none_is_read(read):
    figure = read(stretching_figure(dataclasses.replace(FOUND, region=None), "x"))
    assert not [each for each in figure.ids if each.endswith("line-straight")]
    assert "straight part" not in figure.texts
    assert "there is no exponent to read" in figure.words
