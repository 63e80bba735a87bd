"""Where a search for orbits starts: at states that are visited and about them, or at rows that a network is held at."""

from typing import Any

import equinox as eqx
import jax
import numpy as np

from recurra.diagnostics.orbits.flat import pack, trajectory
from recurra.errors import ConfigError, DivergenceError

_ROWS = 2000  # of the trajectory
_JITTER = 0.3  # standard deviations
_PLACES = 8  # at which a network is held
_APART = 0.5  # standard deviations between two of them
_HELD = 200  # steps


def visited(step: Any, start: Any, count: int, seed: int) -> np.ndarray:
    """Starts (count, size): half of them states of a trajectory, a quarter near such, a quarter in a box half as wide
    again as what it visits. Rows in which it has left the finite numbers are no starts.

    Raises:
        DivergenceError: the first step leads to nothing finite.
    """
    rng = np.random.default_rng(seed)
    rows = _followed(step, start)
    near, inside = count // 4, count // 4
    grid = np.geomspace(1, len(rows), count - near - inside + 1)[:-1] - 1  # the way there is as good as the attractor
    along = rows[np.round(grid).astype(int)]
    around = rows[rng.integers(len(rows), size=near)]
    around = around + _JITTER * rows.std(axis=0) * rng.standard_normal(around.shape)
    low, high = rows.min(axis=0), rows.max(axis=0)
    box = rng.uniform(1.25 * low - 0.25 * high, 1.25 * high - 0.25 * low, (inside, rows.shape[1]))
    return np.concatenate([along, around, box])


def held(step: Any, start: Any, rows: np.ndarray | None) -> np.ndarray:
    r"""Starts (count, size) at which a network answers one row for ever: all of it rests but the row that it gives.

    .. math:: h_{t+1}(v) = F(h_t, v), \quad (h_\infty(v), v)

    From there Newton's method for all of the state is that for v alone, as long as h follows v.

    Args:
        step: (hidden, row) -> (hidden, row).
        start: a state.
        rows: in which slow ones are looked for, scaled (rows, channels); None for those that follow the start.

    Raises:
        DivergenceError: the first step leads to nothing finite.
    """
    if rows is None:
        rows = _followed(step, start)[:, -np.size(start[1]) :]
    places = slow_rows(rows)
    with jax.enable_x64(True):
        hidden = jax.tree.map(np.asarray, _settled(step, start[0], places))
    return pack((hidden, places), lead=1)


def slow_rows(rows: np.ndarray) -> np.ndarray:
    """Some rows at which little moves, each far from the others, and the middle of all (places, channels)."""
    speed = np.linalg.norm(np.diff(rows, axis=0), axis=1)
    apart = _APART * np.sqrt(rows.shape[1])
    chosen = [rows.mean(axis=0)]
    for k in np.argsort(speed, kind="stable"):
        if len(chosen) == _PLACES:
            break
        if min(np.linalg.norm(rows[k] - other) for other in chosen) > apart:
            chosen.append(rows[k])
    return np.stack(chosen)


@eqx.filter_jit
def _settled(step: Any, hidden: Any, rows: Any) -> Any:
    def settle(row: Any) -> Any:
        return jax.lax.fori_loop(0, _HELD, lambda _, hidden: step((hidden, row))[0], hidden)

    return jax.vmap(settle)(rows)


def _followed(step: Any, start: Any) -> np.ndarray:
    """A start and the states that follow it, as vectors, but for those that are not finite."""
    rows = np.concatenate([pack(start)[None], trajectory(step, start, _ROWS)])
    rows = rows[np.isfinite(rows).all(axis=1) & (np.abs(rows).max(axis=1) < 1e100)]
    if len(rows) < 2:
        raise DivergenceError("the first step leaves the finite numbers: take another start")
    return rows


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
