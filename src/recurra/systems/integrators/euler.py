"""Forward Euler, order 1."""

from collections.abc import Callable

import jax


def step(field: Callable, t: jax.Array, y: jax.Array, dt: jax.Array) -> jax.Array:
    """One step, y + dt f(t, y)."""
    return y + dt * field(t, y)
