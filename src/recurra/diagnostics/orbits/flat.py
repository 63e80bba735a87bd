"""States of any structure as vectors: what the search for orbits works on."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from recurra.diagnostics.maps import flat_step
from recurra.errors import ConfigError, DivergenceError


def pack(tree: Any, lead: int = 0) -> np.ndarray:
    """The numbers of a state as a vector, float64; the first `lead` axes are kept."""
    leaves = [np.asarray(leaf, np.float64) for leaf in jax.tree.leaves(tree)]
    if not leaves:
        raise ConfigError("a state holds at least one array")
    shapes = {leaf.shape[:lead] for leaf in leaves}
    if len(shapes) != 1 or any(leaf.ndim < lead for leaf in leaves):
        raise ConfigError("of several states every array has one leading axis, as long in all of them")
    return np.concatenate([leaf.reshape(*leaf.shape[:lead], -1) for leaf in leaves], axis=-1)


def unpack(vectors: np.ndarray, like: Any) -> Any:
    """Vectors (..., size) as states in the structure of `like`, with the same leading axes."""
    leaves, structure = jax.tree.flatten(like)
    shapes = [np.shape(leaf) for leaf in leaves]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
    parts = np.split(vectors, ends, axis=-1)
    lead = vectors.shape[:-1]
    return jax.tree.unflatten(structure, [part.reshape(lead + s) for part, s in zip(parts, shapes, strict=True)])


def in_float64(tree: Any) -> Any:
    """A state whose arrays are all float64, in NumPy."""
    return jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), tree)


def trajectory(step: Callable[[Any], Any], start: Any, steps: int, *, every: int = 1, skip: int = 0) -> np.ndarray:
    """The states (steps, size) that follow `start`, as vectors.

    Args:
        step: the step map.
        start: a state.
        steps: rows; each number of them is compiled once.
        every: steps of the map between two rows.
        skip: steps before the first of them.
    """
    with jax.enable_x64(True):
        return np.asarray(_follow(step, in_float64(start), np.asarray(every), np.asarray(skip), steps))


def moved(step: Callable[[Any], Any], like: Any, vectors: np.ndarray, times: int = 1) -> np.ndarray:
    """Where so many steps lead from each of the vectors (states, size)."""
    with jax.enable_x64(True):
        return np.asarray(_move(step, like, vectors, np.asarray(times)))


def settled(step: Callable[[Any], Any], start: Any, steps: int) -> Any:
    """The state that follows `start` after so many steps.

    Raises:
        DivergenceError: it is not finite.
    """
    last = trajectory(step, start, 1, skip=steps)[0]
    if not np.isfinite(last).all():
        raise DivergenceError(f"the trajectory leaves the finite numbers within {steps} steps: take another start")
    return unpack(last, start)


@eqx.filter_jit
def _follow(step: Any, start: Any, every: Any, skip: Any, steps: int) -> jax.Array:
    def row(vector: jax.Array, times: Any) -> tuple[jax.Array, jax.Array]:
        vector = flat_step(step, start, times=times)(vector)
        return vector, vector

    times = jnp.full(steps, every).at[0].add(skip)
    return jax.lax.scan(row, ravel_pytree(start)[0], times)[1]


@eqx.filter_jit
def _move(step: Any, like: Any, vectors: Any, times: Any) -> jax.Array:
    return jax.vmap(flat_step(step, like, times=times))(vectors)
