"""The bifurcation diagram by brute force: where a map settles for each of many values of a parameter."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from recurra._types import whole_number
from recurra.diagnostics.maps import flat_step
from recurra.diagnostics.orbits.flat import in_float64
from recurra.errors import ConfigError, DataError


@dataclass(frozen=True, eq=False)
class Diagram:
    """Settled values for each value of a parameter.

    Attributes:
        parameters: (values,).
        settled: (values, steps): one number of the state at every step; NaN where it has left the finite numbers.
        exponents: (values,): the largest Lyapunov exponent, per step; NaN there too.
    """

    parameters: np.ndarray
    settled: np.ndarray
    exponents: np.ndarray

    def maxima(self) -> list[np.ndarray]:
        """The local maxima of every row: what a diagram of a flow shows."""
        inner = self.settled[:, 1:-1]
        there = (inner > self.settled[:, :-2]) & (inner >= self.settled[:, 2:])
        return [row[mask] for row, mask in zip(inner, there, strict=True)]


def bifurcation_diagram(
    step: Callable[[Any, Any], Any],
    parameters: Any,
    start: Any,
    *,
    coordinate: int = 0,
    steps: int = 500,
    transient: int = 1000,
) -> Diagram:
    """Iterate a step map for all values of its parameter at once, in one compiled program.

    Args:
        step: (state, p) -> state in `jax.numpy`; see `family`.
        parameters: (values,) of p.
        start: the state to start from, for every value.
        coordinate: which number of the state is kept.
        steps: that are kept.
        transient: steps before them.

    Raises:
        ConfigError: `steps` or `transient` that cannot be, a coordinate that the state does not have.
        DataError: parameters that are no finite numbers along one axis.

    Example:
        >>> found = bifurcation_diagram(lambda x, r: r * x * (1 - x), [2.5, 3.2], np.array([0.3]), steps=4)
        >>> np.sort(found.settled).round(3).tolist()
        [[0.6, 0.6, 0.6, 0.6], [0.513, 0.513, 0.799, 0.799]]
    """
    values = np.asarray(parameters, np.float64)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise DataError(f"`parameters` are finite numbers along one axis, got shape {values.shape}")
    if not whole_number(steps) or steps < 1 or not whole_number(transient) or transient < 0:
        raise ConfigError(f"`steps` and `transient` are whole numbers from 1 and 0 on, got {steps!r} and {transient!r}")
    like = in_float64(start)
    size = sum(leaf.size for leaf in jax.tree.leaves(like))
    if not whole_number(coordinate) or not 0 <= coordinate < size:
        raise ConfigError(f"`coordinate` is one of 0 to {size - 1}, got {coordinate!r}")
    with jax.enable_x64(True):
        found = _settle(step, like, values, np.asarray(coordinate), np.asarray(transient), steps)
        settled, exponents = map(np.array, found)
    lost = ~np.isfinite(settled).all(axis=1)
    settled[~np.isfinite(settled)], exponents[lost] = np.nan, np.nan
    return Diagram(values, settled, exponents)


@eqx.filter_jit
def _settle(step: Any, like: Any, values: Any, coordinate: Any, transient: Any, steps: int) -> Any:
    first = ravel_pytree(like)[0]

    def along(p: jax.Array) -> tuple[jax.Array, jax.Array]:
        forward = flat_step(step, like, p)

        def push(carry: Any, _: Any) -> Any:
            y, tangent = jax.jvp(forward, (carry[0],), (carry[1],))
            size = jnp.linalg.norm(tangent)
            return (y, tangent / jnp.where(size > 0, size, 1.0)), (y[coordinate], jnp.log(size))

        begin = first, jnp.ones_like(first) / jnp.sqrt(len(first))
        begin = jax.lax.fori_loop(0, transient, lambda _, carry: push(carry, None)[0], begin)
        kept, growth = jax.lax.scan(push, begin, length=steps)[1]
        return kept, growth.mean()

    return jax.vmap(along)(values)
