"""The cells of one text column: numbers, read exactly or refused by line, column and count."""

import re
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from recurra.data.stamps import is_date
from recurra.errors import DataError

# float() also reads 1_000, infinity, digits of other scripts, and 1e400 as infinity: none of that is data.
_BLANK = " \t"  # around a number; str.strip() alone takes control characters with it
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_NUMBER_CHARACTERS = frozenset("0123456789+-.eE ")
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.ASCII | re.IGNORECASE)
_MISSING = frozenset(("", "nan", "+nan", "-nan", "na", "n/a", "nat", "null", "none"))
_DIGITS = frozenset("0123456789+- ")
_SWAPPED = str.maketrans(",.", ".,")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}([.,]\d{3})+([.,]\d*)?", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?", re.ASCII)

Fault = tuple[str, int, str, str]  # kind, line, column, text


def is_number(cell: str, decimal: str = ".") -> bool:
    """True for a decimal number, finite or not in float64."""
    return _NUMBER.fullmatch(_point(cell.strip(_BLANK), decimal)) is not None


def is_missing(cell: str, missing: Collection[str] = ()) -> bool:
    """True for an empty cell and for the words, these or the usual ones, that say that there is no value."""
    text = cell.strip(_BLANK).lower()
    return text in _MISSING or text in {word.lower() for word in missing}


def is_decimal_comma(cell: str) -> bool:
    """True for a number with a comma where the point belongs."""
    return _DECIMAL_COMMA.fullmatch(cell) is not None


def numeric(
    columns: Mapping[str, Sequence[str]], lines: Sequence[int], *, decimal: str = ".", missing: Collection[str] = ()
) -> np.ndarray:
    """The numbers of these columns, shape (rows, columns); NaN where a cell is empty or says that there is no value.

    Args:
        columns: name -> cells, all of one length.
        lines: line of the file on which each row stands.
        decimal: "." or ",".
        missing: further words for "no value".

    Raises:
        DataError: cells that are words or infinite: line and column of the first, and counts.
    """
    found, faults = [], []
    words = _MISSING.union(word.lower() for word in missing)
    for name, cells in columns.items():
        column = _fast(cells, decimal)
        if column is None:
            column, wrong = _slow(name, cells, lines, decimal, words)
            faults += wrong
        found.append(column)
    if faults:
        raise DataError(_report(faults))
    return np.column_stack(found)


def count(word: str, cells: Sequence[str]) -> int:
    """How often a word stands in a column, in any case."""
    return sum(cell.strip(_BLANK).lower() == word.lower() for cell in cells)


def whole(cells: Sequence[str]) -> np.ndarray | None:
    """The column as int64, exactly, where every cell is a whole number that fits; else None.

    >>> whole(["1", "-2"]), whole(["1", "2.0"])
    (array([ 1, -2]), None)
    """
    if not _DIGITS.issuperset("".join(cells)):
        return None
    try:
        return np.array(cells, dtype=np.int64)
    except (ValueError, OverflowError):
        return None


def _fast(cells: Sequence[str], decimal: str) -> np.ndarray | None:
    """The column in one go, or None where any cell needs a closer look."""
    joined = "".join(cells)
    if decimal == ",":
        if "." in joined:
            return None
        joined, cells = joined.replace(",", "."), [cell.replace(",", ".") for cell in cells]
    if not _NUMBER_CHARACTERS.issuperset(joined):
        return None
    try:
        column = np.array(cells, dtype=np.float64)
    except ValueError:
        return None
    return column if np.isfinite(column).all() else None


def _slow(
    name: str, cells: Sequence[str], lines: Sequence[int], decimal: str, words: Collection[str]
) -> tuple[np.ndarray, list[Fault]]:
    """The column with NaN for missing values, and what is wrong with it."""
    missing = np.array([cell.strip(_BLANK).lower() in words for cell in cells])
    column = np.full(len(cells), np.nan)
    rest = np.flatnonzero(~missing).tolist()
    known = [cells[row] for row in rest]
    numbers = _fast(known, decimal)
    if numbers is None:
        faults = _faults(name, known, [lines[row] for row in rest], decimal)
        if faults:
            return column, faults
        numbers = [float(_point(cell, decimal)) for cell in known]  # as a tab beside a number
    column[rest] = numbers
    return column, []


def _point(cell: str, decimal: str) -> str:
    """A number with its decimal point, whatever the file writes; what has the other mark is no number."""
    return cell if decimal == "." else cell.translate(_SWAPPED)


def _faults(name: str, cells: Sequence[str], lines: Sequence[int], decimal: str) -> list[Fault]:
    """Every cell that is not a finite number."""
    faults: list[Fault] = []
    for line, cell in zip(lines, cells, strict=True):
        text = cell.strip(_BLANK)
        number = _point(text, decimal)
        if _INFINITE.fullmatch(text) or (_NUMBER.fullmatch(number) and abs(float(number)) == np.inf):
            faults.append(("infinite", line, name, text))
        elif not _NUMBER.fullmatch(number):
            faults.append(("word", line, name, text))
    return faults


def _report(faults: list[Fault]) -> str:
    """One message: words in full and infinite values by count; where there are no words, those in full."""
    counts = {kind: sum(fault[0] == kind for fault in faults) for kind in ("word", "infinite")}
    kind = "word" if counts["word"] else "infinite"
    mine = [fault for fault in faults if fault[0] == kind]
    _, line, column, text = min(mine, key=lambda fault: fault[1])
    shown = repr(text if len(text) <= 40 else text[:40] + "...")
    by_column = {name: sum(fault[2] == name for fault in mine) for name in dict.fromkeys(f[2] for f in mine)}
    share = ", ".join(f"{name!r} {count}" for name, count in by_column.items())
    what = "not a finite number" if kind == "infinite" else "not a number"
    advice = "correct or cut these rows, or name the word in `missing`" if kind == "infinite" else _advice(column, text)
    message = f"line {line}, column {column!r}: {shown} is {what}; {counts[kind]} in all ({share}): {advice}"
    besides = counts["infinite"] if kind == "word" else 0
    return f"{message}; besides {besides} infinite values" if besides else message


def _advice(column: str, text: str) -> str:
    if is_date(text):
        return f"this is a date: if the column holds the times, give `time={column!r}`"
    if is_decimal_comma(text):
        return "this looks like a decimal comma: give `decimal=','`, or write numbers with a decimal point"
    if _THOUSANDS.fullmatch(text):
        return "this has marks between thousands: write numbers without them"
    if "_" in text and is_number(text.replace("_", "")):
        return "write numbers without underscores"
    if not text.isascii():
        return "write numbers with the digits 0 to 9 and plain signs"
    return (
        f"if it means that there is no value, give `missing=[{text[:20]!r}]`; else correct it, or choose the columns "
        "of numbers with `channels`"
    )
