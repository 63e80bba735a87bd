"""What an example gives back, and what they share."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from recurra.examples.parts import Parts
from recurra.report import Section, Table

Progress = Callable[[dict[str, Any]], None]
NOWHERE = Parts()  # where the parts of an example are kept by default


@dataclass(frozen=True)
class Outcome:
    """The result of an example.

    Args:
        results: plain data, one entry a seed in `results["seeds"]`.
        table: the scores, as printed and as in the report.
        sections: of the report.
        data_hash: SHA-256 of the data.
    """

    results: dict[str, Any]
    table: Table
    sections: list[Section] = field(default_factory=list)
    data_hash: str = ""


def kept(section: Section) -> dict[str, Any]:
    """A section without tables as plain data, for a part."""
    return {"title": section.title, "text": section.text, "figures": list(section.figures)}


def median(values: Iterable[float]) -> float:
    """The median as a plain number."""
    return float(np.median(list(values)))


def spread(values: Iterable[float]) -> str:
    """The smallest and the largest, as text."""
    found = list(values)
    return f"{min(found):.3g} to {max(found):.3g}"


def combined(hashes: Iterable[str]) -> str:
    """The SHA-256 of several data sets together, from theirs."""
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def counted(count: int, what: str) -> str:
    """ "1 seed", "5 seeds"."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def tick(progress: Progress | None, done: int, total: int) -> None:
    """Tell how far an example is, and let a signal stop it between two pieces."""
    if progress is not None:
        progress({"epoch": done, "epochs": total, "loss": None, "validation": None})
