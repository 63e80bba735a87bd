"""The largest Lyapunov exponent of a step map: how fast two states that almost agree part, or meet."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from recurra._types import whole_number
from recurra.errors import ConfigError, DivergenceError


def largest_lyapunov_exponent(
    step: Callable[[Any], Any], start: Any, *, steps: int, transient: int = 1000, dt: float = 1.0, seed: int = 0
) -> float:
    r"""The mean rate at which a small difference grows, along one trajectory and in float64.

    .. math:: \lambda = \frac{1}{n \, dt} \sum_{t=1}^{n} \ln |J_t v_{t-1}|, \quad
        v_t = \frac{J_t v_{t-1}}{|J_t v_{t-1}|}

    J_t is the derivative of the step at the state where it is taken, and v a random direction, which turns to the one
    of fastest growth during the transient.

    Args:
        step: the map, state -> state, in `jax.numpy`. One that is a `jax.tree_util.Partial`, or a method of an
            `equinox.Module`, is compiled once for all values of its arrays; any other at every call.
        start: the state to start from, any structure of arrays.
        steps: n, over which the growth is averaged.
        transient: steps before them.
        dt: time units of one step.
        seed: of the direction.

    Returns:
        lambda per time unit, natural logarithm: positive for chaos, 0 for a limit cycle of a flow, negative for a
        point attractor, -inf where a step forgets all differences.

    Raises:
        ConfigError: arguments that cannot be, a step that changes the structure of its state.
        DivergenceError: the trajectory leaves the finite numbers.

    Reference: G. Benettin, L. Galgani, A. Giorgilli, J.-M. Strelcyn, Meccanica 15 (1980) 9-20 and 21-30.

    Example:
        >>> round(largest_lyapunov_exponent(lambda x: x / 2, 1.0, steps=10), 6)
        -0.693147
    """
    for name, value, least in (("steps", steps, 1), ("transient", transient, 0), ("seed", seed, 0)):
        if not whole_number(value) or value < least:
            raise ConfigError(f"`{name}` must be a whole number of at least {least}, got {value!r}")
    if not (np.isfinite(dt) and dt > 0):
        raise ConfigError(f"`dt` must be a positive, finite number of time units, got {dt!r}")
    with jax.enable_x64(True):
        state = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), start)
        size = sum(leaf.size for leaf in jax.tree.leaves(state))
        direction = np.random.default_rng(seed).standard_normal(size)
        last, growth = jax.tree.map(np.asarray, _grow(step, state, direction, transient, steps))
    if not np.isfinite(last).all() or np.isnan(growth):
        raise DivergenceError(
            f"the trajectory leaves the finite numbers within {transient + steps} steps: start closer to its attractor"
        )
    return float(growth) / dt


@eqx.filter_jit
def _grow(step: Callable[[Any], Any], start: Any, direction: Any, transient: Any, steps: int) -> Any:
    """The last state, and the mean logarithm of the growth after the transient."""
    flat, rebuild = ravel_pytree(start)

    def forward(state: jax.Array) -> jax.Array:
        new = step(rebuild(state))
        if jax.tree.structure(new) != jax.tree.structure(start):
            raise ConfigError("a step map gives a state of the structure that it is given")
        return ravel_pytree(new)[0]

    def advance(carry: tuple[jax.Array, jax.Array], _: Any) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
        state, tangent = jax.jvp(forward, (carry[0],), (carry[1],))
        size = jnp.linalg.norm(tangent)
        return (state, tangent / jnp.where(size == 0, 1.0, size)), jnp.log(size)

    settled = jax.lax.fori_loop(0, transient, lambda _, carry: advance(carry, None)[0], (flat, direction))
    (last, _), logs = jax.lax.scan(advance, settled, length=steps)
    return last, logs.mean()
