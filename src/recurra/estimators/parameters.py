"""Checks of constructor parameters: all problems are said at once."""

import math
from typing import Any

import numpy as np

from recurra._types import whole_number
from recurra.errors import ConfigError, unknown


class Checks:
    """Collects what is wrong with a set of parameters, so that all of it is said at once."""

    def __init__(self, owner: Any):
        self.owner = owner
        self.problems: list[str] = []

    def number(
        self, name: str, low: float, high: float = math.inf, *, open_low: bool = False, optional: bool = False
    ) -> "Checks":
        """A finite real number in [low, high], or in (low, high]."""
        value = getattr(self.owner, name)
        if optional and value is None:
            return self
        good = isinstance(value, int | float | np.number) and not isinstance(value, bool) and np.isfinite(value)
        if not good or not low <= value <= high or (open_low and value == low):
            self._expected(name, f"a number {_range(low, high, open_low)}", value, optional)
        return self

    def whole(self, name: str, low: int, high: float = math.inf, *, optional: bool = False) -> "Checks":
        """A whole number in [low, high]."""
        value = getattr(self.owner, name)
        if optional and value is None:
            return self
        if not whole_number(value) or not low <= value <= high:
            self._expected(name, f"a whole number {_range(low, high, False)}", value, optional)
        return self

    def wholes(self, name: str, low: int, high: float = math.inf, *, optional: bool = False) -> "Checks":
        """A list of whole numbers in [low, high], which may be empty."""
        value = getattr(self.owner, name)
        if optional and value is None:
            return self
        good = isinstance(value, list | tuple) and all(whole_number(each) and low <= each <= high for each in value)
        if not good:
            self._expected(name, f"a list of whole numbers {_range(low, high, False)}", value, optional)
        return self

    def choice(self, name: str, known: list[str]) -> "Checks":
        """One of several names."""
        value = getattr(self.owner, name)
        if value not in known:
            self.problems.append(f"`{name}`: " + unknown("choice", str(value), known))
        return self

    def flag(self, name: str) -> "Checks":
        """True or False."""
        value = getattr(self.owner, name)
        if not isinstance(value, bool):
            self._expected(name, "true or false", value, False)
        return self

    def raise_all(self) -> None:
        """ConfigError with every problem found."""
        if self.problems:
            raise ConfigError(f"{type(self.owner).__name__}: " + "; ".join(self.problems))

    def _expected(self, name: str, what: str, value: Any, optional: bool) -> None:
        self.problems.append(f"`{name}` must be {what}{' or None' if optional else ''}, got {value!r}")


def _range(low: float, high: float, open_low: bool) -> str:
    lower = f"above {low:g}" if open_low else f"of at least {low:g}"
    return lower if high == math.inf else f"{lower} and at most {high:g}"
