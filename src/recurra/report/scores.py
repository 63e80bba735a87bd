"""What was measured beside what others have reached: one line for each, with its spread."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from recurra.errors import DataError
from recurra.report import canvas
from recurra.report.formatting import clean, number, text_width
from recurra.report.palette import INK, MUTED, ink
from recurra.report.svg import to_svg

_ROW = 21.0  # points
_WIDE = 20.0  # a ratio of largest to smallest from which an axis is logarithmic
_OURS, _OTHERS = ink("esn"), ink("persistence")
_ROOM = 0.52 * canvas.WIDTH  # for the names, at most


def scores_figure(lines: Sequence[Mapping[str, Any]], published: Sequence[tuple[str, float]], title: str) -> str:
    """Draw a measure: median, tenth to ninetieth percentile and extremes of each line; what is published as diamonds.

    Args:
        lines: mappings with "name", "median", "low", "high", "least" and "greatest"; other keys are left alone, and
            lines without a median are not drawn.
        published: who and value.
        title: of the measure, with its unit.

    Returns:
        One SVG element, for a page.

    Raises:
        DataError: nothing to draw.
    """
    drawn = [line for line in lines if line["median"] is not None]
    if not drawn:
        raise DataError("there is no line with a median to draw")
    names = [*(str(line["name"]) for line in drawn), *(who for who, _ in published)]
    values = np.array([line[key] for line in drawn for key in ("least", "greatest")] + [each for _, each in published])
    log = bool(values.min() > 0 and values.max() >= _WIDE * values.min())
    limits = (values.min() / 1.2, values.max() * 1.2) if log else canvas.padded(values)
    left = min(_ROOM, canvas.room_for(list(map(clean, names))))
    with canvas.drawing(14 + _ROW * len(names) + 42) as figure:
        axes = canvas.panel(figure, left, 10, canvas.WIDTH - left - 22, _ROW * len(names))
        axes.set_xscale("log" if log else "linear")
        axes.grid(axis="x", color=MUTED, linewidth=0.3)
        canvas.set_ticks(axes, "x", limits, canvas.log_ticks(*limits) if log else canvas.linear_ticks(*limits))
        rows = np.arange(len(names), dtype=float)
        labels = [_short(clean(name), left) for name in names]
        canvas.set_ticks(axes, "y", (len(names) - 0.5, -0.5), (rows, labels))
        canvas.x_label(axes, title)
        for row, line in enumerate(drawn):
            _draw(axes, float(row), line)
        for row, (_, value) in enumerate(published, len(drawn)):
            looks: dict = {"color": _OTHERS.light, "marker": "D", "markersize": 5.5, "linestyle": "none"}
            axes.plot([value], [row], gid=f"line-published{row}", **looks)
        return to_svg(figure, "scores", clean(title), _describe(drawn, published, title))


def _draw(axes: canvas.Axes, row: float, line: Mapping[str, Any]) -> None:
    color = _OURS.light
    axes.plot([line["least"], line["greatest"]], [row, row], color=color, linewidth=0.8, gid=f"line-extremes{row:.0f}")
    axes.plot([line["low"], line["high"]], [row, row], color=color, linewidth=4.0, alpha=0.45, solid_capstyle="butt")
    axes.plot([line["median"]], [row], marker="o", markersize=6.0, color=INK, linestyle="none")


def _short(name: str, room: float) -> str:
    most = int((room - 12) / canvas.CHARACTER)
    return name if text_width(name) <= most else name[: most - 1] + "…"


def _describe(lines: Sequence[Mapping[str, Any]], published: Sequence[tuple[str, float]], title: str) -> str:
    ours = ", ".join(f"{clean(str(line['name']))} {number(line['median'])}" for line in lines)
    others = ", ".join(f"{clean(who)} {number(value)}" for who, value in published)
    return f"Medians of {clean(title)}: {ours}.{f' Published: {others}.' if others else ''}"
