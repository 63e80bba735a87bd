"""Which column is time, which are channels and which are inputs; and what a reader hands on."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recurra._types import names
from recurra.errors import ConfigError, DataError

TIME_NAMES = ("t", "time", "date")


@dataclass(frozen=True, eq=False)
class Parts:
    """What a reader found in a file: the arguments of a `Series`, before `units` and `dt` are settled."""

    values: np.ndarray
    channels: tuple[str, ...] | None = None
    times: np.ndarray | None = None
    inputs: np.ndarray | None = None
    input_names: tuple[str, ...] | None = None
    units: tuple[str, ...] | None = None
    dt: float | None = None
    first_line: int | None = None  # of a text file: where row 0 stands


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
