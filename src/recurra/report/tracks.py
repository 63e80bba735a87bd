"""Tracks in the plane: what was known, what came, what was forecast, and the bands around it."""

from collections.abc import Sequence

import numpy as np

from recurra.errors import DataError
from recurra.report import canvas
from recurra.report.formatting import number, with_unit
from recurra.report.palette import PAST, TRUTH, Ink, ink
from recurra.report.svg import to_svg
from recurra.series import Series

_CORNERS = np.array([[-1, 1, 1, -1], [-1, -1, 1, 1]])


def track_figure(
    tracks: Sequence[Series], forecasts: np.ndarray, half_width: np.ndarray, known: int, learner: str = "ffnn"
) -> str:
    """Draw up to four tracks of two channels, each in a panel of its own with the same scale on both axes.

    Args:
        tracks: whole tracks, known rows and those that came.
        forecasts: (tracks, steps, 2), of the rows after the known ones.
        half_width: of the bands, (steps, 2).
        known: rows before the forecast.
        learner: whose forecast it is.

    Returns:
        One SVG element, for a page.

    Raises:
        DataError: not one to four tracks of two channels, or forecasts of another shape.
    """
    steps = half_width.shape[0]
    fitting = all(track.values.shape == (known + steps, 2) for track in tracks)
    if not 1 <= len(tracks) <= 4 or not fitting or forecasts.shape != (len(tracks), steps, 2):
        raise DataError("one to four tracks of two channels can be drawn, with a forecast and a band for every step")
    pen = ink(learner)
    entries = [("known", PAST), (TRUTH.title, TRUTH), (f"{pen.title}, with its bands", pen)]
    top = canvas.legend_height([name for name, _ in entries]) + 22
    side, room = 190.0, 46.0
    rows = -(-len(tracks) // 2)
    with canvas.drawing(top + rows * (side + 58)) as figure:
        canvas.legend(figure, entries)
        for i, (track, found) in enumerate(zip(tracks, forecasts, strict=True)):
            left = room + (i % 2) * (side + room)
            axes = canvas.panel(figure, left, top + (i // 2) * (side + 58), side, side)
            _draw(axes, track, found, half_width, known, pen, i)
            if i % 2 == 0:
                canvas.heading(axes, with_unit(track.channels[1], track.units[1]))
            canvas.x_label(axes, with_unit(track.channels[0], track.units[0]))
        wide = ", ".join(number(each) for each in half_width[-1])
        text = f"At the last of {steps} steps the bands reach {wide} {tracks[0].units[0]} to each side."
        return to_svg(figure, "tracks", "Tracks ahead", text)


def _draw(
    axes: canvas.Axes, track: Series, found: np.ndarray, half: np.ndarray, known: int, pen: Ink, index: int
) -> None:
    every = np.concatenate([track.values, found - half, found + half])
    middle = (every.max(axis=0) + every.min(axis=0)) / 2
    reach = 0.53 * (every.max(axis=0) - every.min(axis=0)).max()
    for axis, centre in zip("xy", middle, strict=True):
        limits = (centre - reach, centre + reach)
        canvas.set_ticks(axes, axis, limits, canvas.linear_ticks(*limits, 4))
    for y, h in zip(found, half, strict=True):
        axes.fill(y[0] + h[0] * _CORNERS[0], y[1] + h[1] * _CORNERS[1], color=pen.light, alpha=0.10, linewidth=0)
    for name, values, line in (
        ("known", track.values[:known], PAST),
        ("truth", track.values[known - 1 :], TRUTH),
        ("forecast", np.concatenate([track.values[known - 1 : known], found]), pen),
    ):
        canvas.line(axes, values[:, 0], values[:, 1], line, f"line-{name}{index}", marker="o", markersize=2.5)
