"""The time axis of a file: counts to dates, local times to UTC, months to years, and the rows in their order."""

from dataclasses import replace

import numpy as np

from recurra.data.policies import CLOCK_UNITS, Policies
from recurra.data.rows import Rows, shown
from recurra.data.zones import check_summer_time, to_utc
from recurra.errors import ConfigError, DataError
from recurra.times import nanoseconds

_COUNTS = 1e11  # whole numbers from here on count ms, us or ns since 1970
_EPOCH = 1e8  # seconds since 1970, from which on numbers with a unit are dates: March 1973
_MONTH = 27 * 86400 * 10**9  # ns: less than any month
_YEAR_NAMES = ("year", "years", "yr")


def with_times(rows: Rows, policies: Policies) -> Rows:
    """The rows in the order of time, their times as float64 numbers or dates in nanoseconds.

    Raises:
        DataError: times that are missing, repeat or fall back, and no policy for it; float32; local times in doubt.
        ConfigError: counts since 1970 without a unit, or an option that these times cannot have.
    """
    times = rows.times
    if times is None:
        asked = [name for name in ("sort", "resample", "zone", "time_unit") if getattr(policies, name)]
        if asked or policies.duplicates != "refuse":
            name = [*asked, "duplicates"][0]
            raise ConfigError(f"`{name}` needs times, and there are none: name the column that holds them with `time`")
        return rows
    _check_present(rows, times)
    rows = _dates(rows, policies) if times.dtype.kind == "M" else _numbers(rows, times, policies)
    rows = _ordered(rows, policies)
    return rows if policies.resample else _years(rows)


def _check_present(rows: Rows, times: np.ndarray) -> None:
    kind = times.dtype.kind
    if times.shape != (len(rows),):
        raise DataError(f"{rows.clock} has shape {times.shape} for {len(rows)} rows of values")
    if kind not in "iufM":
        raise DataError(f"{rows.clock} must hold numbers or dates, got dtype {times.dtype}")
    bad = np.isnat(times) if kind == "M" else ~np.isfinite(times)
    if bad.any():
        raise DataError(
            f"{bad.sum()} missing or infinite times, the first in {rows.place(int(bad.argmax()))}, {rows.clock}: "
            "correct or cut these rows"
        )
    if kind == "f" and times.dtype.itemsize < 8:
        distinct = len(np.unique(times))
        why = f"{len(times)} rows have {distinct} distinct times" if distinct < len(times) else "it merges close times"
        raise DataError(f"{rows.clock} is {times.dtype}, and times need float64 ({why}): save the times as float64")


def _dates(rows: Rows, policies: Policies) -> Rows:
    assert rows.times is not None
    if policies.time_unit is not None:
        raise ConfigError(f"`time_unit={policies.time_unit!r}` is for numbers, {rows.clock} holds dates: leave it out")
    times = nanoseconds(rows.times)
    known = rows.facts.get("zone")
    if policies.zone is not None and known is not None:
        raise ConfigError(f"`zone={policies.zone!r}`: the times are in {known} already: leave it out")
    facts = {"time_unit": "s"}
    if policies.zone is not None:
        times = to_utc(times, policies.zone, rows.place)
        facts |= {"zone": "UTC", "zone_of_file": policies.zone}
    elif known is None:
        check_summer_time(times, rows.place)
    return replace(rows, times=times).noting(**facts)


def _numbers(rows: Rows, times: np.ndarray, policies: Policies) -> Rows:
    if policies.zone is not None:
        raise ConfigError(f"`zone={policies.zone!r}` is for dates, and {rows.clock} holds numbers: leave it out")
    said, unit = rows.facts.get("time_unit"), policies.time_unit
    if said is not None and unit not in (None, said):
        raise ConfigError(f"`time_unit` is {unit!r}, and the file says {said!r}: leave it out")
    unit = said if unit is None else unit
    largest = float(np.abs(times.astype(np.float64)).max(initial=0.0))
    if unit in CLOCK_UNITS and largest * CLOCK_UNITS[unit] * 1e-9 >= _EPOCH:
        dates = _since_1970(rows, times, unit)
        return replace(rows, times=dates).noting(time_unit="s", zone="UTC", counted_in=unit)
    if unit is None and largest >= _COUNTS and (times.dtype.kind in "iu" or (times == np.floor(times)).all()):
        first = {name: _since_1970(rows, times[:1], name)[0].astype("datetime64[s]") for name in _fitting(times)}
        dates = ", ".join(f"{name!r} {date}" for name, date in first.items())
        raise ConfigError(
            f"{rows.clock} holds whole numbers as large as {largest:.0f}, as if they counted since 1970: give "
            f"`time_unit`. The first is {dates or 'no date in any unit'}"
        )
    if unit is None and _are_years(times, (rows.parts.time_name or "").lower()):
        unit = "yr"
    rows = replace(rows, times=times.astype(np.float64))
    return rows if unit is None else rows.noting(time_unit=unit)


