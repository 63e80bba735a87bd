"""From what a reader found in a file to a `Series`: the same for every format."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from recurra.data.check import warn
from recurra.data.clock import with_times
from recurra.data.columns import Parts
from recurra.data.gaps import put_in, treat
from recurra.data.grid import uniform
from recurra.data.policies import Policies
from recurra.data.resample import resampled
from recurra.data.rows import Rows
from recurra.data.sentinels import marked, suspect
from recurra.errors import ConfigError, DataError
from recurra.series import Series
from recurra.times import step_of


def assemble(parts: Parts, policies: Policies, provenance: Mapping[str, Any]) -> Series:
    """Check, order and fill rows as the policies say, and make a series of them.

    Args:
        parts: the file as it was read.
        policies: what to do about missing values, and times that repeat, fall back or are uneven.
        provenance: source and hash. Added are what the file says of itself, and counts of all that was done: `missing`,
            `sorted`, `duplicates`, `resampled`, `rounding`, `breaks`, `gaps`.

    Raises:
        DataError: what no policy allows, with line or row, column and count.
        ConfigError: policies that do not fit the file.

    Warns:
        RecurraWarning: rows that are missing, values that were interpolated, constants that look like missing values.
    """
    step = _step(parts, policies)
    rows = _rows(parts, provenance)
    raw = [np.asarray(parts.values), *([] if parts.inputs is None else [np.asarray(parts.inputs)])]
    rows = marked(rows, raw, policies.missing)
    _check_infinite(rows)
    rows = with_times(rows, policies)
    suspect(rows)
    if policies.resample is not None:
        rows = _resampled(rows, policies.resample)
        step = float(policies.resample)
    elif rows.times is not None:
        rows, step = _even(rows, step, policies)
    rows = treat(rows, policies)
    return _series(rows, step, policies)


def _step(parts: Parts, policies: Policies) -> float | None:
    if policies.dt is not None and parts.dt is not None and policies.dt != parts.dt:
        raise ConfigError(f"`dt` is {policies.dt!r}, and the file says {parts.dt!r}: leave one out")
    dt = parts.dt if policies.dt is None else policies.dt
    if dt is not None and not (isinstance(dt, int | float | np.number) and 0 < dt < np.inf):
        raise DataError(f"`dt` must be positive and finite, and the file says {dt!r}")
    return dt


def _rows(parts: Parts, provenance: Mapping[str, Any]) -> Rows:
    values = _numbers(parts.values)
    inputs = None if parts.inputs is None else _numbers(parts.inputs)
    if inputs is not None and len(inputs) != len(values):
        raise DataError(f"the inputs have {len(inputs)} rows, the channels {len(values)}")
    times = None if parts.times is None else np.asarray(parts.times)
    return Rows(parts, values, inputs, times, np.arange(len(values)), (), {**provenance, **parts.provenance})


def _numbers(found: np.ndarray) -> np.ndarray:
    """(time, channels) in float64, read-only so that a series can share it; `Series` says what is no number."""
    table = np.asarray(found)
    if table.dtype != np.float64 or table.ndim != 2:
        table = Series(table).values
    return table


def _check_infinite(rows: Rows) -> None:
    for name, column in zip(rows.names(), rows.table().T, strict=True):
        infinite = np.isinf(column)
        if infinite.any():
            raise DataError(
                f"{rows.place(int(infinite.argmax()))}, column {name!r}: {column[infinite][0]} is not a finite number; "
                f"{infinite.sum()} in this column: correct or cut these rows, or name the value in `missing`"
            )


def _resampled(rows: Rows, step: float) -> Rows:
    rows = resampled(rows, step)
    assert rows.times is not None
    return _told(rows, np.diff(rows.times)[np.array(rows.breaks, int) - 1] / _span(rows, step), asked=False)


def _span(rows: Rows, step: float) -> Any:
    """The step as a difference of times."""
    assert rows.times is not None
    return np.timedelta64(round(step * 1e9), "ns") if rows.times.dtype.kind == "M" else step


def _even(rows: Rows, step: float | None, policies: Policies) -> tuple[Rows, float | None]:
    """The rows on a uniform grid, with breaks, or rows of NaN, where time jumps; and the step, if it is known."""
    assert rows.times is not None
    grid = uniform(rows.times, step, rows.clock, rows.place, joined=policies.fills)
    rows = replace(rows, times=grid.times, breaks=grid.breaks)
    if grid.moved:
        rows = rows.noting(rounding={"largest": grid.moved, "step": grid.dt})
    if not grid.breaks:
        return rows, grid.dt
    dt = step_of(grid.times, grid.dt, grid.breaks)
    jumps = np.diff(grid.times)[np.array(rows.breaks) - 1] / _span(rows, dt)
    if not policies.fills:
        return _told(rows, jumps, asked=policies.gaps == "split"), grid.dt
    filled = put_in(rows, grid.steps, dt)
    rest = [float(jump) for jump, whole in zip(jumps, grid.steps, strict=True) if not whole]
    return (_told(filled, np.array(rest), asked=False) if rest else filled), grid.dt


def _told(rows: Rows, jumps: np.ndarray, *, asked: bool) -> Rows:
    """Breaks in the provenance and, unless they were asked for, in a warning."""
    if not rows.breaks:
        return rows
    missing = np.maximum(np.rint(jumps) - 1, 0).astype(np.int64)
    worst = int(jumps.argmax())
    if not asked:
        warn(
            f"{rows.clock} jumps in {len(rows.breaks)} places, where {missing.sum()} rows are missing: the most, "
            f"{missing[worst]}, before {rows.place(rows.breaks[worst])}. Nothing is joined over these breaks"
        )
    return rows.noting(
        breaks={"count": len(rows.breaks), "rows_missing": int(missing.sum()), "longest": int(missing.max(initial=0))}
    )


def _series(rows: Rows, step: float | None, policies: Policies) -> Series:
    parts = rows.parts
    times = rows.times
    if times is None and rows.breaks:
        times = (1.0 if step is None else step) * rows.origin
    inputs: Any = rows.inputs
    if inputs is not None and (parts.input_names is not None or parts.input_units is not None):
        names = rows.names()[rows.values.shape[1] :]
        inputs = Series(inputs, times=times, dt=step, channels=names, units=parts.input_units, breaks=rows.breaks)
    series = Series(
        rows.values,
        times=times,
        dt=step,
        channels=parts.channels,
        units=parts.units if policies.units is None else policies.units,
        inputs=inputs,
        provenance=rows.facts,
        breaks=rows.breaks,
    )
    return series.masked() if policies.gaps == "mask" and np.isnan(series.values).any() else series
