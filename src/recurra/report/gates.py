"""The gates of an LSTM layer over time: how far write, keep and read of its units are open."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from recurra.errors import DataError
from recurra.report import canvas
from recurra.report.canvas import Figure
from recurra.report.decimation import decimate
from recurra.report.formatting import number, with_unit
from recurra.report.palette import Ink
from recurra.report.pens import MOST, pens
from recurra.report.svg import to_svg

if TYPE_CHECKING:
    from recurra.cells import Gates

_GATES = ("write", "keep", "read")
_TALL, _GAP = 84.0, 28.0  # points: a panel, and the room above it
_LIMITS = (-0.05, 1.05)


def gate_figure(
    gates: "Gates", units: Sequence[int] | None = None, dt: float | None = None, time_unit: str = ""
) -> str:
    """Draw write, keep and read of some units in three panels, one above the other.

    Args:
        gates: of one layer, (time, units) each, as `recurra.diagnostics.gates.gates` gives them.
        units: which units, at most five; None for those whose gates move most, the most of them first.
        dt: time units of a step; None counts steps.
        time_unit: what those are, "" where nothing is said.

    Returns:
        One SVG element, for a page.

    Raises:
        DataError: gates that are not (time, units), all three alike; units that are not there, or too many.
    """
    values = {name: np.asarray(getattr(gates, name), np.float64) for name in _GATES}
    shape = values["write"].shape
    if len(shape) != 2 or 0 in shape or any(each.shape != shape for each in values.values()):
        raise DataError(f"gates are (time, units), got {', '.join(str(each.shape) for each in values.values())}")
    chosen = _busiest(values) if units is None else list(units)
    if not 0 < len(chosen) <= MOST or not all(0 <= unit < shape[1] for unit in chosen):
        raise DataError(f"units {chosen} cannot be drawn: give 1 to {MOST} of the {shape[1]} units, from 0 on")
    drawn = pens([f"unit {unit}" for unit in chosen])
    top = canvas.legend_height([pen.title for pen in drawn])
    with canvas.drawing(top + 3 * (_GAP + _TALL) + 42) as figure:
        canvas.legend(figure, [(pen.title, pen) for pen in drawn])
        for k, name in enumerate(_GATES):
            _panel(figure, top + (k + 1) * _GAP + k * _TALL, name, values[name][:, chosen], drawn, dt, time_unit)
        return to_svg(figure, "gates", "Gates over time", _describe(values, chosen))


def _panel(
    figure: Figure, top: float, name: str, values: np.ndarray, drawn: Sequence[Ink], dt: float | None, time_unit: str
) -> None:
    """One gate of the units; the lowest panel names the time."""
    ticks = canvas.linear_ticks(0.0, 1.0, 2)
    left = canvas.room_for(ticks[1])
    axes = canvas.panel(figure, left, top, canvas.WIDTH - left - 16, _TALL)
    times = (1.0 if dt is None else dt) * np.arange(max(2, len(values)))
    end = float(times[-1])
    across, labels = canvas.linear_ticks(0.0, end, 5)
    last = name == _GATES[-1]
    canvas.set_ticks(axes, "y", _LIMITS, ticks)
    canvas.set_ticks(axes, "x", (0.0, end), (across, labels if last else [""] * len(labels)))
    canvas.heading(axes, name)
    if last:
        canvas.x_label(axes, "step" if dt is None else with_unit("time", time_unit))
    for k, pen in reversed(list(enumerate(drawn))):
        canvas.line(axes, *decimate(times[: len(values)], values[:, k]), pen, f"line-{name}{k}")


def _busiest(values: dict[str, np.ndarray]) -> list[int]:
    """The units whose gates move most."""
    moved = sum(each.std(axis=0) for each in values.values())
    return [int(unit) for unit in np.argsort(-np.asarray(moved), kind="stable")[:MOST]]


def _describe(values: dict[str, np.ndarray], chosen: Sequence[int]) -> str:
    rows, units = values["write"].shape
    means = ", ".join(f"{name} {number(float(each.mean()), 2)}" for name, each in values.items())
    return (
        f"Write, keep and read of {len(chosen)} of {units} units over {rows:,} steps, 0 shut and 1 open. "
        f"On average over all units: {means}."
    )
