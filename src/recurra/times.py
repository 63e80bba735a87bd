"""Times of rows: float64 time units or dates, strictly increasing, uniform between breaks."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from recurra.errors import DataError

UNIFORM = 1e-3  # how far, in steps, a time stamp may sit off the uniform grid (rounding in text files)
_YEARS = (np.datetime64("1678", "Y"), np.datetime64("2261", "Y"))  # that datetime64[ns] can hold whole


def time_grid(start: Any, dt: float, rows: int) -> np.ndarray:
    """`rows` times from `start` on, `dt` apart; dates advance by `dt` seconds."""
    if isinstance(start, np.datetime64):
        steps = np.round(np.arange(rows) * dt * 1e9).astype("timedelta64[ns]")
        return start.astype("datetime64[ns]") + steps
    return float(start) + dt * np.arange(rows)


def seconds(span: Any) -> Any:
    """A span of time as float time units: seconds for dates."""
    return span / np.timedelta64(1, "s") if np.asarray(span).dtype.kind == "m" else span


def frozen(array: np.ndarray) -> bool:
    """True where nobody can write: neither through this view nor through the array that it looks into."""
    while not array.flags.writeable and isinstance(array.base, np.ndarray):
        array = array.base
    return not array.flags.writeable


def checked_times(times: Any, dt: float | None, rows: int) -> np.ndarray:
    """The times of `rows` rows as a read-only array: given ones, strictly increasing, or 0, dt, 2 dt, ..."""
    if dt is not None and not (np.isfinite(dt) and dt > 0):
        raise DataError(f"`dt` must be positive and finite, got {dt!r}")
    if times is None:
        grid = time_grid(0.0, 1.0 if dt is None else float(dt), rows)
    else:
        grid = _numbers_or_dates(np.asarray(times))
        if grid.shape != (rows,):
            raise DataError(f"`times` has shape {grid.shape} for {rows} rows of values")
        _check_increasing(grid)
    if not frozen(grid):
        grid = grid.copy()
        grid.setflags(write=False)
    return grid


def step_of(grid: np.ndarray, dt: float | None, breaks: Sequence[int] = ()) -> float:
    """The step of a grid, in time units (seconds for dates); refuses one that is not uniform between its breaks."""
    elapsed = grid - grid[0] if len(grid) else grid
    if grid.dtype.kind == "M":
        elapsed = elapsed / np.timedelta64(1, "s")
    elapsed = elapsed.astype(np.float64)
    parts = [elapsed[a:b] for a, b in pairwise((0, *breaks, len(grid))) if b - a > 1]
    if not parts:
        return 1.0 if dt is None else float(dt)
    steps = sum(len(part) - 1 for part in parts)
    step = float(sum(part[-1] - part[0] for part in parts) / steps) if dt is None else float(dt)
    resolution = 4 * np.spacing(np.abs(grid).max()) if grid.dtype.kind != "M" else 0.0  # of float times
    off = [np.abs(part - part[0] - step * np.arange(len(part))) for part in parts]
    if any((part > UNIFORM * step + resolution).any() for part in off):
        raise DataError(_uneven(elapsed, dt, step, resolution, breaks))
    return step


def _uneven(elapsed: np.ndarray, dt: float | None, step: float, resolution: float, breaks: Sequence[int]) -> str:
    """What to say of times that are not uniform, with the first row out of place."""
    widths = np.diff(elapsed)
    inside = np.ones(len(widths), bool)
    inside[np.asarray(breaks, int) - 1] = False
    if dt is None:  # a gap shifts the mean step, and with it the first row that looks wrong
        step = float(np.median(widths[inside]))
    uneven = np.flatnonzero(inside & (np.abs(widths - step) > UNIFORM * step + 2 * resolution)) + 1
    if not uneven.size:  # a drift: no single step is wrong
        bounds = np.array([0, *breaks])
        start = bounds[np.searchsorted(bounds, np.arange(len(elapsed)), side="right") - 1]
        off = np.abs(elapsed - elapsed[start] - step * (np.arange(len(elapsed)) - start))
        uneven = np.flatnonzero(off > UNIFORM * step + resolution)
    widths = widths[inside]
    return (
        f"times are not uniform: steps from {widths.min():g} to {widths.max():g}, expected {step:g}; "
        f"the first of {uneven.size} rows out of place is row {uneven[0]}: resample to a uniform step"
    )


def _numbers_or_dates(grid: np.ndarray) -> np.ndarray:
    if grid.dtype.kind == "M":
        return nanoseconds(grid)
    if grid.dtype.kind in "iu" or (grid.dtype.kind == "f" and grid.dtype.itemsize >= 8):
        return grid.astype(np.float64)
    if grid.dtype.kind == "f":
        raise DataError(f"times must be float64 or dates: {grid.dtype} merges distinct times")
    raise DataError(f"times must be numbers or datetime64, got dtype {grid.dtype}")


def nanoseconds(dates: np.ndarray) -> np.ndarray:
    """Dates as datetime64[ns]; refuses those that NumPy would wrap around silently."""
    years = dates.astype("datetime64[Y]")
    outside = (years < _YEARS[0]) | (years > _YEARS[1])  # false for NaT, which is refused by name later
    if outside.any():
        raise DataError(
            f"{outside.sum()} dates lie outside the years 1678 to 2261, the first is {dates[outside][0]}: "
            "use a numeric time axis"
        )
    return dates.astype("datetime64[ns]")


def _check_increasing(grid: np.ndarray) -> None:
    missing = np.isnat(grid) if grid.dtype.kind == "M" else ~np.isfinite(grid)
    if missing.any():
        first = missing.argmax()
        raise DataError(f"{missing.sum()} of {len(grid)} times are not finite, the first in row {first}")
    steps = np.diff(grid)
    zero = steps.dtype.type(0)
    repeated, falling = np.flatnonzero(steps == zero), np.flatnonzero(steps < zero)
    if repeated.size:
        row = repeated[0] + 1
        raise DataError(f"{repeated.size} duplicate times, the first in row {row} ({grid[row]})")
    if falling.size:
        row = falling[0] + 1
        raise DataError(
            f"time runs backwards in {falling.size} rows, first in row {row} "
            f"({grid[row - 1]} -> {grid[row]}): sort the rows first"
        )
