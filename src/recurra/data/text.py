"""Text tables: comma, tab, semicolon or white space between the columns, one row a line."""

import csv
import re
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from recurra.data import cells
from recurra.data.columns import Ask, Parts, choose, split_units
from recurra.data.npy import from_table, oriented
from recurra.data.stamps import dates, is_date
from recurra.errors import ConfigError, DataError, RecurraWarning

_SEPARATORS = {"\t": "tabs", ";": "semicolons", ",": "commas", " ": "white space"}
_BOM = b"\xef\xbb\xbf"


def parse_text(data: bytes, ask: Ask | None = None) -> Parts:
    """The columns of a text table.

    Names as `x [m]` or `v (m/s)` are divided into name and unit. Without a header a table that has more columns than
    rows looks as if time ran along its lines, and needs `time_axis`.

    Raises:
        DataError: the encoding, the shape of the table, or a cell of a chosen column; by line, column, count.
        ConfigError: a delimiter or decimal mark that cannot be one, or a name that no column has.
    """
    ask = ask or Ask()
    text = _decode(data)
    lines, content, comment = _content(text)
    if not content:
        raise DataError("holds no rows: only blank lines and comments")
    delimiter = _delimiter(ask, content, lines)
    rows = _split(content, lines, delimiter)
    _check_counts(rows, lines, delimiter)
    header = _header(rows[0], lines[0], ask)
    if header is not None:
        rows, lines = rows[1:], lines[1:]
        if not rows:
            raise DataError(f"holds a header ({', '.join(header)}) and no rows of numbers")
        if ask.time_axis == 1:
            raise ConfigError("`time_axis=1` is for numbers alone, and the first line holds names: leave it out")
    elif comment and ask.time is None and ask.channels is None:
        _warn_of_comment(comment, len(rows[0]), delimiter)
    if len(rows[0]) == 1:
        _check_blank(text, lines)
    if header is None and ask.time_axis != 0 and (ask.time_axis == 1 or len(rows[0]) > len(rows)):
        return from_table(oriented(_numbers(rows, lines, ask), "the table", ask.time_axis), ask)
    return _parts(list(zip(*rows, strict=True)), lines, header, ask)


def _delimiter(ask: Ask, content: list[str], lines: Sequence[int]) -> str:
    if ask.decimal not in (".", ","):
        raise ConfigError(f"`decimal` must be '.' or ',', got {ask.decimal!r}")
    given = ask.delimiter
    if given is None:
        return _sniff(content, lines, ask.decimal)
    if len(given) != 1 or given.isalnum() or given in '"#.+-\r\n':
        raise ConfigError(f"`delimiter` must be one character such as ',' ';' '\\t' or ' ', got {given!r}")
    if given == ask.decimal:
        raise ConfigError(f"`delimiter` and `decimal` are both {given!r}: numbers and columns could not be told apart")
    return given


