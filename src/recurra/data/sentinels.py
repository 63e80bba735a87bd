"""Numbers that mean "no value": those that the caller names become NaN, those that look like it are pointed out."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from recurra._types import whole_number
from recurra.data.cells import is_number
from recurra.data.check import warn
from recurra.data.rows import Rows
from recurra.errors import ConfigError

# What files put where there is no value: nines only, and the ends of the integers and the defaults of common formats.
_NINES = re.compile(r"-?9+(\.9+)?")
_FILLS = (-32768.0, 32767.0, -2147483648.0, 2147483647.0, 1e20, 1e30, -1e30, 9.969209968386869e36, -888.0, -777.0)
_FAR = 5.0  # widths of the rest of the values, between them and a constant that means "no value"
_NEAR = 0.5  # the same, for those constants that are known to mean it
_TWICE, _OFTEN = 2, 4  # how often such a constant has to come, if it is a known one and if not


def divided(given: Any) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Numbers and words of the argument `missing`; a text that is a number counts as one."""
    items = [given] if isinstance(given, str | int | float) else given
    if not isinstance(items, Iterable) or isinstance(items, Mapping):
        raise ConfigError(f"`missing` must be a list of numbers and words, as [-999, 'bad'], got {given!r}")
    numbers, words = [], []
    for item in items:
        if isinstance(item, str):
            (numbers if is_number(item) else words).append(float(item) if is_number(item) else item.strip())
        elif whole_number(item) or isinstance(item, float | np.floating):
            numbers.append(float(item))
        else:
            raise ConfigError(f"`missing` must be a list of numbers and words, as [-999, 'bad'], got {item!r} in it")
    return tuple(number for number in numbers if number == number), tuple(words)


def marked(rows: Rows, raw: Sequence[np.ndarray], numbers: Sequence[float]) -> Rows:
    """The rows with NaN where one of these numbers stands.

    Args:
        rows: all columns as float64.
        raw: values and inputs as the file holds them; a number is compared in their own precision.
        numbers: what means "no value".

    Warns:
        RecurraWarning: one of the numbers or words never comes.
    """
    counts: dict[str, int] = dict(rows.facts.get("missing", {}))  # the words, counted where the text was read
    if numbers:
        table = rows.table().copy()
        for number in numbers:
            found = np.column_stack([_equal(part.reshape(len(rows), -1), number) for part in raw])
            counts[_exact(number)] = int(found.sum())
            table[found] = np.nan
        rows = rows.with_table(table)
    if not counts:
        return rows
    never = [name for name, count in counts.items() if not count]
    if never:
        warn(f"`missing` names {', '.join(map(repr, never))}, and no value of the chosen columns is that")
    return rows.noting(missing=counts)


def _equal(stored: np.ndarray, number: float) -> np.ndarray:
    """Where a number stands, to the precision of what is stored; never where it would overflow."""
    if stored.dtype.kind != "f":
        return stored == number
    with np.errstate(over="ignore"):
        return (stored == np.asarray(number).astype(stored.dtype)) & (np.isinf(stored) == np.isinf(number))


def _exact(number: float) -> str:
    """A number that can be given back as `missing`: in short where that loses nothing."""
    short = f"{number:g}"
    return short if float(short) == number else repr(float(number))


def suspect(rows: Rows) -> None:
    """Point out an extreme value that lies far outside the rest and comes again and again, to the bit.

    Warns:
        RecurraWarning: for each column that has one, with its count and the option that declares it missing.
    """
    for name, values in zip(rows.names(), rows.table().T, strict=True):
        known = values[~np.isnan(values)]
        found = {value: int((known == value).sum()) for value in (known.min(), known.max())} if known.size else {}
        repeated = {value: count for value, count in found.items() if count >= _TWICE}
        if not repeated:
            continue
        rest = known[~np.isin(known, list(repeated))]
        if rest.size < 3 or (width := float(rest.max() - rest.min())) == 0:
            continue
        for value, count in repeated.items():
            apart = float(max(rest.min() - value, value - rest.max()))
            known_fill = value in _FILLS or _NINES.fullmatch(f"{value:.12g}") is not None
            enough, far = (_TWICE, _NEAR) if known_fill else (_OFTEN, _FAR)
            if count >= enough and apart > far * width:
                warn(
                    f"{_exact(value)} comes {count} times in column {name!r}, far outside the rest ({rest.min():g} to "
                    f"{rest.max():g}), the first in {rows.place(int((values == value).argmax()))}: if it means that "
                    f"there is no value, give `missing=[{_exact(value)}]`"
                )
