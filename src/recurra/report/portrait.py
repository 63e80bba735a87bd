"""The phase portrait: one channel against another, the truth beside the forecasts."""

from collections.abc import Mapping

import numpy as np

from recurra.errors import DataError
from recurra.report import canvas
from recurra.report.forecasts import check
from recurra.report.formatting import clean, shortened, with_unit
from recurra.report.palette import INK, TRUTH, Ink, ink
from recurra.report.svg import to_svg
from recurra.series import Series

_ROWS = 5000  # more turns of an attractor fill the panel with ink and show less
_PANELS = 3
_TOP = 42.0
_GAP = 26.0  # points between two panels: their outer tick labels must not touch


def phase_portrait(truth: Series, forecasts: Mapping[str, Series]) -> str:
    """Draw two channels against each other: first and second, or first and third where there are three.

    The truth and the first two forecasts stand side by side on the same axes limits, a dot where each starts.

    Args:
        truth: what happened, with two channels or more.
        forecasts: forecasts by learner, the one in question first.

    Returns:
        One SVG element, for a page.

    Raises:
        DataError: as `forecast_figure`, or a single channel.
    """
    check(truth, forecasts)
    if len(truth.channels) < 2:
        raise DataError(f"a phase portrait needs two channels, the data have one, {truth.channels}")
    pair = (0, 2) if len(truth.channels) == 3 else (0, 1)
    panels = [("truth", TRUTH, truth)]
    panels += [(ink(name).title, ink(name), each) for name, each in list(forecasts.items())[: _PANELS - 1]]
    limits = [canvas.padded(truth.values[:, c], share=0.12) for c in pair]
    ticks = [canvas.linear_ticks(*each, count) for each, count in zip(limits, (3, 4), strict=True)]
    names = [with_unit(truth.channels[c], truth.units[c]) for c in pair]
    left = canvas.room_for(ticks[1][1])
    width = (canvas.WIDTH - left - 16 + _GAP) / len(panels) - _GAP
    tall = min(width, 200.0)
    with canvas.drawing(_TOP + tall + 42) as figure:
        height = canvas.height_of(figure)
        figure.text(8 / canvas.WIDTH, 1 - 13 / height, names[1], color=INK, fontweight="bold")
        for i, (title, pen, series) in enumerate(panels):
            axes = canvas.panel(figure, left + i * (width + _GAP), _TOP, width, tall)
            canvas.set_ticks(axes, "y", limits[1], ticks[1] if i == 0 else (ticks[1][0], [""] * len(ticks[1][0])))
            canvas.set_ticks(axes, "x", limits[0], ticks[0])
            canvas.note(axes, clean(title), color=pen.light)
            canvas.x_label(axes, shortened(names[0], width / canvas.CHARACTER))
            _draw(axes, series.values[:_ROWS, list(pair)], limits, pen, i)
        text = _describe(truth, names, [title for title, _, _ in panels])
        return to_svg(figure, "portrait", "Phase portrait", text)


def _draw(axes: canvas.Axes, points: np.ndarray, limits: list[tuple[float, float]], pen: Ink, index: int) -> None:
    low, high = np.array(limits).T
    room = high - low
    shown = thin(np.clip(points, low - room, high + room), 0.0025 * room)
    width = 0.6 if len(shown) > 1500 else 1.2
    axes.plot(*shown.T, color=pen.light, linewidth=width, solid_joinstyle="round", gid=f"line-portrait{index}")
    if len(shown) and np.isfinite(shown[0]).all():
        axes.plot(shown[0, 0], shown[0, 1], color=pen.light, marker="o", markersize=5, linestyle="none")


def thin(points: np.ndarray, step: np.ndarray) -> np.ndarray:
    """A curve without the points that lie within `step` (per axis) of the one kept before; the ends stay."""
    if len(points) < 3:
        return points
    scaled = (points / step).tolist()
    keep, last = [0], scaled[0]
    for row, (x, y) in enumerate(scaled[1:-1], start=1):
        # `not <=` keeps a NaN: it is a gap in the line.
        if not (abs(x - last[0]) <= 1 and abs(y - last[1]) <= 1):
            keep.append(row)
            last = (x, y)
    return points[[*keep, len(points) - 1]]


def _describe(truth: Series, names: list[str], panels: list[str]) -> str:
    text = f"{names[1]} against {names[0]}, side by side for {', '.join(clean(each) for each in panels)}."
    cut = f" The first {_ROWS:,} of {len(truth):,} rows are drawn." if len(truth) > _ROWS else ""
    return text + " A dot marks where each starts." + cut
