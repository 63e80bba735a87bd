"""The variables of a container file: which hold the channels, which axis is time. Only then is anything read."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import numpy as np

from recurra.data.columns import TIME_NAMES
from recurra.data.formats.cf import is_time, text
from recurra.errors import ConfigError, DataError, unknown

CLOCKS = (*TIME_NAMES, "times")
Index = tuple[int | slice, ...]
_ADDRESS = re.compile(r"(?P<name>.+?)\s*\[(?P<index>[\d\s:,]*)\]")
_PART = re.compile(r"\s*(?P<start>\d*)\s*(?P<colon>:?)\s*(?P<stop>\d*)\s*")
_SHOWN = 20


@dataclass(frozen=True, eq=False)
class Variable:
    """One array of a container, not read yet.

    Args:
        name: path in the file, without a leading slash.
        shape: of the array.
        size: bytes of one element.
        read: index -> the stored numbers (or words, for labels).
        dims: one name an axis, that of its coordinate where there is one; "" without. Empty: no axis has a name.
        attributes: units, CF conventions.
        kind: what it holds where these are no real numbers: "text", "a struct"; "" for numbers.
        fault: why its numbers are refused; "" where they are not.
        separator: what stands between the parts of its path.
    """

    name: str
    shape: tuple[int, ...]
    size: int
    read: Callable[[Index], np.ndarray]
    dims: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    kind: str = ""
    fault: str = ""
    separator: str = "/"

    @property
    def base(self) -> str:
        """The last part of the path."""
        return self.name.rpartition(self.separator)[2]

    @property
    def folder(self) -> str:
        """The path without its last part."""
        return self.name.rpartition(self.separator)[0]

    @property
    def numeric(self) -> bool:
        """Whether it holds real numbers that may be read."""
        return not self.kind and not self.fault


class Container:
    """What a file holds, by name; `max_bytes` bounds what is read of it at once."""

    def __init__(self, variables: list[Variable], max_bytes: int, group: str | None = None):
        self.all = {variable.name: variable for variable in variables}
        self.max_bytes = max_bytes
        separator = variables[0].separator if variables else "/"
        prefix = f"{group.strip(separator)}{separator}" if group and group.strip(separator) else ""
        self.scope = {name.removeprefix(prefix): found for name, found in self.all.items() if name.startswith(prefix)}
        if not self.scope:
            groups = {found.folder for found in variables} - {""}
            raise ConfigError(unknown("group", group, groups) if prefix else "the file holds no variables")

    def find(self, given: str) -> tuple[Variable, Index]:
        """The variable of an address, as `x`, `/group/x` or `x[:, 3]`, and what to take of it."""
        name = given.lstrip("/")
        if name in self.scope:
            return self.scope[name], (slice(None),) * len(self.scope[name].shape)
        match = _ADDRESS.fullmatch(name)
        if match is None or match["name"] not in self.scope:
            near = get_close_matches(given, self.scope, 1)
            hint = f", did you mean {near[0]!r}?" if near else ""
            raise ConfigError(f"there is no variable {given!r}{hint}: the file holds {self.listed()}")
        variable = self.scope[match["name"]]
        return variable, _index(given, match["index"], variable)

    def has(self, name: str) -> bool:
        """Whether there is such a variable."""
        match = _ADDRESS.fullmatch(name.lstrip("/"))
        return name.lstrip("/") in self.scope or (match is not None and match["name"] in self.scope)

    def check(self, variable: Variable, *, words: bool = False) -> None:
        """Refuse what holds no numbers, or none that may be read."""
        if variable.fault:
            raise DataError(f"{variable.name!r} {variable.fault}")
        if variable.kind and not (words and variable.kind == "text"):
            raise DataError(
                f"{variable.name!r} holds {variable.kind}, expected real numbers: choose another with `variable`; the "
                f"file holds {self.listed()}"
            )

    def read(self, variable: Variable, index: Index, *, words: bool = False) -> np.ndarray:
        """Its numbers, checked for kind and size before they are read."""
        self.check(variable, words=words)
        needed = max(variable.size, 8)  # float64 in the end
        for length in _taken(variable.shape, index):
            needed *= length
        if needed > self.max_bytes:
            raise DataError(
                f"{variable.name!r} {variable.shape} declares {needed} bytes of numbers, more than the limit of "
                f"{self.max_bytes}: take a part of it, as {_example(variable)!r}, or raise `max_bytes`"
            )
        if not needed:
            raise DataError(f"{variable.name!r} is empty: shape {variable.shape}")
        return variable.read(index)

    def clock(self, variable: Variable) -> bool:
        """Whether it is a time axis by its attributes or its name."""
        return variable.numeric and (is_time(variable.attributes) or variable.base.lower() in CLOCKS)

    def candidates(self) -> list[str]:
        """Names of what could be meant where nothing is said: numbers that are no coordinate of others."""
        aside = {dim for found in self.all.values() for dim in found.dims}
        for found in self.all.values():
            listed = f"{text(found.attributes.get('coordinates'))} {text(found.attributes.get('bounds'))}".split()
            aside |= {f"{found.folder}/{name}".lstrip("/") for name in listed}
        return [
            name
            for name, found in self.scope.items()
            if found.shape and found.numeric and found.name not in aside and not self.clock(found) and name != "dt"
        ]

    def listed(self) -> str:
        """Names and shapes, for messages; with what keeps a variable from being read."""
        shown = [_shown(name, found) for name, found in list(self.scope.items())[:_SHOWN]]
        rest = len(self.scope) - len(shown)
        return ", ".join(shown) + (f", ... ({rest} more)" if rest else "")


def _shown(name: str, found: Variable) -> str:
    dims = [dim.rpartition("/")[2] for dim in found.dims]
    sides = found.shape if not any(dims) else [f"{d or '?'}: {n}" for d, n in zip(dims, found.shape, strict=True)]
    what = f" ({found.kind})" if found.kind else " (refused)" if found.fault else ""
    return f"{name} ({', '.join(map(str, sides))}{',' if len(sides) == 1 and not any(dims) else ''}){what}"


def _index(given: str, written: str, variable: Variable) -> Index:
    parts = written.split(",")
    if len(parts) != len(variable.shape):
        raise ConfigError(
            f"`variable={given!r}` has {len(parts)} indices and {variable.name!r} has {len(variable.shape)} axes "
            f"{variable.shape}: write as {_example(variable)!r}"
        )
    return tuple(_one(given, part, length) for part, length in zip(parts, variable.shape, strict=True))


def _one(given: str, part: str, length: int) -> int | slice:
    match = _PART.fullmatch(part)
    if match is None or (not match["colon"] and not match["start"]):
        raise ConfigError(f"`variable={given!r}`: {part.strip()!r} is no index: write a number, `:` or `2:5`")
    start, stop = (int(match[side]) if match[side] else None for side in ("start", "stop"))
    if match["colon"]:
        first, last = start or 0, length if stop is None else stop
        if not first < last <= length:
            raise ConfigError(f"`variable={given!r}`: {part.strip()!r} is outside of an axis of length {length}")
        return slice(first, last)
    if start is None or start >= length:
        raise ConfigError(f"`variable={given!r}`: {part.strip()!r} is outside of an axis of length {length}")
    return start


def _taken(shape: tuple[int, ...], index: Index) -> list[int]:
    return [
        len(range(length)[part]) if isinstance(part, slice) else 1 for length, part in zip(shape, index, strict=True)
    ]


def _example(variable: Variable) -> str:
    """An address that picks one column."""
    return f"{variable.name}[{', '.join([':', *['0'] * (len(variable.shape) - 1)])}]"
