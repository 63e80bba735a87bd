"""The figure of gradients through time: what is drawn is what was measured."""

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from recurra.diagnostics.gradient_norms import GradientFlow
from recurra.report import Report, render
from recurra.report.gradients import gradient_figure, gradient_section


def _flow(log_rates, length=100, bound=0.1):
    """Exact powers: one end point for every rate."""
    logs = np.outer(log_rates, np.arange(1, length + 1))
    return GradientFlow(logs, np.arange(len(logs)), 3, (), bound, "", {"cells/0": 0.25})


def _points(svg, name):
    """The points of a line in the units of the figure."""
    group = next(g for g in ET.fromstring(svg).iter() if g.get("id", "").endswith(f"line-{name}"))
    path = next(each.get("d") for each in group.iter() if each.get("d"))
    return np.array([float(n) for n in re.findall(r"-?\d+\.?\d*", path)]).reshape(-1, 2)


def test_powers_are_drawn_as_straight_lines_with_their_slopes():
    svg = gradient_figure(_flow([-0.05], bound=-0.02))
    slopes = {}
    for name in ("measured", "fit", "bound"):
        x, y = _points(svg, name).T
        slopes[name] = (y[-1] - y[0]) / (x[-1] - x[0])
        np.testing.assert_allclose(y, y[0] + slopes[name] * (x - x[0]), atol=0.02)
    assert slopes["measured"] == pytest.approx(slopes["fit"], rel=1e-3)
    assert slopes["measured"] == pytest.approx(2.5 * slopes["bound"], rel=1e-3)
    assert slopes["measured"] > 0  # down: y grows from the top


def test_the_conditional_exponent_is_drawn_as_a_slope_from_one():
    svg = gradient_figure(_flow([-0.05], bound=None), exponent=-0.04)
    (x, y), (u, v) = _points(svg, "exponent").T, _points(svg, "measured").T
    assert (y[-1] - y[0]) / (x[-1] - x[0]) == pytest.approx(0.8 * (v[-1] - v[0]) / (u[-1] - u[0]), rel=1e-3)
    assert y[0] - v[0] == pytest.approx(-0.01 / 0.05 * (v[1] - v[0]), abs=0.02)
    with pytest.raises(StopIteration):
        _points(gradient_figure(_flow([-0.05], bound=None), exponent=-np.inf), "exponent")


def test_the_description_says_the_norms_the_verdict_and_the_half_life():
    svg = gradient_figure(_flow([np.log(0.9) - 0.001, np.log(0.9) + 0.001]))
    assert "0.900 at lag 1; 0.349 at lag 10; 0.00515 at lag 50; 2.66×10⁻⁵ at lag 100" in svg
    assert "Verdict: vanishing. It halves every 6.58\u00a0steps" in svg
    assert "doubles every 7.27\u00a0steps" in gradient_figure(_flow([np.log(1.1)]))


@pytest.mark.parametrize("rate", [-20.0, 20.0])
def test_powers_beyond_float64_are_drawn_too(rate):
    svg = gradient_figure(_flow([rate], bound=25.0))
    x, y = _points(svg, "measured").T
    np.testing.assert_allclose(y, y[0] + (y[-1] - y[0]) * (x - x[0]) / (x[-1] - x[0]), atol=0.02)
    assert ("10⁻⁸⁶⁹" if rate < 0 else "10⁸⁶⁹") in svg  # 2000 / ln 10 decades


def test_a_norm_of_zero_runs_along_the_edge_without_a_fit():
    logs = np.where(np.arange(1, 101) > 40, -np.inf, -0.1 * np.arange(1, 101))
    flow = replace(_flow([0.0]), log_norms=logs[None])
    svg = gradient_figure(flow)
    y = _points(svg, "measured")[:, 1]
    assert np.ptp(y[41:]) == 0
    assert y[41] > y[:39].max()
    assert "line-fit" not in svg
    assert "0 at lag 50" in svg


def test_the_page_has_verdict_table_and_why_there_is_no_bound():
    flow = replace(_flow([0.1]), log_rate_bound=None, no_bound="No bound for gates.", notes=("Shortened.",))
    page = render(Report("Gradients", flow.words, [gradient_section(flow, "the test part")]))
    for text in ("Gradients explode", "along the test part, from one end point", "No bound for gates.", "Shortened."):
        assert text in page
    assert "22,026" in page  # exp(0.1 * 100)
    assert "25.0 %" in page
    assert "line-bound" not in page
