"""The cells of one text column: numbers and dates, read exactly or refused by line, column and count."""

import re
from collections.abc import Sequence

import numpy as np

from recurra.errors import DataError

# float() also reads 1_000, infinity, digits of other scripts, and 1e400 as infinity: none of that is data.
_BLANK = " \t"  # around a number; str.strip() alone takes control characters with it
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_NUMBER_CHARACTERS = frozenset("0123456789+-.eE ")
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.ASCII | re.IGNORECASE)
_MISSING = frozenset(("", "nan", "+nan", "-nan", "na", "n/a", "nat", "null", "none"))
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?", re.ASCII)
_DATE = re.compile(r"(\d{4})-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?)?(?P<zone>Z|[+-]\d\d:?(\d\d)?)?", re.ASCII)
_UTC = (None, "Z", "+00:00")


def is_number(cell: str) -> bool:
    """True for a decimal number, finite or not in float64."""
    return _NUMBER.fullmatch(cell.strip(_BLANK)) is not None


def is_missing(cell: str) -> bool:
    """True for an empty cell and for the words that say that there is no value."""
    return cell.strip(_BLANK).lower() in _MISSING


def is_decimal_comma(cell: str) -> bool:
    """True for a number with a comma where the point belongs."""
    return _DECIMAL_COMMA.fullmatch(cell) is not None


def is_date(cell: str) -> bool:
    """True for the shape of an ISO 8601 date, with or without time and zone."""
    return _DATE.fullmatch(cell.strip(_BLANK)) is not None


def numeric(columns: dict[str, Sequence[str]], lines: Sequence[int]) -> np.ndarray:
    """The numbers of these columns, shape (rows, columns).

    Args:
        columns: name -> cells, all of one length.
        lines: line of the file on which each row stands.

    Raises:
        DataError: cells that are words, infinite or missing: line and column of the first, and counts.
    """
    found, faults = [], []
    for name, cells in columns.items():
        column = _fast(cells)
        if column is None:
            faults += _faults(name, cells, lines)
        if not faults:
            found.append(np.array([float(cell) for cell in cells]) if column is None else column)
    if faults:
        raise DataError(_report(faults))
    return np.column_stack(found)


def dates(name: str, cells: Sequence[str], lines: Sequence[int]) -> np.ndarray:
    """ISO 8601 dates, naive or UTC, as datetime64[ns].

    Raises:
        DataError: a cell that is no such date, another time zone, or a year that nanoseconds cannot hold.
    """
    zones = set()
    for line, cell in zip(lines, cells, strict=True):
        match = _DATE.fullmatch(cell.strip(_BLANK))
        where = f"line {line}, column {name!r}"
        if match is None:
            what = "a missing time" if is_missing(cell) else f"{cell!r} is not an ISO 8601 date"
            raise DataError(f"{where}: {what}: write 2026-03-01 or 2026-03-01T12:30:00")
        if match["zone"] not in _UTC:
            raise DataError(f"{where}: {cell!r} has the time zone {match['zone']}: convert the times to UTC")
        if not 1678 <= int(match[1]) <= 2261:
            raise DataError(f"{where}: the year of {cell!r} is not in 1678 to 2261: use a numeric time axis")
        zones.add(match["zone"] is None)
        if len(zones) > 1:
            raise DataError(f"{where}: times with and without a zone are mixed: write Z after all or none")
    plain = [cell.strip(_BLANK).removesuffix("Z").removesuffix("+00:00") for cell in cells]
    try:
        return np.array(plain, dtype="datetime64[ns]")
    except ValueError:
        line, cell = next((n, c) for n, c in zip(lines, plain, strict=True) if not _exists(c))
        raise DataError(f"line {line}, column {name!r}: there is no such date or time as {cell!r}") from None


def check_order(name: str, times: np.ndarray, lines: Sequence[int]) -> None:
    """Refuse times that repeat or fall back, by line."""
    steps = np.diff(times)
    zero = steps.dtype.type(0)
    repeated, falling = np.flatnonzero(steps == zero), np.flatnonzero(steps < zero)
    if repeated.size:
        row = repeated[0] + 1
        raise DataError(
            f"{repeated.size} duplicate times in column {name!r}, the first in line {lines[row]} "
            f"({times[row]}, as in line {lines[row - 1]}): keep one row for each time"
        )
    if falling.size:
        row = falling[0] + 1
        raise DataError(
            f"time runs backwards in {falling.size} rows of column {name!r}, first in line {lines[row]} "
            f"({times[row - 1]} -> {times[row]}): sort the rows by time"
        )


def _fast(cells: Sequence[str]) -> np.ndarray | None:
    """The column in one go, or None where any cell needs a closer look."""
    if not _NUMBER_CHARACTERS.issuperset("".join(cells)):
        return None
    try:
        column = np.array(cells, dtype=np.float64)
    except ValueError:
        return None
    return column if np.isfinite(column).all() else None


def _faults(name: str, cells: Sequence[str], lines: Sequence[int]) -> list[tuple[str, int, str, str]]:
    """(kind, line, column, text) of every cell that is not a finite number."""
    faults = []
    for line, cell in zip(lines, cells, strict=True):
        text = cell.strip(_BLANK)
        if text.lower() in _MISSING:
            faults.append(("missing", line, name, text))
        elif _INFINITE.fullmatch(text) or (_NUMBER.fullmatch(text) and abs(float(text)) == np.inf):
            faults.append(("infinite", line, name, text))
        elif not _NUMBER.fullmatch(text):
            faults.append(("word", line, name, text))
    return faults


def _report(faults: list[tuple[str, int, str, str]]) -> str:
    """One message: the worst kind in full, the others by count."""
    counts = {kind: sum(fault[0] == kind for fault in faults) for kind in ("word", "infinite", "missing")}
    kind = next(kind for kind, count in counts.items() if count)
    mine = [fault for fault in faults if fault[0] == kind]
    _, line, column, text = min(mine, key=lambda fault: fault[1])
    shown = repr(text if len(text) <= 40 else text[:40] + "...")
    by_column = {name: sum(fault[2] == name for fault in mine) for name in dict.fromkeys(f[2] for f in mine)}
    share = ", ".join(f"{name!r} {count}" for name, count in by_column.items())
    total = f"{counts[kind]} in all ({share})"
    first = f"line {line}, column {column!r}"
    if kind == "missing":
        message = (
            f"{counts[kind]} missing values, the first in {first} ({shown}); by column: {share}. "
            "recurra fills no gaps: cut the file there, or leave the column out"
        )
    elif kind == "infinite":
        message = f"{first}: {shown} is not a finite number; {total}: correct or cut these rows"
    else:
        message = f"{first}: {shown} is not a number; {total}: {_advice(text)}"
    others = [f"{count} {name} values" for name, count in counts.items() if count and name != kind]
    return f"{message}; besides {' and '.join(others)}" if others else message


def _advice(text: str) -> str:
    if is_decimal_comma(text):
        return "this looks like a decimal comma: write numbers with a decimal point"
    if "_" in text and is_number(text.replace("_", "")):
        return "write numbers without underscores"
    if not text.isascii():
        return "write numbers with the digits 0 to 9 and plain signs"
    return "correct it, or choose the columns of numbers with `channels`"


def _exists(cell: str) -> bool:
    try:
        np.datetime64(cell, "ns")
    except ValueError:
        return False
    return True
