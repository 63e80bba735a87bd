"""Settings from a TOML file, `--set key=value` and options, merged into one nested table."""

import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recurra.errors import ConfigError

_SIZE_LIMIT = 2**20


def read_toml(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The content of a TOML file; `ConfigError` where there is none to be had."""
    path = Path(path)
    try:
        if not path.is_file():
            raise ConfigError(f"no such configuration file: {path}")
        if path.stat().st_size > _SIZE_LIMIT:
            raise ConfigError(f"{path} has more than {_SIZE_LIMIT:,} bytes: is it a configuration?")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # tomllib raises both on hostile files
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{path} is not valid TOML: {error}") from error


def parse_setting(text: str) -> tuple[str, Any]:
    """Split `key=value`; the value is read as TOML, and as text where it is none.

    >>> parse_setting("units=500"), parse_setting("optimizer=adam")
    (('units', 500), ('optimizer', 'adam'))
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"`--set {text}`: write key=value, as in --set units=500")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        return key.strip(), value.strip()


def merge(
    table: Mapping[str, Any], settings: Sequence[tuple[str, Any]], options: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """Lay dotted settings and options over a nested table; returns it and the problems found.

    A key given twice with two values, by `--set` and by an option, is a problem: neither is silently dropped.
    """
    problems: list[str] = []
    given: dict[str, Any] = {}
    for key, value in [*settings, *((key, value) for key, value in options.items() if value is not None)]:
        if key in given and given[key] != value:
            problems.append(f"{key} is given twice: {given[key]!r} and {value!r}")
        given[key] = value
    merged = _copy(table)
    for key, value in given.items():
        *path, last = key.split(".")
        inner = merged
        for name in path:
            inner = inner.setdefault(name, {})
            if not isinstance(inner, dict):
                problems.append(f"{key}: {name!r} is not a table")
                break
        else:
            inner[last] = value
    return merged, problems


def flatten(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested tables as one, with dotted keys.

    >>> flatten({"data": {"dt": 0.1}, "seed": 0})
    {'data.dt': 0.1, 'seed': 0}
    """
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """One line for each setting in which two tables differ."""
    before, after = flatten(old), flatten(new)
    return [
        f"{key}: {before.get(key, 'absent')!r} there, {after.get(key, 'absent')!r} now"
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]


def _copy(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _copy(value) if isinstance(value, Mapping) else value for key, value in table.items()}
