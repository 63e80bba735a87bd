"""The figure of a suite: what is in it can be read back from the SVG."""

import re
import xml.etree.ElementTree as ET

import pytest

from recurra.errors import DataError
from recurra.report.scores import scores_figure

LINE = {"name": "ours <best>", "median": 2.0, "low": 1.5, "high": 3.0, "least": 1.0, "greatest": 4.0}


def marks(svg, gid):
    """Horizontal places of the marks of a group."""
    (group,) = re.findall(rf'<g id="[^"]*{gid}"(.*?)</g>', svg, re.DOTALL)
    return [float(x) for x in re.findall(r'(?:[ML]|x=")([\d.]+)', group)]


def test_lines_and_what_is_published_stand_where_they_belong():
    svg = scores_figure([LINE, {**LINE, "name": "none", "median": None}], [("others", 3.0)], "error, mas")
    ET.fromstring(svg)
    assert "ours &lt;best&gt;" in svg
    assert "none" not in re.findall(r">([^<]*)</text>", svg)
    assert "Medians of error, mas: ours &lt;best&gt; 2.00. Published: others 3.00." in svg
    low, high = (marks(svg, "line-extremes0")[k] for k in (0, -1))
    published = marks(svg, "line-published1")[-1]
    assert published == pytest.approx(low + (high - low) * 2 / 3, abs=0.1)  # 3 between 1 and 4


def test_a_wide_range_is_logarithmic():
    svg = scores_figure([{**LINE, "greatest": 100.0}], [("others", 10.0)], "error")
    low, high = (marks(svg, "line-extremes0")[k] for k in (0, -1))
    assert marks(svg, "line-published1")[-1] == pytest.approx((low + high) / 2, abs=0.1)


def test_long_names_are_cut_and_nothing_is_refused():
    svg = scores_figure([{**LINE, "name": "n" * 90}], [], "error")
    assert "n" * 90 not in re.findall(r">([^<]*)</text>", svg)
    assert "…" in svg
    with pytest.raises(DataError, match="no line with a median"):
        scores_figure([{**LINE, "median": None}], [], "error")
