"""How directions grow along trajectories: the derivative of a step applied to many at once, decomposed as it goes."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from recurra.diagnostics.checks import check_whole
from recurra.diagnostics.maps import flat_step
from recurra.errors import ConfigError, DivergenceError


class Schedule(NamedTuple):
    """How many decompositions come when; numbers that are traced, so that others need no new compilation.

    Args:
        before: of the transient.
        each: in each of the parts.
        rest: after the last part.
    """

    before: Any
    each: Any
    rest: Any

    @staticmethod
    def of(transient: int, steps: int, parts: int, qr_every: int) -> "tuple[Schedule, int]":
        """For so many steps, rounded up to whole decompositions; and the number of parts, no more than these."""
        pieces = -(-steps // qr_every)
        parts = min(parts, pieces)
        each, rest = divmod(pieces, parts)
        numbers = -(-transient // qr_every), each, rest
        return Schedule(*(np.asarray(number) for number in numbers)), parts  # else they would be compiled in


class Starts(NamedTuple):
    """Where trajectories start.

    Args:
        states: with a leading axis of trajectories.
        directions: (trajectories, size, count), random.
    """

    states: Any
    directions: np.ndarray

    @property
    def size(self) -> int:
        """Numbers in one state."""
        return self.directions.shape[1]


def starts(start: Any, many: bool, count: int | None, seed: int, few: int) -> Starts:
    """Trajectories from one state, or from many, with `count` random directions each, or `few` at most.

    Raises:
        ConfigError: states of many trajectories that do not fit together; more directions than numbers in a state.
    """
    state = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), start)
    if many and (len(axes := {leaf.shape[:1] for leaf in jax.tree.leaves(state)}) != 1 or () in axes):
        raise ConfigError("of `many` trajectories every array of `start` has one leading axis, as long in all of them")
    state = state if many else jax.tree.map(lambda leaf: leaf[None], state)
    leaves = jax.tree.leaves(state)
    size, trajectories = sum(leaf[0].size for leaf in leaves), len(leaves[0])
    count = min(size, few) if count is None else count
    check_whole(1, count=count)
    if count > size:
        raise ConfigError(f"`count` is {count}, and a state of {size} numbers has {size} exponents")
    return Starts(state, np.random.default_rng(seed).standard_normal((trajectories, size, count)))


def refuse_lost(growth: np.ndarray, last: Any, steps: int) -> None:
    """Raise `DivergenceError` where a trajectory left the finite numbers."""
    if np.isnan(growth).any() or not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(last)):
        raise DivergenceError(
            f"a trajectory leaves the finite numbers within {steps} steps: start closer to its attractor"
        )


def push(forward: Callable[[Any], Any], state: Any, tangents: Any) -> tuple[jax.Array, jax.Array]:
    """One step of a state as a vector, and of the directions that are the columns of `tangents`."""
    state, derivative = jax.linearize(forward, state)
    return state, jax.vmap(derivative, in_axes=1, out_axes=1)(tangents)


@eqx.filter_jit
def grow(
    step: Callable[..., Any], begin: Starts, schedule: Schedule, parts: int, qr_every: int, drive: Any = None
) -> tuple[Any, Any, Any, Any]:
    """Follow states and directions.

    Returns:
        the last states, the states at the beginning of each part (trajectories, parts, ...), the logarithms of growth
        (trajectories, parts, count) over each part, and those of the rest (trajectories, count).
    """
    like = jax.tree.map(lambda leaf: leaf[0], begin.states)
    rebuild = ravel_pytree(like)[1]

    def forward(k: Any) -> Callable[[Any], Any]:
        return flat_step(step, like, *(() if drive is None else (jax.tree.map(lambda rows: rows[k], drive),)))

    def advance(carry: Any) -> tuple[Any, jax.Array]:
        state, tangents, k = jax.lax.fori_loop(
            0, qr_every, lambda _, c: (*push(forward(c[2]), c[0], c[1]), c[2] + 1), carry
        )
        Q, R = jnp.linalg.qr(tangents)
        return (state, Q, k), jnp.log(jnp.abs(jnp.diagonal(R)))

    def add(_: Any, both: Any) -> Any:
        carry, more = advance(both[0])
        return carry, both[1] + more

    def stretch(carry: Any, pieces: Any) -> Any:
        new, logs = jax.lax.fori_loop(0, pieces, add, (carry, jnp.zeros(begin.directions.shape[-1])))
        return new, (carry[0], logs)

    # transient, parts and rest in one loop, so that the step is compiled once
    pieces = jnp.full(parts + 2, schedule.each).at[0].set(schedule.before).at[-1].set(schedule.rest)

    def along(state: Any, tangents: Any) -> Any:
        begins = (state, jnp.linalg.qr(tangents)[0], jnp.asarray(0))
        (last, *_), (places, logs) = jax.lax.scan(stretch, begins, pieces)
        return last, places[1:-1], logs[1:-1], logs[-1]

    flat = jax.vmap(lambda state: ravel_pytree(state)[0])(begin.states)
    last, places, logs, left = jax.vmap(along)(flat, begin.directions)
    return jax.vmap(rebuild)(last), jax.vmap(jax.vmap(rebuild))(places), logs, left
