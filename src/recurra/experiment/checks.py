"""Checks of names and types in a configuration: a line for each problem, all reported at once."""

import math
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

from recurra._types import whole_number
from recurra.errors import ConfigError

_PLAIN = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    types.NoneType: "nothing",
}


def fits(value: Any, hint: Any) -> bool:
    """Whether a value from TOML is of the annotated type; true for annotations not understood."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, option) for option in inner)
    if origin is Literal:
        return value in inner
    if hint is int:
        return whole_number(value)
    if hint is float:
        return whole_number(value) or (isinstance(value, float) and math.isfinite(value))
    if hint in _PLAIN:
        return isinstance(value, hint)
    kind = origin or hint
    if kind in (list, tuple, Sequence):
        item = inner[0] if inner else Any
        return isinstance(value, list | tuple) and all(fits(element, item) for element in value)
    if kind in (dict, Mapping):
        return isinstance(value, Mapping)
    return True


def wanted(hint: Any) -> str:
    """An annotation in words.

    >>> wanted(int | None)
    'a whole number'
    """
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(wanted(option) for option in inner if option is not types.NoneType)
    if origin is Literal:
        return " or ".join(repr(option) for option in inner)
    if hint in _PLAIN:
        return _PLAIN[hint]
    kind = origin or hint
    if kind in (list, tuple, Sequence):
        return f"a list, each element {wanted(inner[0])}" if inner else "a list"
    return "a table" if kind in (dict, Mapping) else str(getattr(hint, "__name__", hint))


def mistyped(key: str, value: Any, hint: Any) -> list[str]:
    """The problem of a value of the wrong type, if it is one."""
    if fits(value, hint):
        return []
    return [f"{key} = {value!r} ({type(value).__name__}) must be {wanted(hint)}"]


def refuse(problems: Sequence[str], what: str) -> None:
    """Raise one `ConfigError` with every problem, if there are any."""
    if len(problems) == 1:
        raise ConfigError(f"{what}: {problems[0]}")
    if problems:
        raise ConfigError(f"{what}: {len(problems)} problems\n" + "\n".join(f"  - {line}" for line in problems))
