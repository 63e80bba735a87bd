"""Decisions over time: the series, what was decided, and how much better than chance it went so far."""

import numpy as np

from recurra.errors import DataError
from recurra.estimators.decisions import BUY, SELL, Decisions
from recurra.report import canvas
from recurra.report.formatting import number
from recurra.report.palette import TRUTH, ink
from recurra.report.svg import to_svg
from recurra.series import Series

_SHOWN = 120  # of the last rows of the series: more marks than these are no more to be told apart


def decisions_figure(series: Series, decisions: Decisions) -> str:
    """Draw the last decisions on the series and, below, right decisions above chance, added up.

    Args:
        series: the one that was decided about.
        decisions: as `recurra.estimators.decisions.walk_forward` made them.

    Returns:
        One SVG element, for a page.

    Raises:
        DataError: no decision.
    """
    if not len(decisions.decided):
        raise DataError("there is no decision to draw")
    shown = min(_SHOWN, len(decisions.decided))
    times, last = canvas.as_numbers(decisions.times[-shown:]), decisions.last[-shown:]
    excess = np.cumsum((decisions.decided == decisions.came) - decisions.chance)
    pens = {"buy": ink("esn"), "sell": ink("lstm")}
    entries = [("series", TRUTH), ("buy", pens["buy"]), ("sell", pens["sell"])]
    top = canvas.legend_height([name for name, _ in entries]) + 24
    limits, low_high = canvas.padded(last), canvas.padded(excess)
    ticks = canvas.linear_ticks(*limits), canvas.linear_ticks(*low_high)
    left = canvas.room_for([*ticks[0][1], *ticks[1][1]])
    width = canvas.WIDTH - left - 16
    with canvas.drawing(top + 150 + 70 + 110 + 42) as figure:
        canvas.legend(figure, entries)
        axes = canvas.panel(figure, left, top, width, 150)
        canvas.set_ticks(axes, "y", limits, ticks[0])
        ends = (float(times[0]), float(times[-1]))
        x_ticks, shared = canvas.time_ticks(*ends, series.times.dtype.kind == "M")
        canvas.set_ticks(axes, "x", ends, x_ticks)
        canvas.heading(axes, f"{series.channels[0]}, and what was decided on it")
        canvas.line(axes, times, last, TRUTH, "line-series")
        for name, code, marker in (("buy", BUY, "^"), ("sell", SELL, "v")):
            at = decisions.decided[-shown:] == code
            axes.plot(times[at], last[at], marker, color=pens[name].light, markersize=3.5, gid=f"marks-{name}")
        below = canvas.panel(figure, left, top + 150 + 70, width, 110)
        every = canvas.as_numbers(decisions.times)
        canvas.set_ticks(below, "y", low_high, ticks[1])
        ends = (float(every[0]), float(every[-1]))
        x_ticks, shared = canvas.time_ticks(*ends, series.times.dtype.kind == "M")
        canvas.set_ticks(below, "x", ends, x_ticks)
        canvas.heading(below, "right decisions, more than chance gives")
        canvas.x_label(below, f"time {shared}".strip())
        canvas.line(below, every, excess, ink("esn"), "line-excess")
        text = (
            f"{len(decisions.decided):,} decisions, the last {shown} above; {number(100 * decisions.accuracy)} % are "
            f"right, chance is {number(100 * decisions.chance)} %."
        )
        return to_svg(figure, "decisions", "Decisions over time", text)
