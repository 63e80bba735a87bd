"""What a network still knows of an input some steps later, against the lag: one line for each input."""

from collections.abc import Mapping

import numpy as np

from recurra.diagnostics.memory_capacity import MemoryCapacity
from recurra.report import canvas
from recurra.report.formatting import clean, number
from recurra.report.pens import MOST, pens
from recurra.report.svg import to_svg

_TALL = 190.0
_GONE = 0.02  # of the input that is known: lags beyond are not drawn
_LIMITS = (-0.05, 1.05)


def memory_figure(found: Mapping[str, MemoryCapacity]) -> str:
    """Draw the squared correlation of each input with what a linear readout says of it, by the lag in steps.

    Args:
        found: by the name of the input, five at most.

    Returns:
        One SVG element, for a page.
    """
    drawn = dict(list(found.items())[:MOST])
    inks = pens([clean(name) for name in drawn])
    last = max(_reach(each.by_lag) for each in drawn.values())
    ticks = canvas.linear_ticks(0.0, 1.0, 4)
    left = canvas.room_for(ticks[1])
    top = canvas.legend_height([pen.title for pen in inks]) + 24
    with canvas.drawing(top + _TALL + 42) as figure:
        canvas.legend(figure, [(pen.title, pen) for pen in inks])
        axes = canvas.panel(figure, left, top, canvas.WIDTH - left - 16, _TALL)
        canvas.set_ticks(axes, "y", _LIMITS, ticks)
        canvas.set_ticks(axes, "x", (0.0, float(last)), canvas.linear_ticks(0.0, float(last), 5))
        canvas.heading(axes, "share of an input that is known")
        canvas.x_label(axes, "lag, in steps")
        for k, (pen, each) in reversed(list(enumerate(zip(inks, drawn.values(), strict=True)))):
            shown = np.clip(each.by_lag[: last + 1], *_LIMITS)
            canvas.line(axes, np.arange(len(shown)), shown, pen, f"line-memory{k}")
        return to_svg(figure, "memory", "Memory of white noise", _describe(found))


def _reach(by_lag: np.ndarray) -> int:
    """The last lag of which anything is known, and a fifth more; at least 5."""
    known = np.flatnonzero(by_lag > _GONE)
    return min(max(5, int(1.2 * (known[-1] + 1)) if known.size else 5), max(5, len(by_lag) - 1))


def _describe(found: Mapping[str, MemoryCapacity]) -> str:
    sums = "; ".join(f"{clean(name)} {number(each.total)} ± {number(each.error, 2)}" for name, each in found.items())
    return (
        "Squared correlation of white noise in one input, the others held at their mean, with what a linear readout of "
        f"the states says of it, by lag. Sums over the lags: {sums}."
    )
