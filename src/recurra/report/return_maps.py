"""Return maps: each maximum against the one before, the truth beside the free network."""

from collections.abc import Mapping

import numpy as np

from recurra.report import canvas
from recurra.report.formatting import clean, shortened, with_unit
from recurra.report.palette import FAINT, INK, TRUTH, ink
from recurra.report.svg import to_svg

_MOST = 1500  # points, evenly spaced in time
_TOP, _GAP = 42.0, 26.0


def return_map_figure(points: Mapping[str, np.ndarray], channel: str, unit: str = "", is_map: bool = False) -> str:
    """Draw the points of return maps side by side on the same axes, with the line on which they would repeat.

    Args:
        points: (count, 2) by "truth" or the name of a learner: each height, and the next.
        channel: what the heights are of.
        unit: of the channel.
        is_map: whether the heights are the rows themselves.

    Returns:
        One SVG element, for a page.
    """
    drawn = {name: each[:: max(1, -(-len(each) // _MOST))] for name, each in points.items()}
    base = next(iter(drawn.values()))
    limits = canvas.padded(base, 0.1)
    ticks = canvas.linear_ticks(*limits, 3)
    left = canvas.room_for(ticks[1])
    width = min((canvas.WIDTH - left - 16 + _GAP) / len(drawn) - _GAP, 240.0)
    what = "row" if is_map else "maximum"
    with canvas.drawing(_TOP + width + 42) as figure:
        head = f"next {what} of {with_unit(channel, unit)}"
        figure.text(8 / canvas.WIDTH, 1 - 13 / canvas.height_of(figure), head, color=INK, fontweight="bold")
        for k, (name, each) in enumerate(drawn.items()):
            pen = TRUTH if name == "truth" else ink(name)
            axes = canvas.panel(figure, left + k * (width + _GAP), _TOP, width, width)
            canvas.set_ticks(axes, "y", limits, ticks if k == 0 else (ticks[0], [""] * len(ticks[0])))
            canvas.set_ticks(axes, "x", limits, ticks)
            canvas.note(axes, clean(pen.title), color=pen.light)
            canvas.x_label(axes, shortened(f"{what} of {clean(channel)}", width / canvas.CHARACTER))
            axes.plot(limits, limits, color=FAINT, linewidth=1)
            inside = each[((each >= limits[0]) & (each <= limits[1])).all(axis=1)]
            axes.plot(*inside.T, ".", color=pen.light, markersize=2.4, linestyle="none", gid=f"points-{k}")
        return to_svg(figure, "return", "Return map", _describe(points, what))


def _describe(points: Mapping[str, np.ndarray], what: str) -> str:
    titles = {name: "truth" if name == "truth" else ink(name).title for name in points}
    counts = ", ".join(f"{len(each):,} points of {titles[name]}" for name, each in points.items())
    return f"Each {what} against the one before it: {counts}. On the diagonal a {what} would repeat itself."
