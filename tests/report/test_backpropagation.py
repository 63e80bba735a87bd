"""The figure of what each step adds to the gradient, read back from the SVG."""

import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from recurra.diagnostics.bptt import backward, forward
from recurra.diagnostics.vanilla import Vanilla
from recurra.errors import DataError
from recurra.report.backpropagation import backpropagation_figure

STEPS = 30


def swept(error=1.0):
    """One linear unit with W = 1/2 and inputs 1: h(t) = 2 - 2 / 2^t, and dL/da(t) = 2^(t - T) for a last error 1."""
    net = Vanilla([[1.0]], [[0.5]], [0.0], [[1.0]], [0.0], activation="identity")
    errors = np.zeros((STEPS, 1))
    errors[-1] = error
    return backward(forward(net, np.ones((STEPS, 1))), errors)


def drawn(svg, name):
    root = ET.fromstring(svg)
    group = next(each for each in root.iter() if each.get("id", "").endswith(f"line-{name}"))
    path = next(each for each in group.iter() if each.get("d"))
    return np.array(re.findall(r"-?[\d.]+", path.get("d")), float).reshape(-1, 2)


def test_the_lines_are_the_norms_of_the_contributions():
    back = swept()
    svg = backpropagation_figure(back)
    t = np.arange(1, STEPS + 1)
    norms = {"U": 2.0 ** (t - STEPS), "W": (2.0 ** (t - STEPS) * (2 - 4.0 / 2**t))[1:]}  # h(0) = 0: step 1 adds no W
    np.testing.assert_allclose(back.norms("U"), norms["U"], rtol=1e-14)
    np.testing.assert_allclose(back.norms("W")[1:], norms["W"], rtol=1e-14)
    points = {name: drawn(svg, name) for name in norms}
    np.testing.assert_allclose(np.diff(points["U"][:, 0]), np.ptp(points["U"][:, 0]) / (STEPS - 1), atol=0.02)
    # Heights are logarithms: those of both lines lie on one straight line over the logarithms of the norms.
    heights = np.concatenate([points["U"][:, 1], points["W"][:, 1]])
    logs = np.log(np.concatenate([norms["U"], norms["W"]]))
    slope, offset = np.polyfit(logs, heights, 1)
    assert slope < 0  # upwards on the page
    np.testing.assert_allclose(slope * logs + offset, heights, atol=0.02)
    assert "Not drawn, because zero or not finite: 1 of W." in svg
    assert "To dL/dU step 1 adds 1.86×10⁻⁹ and step 30 1.0" in svg


def test_no_error_is_nothing_to_draw():
    with pytest.raises(DataError, match="none of the 30 steps adds anything"):
        backpropagation_figure(swept(error=0.0))
