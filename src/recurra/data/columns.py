"""Which column is time, which are channels and which are inputs; and what a reader hands on."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from recurra._types import names
from recurra.data.files import MAX_BYTES
from recurra.errors import ConfigError, DataError

TIME_NAMES = ("t", "time", "date")

_UNIT = re.compile(r"(?P<name>.*\S)(\s*\[(?P<square>[^\[\]]*[^\W\d][^\[\]]*|[%°1-])\]|\s+\((?P<round>[^()]+)\))")


@dataclass(frozen=True, eq=False)
class Parts:
    """What a reader found in a file, as it stands there: nothing in it is checked, ordered or filled yet.

    Args:
        values: (time, channels), real numbers; NaN where there is no value.
        channels: names, one a column.
        times: (time,), float64, whole numbers or dates, as they come.
        inputs: (time, drive), as `values`.
        input_names: one a column of `inputs`.
        units: one a channel.
        input_units: one an input.
        dt: the step that the file gives, where it gives no times.
        lines: the line of every row, in a text file.
        time_name: of the column that holds the times.
        provenance: what else the file says: `time_unit` of numeric times, `zone` ("UTC") of dates, `calendar`, `notes`.
    """

    values: np.ndarray
    channels: tuple[str, ...] | None = None
    times: np.ndarray | None = None
    inputs: np.ndarray | None = None
    input_names: tuple[str, ...] | None = None
    units: tuple[str, ...] | None = None
    input_units: tuple[str, ...] | None = None
    dt: float | None = None
    lines: Sequence[int] | None = None
    time_name: str | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def place(self, row: int) -> str:
        """Where a row stands: "line 7" of a text file, else "row 5"."""
        return f"row {row}" if self.lines is None else f"line {self.lines[row]}"


@dataclass(frozen=True)
class Ask:
    """What the caller of `read_series` says about the layout of a file; its arguments of the same names."""

    time: str | None = None
    channels: Any = None
    inputs: Any = None
    delimiter: str | None = None
    decimal: str = "."
    missing: tuple[str, ...] = ()  # words
    zone: str | None = None
    variable: str | None = None
    group: str | None = None
    time_axis: int | None = None
    max_bytes: int = MAX_BYTES


@dataclass(frozen=True)
class Choice:
    """Column numbers by role, and the names of all columns."""

    names: tuple[str, ...]
    time: int | None
    channels: tuple[int, ...]
    inputs: tuple[int, ...]

    def names_of(self, columns: Sequence[int]) -> tuple[str, ...]:
        """The names of these columns."""
        return tuple(self.names[column] for column in columns)


def split_units(header: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names and units of columns that are headed as `x [m]` or `v (m/s)`; whole where names would then be alike.

    >>> split_units(["t [s]", "speed (m/s)", "q[0]", "mass"])
    (('t', 'speed', 'q[0]', 'mass'), ('s', 'm/s', '', ''))
    >>> split_units(["force (left)", "force (right)"])
    (('force (left)', 'force (right)'), ('', ''))
    """
    found = [_UNIT.fullmatch(name) for name in header]
    short = [name if match is None else match["name"] for name, match in zip(header, found, strict=True)]
    kept = [match if short.count(name) == 1 else None for name, match in zip(short, found, strict=True)]
    units = ["" if match is None else (match["square"] or match["round"] or "").strip() for match in kept]
    names = [name if match is None else match["name"] for name, match in zip(header, kept, strict=True)]
    return tuple(names), tuple(units)


def name_list(given: Any, what: str) -> list[str] | None:
    """A list of names, from a list or a single name; refuses an empty list and a name that comes twice."""
    if given is None:
        return None
    wanted = [given] if isinstance(given, str) else list(given)
    twice = sorted({str(name) for name in wanted if wanted.count(name) > 1})
    if not wanted or twice or not all(isinstance(name, str) for name in wanted):
        raise ConfigError(f"`{what}` must be a list of different column names, got {given!r}")
    return wanted


def choose(header: tuple[str, ...] | None, count: int, *, time: str | None, channels: Any, inputs: Any) -> Choice:
    """Give every column its role.

    A first column named t, time or date (any case) is the time axis unless `time` names another; `channels`
    are by default all the columns that are left. Where no column has a name, `channels` can give each
    of them one.

    Raises:
        ConfigError: a name that no column has, or one that has two roles.
        DataError: a chosen column without a name.
    """
    wanted, drive = name_list(channels, "channels"), name_list(inputs, "inputs") or []
    if header is None:
        header = names(None, count, "c")
        if wanted and not drive and time is None and len(wanted) == count and not set(wanted) & set(header):
            header = tuple(wanted)
    if time is None and count > 1 and header[0].lower() in TIME_NAMES and header[0] not in [*(wanted or []), *drive]:
        time = header[0]
    axis = None if time is None else _find(header, time, "time")
    driven = tuple(_find(header, name, "inputs") for name in drive)
    taken = {axis, *driven}
    if wanted is None:
        chosen = tuple(column for column in range(count) if column not in taken)
    else:
        chosen = tuple(_find(header, name, "channels") for name in wanted)
    twice = [header[column] for column in (*chosen, *driven) if column == axis or column in {*chosen} & {*driven}]
    if twice:
        raise ConfigError(f"column {twice[0]!r} has two roles: it is named in two of time, channels and inputs")
    if not chosen:
        raise ConfigError(f"no column is left for the channels: the columns are {_listed(header)}")
    nameless = [column + 1 for column in chosen if not header[column]]
    if nameless:
        raise DataError(f"column {nameless[0]} has no name: name it in the header, or choose others with `channels`")
    return Choice(header, axis, chosen, driven)


def _find(header: tuple[str, ...], name: str, what: str) -> int:
    if name in header:
        return header.index(name)
    near = difflib.get_close_matches(name, header, 1)
    hint = f": did you mean {near[0]!r}?" if near else ""
    raise ConfigError(f"`{what}` names {name!r}, and the columns are {_listed(header)}{hint}")


def _listed(header: Sequence[str]) -> str:
    shown = ", ".join(map(repr, header[:20]))
    return shown if len(header) <= 20 else f"{shown}, ... ({len(header)} in all)"
