"""Velocity Verlet for x'' = a(t, x, v); order 2, symplectic and reversible in time where a = a(x)."""

from collections.abc import Callable

import jax
import jax.numpy as jnp


def step(field: Callable, t: jax.Array, y: jax.Array, dt: jax.Array) -> jax.Array:
    """One step of y = (x, v): x' = x + dt v + dt^2 a / 2, v' = v + dt (a + a') / 2.

    a' = a(t + dt, x', v + dt a): the acceleration at the end sees the velocity that forward Euler predicts, which is
    right to order dt^2, so that the method keeps its order 2 where a depends on v. Where it does not, the
    prediction is unused and this is the velocity Verlet method as it stands in the literature.

    References:
        W. C. Swope, H. C. Andersen, P. H. Berens and K. R. Wilson, J. Chem. Phys. 76 (1982) 637-649.
    """
    x, v = jnp.split(y, 2)
    _, a = jnp.split(field(t, y), 2)
    x = x + dt * v + dt**2 / 2 * a
    _, after = jnp.split(field(t + dt, jnp.concatenate([x, v + dt * a])), 2)
    return jnp.concatenate([x, v + dt / 2 * (a + after)])
