"""What arguments of several diagnostics have to be."""

from typing import Any

from recurra._types import whole_number
from recurra.errors import ConfigError


def check_whole(least: int, **numbers: Any) -> None:
    """Refuse, by its name, what is no whole number of at least so much."""
    for name, value in numbers.items():
        if not whole_number(value) or value < least:
            raise ConfigError(f"`{name}` must be a whole number of at least {least}, got {value!r}")
