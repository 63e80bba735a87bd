"""One step of a fixed-step method for each row."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np


@dataclass(frozen=True)
class FixedStep:
    """A method with the step dt of the rows.

    Args:
        step: (field, t, y, dt) -> y at t + dt.
    """

    step: Callable
    tolerance: ClassVar[None] = None

    def blocks(self, times: np.ndarray) -> list[np.ndarray]:
        """The times as they are: every one of them costs a step."""
        return [times]

    def rows(self, field: Callable, start: jax.Array, times: jax.Array, dt: jax.Array, jumps: jax.Array) -> jax.Array:
        """The states at `times`, the first of which is `start`; a jump within a step costs the method its order."""
        del jumps

        def advance(y, t):
            y = self.step(field, t, y, dt)
            return y, y

        _, rest = jax.lax.scan(advance, start, times[:-1])
        return jnp.concatenate([start[None], rest])
