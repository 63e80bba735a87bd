"""The objective of a network with a finite memory: forecasts that have all of it before them."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from recurra.training.objectives import NextSteps, Objective


@dataclass(frozen=True)
class FullWindows(Objective):
    """As `NextSteps`, but without the first steps of a window, at which the memory is not filled yet.

    A network that sees the last `memory` rows would be trained on zeros there, in the place of rows that it has
    whenever it forecasts. `data` is that of `NextSteps`.

    Args:
        inner: what is minimised.
        memory: rows that an output depends on, at most `inner.steps`.
    """

    inner: NextSteps
    memory: int

    def count(self, data: Any) -> int:
        return self.inner.count(data)

    def length(self, data: Any) -> int:
        return self.inner.length(data)

    def loss(self, model: Any, data: Any, index: jax.Array, keys: Any = None) -> jax.Array:
        values, drive, starts, *observed = data
        windows, span = len(index), self.inner.steps + 1
        rows = (starts[index][:, None] + jnp.arange(span)).reshape(-1)
        filled = jnp.tile(jnp.arange(span) >= self.memory, windows)[:, None]  # row r follows r rows of its window
        seen = observed[0][rows] & filled if observed else jnp.broadcast_to(filled, values[rows].shape)
        cut = values[rows], drive[rows], span * jnp.arange(windows), seen
        return self.inner.loss(model, cut, jnp.arange(windows), keys)
