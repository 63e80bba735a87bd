"""Lyapunov exponents as marks in columns: the truth beside the network, what cannot be trusted hollow."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from recurra.report import canvas
from recurra.report.formatting import number
from recurra.report.palette import MUTED, TRUTH, Ink, ink
from recurra.report.svg import to_svg

_TALL = 230.0
_LEVEL = Ink("largest conditional exponent", "muted", MUTED, MUTED, (3.0, 2.0), 1.0)
_WIDE = 0.16  # half of the width of a mark, in columns


@dataclass(frozen=True, eq=False)
class Column:
    """One column of marks.

    Args:
        values: exponents (count,) per time unit.
        errors: their standard errors (count,), NaN where there is none.
        trusted: (count,) of bool; the others are drawn hollow.
    """

    values: np.ndarray
    errors: np.ndarray
    trusted: np.ndarray


def exponent_figure(columns: Mapping[str, Column], level: float | None = None) -> str:
    """Draw exponents, one column for the truth and one for each learner, with bars of one standard error.

    Args:
        columns: by "truth" or the name of a learner.
        level: the largest conditional exponent of the network, below which its exponents are its own.

    Returns:
        One SVG element, for a page.
    """
    pens = {name: TRUTH if name == "truth" else ink(name) for name in columns}
    finite = [np.concatenate([each.values, [] if level is None else [level]]) for each in columns.values()]
    low, high = canvas.padded(np.concatenate([*finite, [0.0]]), 0.08)
    ticks = canvas.linear_ticks(low, high)
    left = canvas.room_for(ticks[1])
    entries = [] if level is None else [(_LEVEL.title, _LEVEL)]
    top = (canvas.legend_height([_LEVEL.title]) if entries else 0.0) + 26
    with canvas.drawing(top + _TALL + 32) as figure:
        canvas.legend(figure, entries)
        axes = canvas.panel(figure, left, top, canvas.WIDTH - left - 16, _TALL)
        canvas.set_ticks(axes, "y", (low, high), ticks)
        places = np.arange(len(columns))
        canvas.set_ticks(axes, "x", (-0.5, len(columns) - 0.5), (places, [pens[name].title for name in columns]))
        canvas.heading(axes, "exponents, per time unit")
        axes.axhline(0.0, color=MUTED, linewidth=0.8)
        if level is not None and np.isfinite(level):
            axes.axhline(level, color=_LEVEL.light, linewidth=_LEVEL.width, dashes=_LEVEL.dash, gid="line-level")
        for k, (name, each) in enumerate(columns.items()):
            _marks(axes, k, each, pens[name])
        return to_svg(figure, "exponents", "Lyapunov exponents", _describe(columns, level))


def _marks(axes: canvas.Axes, place: int, column: Column, pen: Ink) -> None:
    """A dash for each exponent, thin where it is not trusted, and a bar for its error with a point in the middle."""
    good = np.isfinite(column.values)
    for k in np.flatnonzero(good):
        value, error = column.values[k], np.nan_to_num(column.errors[k])
        fill = pen.light if column.trusted[k] else "none"
        bar = [value - error, value + error]
        axes.plot([place, place], bar, color=pen.light, linewidth=1.3, gid=f"line-bar-{place}-{k}")
        axes.plot([place - _WIDE, place + _WIDE], [value, value], color=pen.light, linewidth=0.6, alpha=0.6)
        axes.plot(
            place, value, marker="o", markersize=6, markeredgewidth=1.3, markeredgecolor=pen.light,
            markerfacecolor=fill, linestyle="none", gid=f"mark-{'full' if column.trusted[k] else 'hollow'}-{place}-{k}",
        )  # fmt: skip


def _describe(columns: Mapping[str, Column], level: float | None) -> str:
    parts = []
    for name, each in columns.items():
        title = "the truth" if name == "truth" else ink(name).title
        parts.append(f"{title}: {', '.join(number(float(value)) for value in each.values)}")
    text = f"Exponents per time unit, largest first; {'; '.join(parts)}. Bars are one standard error."
    if level is not None:
        text += (
            f" Hollow marks cannot be trusted: what was learned has no exponent of their rank above the largest "
            f"conditional one, {number(level)}."
        )
    return text
