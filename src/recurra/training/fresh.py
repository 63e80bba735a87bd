"""Data that are new in every epoch: a task that draws its sequences never shows one twice."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Fresh:
    """What a training takes in the place of its arrays; a stretch is one epoch then.

    Args:
        draw: the arrays of epoch 0, 1, ..., always of the same shapes, and the same for the same epoch.
        identity: what the arrays are drawn from, in words that differ where they do: a checkpoint of another training
            is known by it.
    """

    draw: Callable[[int], Any]
    identity: str


def arrays_of(data: Any, epoch: int) -> Any:
    """The arrays of an epoch."""
    return data.draw(epoch) if isinstance(data, Fresh) else data
