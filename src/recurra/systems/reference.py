"""Lyapunov exponents of the built-in systems, measured; `python -m benchmarks.exponents` makes the table anew."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

_SURE, _FLOOR = 3.0, 1e-5
_TABLE = "reference_exponents.json"


@dataclass(frozen=True)
class ReferenceExponents:
    """Lyapunov exponents of a system, the mean over independent runs.

    Attributes:
        exponents: the largest ones, per time unit, largest first; where a force drives the system one of them, zero,
            is that of the time.
        errors: their standard errors, from run to run.
        size: numbers in the state, as many as there are exponents in all.
        dimension: Kaplan-Yorke dimension; None where more exponents are needed to tell.
        runs, time: how many runs, and time units in each after the transient.
        method: integrator and steps.
    """

    exponents: tuple[float, ...]
    errors: tuple[float, ...]
    size: int
    dimension: float | None
    runs: int
    time: float
    method: str

    @property
    def largest(self) -> float:
        """The largest exponent, and 0 where it is within three standard errors, or 1e-5, of 0."""
        return self.exponents[0] if abs(self.exponents[0]) > _SURE * self.errors[0] + _FLOOR else 0.0


def reference_exponents(system: Any) -> ReferenceExponents | None:
    """The measured exponents of a built-in system, or None where there are none for its parameters.

    Parameters that only say how finely it is solved play no part.

    Example:
        >>> from recurra.systems import Lorenz63
        >>> [round(exponent, 2) + 0.0 for exponent in reference_exponents(Lorenz63()).exponents]
        [0.91, 0.0, -14.57]
    """
    for row in _rows().get(system.name, ()):
        wanted = {name: value for name, value in row["parameters"].items() if name not in system.resolution}
        if wanted == {name: value for name, value in system.parameters.items() if name not in system.resolution}:
            numbers = tuple(row["exponents"]), tuple(row["errors"]), row["size"], row["dimension"]
            return ReferenceExponents(*numbers, row["runs"], row["time"], row["method"])
    return None


@cache
def _rows() -> dict[str, list[dict[str, Any]]]:
    table = json.loads((files("recurra.systems") / _TABLE).read_text("utf-8"))
    found: dict[str, list[dict[str, Any]]] = {}
    for row in table["rows"]:
        found.setdefault(row["system"], []).append(row)
    return found
