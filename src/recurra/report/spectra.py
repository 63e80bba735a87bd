"""Power spectra of the truth and of a free run, with the bands within which they are known."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from recurra.report import canvas
from recurra.report.formatting import clean, number
from recurra.report.palette import TRUTH, Ink, ink
from recurra.report.svg import to_svg
from recurra.series import Series

_TALL, _GAP = 150.0, 32.0
_RANGE = 1e-9  # of the largest power of the truth: below there is rounding


def spectrum_figure(spectra: Mapping[str, Any], like: Series, channels: Sequence[str]) -> str:
    """Draw the power spectral density of some channels on logarithmic axes, one panel a channel.

    The band holds the true density of each frequency with the confidence of `welch_spectrum`.

    Args:
        spectra: as `recurra.diagnostics.attractor.welch_spectrum` gives them, by "truth" or the name of a learner.
        like: the series that the channels are of, for its units of time.
        channels: the first channels of it, one panel each.

    Returns:
        One SVG element, for a page.
    """
    pens = {name: TRUTH if name == "truth" else ink(name) for name in spectra}
    entries = [(pen.title, pen) for pen in pens.values()]
    top = canvas.legend_height([title for title, _ in entries]) + 24
    first = next(iter(spectra.values()))
    limits = [_limits(first.power[1:, c]) for c in range(len(channels))]
    ticks = [canvas.log_ticks(*each) for each in limits]
    left = max(canvas.room_for(labels) for _, labels in ticks)
    x = float(first.frequencies[1]), float(first.frequencies[-1])
    across = canvas.log_ticks(*x)
    unit = str(like.provenance.get("time_unit", "")) or "time unit"
    with canvas.drawing(top + len(channels) * (_TALL + _GAP) + 22) as figure:
        canvas.legend(figure, entries)
        for c, channel in enumerate(channels):
            axes = canvas.panel(figure, left, top + c * (_TALL + _GAP), canvas.WIDTH - left - 16, _TALL)
            axes.set_xscale("log")
            axes.set_yscale("log")
            last = c == len(channels) - 1
            canvas.set_ticks(axes, "y", limits[c], ticks[c])
            canvas.set_ticks(axes, "x", x, across if last else (across[0], [""] * len(across[0])))
            canvas.heading(axes, f"power of {clean(channel)}")
            if last:
                canvas.x_label(axes, f"frequency (cycles per {clean(unit)})")
            for name, found in spectra.items():
                _draw(axes, found, c, pens[name], limits[c])
        return to_svg(figure, "spectra", "Power spectra", _describe(spectra, channels))


def _limits(power: np.ndarray) -> tuple[float, float]:
    top = float(power.max()) or 1.0
    low = max(float(power[power > 0].min(initial=top)), _RANGE * top)
    return low / 3, top * 5


def _draw(axes: canvas.Axes, found: Any, channel: int, pen: Ink, limits: tuple[float, float]) -> None:
    """Without the frequency zero, which a logarithmic axis does not have."""
    bottom, top = limits
    low, high, middle = (np.clip(each[1:, channel], bottom, top) for each in (found.low, found.high, found.power))
    axes.fill_between(
        found.frequencies[1:], low, high, color=pen.light, alpha=0.18, linewidth=0, gid=f"band-{pen.variable}-{channel}"
    )
    name = f"line-{pen.variable}-{channel}"
    canvas.line(axes, found.frequencies[1:], middle, pen, name, linewidth=min(pen.width, 1.3))


def _describe(spectra: Mapping[str, Any], channels: Sequence[str]) -> str:
    parts = []
    for name, found in spectra.items():
        peaks = [number(peak) if np.isfinite(peak) else "none" for peak in found.peaks[: len(channels)]]
        title = "the truth" if name == "truth" else ink(name).title
        parts.append(f"{title} {', '.join(peaks)}")
    return (
        f"Welch spectra of {', '.join(map(clean, channels))} with 95 % bands. Their peaks, where there is a clear one, "
        f"lie at the frequencies: {'; '.join(parts)}."
    )
