"""The modes of a network as oscillators: how long each lives, against its frequency."""

from collections.abc import Mapping

import numpy as np

from recurra.diagnostics.modes import Modes
from recurra.report import canvas
from recurra.report.formatting import clean, number, with_unit
from recurra.report.palette import MUTED, Ink, ink
from recurra.report.svg import to_svg

_TALL = 220.0
_PEAK = Ink("peak of the data", "muted", MUTED, MUTED, (3.0, 2.0), 1.0)
_SHORT = 1e-3  # of a step: modes that live for less are forgotten at once


def modes_figure(found: Modes, learner: str, peaks: Mapping[str, float], unit: str = "") -> str:
    """Draw the time constant of each mode against its frequency; those that grow are hollow.

    A mode and its mirror image of negative frequency are one mark.

    Args:
        found: the modes.
        learner: the name of the network.
        peaks: frequencies of the data, by channel, in cycles per time unit.
        unit: of time.

    Returns:
        One SVG element, for a page.
    """
    lives, alive = np.abs(found.time_constants), alive_modes(found)
    frequencies, lives, grows = found.frequencies[alive], lives[alive], found.dampings[alive] <= 0
    lives = np.where(np.isfinite(lives), lives, max([found.dt, *lives[np.isfinite(lives)]]))
    limits = (float(lives.min()) / 2, float(lives.max()) * 2) if lives.size else (found.dt / 2, found.dt * 2)
    ticks = canvas.log_ticks(*limits)
    most = 0.5 / found.dt
    left, pen = canvas.room_for(ticks[1]), ink(learner)
    entries = [(_PEAK.title, _PEAK)] if peaks else []
    top = (canvas.legend_height([_PEAK.title]) if peaks else 0.0) + 24
    with canvas.drawing(top + _TALL + 42) as figure:
        canvas.legend(figure, entries)
        axes = canvas.panel(figure, left, top, canvas.WIDTH - left - 16, _TALL)
        axes.set_yscale("log")
        canvas.set_ticks(axes, "y", limits, ticks)
        canvas.set_ticks(axes, "x", (-0.02 * most, 1.02 * most), canvas.linear_ticks(0.0, most, 5))
        canvas.heading(axes, with_unit("time constant", unit))
        canvas.x_label(axes, f"frequency (cycles per {clean(unit) or 'time unit'})")
        for k, frequency in enumerate(peaks.values()):
            axes.axvline(frequency, color=_PEAK.light, linewidth=_PEAK.width, dashes=_PEAK.dash, gid=f"line-peak{k}")
        for part, full in ((~grows, True), (grows, False)):
            axes.plot(
                frequencies[part], lives[part], marker="o", markersize=3.6, markeredgewidth=1.0,
                markeredgecolor=pen.light, markerfacecolor=pen.light if full else "none", linestyle="none",
                gid=f"marks-{'full' if full else 'hollow'}", clip_on=False,
            )  # fmt: skip
        return to_svg(figure, "modes", "Modes of the network", _describe(found, peaks))


def alive_modes(found: Modes) -> np.ndarray:
    """Of which modes a frequency is worth a mark: one of each pair, not those that a single step forgets."""
    return np.flatnonzero((found.frequencies >= 0) & (np.abs(found.time_constants) > _SHORT * found.dt))


def _describe(found: Modes, peaks: Mapping[str, float]) -> str:
    lost = int((np.abs(found.time_constants) <= _SHORT * found.dt).sum())
    grow = int((found.dampings <= 0).sum())
    text = f"{len(found.multipliers):,} modes: pairs that oscillate are one mark, {grow:,} that grow are hollow."
    if lost:
        text += f" {lost:,} that a single step forgets are not drawn."
    if peaks:
        where = "; ".join(f"{clean(name)} {number(frequency)}" for name, frequency in peaks.items())
        text += f" Dashed: the frequencies at which the data have their peaks: {where}."
    return text
