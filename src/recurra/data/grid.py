"""Uniform times: which step, where rows are missing, and whether what is uneven is but the rounding of the stamps."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from recurra.data.rows import shown
from recurra.errors import DataError
from recurra.times import UNIFORM, seconds

_DECIMALS = 9
_FEW = 0.05  # of the rows: jumps by anything but whole steps; more of them, and the sampling is irregular


@dataclass(frozen=True, eq=False)
class Grid:
    """Uniform stretches of time.

    Args:
        times: of the rows; on the grid where the stamps were rounded.
        dt: the common step, in time units (seconds for dates); None where it can be read from `times`.
        breaks: rows before which time jumps.
        steps: how long each jump is, in steps; 0 where that is no whole number.
        moved: by how much a stamp was moved onto the grid at most, in time units; 0 where none was.
    """

    times: np.ndarray
    dt: float | None
    breaks: tuple[int, ...]
    steps: np.ndarray
    moved: float = 0.0


def quantum(times: np.ndarray) -> float:
    """The unit to which stamps were rounded: their decimals, or what all dates are multiples of; 0 if there is none.

    >>> quantum(np.array([0.0, 0.033, 0.067])), quantum(np.sqrt(np.arange(1.0, 4.0)))
    (0.001, 0.0)
    """
    if times.dtype.kind == "M":
        return float(np.gcd.reduce(np.diff(times).astype(np.int64))) * 1e-9
    slack = 2 * np.spacing(np.abs(times).max())
    for decimals in range(_DECIMALS + 1):
        if (np.abs(np.round(times, decimals) - times) <= slack).all():
            return 10.0**-decimals
    return 0.0


def uniform(
    times: np.ndarray, dt: float | None, clock: str, place: Callable[[int], str], *, joined: bool = False
) -> Grid:
    """The grid on which these times lie, but for jumps and for the rounding of the stamps.

    Args:
        times: strictly increasing.
        dt: the step, where it is known.
        clock, place: the time axis and its rows, for messages.
        joined: whether jumps by whole steps will be filled, so that the grid has to go on behind them.

    Raises:
        DataError: irregular sampling, with its spread and the step to resample to.
    """
    if len(times) < 2:
        return Grid(times, dt, (), np.zeros(0, np.int64))
    elapsed = np.asarray(seconds(times - times[0]), dtype=np.float64)
    widths = np.diff(elapsed)
    step = float(np.median(widths)) if dt is None else dt
    usual = widths < 1.5 * step
    if dt is None and usual.any():
        step = float(widths[usual].mean())
    counts = np.rint(widths / step)
    jumps = np.flatnonzero(counts > 1) + 1
    unit = quantum(times)
    exact = 0.0 if times.dtype.kind == "M" else 4 * float(np.spacing(np.abs(times).max()))
    whole = np.abs(widths - counts * step)[jumps - 1] <= max(0.02 * step, 1.5 * unit) + exact
    if (counts < 1).any() or 2 * len(jumps) > len(widths) or (~whole).sum() > max(1, _FEW * len(widths)):
        raise DataError(_irregular(times, widths, step, unit, clock, place))
    index = np.concatenate([[0.0], np.cumsum(counts)])
    allowed = 0.5 * unit if unit <= step * (0.25 if dt is None else 0.5) else 0.0
    rows = tuple(int(row) for row in jumps)
    none = np.zeros(len(jumps), np.int64)
    ways = [(jumps[~whole], np.where(whole, counts[jumps - 1], 0).astype(np.int64))] if joined and len(jumps) else []
    for bounds, steps in [*ways, (jumps, none)]:
        starts = np.concatenate([[0], bounds])
        if dt is None:
            step = _mean(elapsed, index, starts, step)
        # Rows that are put in start from the row before: half the slack for that one, and half for the others.
        if _even(elapsed, index, starts, step, UNIFORM * step * (0.5 if joined else 1.0) + exact):
            return Grid(times, step if joined else dt, rows, steps)
        fitted = step if dt is not None else _slope(elapsed, index, starts, step, unit)
        middle, spread = _off(elapsed, index, starts, fitted)
        if spread <= allowed * (1 + 1e-6) + exact:
            on = _grid(times, fitted * index + np.repeat(middle, _lengths(starts, len(times))))
            return Grid(on, fitted, rows, steps, float(np.abs(seconds(on - times)).max()))
    raise DataError(_irregular(times, widths, step, unit, clock, place))


def _lengths(starts: np.ndarray, rows: int) -> np.ndarray:
    return np.diff(np.append(starts, rows))


def _mean(elapsed: np.ndarray, index: np.ndarray, starts: np.ndarray, step: float) -> float:
    """The mean step within stretches; `step` where none has two rows."""
    last = np.append(starts[1:], len(elapsed)) - 1
    count = (index[last] - index[starts]).sum()
    return float((elapsed[last] - elapsed[starts]).sum() / count) if count else step


def _even(elapsed: np.ndarray, index: np.ndarray, starts: np.ndarray, step: float, slack: float) -> bool:
    """Whether the times lie on the grid as they are, each stretch counted from its first row."""
    first = np.repeat(starts, _lengths(starts, len(elapsed)))
    off = np.abs(elapsed - elapsed[first] - step * (index - index[first]))
    return bool((off <= slack).all())


def _off(elapsed: np.ndarray, index: np.ndarray, starts: np.ndarray, slope: float) -> tuple[np.ndarray, float]:
    """For each stretch the offset that fits best, and half of the widest spread about it."""
    rest = elapsed - slope * index
    low, high = np.minimum.reduceat(rest, starts), np.maximum.reduceat(rest, starts)
    return 0.5 * (low + high), float(0.5 * (high - low).max())


def _slope(elapsed: np.ndarray, index: np.ndarray, starts: np.ndarray, step: float, unit: float) -> float:
    """The step with the least spread: it is convex in the step, so thirds of the bracket can be cut off."""
    longest = float((index[np.append(starts[1:], len(index)) - 1] - index[starts]).max())
    reach = 2 * max(unit, UNIFORM * step) / max(longest, 1.0)
    # The mean step errs by what the first and the last stamp of a stretch are off.
    reach = max(reach, 2 * unit / max(len(index) / len(starts), 1.0))
    low, high = step - reach, step + reach
    for _ in range(60):
        a, b = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, b) if _off(elapsed, index, starts, a)[1] <= _off(elapsed, index, starts, b)[1] else (a, high)
    return 0.5 * (low + high)


def _grid(times: np.ndarray, places: np.ndarray) -> np.ndarray:
    if times.dtype.kind == "M":
        return times[0] + np.round(places * 1e9).astype("timedelta64[ns]")
    return times[0] + places


def _irregular(
    times: np.ndarray, widths: np.ndarray, step: float, unit: float, clock: str, place: Callable[[int], str]
) -> str:
    middle, far = float(np.median(widths)), np.abs(widths - step)
    rounding = unit if unit <= 0.25 * step else 0.0
    off = far >= min(max(UNIFORM * step, rounding), far.max())  # a drift has no step that is far off: name the worst
    row = int(off.argmax()) + 1
    return (
        f"times are not uniform: steps of {clock} from {widths.min():g} to {widths.max():g}, median {middle:g}, "
        f"expected {step:g}; {off.sum()} of {len(widths)} are off, the first in {place(row)} ({shown(times[row - 1])} "
        f"-> {shown(times[row])}): `resample={middle:.6g}` interpolates onto a uniform grid"
    )
