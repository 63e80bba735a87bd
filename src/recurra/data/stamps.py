"""Dates as text: ISO 8601, all in UTC, all with an offset, or all without."""

import re
from collections.abc import Sequence

import numpy as np

from recurra.errors import DataError

_BLANK = " \t"
_DATE = re.compile(
    r"(?P<year>\d{4})-\d\d(?:-\d\d(?:[T ]\d\d:\d\d(?::(?P<second>\d\d)(?:\.\d{1,9})?)?"
    r"(?P<zone>Z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)?)?)?",
    re.ASCII,
)
_YEARS = (1678, 2261)  # that datetime64[ns] can hold whole


def is_date(cell: str) -> bool:
    """True for the shape of an ISO 8601 date or month, with or without time and offset."""
    return _DATE.fullmatch(cell.strip(_BLANK)) is not None


def dates(name: str, cells: Sequence[str], lines: Sequence[int]) -> tuple[np.ndarray, bool]:
    """ISO 8601 dates as datetime64[ns], and whether they are in UTC: they are, where every one has an offset.

    Raises:
        DataError: a cell that is no such date, some with an offset and some without, a leap second, or a year that
            nanoseconds cannot hold; with its line.
    """
    plain, offsets = [], []
    for line, cell in zip(lines, cells, strict=True):
        match = _DATE.fullmatch(cell.strip(_BLANK))
        if match is None or match["second"] == "60" or not _YEARS[0] <= int(match["year"]) <= _YEARS[1]:
            raise DataError(f"line {line}, column {name!r}: {_fault(cell, match)}")
        zone = match["zone"]
        plain.append(cell.strip(_BLANK) if zone is None else cell.strip(_BLANK)[: -len(zone)])
        offsets.append(zone)
    found = set(offsets)
    if None in found and len(found) > 1:
        other = next(row for row, zone in enumerate(offsets) if (zone is None) != (offsets[0] is None))
        raise DataError(
            f"line {lines[other]}, column {name!r}: times with and without a zone are mixed ({offsets.count(None)} of "
            f"{len(offsets)} have none): write an offset such as Z or +01:00 after all of them"
        )
    try:
        local = np.array(plain, dtype="datetime64[ns]")
    except ValueError:
        line, cell = next((n, c) for n, c in zip(lines, plain, strict=True) if not _exists(c))
        raise DataError(f"line {line}, column {name!r}: there is no such date or time as {cell!r}") from None
    if None in found:
        return local, False
    minutes = {zone: _minutes(zone) for zone in found if zone is not None}
    if set(minutes.values()) == {0}:
        return local, True
    ahead = np.array([minutes[zone] for zone in offsets if zone is not None], dtype="timedelta64[m]")
    return local - ahead.astype("timedelta64[ns]"), True


def _fault(cell: str, match: re.Match[str] | None) -> str:
    if match is None and cell.strip(_BLANK).lower() in ("", "nan", "nat", "na", "n/a", "null", "none"):
        return "a missing time: write 2026-03-01 or 2026-03-01T12:30:00, or cut the row"
    if match is None:
        return f"{cell!r} is not an ISO 8601 date: write 2026-03-01 or 2026-03-01T12:30:00"
    if match["second"] == "60":
        return f"{cell!r} is a leap second, which these dates lack: leave the row out, or use a numeric time axis"
    return f"the year of {cell!r} is not in {_YEARS[0]} to {_YEARS[1]}: use a numeric time axis"


def _minutes(zone: str) -> int:
    """How far a zone is ahead of UTC."""
    if zone == "Z":
        return 0
    digits = zone[1:].replace(":", "")
    return (-1 if zone[0] == "-" else 1) * (60 * int(digits[:2]) + int(digits[2:] or 0))


def _exists(cell: str) -> bool:
    try:
        np.datetime64(cell, "ns")
    except ValueError:
        return False
    return True
