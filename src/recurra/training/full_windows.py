"""The objective of a network with a finite memory: forecasts that have all of it before them."""

from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp

from recurra.models import Layers
from recurra.training.objectives import NextSteps, Objective, Windows


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

    def at(self, data: Any, update: Any) -> Any:
        return self.inner.at(data, update)

    def outputs(self, model: Any, data: Any, index: jax.Array, keys: Any = None) -> tuple[jax.Array, Layers]:
        return self.inner.outputs(model, data, index, keys)

    def compared(self, outputs: Any, model: Any, data: Any, index: jax.Array) -> jax.Array:
        return self.inner.compared(outputs, model, self._cut(data, index), jnp.arange(len(index)))

    def terms(self, data: Any, index: jax.Array) -> Any:
        return self.inner.terms(self._cut(data, index), jnp.arange(len(index)))

    def matched(self) -> "FullWindows":
        return replace(self, inner=self.inner.matched())

    def _cut(self, data: Any, index: jax.Array) -> Any:
        """The windows one after the other, and as not observed what comes before the memory is filled."""
        windows, count, span = Windows(*data), len(index), self.inner.steps + 1
        rows = (windows.starts[index][:, None] + jnp.arange(span)).reshape(-1)
        values = windows.values[rows]
        filled = jnp.tile(jnp.arange(span) >= self.memory, count)[:, None]  # row r follows r rows of its window
        seen = jnp.broadcast_to(filled, values.shape) if windows.observed is None else windows.observed[rows] & filled
        return values, windows.drive[rows], span * jnp.arange(count), seen
