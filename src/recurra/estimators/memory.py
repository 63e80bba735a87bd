"""How much memory a fit needs and a machine has: asked before the work, not found out in the middle of it."""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from math import prod
from pathlib import Path

from recurra.errors import ConfigError

_CONTAINER = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_COPIES = 10  # of the weights: themselves, gradient, direction, two moments, the step, old and new, best, NumPy's


def usable_memory() -> int:
    """Bytes that this process may use: those of the machine or, where it is less, of its container."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in _CONTAINER:
        with suppress(OSError, ValueError):  # no such file, or no limit
            return min(total, int(path.read_text()))
    return total


def refuse_beyond_memory(need: float, what: str, advice: str) -> None:
    """Refuse what cannot fit.

    Raises:
        ConfigError: `need` is more than there is; says both numbers, and `advice`.
    """
    total = usable_memory()
    if need > total:
        raise ConfigError(
            f"{what} needs about {need / 2**30:.0f} GiB of memory and this machine has {total / 2**30:.0f}: {advice}"
        )


def training_bytes(shapes: Iterable[Sequence[int]], units: int, gates: int, layers: int, steps: int) -> int:
    """About what backpropagation through time holds at once, in float32.

    Args:
        shapes: of the weights.
        units, gates, layers: of the network; each layer keeps its gates, states and their derivatives at every step.
        steps: time steps of all windows of a batch together.

    >>> training_bytes([(4, 1), (4, 4)], units=4, gates=1, layers=1, steps=100)
    13600
    """
    weights = sum(prod(shape) for shape in shapes)
    return 4 * (_COPIES * weights + 2 * (gates + 3) * units * layers * steps)
