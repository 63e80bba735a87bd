"""The error against the horizon: how far ahead each learner is worth asking."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from recurra.errors import DataError
from recurra.report import canvas
from recurra.report.formatting import clean, number, with_unit
from recurra.report.palette import ink
from recurra.report.svg import to_svg

_WIDE = 20.0  # a ratio of largest to smallest from which an axis is logarithmic


def horizon_figure(rows: Sequence[Mapping[str, Any]], *, unit: str = "", time_unit: str = "steps") -> str:
    """Draw the root mean square error against the horizon, one line a learner.

    Several rows of one learner and horizon (seeds, origins) give their root mean square and a band from the
    smallest to the largest.

    Args:
        rows: mappings with "learner", "horizon" and "rmse"; other keys are left alone.
        unit: unit of the error.
        time_unit: unit of the horizon.

    Returns:
        One SVG element, for a page.

    Raises:
        DataError: no row, or a horizon or an error that is not positive and finite.
    """
    table = _grouped(rows)
    horizons = np.array([h for each in table.values() for h in each])
    errors = np.array([e for each in table.values() for es in each.values() for e in es])
    x_log, y_log = (v.max() >= _WIDE * v.min() for v in (horizons, errors))
    y_limits = (errors.min() / 1.3, errors.max() * 1.3) if y_log else (0.0, float(errors.max()) * 1.1)
    y_ticks = canvas.log_ticks(*y_limits) if y_log else canvas.linear_ticks(*y_limits)
    entries = [(ink(name).title, ink(name)) for name in table]
    top = canvas.legend_height([name for name, _ in entries]) + 24
    left = canvas.room_for(y_ticks[1])
    with canvas.drawing(top + 200 + 42) as figure:
        canvas.legend(figure, entries)
        axes = canvas.panel(figure, left, top, canvas.WIDTH - left - 16, 200)
        axes.set_yscale("log" if y_log else "linear")
        axes.set_xscale("log" if x_log else "linear")
        canvas.set_ticks(axes, "y", y_limits, y_ticks)
        x_limits = (horizons.min() / 1.1, horizons.max() * 1.1) if x_log else canvas.padded(horizons, 0.04)
        x_ticks = canvas.log_ticks(*x_limits, 6) if x_log else canvas.linear_ticks(*x_limits, 5)
        canvas.set_ticks(axes, "x", x_limits, x_ticks)
        canvas.heading(axes, with_unit("root mean square error", unit))
        canvas.x_label(axes, with_unit("horizon", time_unit))
        for i, (name, each) in reversed(list(enumerate(table.items()))):
            _draw(axes, name, each, i)
        return to_svg(figure, "horizon", "Error against horizon", _describe(table, unit, time_unit))


def _grouped(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[float, list[float]]]:
    if not rows:
        raise DataError("there is no row of learner, horizon and rmse to draw")
    table: dict[str, dict[float, list[float]]] = {}
    for i, row in enumerate(rows):
        horizon, error = float(row["horizon"]), float(row["rmse"])
        if not (np.isfinite([horizon, error]).all() and horizon > 0 and error > 0):
            raise DataError(
                f"row {i} ({row['learner']}): horizon {horizon} and rmse {error} must be positive and finite"
            )
        table.setdefault(str(row["learner"]), {}).setdefault(horizon, []).append(error)
    return {name: dict(sorted(each.items())) for name, each in table.items()}


def _draw(axes: canvas.Axes, name: str, each: Mapping[float, Sequence[float]], index: int) -> None:
    pen, x = ink(name), np.array(list(each))
    if any(len(errors) > 1 for errors in each.values()):
        low, high = ([pick(errors) for errors in each.values()] for pick in (min, max))
        axes.fill_between(x, low, high, color=pen.light, alpha=0.15, linewidth=0)
    y = np.array([_together(errors) for errors in each.values()])
    canvas.line(axes, x, y, pen, f"line-horizon{index}", marker="o", markersize=3.5)


def _together(errors: Sequence[float]) -> float:
    return float(np.sqrt(np.mean(np.square(errors))))


def _describe(table: Mapping[str, Mapping[float, Sequence[float]]], unit: str, time_unit: str) -> str:
    last = max(h for each in table.values() for h in each)
    parts = [
        f"{clean(ink(name).title)} {number(_together(each[last]))}" for name, each in table.items() if last in each
    ]
    what = f"Root mean square error in {clean(unit)}" if unit else "Root mean square error"
    return f"{what} at {number(last)} {clean(time_unit)}: {', '.join(parts)}."
