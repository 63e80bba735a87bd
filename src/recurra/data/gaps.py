"""Values and rows that are missing: refused, left out, interpolated or declared missing, never passed over."""

from dataclasses import replace

import numpy as np

from recurra.data.check import warn
from recurra.data.policies import Policies
from recurra.data.rows import Rows, listed
from recurra.errors import DataError
from recurra.times import time_grid

_MOST = 10  # times as many rows as were there: more is no gap in a series


def hold(values: np.ndarray) -> np.ndarray:
    """Missing values replaced by the last one observed in the channel; before the first one: 0.

    Args:
        values: (..., time, channels), scaled, so that 0 is the mean; NaN where missing.

    Returns:
        The same shape; `values` itself where nothing is missing.

    >>> nan = float("nan")
    >>> hold(np.array([[nan], [1.0], [nan], [nan], [2.0]]))[:, 0].tolist()
    [0.0, 1.0, 1.0, 1.0, 2.0]
    """
    missing = np.isnan(values)
    if not missing.any():
        return values
    rows = np.arange(values.shape[-2])[:, None]
    last = np.maximum.accumulate(np.where(missing, -1, rows), axis=-2)
    held = np.take_along_axis(values, np.maximum(last, 0), axis=-2)
    return np.where(last < 0, 0.0, held)


