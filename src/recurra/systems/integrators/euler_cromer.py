"""Euler-Cromer, the semi-implicit Euler method for x'' = a(t, x, v); order 1, symplectic where a = a(x)."""

from collections.abc import Callable

import jax
import jax.numpy as jnp


def step(field: Callable, t: jax.Array, y: jax.Array, dt: jax.Array) -> jax.Array:
    """One step of y = (x, v): v' = v + dt a(t, x, v), then x' = x + dt v'.

    The harmonic oscillator keeps x^2 + v^2 - dt x v, its energy but for a term of order dt, for ever.

    References:
        A. Cromer, Am. J. Phys. 49 (1981) 455-459.
    """
    x, v = jnp.split(y, 2)
    _, a = jnp.split(field(t, y), 2)
    v = v + dt * a
    return jnp.concatenate([x + dt * v, v])
