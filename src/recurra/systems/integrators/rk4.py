"""The classical Runge-Kutta method, order 4 (Kutta 1901)."""

from collections.abc import Callable

import jax


def step(field: Callable, t: jax.Array, y: jax.Array, dt: jax.Array) -> jax.Array:
    """One step, y + dt (k1 + 2 k2 + 2 k3 + k4) / 6."""
    k1 = field(t, y)
    k2 = field(t + dt / 2, y + dt / 2 * k1)
    k3 = field(t + dt / 2, y + dt / 2 * k2)
    k4 = field(t + dt, y + dt * k3)
    return y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
