"""The figure of followers: channel and unit one on the other, the unit earlier by its lag, turned where it must be."""

import numpy as np
import pytest

from recurra.diagnostics.followers import Follower
from recurra.report.followers import Followed, follower_figure


def test_a_unit_that_is_the_channel_three_steps_later_lies_on_it(read):
    t = np.arange(200)
    x, v = np.sin(0.07 * t) + 0.3 * np.sin(0.19 * t), np.cos(0.11 * t)
    panels = [
        Followed(Follower(4, "h[4]", "x", 3, -0.99, 0.001), x, -0.2 * np.roll(x, 3) + 0.5),
        Followed(Follower(0, "c[0]", "v", 0, 1.0, 0.002), v, 7 * v),
    ]
    figure = read(follower_figure(panels, "esn", 0.1, "s"))
    across, _ = figure.ticks()
    rows = 197  # of both: all panels have one time axis
    for k in range(2):
        channel, unit = figure.line(f"line-channel{k}"), figure.line(f"line-unit{k}")
        assert len(channel) == len(unit) == rows
        assert read.to_data(channel[[0, -1], 0], across) == pytest.approx([0, 0.1 * (rows - 1)], abs=0.15)
        assert np.abs(channel[:, 1] - unit[:, 1]).max() < 2.5  # of 84 points: the ends of a shifted series differ
    assert np.abs(figure.line("line-channel1")[:, 1] - figure.line("line-unit1")[:, 1]).max() < 0.02
    assert {"x and h[4]", "v and c[0]", "time (s)"} <= set(figure.texts)
    assert "x and h[4], 3 steps later, r = −0.990; v and c[0], 0 steps later, r = 1.00." in figure.words