def runs(flags: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First row and length of every stretch of True.

    >>> [part.tolist() for part in runs(np.array([True, False, True, True]))]
    [[0, 2], [1, 2]]
    """
    edges = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    starts = np.flatnonzero(edges == 1)
    return starts, np.flatnonzero(edges == -1) - starts


def put_in(rows: Rows, steps: np.ndarray, dt: float) -> Rows:
    """Rows of NaN where time jumps by whole steps.

    Args:
        rows: with breaks; they stay where a jump is not a whole number of steps.
        steps: for each of the breaks, how many steps it is long; 0 where that is no whole number.
        dt: the step.

    Raises:
        DataError: so many rows are missing that they would outnumber those that are there ten to one.
    """
    before = np.array(rows.breaks, dtype=np.int64)
    added = np.maximum(steps - 1, 0)
    total = len(rows) + int(added.sum())
    if total > (1 + _MOST) * len(rows):
        worst = int(added.argmax())
        raise DataError(
            f"{added.sum()} rows are missing between {len(rows)} rows, the most before {rows.place(before[worst])} "
            f"({added[worst]}): too many to put in. `gaps='split'` leaves breaks there"
        )
    shift = np.zeros(len(rows), dtype=np.int64)
    shift[before] = added
    where = np.arange(len(rows)) + np.cumsum(shift)
    table = np.full((total, len(rows.names())), np.nan)
    table[where] = rows.table()
    origin = np.full(total, -1)
    origin[where] = rows.origin
    assert rows.times is not None
    times = np.empty(total, rows.times.dtype)
    times[where] = rows.times
    for row, count in zip(before, added, strict=True):
        if count:
            at = where[row]
            times[at - count : at] = time_grid(rows.times[row - 1], dt, int(count) + 1)[1:]
    width = rows.values.shape[1]
    return replace(
        rows,
        values=table[:, :width],
        inputs=None if rows.inputs is None else table[:, width:],
        times=times,
        origin=origin,
        breaks=tuple(int(where[row]) for row, count in zip(before, added, strict=True) if not count),
    )


def treat(rows: Rows, policies: Policies) -> Rows:
    """The rows without NaN that was not asked for: see `read_series` for the four ways.

    Raises:
        DataError: missing values with `gaps="refuse"`, stretches longer than k, or an input that is missing.
    """
    table = rows.table()
    missing = np.isnan(table)
    if not missing.any() or policies.gaps == "keep":
        return rows
    if policies.gaps == "refuse":
        raise DataError(_refusal(rows, missing))
    facts = {
        "policy": policies.gaps,
        "values": int(missing.sum()),
        "rows": int(missing.any(axis=1).sum()),
        "longest": _longest(missing)[0],
    }
    rows = rows.noting(gaps=facts)
    if policies.gaps == "split":
        return _left_out(rows, missing)
    if policies.longest:
        return rows.with_table(_interpolated(rows, table, missing, policies.longest))
    driven = missing[:, rows.values.shape[1] :]
    if driven.any():
        first = rows.place(int(driven.any(axis=1).argmax()))
        raise DataError(
            f"{driven.sum()} values of the inputs are missing, the first in {first}: a drive has to be known, so "
            "`gaps='mask'` cannot do: 'split' leaves these rows out, 'interpolate:k' fills them"
        )
    return rows


def _share(rows: Rows, missing: np.ndarray) -> str:
    """The first missing value, and how many there are in each column."""
    row, column = np.argwhere(missing)[0]
    names = rows.names()
    share = listed(names, missing.sum(axis=0).tolist())
    return f"the first in {rows.place(int(row))}, column {names[column]!r}; by column: {share}"


def _longest(missing: np.ndarray) -> tuple[int, int, int]:
    """Length, column and first row of the longest stretch that is missing."""
    found = (0, 0, 0)
    for column in range(missing.shape[1]):
        starts, lengths = runs(missing[:, column])
        if lengths.size and lengths.max() > found[0]:
            found = (int(lengths.max()), column, int(starts[lengths.argmax()]))
    return found


def _refusal(rows: Rows, missing: np.ndarray) -> str:
    longest, _, _ = _longest(missing)
    return (
        f"{missing.sum()} missing values, {_share(rows, missing)}; at most {longest} in a row. Choose what to do with "
        f"`gaps`: 'split' leaves these rows out, 'interpolate:{longest}' fills them, 'mask' learns round them, "
        "'refuse' stops"
    )


def _left_out(rows: Rows, missing: np.ndarray) -> Rows:
    """The rows where nothing is missing, and breaks where some were."""
    holed = missing.any(axis=1)
    if holed.all():
        raise DataError(
            f"a value is missing in every one of {len(rows)} rows: `gaps='split'` leaves none. Leave columns out, or "
            "take 'mask'"
        )
    kept = np.flatnonzero(~holed)
    old = np.zeros(len(rows), bool)
    old[list(rows.breaks)] = True
    since = np.cumsum(old)
    apart = (np.diff(kept) > 1) | (np.diff(since[kept]) > 0)
    return replace(rows.take(kept), breaks=tuple(int(row) for row in np.flatnonzero(apart) + 1))


def _interpolated(rows: Rows, table: np.ndarray, missing: np.ndarray, most: int) -> np.ndarray:
    """Straight lines over stretches of at most `most` rows; refuses longer ones, and those at an end or a break."""
    longest, column, start = _longest(missing)
    if longest > most:
        raise DataError(
            f"{longest} values in a row are missing in column {rows.names()[column]!r}, the first in "
            f"{rows.place(start)}; `gaps='interpolate:{most}'` fills at most {most}: use 'split' or 'mask', or "
            f"'interpolate:{longest}'"
        )
    filled, count = table.copy(), np.arange(len(table))
    for a, b in zip((0, *rows.breaks), (*rows.breaks, len(table)), strict=True):
        for column in np.flatnonzero(missing[a:b].any(axis=0)):
            holes = missing[a:b, column]
            if holes[0] or holes[-1]:
                row = a if holes[0] else a + int(np.flatnonzero(~holes)[-1]) + 1
                raise DataError(
                    f"column {rows.names()[column]!r} is missing at an end, in {rows.place(row)}: there is no value "
                    "on the other side to interpolate to. Use `gaps='split'`, or cut these rows"
                )
            known = count[a:b][~holes]
            filled[a:b, column][holes] = np.interp(count[a:b][holes], known, table[known, column])
    warn(f"{missing.sum()} missing values are interpolated, {_share(rows, missing)}; at most {longest} in a row")
    return filled