def _decode(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError("is UTF-16 or UTF-32 (byte order mark at offset 0): save it as UTF-8")
    nul = data.find(b"\0")
    if nul >= 0:
        line = data.count(b"\n", 0, nul) + 1
        raise DataError(
            f"holds {data.count(0)} NUL bytes, the first at offset {nul} (line {line}): it is not plain "
            "text, or it is damaged"
        )
    skip = len(_BOM) if data.startswith(_BOM) else 0
    try:
        return data[skip:].decode("utf-8")
    except UnicodeDecodeError as error:
        offset = error.start + skip
        line = data.count(b"\n", 0, offset) + 1
        raise DataError(
            f"is not UTF-8: byte 0x{data[offset]:02x} at offset {offset} (line {line}): save it as UTF-8"
        ) from None


def _physical_lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _content(text: str) -> tuple[list[int], list[str], str]:
    """Numbers and text of the lines that hold cells, and the last comment before the first of them."""
    lines, content, comment = [], [], ""
    for number, line in enumerate(_physical_lines(text), start=1):
        if not line.strip(" "):  # a line of tabs is a row of empty cells
            continue
        if line.lstrip().startswith("#"):
            comment = comment if content else line.lstrip()
            continue
        lines.append(number)
        content.append(line)
    return lines, content, comment


def _sniff(content: list[str], lines: Sequence[int], decimal: str) -> str:
    """The first of tab, semicolon, comma outside quotes, else white space; the first two lines must agree."""
    marks, known = [], "\t;," if decimal == "." else "\t;"
    for number, line in zip(lines, content[:2], strict=False):
        if decimal == "." and len(line.split()) > 1 and all(map(cells.is_decimal_comma, line.split())):
            raise DataError(
                f"line {number} holds numbers with a decimal comma: give `decimal=','`, or write decimal points"
            )
        bare = re.sub(r'"[^"]*"', "", line)
        marks.append(next((mark for mark in known if mark in bare), " "))
    if len(marks) == 2 and marks[0] != marks[1]:
        raise DataError(
            f"line {lines[0]} seems separated by {_SEPARATORS[marks[0]]} and line {lines[1]} by "
            f"{_SEPARATORS[marks[1]]}: begin a title line with #, give `decimal=','` for a decimal comma, or give "
            "`delimiter`"
        )
    return marks[0]


def _split(content: list[str], lines: Sequence[int], delimiter: str) -> list[list[str]]:
    if delimiter == " ":
        return [line.split() for line in content]
    reader = csv.reader(content, delimiter=delimiter, strict=True, skipinitialspace=True)
    rows: list[list[str]] = []
    try:
        for row in reader:
            rows.append(row)
            if reader.line_num != len(rows):
                raise DataError(f"line {lines[len(rows) - 1]}: a quoted cell runs over several lines: close the quote")
    except csv.Error as error:
        raise DataError(f"line {lines[len(rows)]}: {error}: check the quotes") from error
    return rows


def _check_counts(rows: list[list[str]], lines: Sequence[int], delimiter: str) -> None:
    expected = len(rows[0])
    if not expected:
        raise DataError(f"line {lines[0]} holds no cells: remove it")
    ragged = [index for index, row in enumerate(rows) if len(row) != expected]
    if not ragged:
        return
    got, line = len(rows[ragged[0]]), lines[ragged[0]]
    if delimiter == "," and got == 2 * expected:
        advice = (
            "twice as many, as if decimal commas were used: separate the columns by semicolons and give `decimal=','`, "
            "or write numbers with a decimal point"
        )
    else:
        separator = _SEPARATORS.get(delimiter, repr(delimiter))
        advice = f"columns are separated by {separator}: complete the rows, or give another `delimiter`"
    raise DataError(
        f"line {line} has {got} cells, expected {expected} as in line {lines[0]}; {len(ragged)} of "
        f"{len(rows)} lines are ragged; {advice}"
    )


def _header(first: list[str], line: int, ask: Ask) -> tuple[str, ...] | None:
    """The names, where the first row holds some: words, and no number or date where the time would stand."""
    if cells.is_number(first[0], ask.decimal) or is_date(first[0]):
        return None
    if all(cells.is_number(cell, ask.decimal) or cells.is_missing(cell, ask.missing) for cell in first):
        return None
    header = tuple(cell.strip() for cell in first)
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        columns = [index + 1 for index, name in enumerate(header) if name == twice[0]]
        raise DataError(
            f"line {line}: the header repeats {', '.join(map(repr, twice))} (columns "
            f"{', '.join(map(str, columns))}): give every column its own name"
        )
    return header


def _warn_of_comment(comment: str, count: int, delimiter: str) -> None:
    """A header that was commented out, as numpy.savetxt does, loses its names and its time axis."""
    bare = comment.lstrip("# \t")
    found = bare.split() if delimiter == " " else bare.split(delimiter)
    if len(found) == count and not any(cells.is_number(name) for name in found):
        warnings.warn(
            f"the comment {comment[:60]!r} looks like a header and is skipped: remove the # to use its names",
            RecurraWarning,
            stacklevel=2,
        )


def _check_blank(text: str, lines: Sequence[int]) -> None:
    """In a single column an empty line is an empty cell."""
    between = _physical_lines(text)[lines[0] - 1 : lines[-1]]
    blank = [lines[0] + index for index, line in enumerate(between) if not line.strip()]
    if blank:
        raise DataError(
            f"{len(blank)} missing values: empty lines within a single column, the first is line {blank[0]}: write nan "
            "there, and choose with `gaps` what to do about it, or cut the file there"
        )


def _numbers(rows: list[list[str]], lines: Sequence[int], ask: Ask) -> np.ndarray:
    """A table without names as an array."""
    columns = {f"c{index}": column for index, column in enumerate(zip(*rows, strict=True))}
    return cells.numeric(columns, lines, decimal=ask.decimal, missing=ask.missing)


def _parts(columns: list[tuple[str, ...]], lines: Sequence[int], header: tuple[str, ...] | None, ask: Ask) -> Parts:
    names, units = ((), ()) if header is None else split_units(header)
    short = dict(zip(header or (), names, strict=True))
    chosen = choose(
        None if header is None else names,
        len(columns),
        time=_renamed(ask.time, short),
        channels=_renamed(ask.channels, short),
        inputs=_renamed(ask.inputs, short),
    )
    facts: dict[str, Any] = {}
    times, numbers = None, [*chosen.channels, *chosen.inputs]
    if chosen.time is not None:
        if units and units[chosen.time]:
            facts["time_unit"] = units[chosen.time]
        first = columns[chosen.time][0]
        if cells.is_number(first, ask.decimal) or cells.is_missing(first) or cells.is_decimal_comma(first):
            numbers.insert(0, chosen.time)
        else:
            times, in_utc = dates(chosen.names[chosen.time], columns[chosen.time], lines)
            facts = {"zone": "UTC"} if in_utc else {}
    # One call for all, so that the first bad cell of the file is the one that is named.
    found = {chosen.names[index]: columns[index] for index in numbers}
    table = cells.numeric(found, lines, decimal=ask.decimal, missing=ask.missing)
    if chosen.time is not None and times is None:
        exact = cells.whole(columns[chosen.time])
        times, table = np.ascontiguousarray(table[:, 0]) if exact is None else exact, table[:, 1:]
    if ask.missing:
        words = [columns[index] for index in (*chosen.channels, *chosen.inputs)]
        facts["missing"] = {word: sum(cells.count(word, column) for column in words) for word in ask.missing}
    width = len(chosen.channels)
    return Parts(
        values=table[:, :width],
        channels=chosen.names_of(chosen.channels),
        times=times,
        inputs=table[:, width:] if chosen.inputs else None,
        input_names=chosen.names_of(chosen.inputs) if chosen.inputs else None,
        units=tuple(units[index] for index in chosen.channels) if any(units) else None,
        input_units=tuple(units[index] for index in chosen.inputs) if any(units) and chosen.inputs else None,
        lines=lines,
        time_name=None if chosen.time is None else chosen.names[chosen.time],
        provenance=facts,
    )


def _renamed(given: Any, short: dict[str, str]) -> Any:
    """Names as the columns have them without their units, where they were given with them."""
    if given is None or isinstance(given, str):
        return None if given is None else short.get(given, given)
    return [short.get(name, name) if isinstance(name, str) else name for name in given]
