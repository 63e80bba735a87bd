"""Neighbours of states of a trajectory that are near in space but not in time."""

import numpy as np
from scipy.spatial import KDTree

from recurra._types import whole_number
from recurra.errors import ConfigError

_MOST = 100_000_000  # numbers in one answer of the tree


def nearest_neighbors(
    points: np.ndarray, rows: np.ndarray, count: int = 1, *, theiler: int = 0, norm: float = 2.0
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest points to some of them that are more than `theiler` rows away in time and not the same point.

    Points that agree exactly are no neighbours: they say nothing about how states part.

    Args:
        points: (rows, dimension), in the order of time.
        rows: numbers of the points whose neighbours are asked for.
        count: neighbours of each.
        theiler: rows of time around each point that are left out (J. Theiler, Physical Review A 34 (1986) 2427).
        norm: 2, or infinity for the largest difference.

    Returns:
        Distances and rows (len(rows), count), the nearest first; infinity and -1 where there are not as many.

    Raises:
        ConfigError: a window that is no whole number of at least 0.
    """
    if not whole_number(theiler) or theiler < 0:
        raise ConfigError(f"`theiler` must be a whole number of rows, 0 or more, got {theiler!r}")
    tree = KDTree(points)
    distances = np.full((len(rows), count), np.inf)
    found = np.full((len(rows), count), -1)
    left, asked = np.arange(len(rows)), min(len(points), count + 4)
    while left.size:
        size = max(1, _MOST // asked)
        again = []
        for start in range(0, len(left), size):
            part = left[start : start + size]
            d, k = tree.query(points[rows[part]], k=asked, p=norm)
            d, k = d.reshape(len(part), -1), k.reshape(len(part), -1)
            good = (np.abs(k - rows[part][:, None]) > theiler) & (d > 0)
            enough = good.sum(axis=1) >= count
            done = enough if asked < len(points) else np.ones(len(part), bool)
            order = np.argsort(~good[done], axis=1, kind="stable")[:, :count]
            ok = np.take_along_axis(good[done], order, axis=1)
            width = order.shape[1]
            distances[part[done], :width] = np.where(ok, np.take_along_axis(d[done], order, axis=1), np.inf)
            found[part[done], :width] = np.where(ok, np.take_along_axis(k[done], order, axis=1), -1)
            again.append(part[~done])
        left = np.concatenate(again)
        asked = min(len(points), 2 * asked)
    return distances, found
