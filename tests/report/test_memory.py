"""The figure of memory: every input's curve at its lags, and the sums."""

import numpy as np
import pytest

from recurra.diagnostics.memory_capacity import MemoryCapacity
from recurra.report.memory import memory_figure


def test_the_curves_lie_at_their_lags(read):
    lags = np.arange(60)
    found = {
        "x": MemoryCapacity(np.where(lags < 20, 1.0, -0.001), 30, 0.25),
        "force": MemoryCapacity(0.5**lags, 30, 0.1),
    }
    figure = read(memory_figure(found))
    across, up = figure.ticks()
    for k, each in enumerate(found.values()):
        drawn = figure.line(f"line-memory{k}")
        shown = read.to_data(drawn[:, 0], across)
        np.testing.assert_allclose(shown, lags[:25], atol=0.1)  # a fifth beyond what is known
        np.testing.assert_allclose(read.to_data(drawn[:, 1], up), each.by_lag[:25], atol=0.01)
    assert {"x", "force", "lag, in steps"} <= set(figure.texts)
    assert "Sums over the lags: x 20.0 ± 0.25; force 2.00 ± 0.10." in figure.words


def test_what_remembers_nothing_has_an_axis(read):
    figure = read(memory_figure({"x": MemoryCapacity(np.zeros(4), 2, 0.0)}))
    across, _ = figure.ticks()
    assert across[:, 1].max() == pytest.approx(5.0)
    assert len(figure.line("line-memory0")) == 4
