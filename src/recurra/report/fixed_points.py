"""The phase portrait with fixed points and the direction of the flow: the truth beside the free network."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recurra.report import canvas
from recurra.report.formatting import clean, shortened, with_unit
from recurra.report.palette import INK, TRUTH, Ink, ink
from recurra.report.portrait import thin
from recurra.report.svg import to_svg
from recurra.series import Series

_ROWS = 4000  # more turns fill the panel with ink
_ARROWS = 24
_TOP, _GAP = 42.0, 26.0


@dataclass(frozen=True, eq=False)
class Portrait:
    """One panel.

    Args:
        name: "truth", or a learner.
        rows: (time, channels).
        points: fixed points (points, channels).
        stable: (points,) of bool.
    """

    name: str
    rows: np.ndarray
    points: np.ndarray
    stable: np.ndarray


def portrait_figure(portraits: Sequence[Portrait], like: Series, is_map: bool = False) -> str:
    """Draw two channels against each other, the fixed points as marks, and arrows along the motion.

    First and second channel, or first and third where there are three; of a single one each row against the row
    before. Stable points are full, all others hollow. A map has no arrows: there is nothing between its rows.

    Args:
        portraits: one panel each, two at most.
        like: names and units of the channels.
        is_map: whether the rows are points, not those along a curve.

    Returns:
        One SVG element, for a page.
    """
    count = len(like.channels)
    pair = (0, 2) if count == 3 else (0, min(1, count - 1))
    views = [(_view(each.rows[:_ROWS], pair), each.points[:, list(pair)], each) for each in portraits]
    names = [with_unit(like.channels[c], like.units[c]) for c in pair]
    if count == 1:
        names[1] += ", the row after"
    everything = np.concatenate([part for rows, points, _ in views for part in (rows, points)])
    base = np.concatenate([views[0][0], views[0][1]])
    limits = [_limits(base[:, k], everything[:, k]) for k in (0, 1)]
    ticks = [canvas.linear_ticks(*each, size) for each, size in zip(limits, (3, 4), strict=True)]
    left = canvas.room_for(ticks[1][1])
    width = min((canvas.WIDTH - left - 16 + _GAP) / len(views) - _GAP, 300.0)
    tall = min(width, 240.0)
    with canvas.drawing(_TOP + tall + 42) as figure:
        height = canvas.height_of(figure)
        figure.text(8 / canvas.WIDTH, 1 - 13 / height, names[1], color=INK, fontweight="bold")
        for k, (rows, points, each) in enumerate(views):
            pen = TRUTH if each.name == "truth" else ink(each.name)
            axes = canvas.panel(figure, left + k * (width + _GAP), _TOP, width, tall)
            canvas.set_ticks(axes, "y", limits[1], ticks[1] if k == 0 else (ticks[1][0], [""] * len(ticks[1][0])))
            canvas.set_ticks(axes, "x", limits[0], ticks[0])
            canvas.note(axes, clean(pen.title), color=pen.light)
            canvas.x_label(axes, shortened(names[0], width / canvas.CHARACTER))
            _draw(axes, rows, limits, pen, is_map, k)
            _mark(axes, points, each.stable, pen, k)
        return to_svg(figure, "rest", "Phase portrait with fixed points", _describe(portraits, names, is_map))


def _view(rows: np.ndarray, pair: tuple[int, int]) -> np.ndarray:
    if rows.shape[1] == 1:
        return np.concatenate([rows[:-1], rows[1:]], axis=1)
    return rows[:, list(pair)]


def _limits(base: np.ndarray, everything: np.ndarray) -> tuple[float, float]:
    """Those of the first panel, or of all where they go not much farther."""
    low, high = canvas.padded(base, 0.12)
    room = high - low
    inside = everything[(everything > low - room) & (everything < high + room)]
    return canvas.padded(np.concatenate([inside, [low, high]]), 0.0)


def _draw(
    axes: canvas.Axes, rows: np.ndarray, limits: list[tuple[float, float]], pen: Ink, is_map: bool, index: int
) -> None:
    low, high = np.array(limits).T
    room = high - low
    shown = np.clip(rows, low - room, high + room)
    if is_map:
        axes.plot(*shown.T, ".", color=pen.light, markersize=1.6, linestyle="none", gid=f"line-rest{index}")
        return
    curve = thin(shown, 0.0025 * room)
    axes.plot(*curve.T, color=pen.light, linewidth=0.5, alpha=0.55, solid_joinstyle="round", gid=f"line-rest{index}")
    at = np.linspace(0, max(0, len(rows) - 2), max(0, min(_ARROWS, len(rows) - 1))).astype(int)
    size = axes.get_window_extent()
    moves = (rows[at + 1] - rows[at]) / room * [size.width, size.height]  # as they are on the paper
    lengths = np.linalg.norm(moves, axis=1)
    moving = lengths > 0
    if moving.any():
        u, v = (moves[moving] / lengths[moving][:, None]).T
        axes.quiver(
            *shown[at[moving]].T, u, v, angles="uv", units="width", scale=22, width=0.009, pivot="mid",
            headwidth=4.5, headlength=5, headaxislength=4.5, color=pen.light, gid=f"arrows-{index}",
        )  # fmt: skip


def _mark(axes: canvas.Axes, points: np.ndarray, stable: np.ndarray, pen: Ink, index: int) -> None:
    accent = ink("lstm").light if pen.variable != "lstm" else ink("esn").light
    for k, (point, full) in enumerate(zip(points, stable, strict=True)):
        axes.plot(
            *point, marker="o", markersize=8, markeredgewidth=2, markeredgecolor=accent,
            markerfacecolor=accent if full else "none", linestyle="none",
            gid=f"point-{'stable' if full else 'open'}-{index}-{k}", zorder=5,
        )  # fmt: skip


def _describe(portraits: Sequence[Portrait], names: list[str], is_map: bool) -> str:
    titles = [clean((TRUTH if each.name == "truth" else ink(each.name)).title) for each in portraits]
    counts = ", ".join(f"{len(each.points)} of {title}" for each, title in zip(portraits, titles, strict=True))
    arrows = "" if is_map else " Arrows show where the motion goes."
    return (
        f"{names[1]} against {names[0]}. Circles are fixed points, full where they are stable, else hollow: {counts}."
        f"{arrows}"
    )
