"""Where a search for orbits starts: at states that are visited, near them, and in the box around them."""

from typing import Any

import jax
import numpy as np

from recurra.diagnostics.orbits.flat import pack, trajectory
from recurra.errors import ConfigError, DivergenceError

_ROWS = 2000  # of the trajectory
_JITTER = 0.3  # standard deviations


def visited(step: Any, start: Any, count: int, seed: int) -> np.ndarray:
    """Starts (count, size): half of them states of a trajectory, a quarter near such, a quarter in a box half as wide
    again as what it visits. Rows in which it has left the finite numbers are no starts.

    Raises:
        DivergenceError: the first step leads to nothing finite.
    """
    rng = np.random.default_rng(seed)
    rows = np.concatenate([pack(start)[None], trajectory(step, start, _ROWS)])
    rows = rows[np.isfinite(rows).all(axis=1) & (np.abs(rows).max(axis=1) < 1e100)]
    if len(rows) < 2:
        raise DivergenceError("the first step leaves the finite numbers: take another start")
    near, inside = count // 4, count // 4
    grid = np.geomspace(1, len(rows), count - near - inside + 1)[:-1] - 1  # the way there is as good as the attractor
    along = rows[np.round(grid).astype(int)]
    around = rows[rng.integers(len(rows), size=near)]
    around = around + _JITTER * rows.std(axis=0) * rng.standard_normal(around.shape)
    low, high = rows.min(axis=0), rows.max(axis=0)
    box = rng.uniform(1.25 * low - 0.25 * high, 1.25 * high - 0.25 * low, (inside, rows.shape[1]))
    return np.concatenate([along, around, box])


def given(starts: Any) -> tuple[np.ndarray, Any]:
    """States with a leading axis, as vectors (starts, size), and one of them.

    Raises:
        ConfigError: no start, uneven axes, numbers that are not finite.
    """
    vectors = pack(starts, lead=1)
    if not len(vectors) or not np.isfinite(vectors).all():
        raise ConfigError("`starts` are one state or more along a leading axis, all finite")
    return vectors, jax.tree.map(lambda leaf: np.asarray(leaf, np.float64)[0], starts)


def typical(vectors: np.ndarray) -> np.ndarray:
    """The size (size,) of each number of a state: the root mean square; the largest of them where it is zero in all."""
    found = np.sqrt((vectors**2).mean(axis=0))
    largest = found.max() if found.max() > 0 else 1.0
    return np.where(found > 1e-12 * largest, found, largest)
