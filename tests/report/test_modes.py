"""The figure of modes: frequencies and time constants, what grows hollow, what is forgotten left out."""

import numpy as np
import pytest

from recurra.diagnostics.modes import Modes
from recurra.report.modes import modes_figure

DT = 0.5


def modes(*pairs):
    """Of (frequency, time constant), with the mirror images of what oscillates."""
    found = []
    for f, life in pairs:
        mu = np.exp((-1 / life + 2j * np.pi * f) * DT)
        found += [mu] if f in (0.0, 0.5 / DT) else [mu, mu.conjugate()]
    return Modes(np.array([*found, 0.0]), DT)


def test_every_pair_is_one_mark_at_its_frequency_and_time_constant(read):
    found = modes((0.25, 8.0), (0.0, 2.0), (0.4, -3.0))
    figure = read(modes_figure(found, "esn", {"x": 0.3}, "s"))
    across, up = figure.ticks()
    up[:, 1] = np.log10(up[:, 1])
    full, hollow = figure.marks("marks-full"), figure.marks("marks-hollow")
    assert sorted(read.to_data(full[:, 0], across)) == pytest.approx([0.0, 0.25], abs=0.005)
    assert sorted(read.to_data(full[:, 1], up)) == pytest.approx(np.log10([2.0, 8.0]), abs=0.01)
    assert read.to_data(hollow[:, 0], across) == pytest.approx([0.4], abs=0.005)
    assert read.to_data(hollow[:, 1], up) == pytest.approx([np.log10(3.0)], abs=0.01)
    assert read.to_data(figure.line("line-peak0")[:, 0], across) == pytest.approx([0.3, 0.3], abs=0.005)
    assert {"time constant (s)", "frequency (cycles per s)", "peak of the data"} <= set(figure.texts)
    assert "6 modes: pairs that oscillate are one mark, 2 that grow are hollow." in figure.words
    assert "1 that a single step forgets are not drawn." in figure.words
    assert "the data have their peaks: x 0.300." in figure.words


def test_a_network_that_forgets_at_once_has_an_empty_panel(read):
    figure = read(modes_figure(Modes(np.zeros(3, complex), 1.0), "rnn", {}))
    assert "3 that a single step forgets" in figure.words
    assert "peak of the data" not in figure.texts
