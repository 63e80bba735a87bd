"""Derivatives along a sequence that keep little of it, and compute the rest again."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from recurra.cells import Array
from recurra.models import Layers, Model
from recurra.training.wrappers import Around

Run = Callable[..., tuple[Any, ...]]  # (state, xs, present) -> the last state, and arrays (batch, steps, ...)


class Recomputed(Around, Model):
    """A model whose derivatives along given inputs keep its state at the start of every segment, and no more.

    Args:
        model: the model itself.
        steps: of a segment.

    Example:
        >>> import numpy as np
        >>> from recurra.models import Stack
        >>> model, xs = Stack.draw("gru", 1, 1, units=3, seed=0), np.ones((2, 7, 1), np.float32)
        >>> same = Recomputed(model, 3).run(model.initial_states(2), xs)[1] - model.run(model.initial_states(2), xs)[1]
        >>> bool(jnp.all(jnp.abs(same) < 1e-6))
        True
    """

    steps: int = eqx.field(static=True)

    def run(
        self, state: Any, xs: Array, present: Array | None = None, *, forward_mode: bool = False
    ) -> tuple[Any, jax.Array]:
        def run(state: Any, xs: Any, present: Any) -> tuple[Any, jax.Array]:
            return self.model.run(state, xs, present, forward_mode=forward_mode)

        state, outputs = in_segments(run, self.steps)(state, xs, present)
        return state, outputs

    def run_layers(self, state: Any, xs: Array, present: Array | None = None) -> tuple[Any, jax.Array, Layers]:
        state, outputs, layers = in_segments(self.model.run_layers, self.steps)(state, xs, present)
        return state, outputs, layers

    @property
    def distribution(self) -> Any:
        """That of the model, where it has one."""
        return self.model.distribution

    def run_distribution(self, state: Any, xs: Array, present: Array | None = None) -> tuple[Any, jax.Array, Layers]:
        """That of the model, where it has one."""
        state, both, layers = in_segments(self.model.run_distribution, self.steps)(state, xs, present)
        return state, both, layers


def in_segments(run: Run, steps: int) -> Run:
    """The same run, segment after segment; its derivatives keep the state at the start of each, and no more.

    What lies inside a segment is computed again whenever a derivative needs it: memory for one segment, and for the
    states between them, at the price of one more forward pass in each derivative.

    Args:
        run: of a batch of sequences (batch, steps, ...) from a state.
        steps: of a segment.

    Reference: A. Griewank, A. Walther, ACM Transactions on Mathematical Software 26 (2000) 19-45 (checkpointing).

    Example:
        >>> def total(state, xs, present=None):
        ...     sums = state + jnp.cumsum(xs, axis=1)
        ...     return sums[:, -1:], sums
        >>> in_segments(total, 2)(jnp.zeros((1, 1)), jnp.ones((1, 5)))[1].tolist()
        [[1.0, 2.0, 3.0, 4.0, 5.0]]
    """
    again = jax.checkpoint(lambda state, xs, present: run(state, xs, present))

    def segment(state: Any, given: tuple[Any, Any]) -> tuple[Any, Any]:
        new, *found = again(state, *given)
        return new, tuple(found)

    def segmented(state: Any, xs: Any, present: Any = None) -> tuple[Any, ...]:
        whole = xs.shape[1] // steps * steps
        state, parts = jax.lax.scan(segment, state, jax.tree.map(lambda a: _cut(a[:, :whole], steps), (xs, present)))
        found = jax.tree.map(_joined, parts)
        if whole < xs.shape[1]:
            state, last = segment(state, jax.tree.map(lambda a: a[:, whole:], (xs, present)))
            found = jax.tree.map(lambda a, b: jnp.concatenate([a, b], axis=1), found, last)
        return state, *found

    return segmented


def _cut(array: Any, steps: int) -> Any:
    """(batch, segments * steps, ...) as (segments, batch, steps, ...)."""
    return jnp.moveaxis(array.reshape(len(array), -1, steps, *array.shape[2:]), 1, 0)


def _joined(array: Any) -> Any:
    """The reverse of `_cut`."""
    return jnp.moveaxis(array, 0, 1).reshape(array.shape[1], -1, *array.shape[3:])