def _are_years(times: np.ndarray, name: str) -> bool:
    """Whether numbers are years: by the name of the column, or as dates of four digits."""
    return name in _YEAR_NAMES or (name == "date" and bool(((times >= 1000) & (times < 3000)).all()))


def _fitting(times: np.ndarray) -> list[str]:
    """The units in which all counts are dates that nanoseconds can hold."""
    largest = float(np.abs(times.astype(np.float64)).max())
    return [name for name, size in CLOCK_UNITS.items() if largest * size < 2**63]


def _since_1970(rows: Rows, times: np.ndarray, unit: str) -> np.ndarray:
    if unit not in _fitting(times):
        raise DataError(
            f"{rows.clock} reaches {times[np.abs(times).argmax()]:g} {unit} since 1970, outside the years 1678 to "
            "2261: check `time_unit`"
        )
    size = CLOCK_UNITS[unit]
    if times.dtype.kind in "iu":
        return (times.astype(np.int64) * size).astype("datetime64[ns]")
    whole = np.floor(times)
    # The digits behind the point are as exact as the numbers resolve them.
    digits = max(int(-np.log10(np.spacing(np.abs(times).max()))), 0)
    rest = np.round(np.round(times - whole, digits) * size).astype(np.int64)
    return (whole.astype(np.int64) * size + rest).astype("datetime64[ns]")


def _ordered(rows: Rows, policies: Policies) -> Rows:
    """Strictly increasing times: sorted and without repetitions where that was asked for."""
    times = rows.times
    assert times is not None
    steps = np.diff(times)
    zero = steps.dtype.type(0)
    falling = np.flatnonzero(steps < zero)
    if falling.size and policies.sort:
        rows = rows.take(np.argsort(times, kind="stable")).noting(sorted={"falling": int(falling.size)})
        assert rows.times is not None
        steps = np.diff(rows.times)
    repeated = np.flatnonzero(steps == zero)
    if repeated.size and policies.duplicates == "refuse":
        raise DataError(_repeats(rows, repeated))
    if falling.size and not policies.sort:
        row = int(falling[0]) + 1
        zone = ", or `zone` if a clock was put back" if times.dtype.kind == "M" and "zone" not in rows.facts else ""
        raise DataError(
            f"time runs backwards in {falling.size} rows of {rows.clock}, first in {rows.place(row)} ("
            f"{shown(times[row - 1])} -> {shown(times[row])}): give `sort=True` if the rows are only out of order{zone}"
        )
    return _merged(rows, repeated, policies.duplicates) if repeated.size else rows


def _repeats(rows: Rows, repeated: np.ndarray) -> str:
    times, row = rows.times, int(repeated[0]) + 1
    assert times is not None
    coarse = False
    if times.dtype.kind == "f" and np.abs(times).max() > 1e5:  # fractions, or whole numbers that float32 cannot count
        coarse = (times == times.astype(np.float32)).all() and ((times % 1 != 0).any() or np.abs(times).max() >= 2**24)
    hint = ". All of them fit float32, in which close times merge: save them as float64" if coarse else ""
    return (
        f"{repeated.size} duplicate times in {rows.clock}, the first in {rows.place(row)} ({shown(times[row])}, as in "
        f"{rows.place(row - 1)}): `duplicates='first'` keeps the first row of each, 'mean' their mean{hint}"
    )


def _merged(rows: Rows, repeated: np.ndarray, policy: str) -> Rows:
    """One row for each time: the first, or the mean of those values that are there."""
    first = np.ones(len(rows), bool)
    first[repeated + 1] = False
    starts = np.flatnonzero(first)
    kept = rows.take(starts).noting(duplicates={"policy": policy, "rows": int(repeated.size)})
    if policy == "first":
        return kept
    table = rows.table()
    known = ~np.isnan(table)
    counts = np.add.reduceat(known, starts, axis=0, dtype=np.int64)
    sums = np.add.reduceat(np.where(known, table, 0.0), starts, axis=0)
    return kept.with_table(np.where(counts > 0, sums / np.maximum(counts, 1), np.nan))


def _years(rows: Rows) -> Rows:
    """Dates one month, one quarter or one year apart, on the same day of the month or its last, as years."""
    times = rows.times
    assert times is not None
    if times.dtype.kind != "M" or len(times) < 3 or np.median(np.diff(times).astype(np.int64)) < _MONTH:
        return rows
    months = times.astype("datetime64[M]")
    within = times - months
    last = (months + 1).astype("datetime64[ns]") - times
    if (within != within[0]).any() and (last != last[0]).any():
        return rows
    note = f"{rows.clock}: dates a whole number of months apart, read as years, year + (month - 1) / 12"
    years = 1970.0 + months.astype(np.int64) / 12.0
    notes = [*rows.facts.get("notes", ()), note]
    return replace(rows, times=years).noting(time_unit="yr", notes=notes)
