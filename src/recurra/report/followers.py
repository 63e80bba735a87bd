"""A channel and the unit that follows it, one panel each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recurra.diagnostics.followers import Follower
from recurra.report import canvas
from recurra.report.decimation import decimate
from recurra.report.formatting import clean, number, with_unit
from recurra.report.palette import TRUTH, Ink, ink
from recurra.report.svg import to_svg

_TALL, _GAP = 84.0, 28.0  # points: a panel, and the room above it
_ROWS = 400  # that are drawn


@dataclass(frozen=True, eq=False)
class Followed:
    """One panel.

    Args:
        pair: unit and channel.
        channel: values of the channel (rows,).
        unit: states of the unit in the same rows (rows,).
    """

    pair: Follower
    channel: np.ndarray
    unit: np.ndarray


def follower_figure(panels: Sequence[Followed], learner: str, dt: float, time_unit: str = "") -> str:
    """Draw each channel and the unit that follows it, in standard deviations, the unit earlier by its lag.

    A unit that goes down where the channel goes up is drawn upside down.

    Args:
        panels: one for each channel.
        learner: the name of the network.
        dt: time units of a row.
        time_unit: what those are.

    Returns:
        One SVG element, for a page.
    """
    unit = Ink("unit, shifted by its lag", ink(learner).variable, ink(learner).light, ink(learner).dark, (4.0, 1.5))
    entries = [("channel", TRUTH), (unit.title, unit)]
    top = canvas.legend_height([title for title, _ in entries])
    rows = min(_ROWS, *(len(each.channel) - each.pair.lag for each in panels))
    with canvas.drawing(top + len(panels) * (_GAP + _TALL) + 42) as figure:
        canvas.legend(figure, entries)
        for k, each in enumerate(panels):
            axes = _panel(figure, top + (k + 1) * _GAP + k * _TALL, each, unit, dt, rows, k)
            if k == len(panels) - 1:
                canvas.x_label(axes, with_unit("time", time_unit))
            else:
                axes.set_xticklabels([])
        return to_svg(figure, "followers", "Units and what they follow", _describe(panels))


def _panel(figure: canvas.Figure, top: float, each: Followed, pen: Ink, dt: float, rows: int, k: int) -> canvas.Axes:
    lag = each.pair.lag
    channel = _standard(each.channel)[:rows]
    unit = np.sign(each.pair.correlation) * _standard(each.unit)[lag : lag + rows]
    limits = canvas.padded(np.concatenate([channel, unit]))
    ticks = canvas.linear_ticks(*limits, 3)
    left = canvas.room_for(["−10"])
    axes = canvas.panel(figure, left, top, canvas.WIDTH - left - 16, _TALL)
    end = dt * max(1, rows - 1)
    canvas.set_ticks(axes, "y", limits, ticks)
    canvas.set_ticks(axes, "x", (0.0, end), canvas.linear_ticks(0.0, end, 5))
    canvas.heading(axes, f"{clean(each.pair.channel)} and {clean(each.pair.name)}")
    times = dt * np.arange(rows)
    canvas.line(axes, *decimate(times, channel), TRUTH, f"line-channel{k}")
    canvas.line(axes, *decimate(times, unit), pen, f"line-unit{k}", linewidth=1.3)
    return axes


def _standard(values: np.ndarray) -> np.ndarray:
    size = values.std()
    return (values - values.mean()) / (size if size > 0 else 1.0)


def _describe(panels: Sequence[Followed]) -> str:
    told = "; ".join(
        f"{clean(each.pair.channel)} and {clean(each.pair.name)}, {each.pair.lag} steps later, "
        f"r = {number(each.pair.correlation)}"
        for each in panels
    )
    return f"In standard deviations; a unit that goes against its channel is drawn upside down. {told}."
