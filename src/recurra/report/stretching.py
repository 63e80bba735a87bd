"""How far neighbours in a measured series part: the curve that an exponent was read from, and where it was read."""

import numpy as np

from recurra.diagnostics.exponents.from_data import ExponentEstimate
from recurra.report import canvas
from recurra.report.formatting import clean, number, with_unit
from recurra.report.palette import MUTED, TRUTH, Ink, ink
from recurra.report.svg import to_svg

_TALL = 200.0
_SLOPE = Ink("straight part", "lstm", ink("lstm").light, ink("lstm").dark, (4.0, 1.5), 1.6)
_LEVEL = Ink("distance of unrelated states", "muted", MUTED, MUTED, (3.0, 2.0), 1.0)


def stretching_figure(found: ExponentEstimate, channel: str, unit: str = "") -> str:
    """Draw the mean logarithm of the distance of neighbours against time, its straight part and where it must end.

    Args:
        found: the estimate.
        channel: that it is of.
        unit: of time.

    Returns:
        One SVG element, for a page.
    """
    straight = _straight(found)
    finite = np.isfinite(found.stretching)
    low, high = canvas.padded(np.append(found.stretching[finite], found.saturation), 0.08)
    ticks = canvas.linear_ticks(low, high)
    left, end = canvas.room_for(ticks[1]), float(found.times[-1])
    entries = [("neighbours", TRUTH), *([(_SLOPE.title, _SLOPE)] if straight is not None else [])]
    entries.append((_LEVEL.title, _LEVEL))
    top = canvas.legend_height([title for title, _ in entries]) + 24
    with canvas.drawing(top + _TALL + 42) as figure:
        canvas.legend(figure, entries)
        axes = canvas.panel(figure, left, top, canvas.WIDTH - left - 16, _TALL)
        canvas.set_ticks(axes, "y", (low, high), ticks)
        canvas.set_ticks(axes, "x", (0.0, end), canvas.linear_ticks(0.0, end, 5))
        canvas.heading(axes, f"mean logarithm of the distance, {clean(channel)}")
        canvas.x_label(axes, with_unit("time", unit))
        level = np.full(2, found.saturation)
        canvas.line(axes, np.array([0.0, end]), level, _LEVEL, "line-saturation")
        canvas.line(axes, found.times, found.stretching, TRUTH, "line-neighbours")
        if straight is not None:
            canvas.line(axes, *straight, _SLOPE, "line-straight")
        return to_svg(figure, "stretching", "How neighbours part", _describe(found))


def _straight(found: ExponentEstimate) -> tuple[np.ndarray, np.ndarray] | None:
    """The line whose slope is the estimate, through the middle of its part of the curve."""
    if found.region is None:
        return None
    part = slice(found.region[0], found.region[1] + 1)
    times, values = found.times[part], found.stretching[part]
    return times, values.mean() + found.exponent * (times - times.mean())


def _describe(found: ExponentEstimate) -> str:
    how = (
        f"By the method of {found.method.capitalize()}: {found.dimension} rows {found.delay} apart make a state, and "
        f"none within {found.theiler} rows of time counts as its neighbour."
    )
    if found.region is None:
        return f"{how} No part of the curve is straight: there is no exponent to read."
    return f"{how} The slope of the straight part, {number(found.exponent)} per time unit, is the estimate."
