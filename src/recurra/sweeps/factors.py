"""Sums of the readout as files, and merged in a tree whose shape depends on their number alone."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recurra.errors import DataError
from recurra.reservoirs.readout import GramSum, RowSum, TriangularFactor
from recurra.reservoirs.triangle import PANEL, tpqrt
from recurra.sweeps.survey import read_arrays, write_arrays

Factor = TriangularFactor | GramSum


def write_factor(path: Path, total: RowSum, **beside: Any) -> None:
    """Write a sum, and numbers beside it, to one file."""
    if not isinstance(total, TriangularFactor | GramSum):
        raise TypeError(f"no file is known for a {type(total).__name__}")
    kind, table = ("R", total.R) if isinstance(total, TriangularFactor) else ("G", total.G)
    sizes = np.array([total.features, total.rows])
    write_arrays(path, **{kind: table}, sizes=sizes, **{name: np.array(value) for name, value in beside.items()})


def read_factor(path: Path) -> tuple[Factor, dict[str, np.ndarray]]:
    """What `write_factor` wrote."""
    found = read_arrays(path)
    features, rows = (int(size) for size in found.pop("sizes", (0, 0)))
    if "R" in found:
        return TriangularFactor(np.asfortranarray(found.pop("R")), features, rows), found
    if "G" in found:
        return GramSum(found.pop("G"), features, rows), found
    raise DataError(f"{path} holds no sum: remove it, and repeat the command")


def merged(one: Factor, other: Factor) -> Factor:
    """The sum over the rows of both: of triangular factors, the factor of one below the other."""
    rows = one.rows + other.rows
    if isinstance(one, TriangularFactor) and isinstance(other, TriangularFactor):
        size = len(one.R)
        R, _, _ = tpqrt(size, min(PANEL, size), one.R, np.asfortranarray(np.triu(other.R)), overwrite_b=True)
        return TriangularFactor(np.triu(R), one.features, rows)
    if isinstance(one, GramSum) and isinstance(other, GramSum):
        return GramSum(one.G + other.G, one.features, rows)
    raise TypeError("a triangular factor and a Gram matrix have no common sum")


def tree(count: int, read: Callable[[int], Factor]) -> Factor:
    """All sums merged, neighbours first: the same bits whatever the order in which they were made.

    Args:
        count: how many.
        read: the sum of a number; at most log2(count) + 1 of them are held at once.

    >>> G = [GramSum(np.full((1, 1), k), 0, 1) for k in (1.0, 2.0, 4.0)]
    >>> tree(3, G.__getitem__).G.item()
    7.0
    """
    held: list[tuple[int, Factor]] = []  # height of each finished branch
    for k in range(count):
        height, total = 0, read(k)
        while held and held[-1][0] == height:
            total, height = merged(held.pop()[1], total), height + 1
        held.append((height, total))
    total = held.pop()[1]
    while held:
        total = merged(held.pop()[1], total)
    return total


def columns_at(header: Sequence[str], names: Sequence[str]) -> list[int]:
    """Where columns stand, by name."""
    return [header.index(name) for name in names]
