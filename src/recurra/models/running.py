"""How a step map runs over a sequence, on given inputs or on its own output."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from recurra._types import LOST
from recurra.cells import Array


def unroll(step: Callable[[Any, Any], tuple[Any, Any]], state: Any, xs: Any) -> tuple[Any, Any]:
    """Run a step map over a sequence, in any mode of differentiation: the last state and every output."""
    return jax.lax.scan(lambda carry, x: step(carry, x), state, xs)


def scan_batch(
    step: Callable[[Any, Any], tuple[Any, Any]], state: Any, xs: Array, present: Array | None = None
) -> tuple[Any, jax.Array]:
    """Run a step map for one datum over a batch of sequences.

    Args:
        step: `(state, x) -> (state, y)`.
        state: a leading batch axis on every array.
        xs: (batch, steps, inputs).
        present: (batch, steps), False at steps that leave the state as it is, whatever x is there; None for all.

    Returns:
        The last state, and the outputs (batch, steps, outputs); those at steps that are not present mean nothing.
    """

    def held(state: Any, row: tuple[Any, Any]) -> tuple[Any, Any]:
        x, there = row
        if there is None:
            return step(state, x)
        new, y = step(state, jnp.where(there, x, 0.0))
        return jax.tree.map(lambda after, before: jnp.where(there, after, before), new, state), y

    return jax.vmap(lambda s, x, p: unroll(held, s, (x, p)))(state, xs, present)


def closed_loop(
    step: Callable[[Any, Any], tuple[Any, Any]], state: Any, last: Array, drive: Array
) -> tuple[Any, jax.Array]:
    """Run a step map on its own output: y[0] = step(last), y[k+1] = step(y[k]), with row k of `drive` beside y[k-1].

    An output that runs away is held at LOST standard deviations.

    Args:
        step: `(state, x) -> (state, y)` with x = [y, drive].
        state: the state after all rows before `last`.
        last: the last true row (channels,).
        drive: (steps, drive) exogenous inputs; zero columns for none. Its length sets the number of steps.

    Returns:
        The last state, and the outputs (steps, channels).
    """

    def body(carry: tuple[Any, jax.Array], u: jax.Array) -> tuple[tuple[Any, jax.Array], jax.Array]:
        state, y = carry
        state, y = step(state, jnp.concatenate([y, u]))
        y = jnp.clip(y, -LOST, LOST)
        return (state, y), y

    (state, _), ys = unroll(body, (state, last), drive)
    return state, ys
