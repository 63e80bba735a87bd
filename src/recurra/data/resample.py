"""Uneven times onto a uniform grid, on request: straight lines between neighbours, never over a gap."""

from dataclasses import replace

import numpy as np

from recurra.data.check import warn
from recurra.data.rows import Rows
from recurra.errors import ConfigError, DataError
from recurra.times import seconds

_REACH = 2.0  # median steps of the source: neighbours farther apart have a gap between them
_MOST = 10  # times as many rows as were there


def resampled(rows: Rows, step: float) -> Rows:
    """Every column on the times t0, t0 + h, t0 + 2 h, ... by linear interpolation.

    A point of the grid between two rows that are more than two median steps apart is left out, and a break stands
    there; where a single value is missing over as much, it stays missing.

    Args:
        rows: in the order of time.
        step: h, in time units (seconds for dates).

    Raises:
        ConfigError: so fine a step that there would be more than ten times as many rows.
        DataError: fewer than two rows.
    """
    times = rows.times
    assert times is not None
    if len(rows) < 2:
        raise DataError(f"`resample` needs two rows or more, and there are {len(rows)}")
    elapsed = np.asarray(seconds(times - times[0]), dtype=np.float64)
    usual = float(np.median(np.diff(elapsed)))
    slack = 1e-9 * step + 4 * float(np.spacing(elapsed[-1]))
    count = int(np.floor((elapsed[-1] + slack) / step)) + 1
    if count > _MOST * len(rows):
        raise ConfigError(
            f"`resample={step:g}` would make {count} rows of {len(rows)}: the median step of {rows.clock} is "
            f"{usual:.6g}"
        )
    if step > 2 * usual:
        warn(
            f"`resample={step:g}` takes single points every {step / usual:.3g} rows (median step {usual:.6g}): what is "
            "faster is not averaged but aliased"
        )
    grid = np.minimum(step * np.arange(count), elapsed[-1])
    near = _within(elapsed, grid, _REACH * usual, slack)
    kept = np.flatnonzero(near)
    table = _columns(elapsed, rows.table(), grid[kept], _REACH * usual, slack)
    moved = (grid * 1e9).round().astype("timedelta64[ns]") if times.dtype.kind == "M" else step * np.arange(count)
    facts = {"rows_before": len(rows), "rows": len(kept), "left_out": count - len(kept)}
    facts |= {"step": float(step), "median_step": usual}
    source = np.clip(np.searchsorted(elapsed, grid[kept] + slack, side="right") - 1, 0, None)
    width = rows.values.shape[1]
    return replace(
        rows,
        values=table[:, :width],
        inputs=None if rows.inputs is None else table[:, width:],
        times=(times[0] + moved)[kept],
        origin=rows.origin[source],
        breaks=tuple(int(row) for row in np.flatnonzero(np.diff(kept) > 1) + 1),
    ).noting(resampled=facts)


def _within(known: np.ndarray, grid: np.ndarray, reach: float, slack: float) -> np.ndarray:
    """True where a point of the grid lies on a known time, or between two that are no more than `reach` apart."""
    right = np.searchsorted(known, grid - slack, side="left").clip(0, len(known) - 1)
    left = (np.searchsorted(known, grid + slack, side="right") - 1).clip(0, len(known) - 1)
    inside = (known[left] - slack <= grid) & (grid <= known[right] + slack)
    return inside & (known[right] - known[left] <= reach + slack)


def _columns(elapsed: np.ndarray, table: np.ndarray, grid: np.ndarray, reach: float, slack: float) -> np.ndarray:
    found = np.full((len(grid), table.shape[1]), np.nan)
    for column, values in enumerate(table.T):
        known = ~np.isnan(values)
        if known.any():
            near = _within(elapsed[known], grid, reach, slack)
            found[near, column] = np.interp(grid[near], elapsed[known], values[known])
    return found
