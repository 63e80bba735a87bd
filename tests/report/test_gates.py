"""The figure of the gates, read back from its SVG."""

import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from recurra.cells import Gates
from recurra.errors import DataError
from recurra.report.gates import gate_figure

ROWS, UNITS = 50, 7


@pytest.fixture(scope="module")
def seen():
    rng = np.random.default_rng(0)
    swing = np.linspace(0.1, 1, UNITS)  # the last unit moves most
    write, keep, read = (0.5 + (rng.random((ROWS, UNITS)) - 0.5) * swing for _ in range(3))
    return Gates(np.zeros((ROWS, UNITS)), np.zeros((ROWS, UNITS)), write, keep, read)


def drawn(svg):
    """The points of every line by its id, in the order of the drawing."""
    found = {}
    for group in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}g"):
        if match := re.search(r"line-(?:write|keep|read)\d$", group.get("id", "")):
            path = group.find("{http://www.w3.org/2000/svg}path").get("d")
            found[match[0]] = np.array([float(x) for x in re.findall(r"-?[\d.]+", path)]).reshape(-1, 2)
    return found


def test_three_panels_draw_write_keep_and_read_of_the_chosen_units(seen):
    svg = gate_figure(seen, units=[2, 5], dt=0.5, time_unit="s")
    lines = drawn(svg)
    assert sorted(lines) == ["line-keep0", "line-keep1", "line-read0", "line-read1", "line-write0", "line-write1"]
    for name in ("write", "keep", "read"):
        for k, unit in enumerate((2, 5)):
            points, values = lines[f"line-{name}{k}"], getattr(seen, name)[:, unit]
            up = np.polyfit(points[:, 1], values, 1)
            np.testing.assert_allclose(np.polyval(up, points[:, 1]), values, atol=1e-3)
            assert up[0] == pytest.approx(-1.1 / 84, rel=1e-3)  # 0 ... 1 with a margin, in every panel
            np.testing.assert_allclose(np.diff(points[:, 0]), np.diff(points[:, 0]).mean(), atol=0.02)
    levels = [lines[f"line-{name}0"][:, 1].mean() for name in ("write", "keep", "read")]
    assert levels == sorted(levels)  # from above: write, keep, read
    for text in ("write", "keep", "read", "unit 2", "unit 5", "time (s)"):
        assert f">{text}<" in svg


def test_without_a_choice_the_units_whose_gates_move_most_are_drawn(seen):
    svg = gate_figure(seen)
    assert re.findall(r">(unit \d)<", svg) == [f"unit {k}" for k in (6, 5, 4, 3, 2)]
    assert ">step<" in svg
    assert ">time<" in gate_figure(seen, dt=0.5)  # where the unit has no name
    assert "5 of 7 units over 50 steps" in svg


def test_the_same_gates_give_the_same_bytes(seen):
    assert gate_figure(seen) == gate_figure(seen)


def test_units_that_cannot_be_drawn_are_refused(seen):
    for units in ([], [7], [-1], range(6)):
        with pytest.raises(DataError, match="give 1 to 5 of the 7 units"):
            gate_figure(seen, units=units)
    with pytest.raises(DataError, match=r"gates are \(time, units\)"):
        gate_figure(Gates(*(part[0] for part in seen)))
