"""Conjugate gradients for a quadratic model, with preconditioner, stop, start and saved iterates of Martens 2010."""

import math
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

TOLERANCE = 5e-4  # relative progress in each of the last k iterations that is too little to go on
_RESIDUAL = 1e-12  # relative to b: nothing is left to do
_REFRESH = 50  # iterations between residuals that are computed and not updated

RUNNING, PROGRESS, LIMIT, CURVATURE, SOLVED = range(5)
REASONS = ("running", "little progress", "limit of steps", "no positive curvature", "solved")


class Solution(NamedTuple):
    """What conjugate gradients found.

    Args:
        x: the last iterate (size,).
        value: phi(x) = x'Ax / 2 - b'x.
        steps: iterations made.
        reason: index into `REASONS`.
        iterates: saved iterates (slots, size), in their order; the last that counts is x.
        values: phi of each (slots,).
        count: how many of the slots count.
        products: with A, the one for the start included.
    """

    x: Any
    value: Any
    steps: Any
    reason: Any
    iterates: Any
    values: Any
    count: Any
    products: Any


class _At(NamedTuple):
    x: Any
    residual: Any  # b - Ax
    direction: Any
    slope: Any  # r' M r
    value: Any  # phi
    steps: Any
    reason: Any
    fresh: Any  # whether the residual has just been computed anew
    recent: Any  # phi of the last iterates, a ring
    iterates: Any
    values: Any
    count: Any
    products: Any


def dot(a: Any, b: Any) -> jax.Array:
    """The scalar product, summed in float64 where JAX has it."""
    wide = jax.dtypes.canonicalize_dtype(np.float64)
    return jnp.sum(a.astype(wide) * b.astype(wide))


@cache
def saved(most: int) -> tuple[int, ...]:
    """The iterations whose iterates are kept: 1, then 5 times the powers of 1.3.

    >>> saved(60)
    (1, 5, 7, 9, 11, 15, 19, 25, 32, 41, 54)
    """
    found, at = [1], 5.0
    while math.ceil(at) <= most:
        found.append(math.ceil(at))
        at *= 1.3
    return tuple(found)


def conjugate_gradient(
    product: Callable[[Any], Any],
    b: Any,
    start: Any,
    *,
    most: int,
    least: int = 1,
    inverse: Any = 1.0,
    tolerance: float = TOLERANCE,
) -> Solution:
    r"""Minimise a quadratic model by conjugate gradients.

    .. math:: \phi(x) = \tfrac12 x^T A x - b^T x

    It stops at iteration i where the last k = max(10, i / 10) of them have brought little,

    .. math:: \phi(x_i) < 0, \quad \frac{\phi(x_i) - \phi(x_{i-k})}{\phi(x_i)} < k \epsilon,

    where the curvature of a direction is not positive or not finite (the iterate before is kept), where the residual is
    1e-12 of b, and after `most` iterations. Every quantity is relative: a b that is a million times smaller takes as
    many iterations.

    Args:
        product: A x of (size,), A symmetric and positive definite.
        b: (size,).
        start: x_0 (size,).
        most, least: iterations; `least` before little progress may end it.
        inverse: diagonal of M, the inverse of the preconditioner, (size,) or 1.
        tolerance: epsilon.

    Reference: J. Martens, Deep learning via Hessian-free optimization, ICML 2010, sections 4.4 and 4.7.
    """
    kept = jnp.asarray(np.isin(np.arange(most + 1), saved(most)))
    system = _System(product, b, inverse, dot(b, b))
    first = _first(system, start, most)

    def body(at: _At) -> _At:
        refresh = (at.steps > 0) & (at.steps % _REFRESH == 0) & ~at.fresh
        image = product(jnp.where(refresh, at.x, at.direction))
        moved = _moved(system, at, image)
        after = _kept(at, _stopped(system, at, moved, most, least, tolerance), kept)
        residual = b - image
        again = at._replace(residual=residual, slope=_slope(residual, inverse), fresh=jnp.asarray(True))
        chosen = jax.tree.map(lambda anew, on: jnp.where(refresh, anew, on), again, after)
        return chosen._replace(products=at.products + 1)

    end = jax.lax.while_loop(lambda at: at.reason == RUNNING, body, first)
    return _with_last(end, end.value, kept[end.steps])


class _System(NamedTuple):
    product: Any
    b: Any
    inverse: Any
    norm: Any  # b'b

    def value(self, x: Any, residual: Any) -> Any:
        """phi(x)."""
        return -0.5 * dot(x, residual + self.b)

    def solved(self, residual: Any) -> Any:
        """Whether nothing is left to do."""
        return dot(residual, residual) <= _RESIDUAL**2 * self.norm


def _first(system: _System, start: Any, most: int) -> _At:
    residual = system.b - system.product(start)
    phi, zero, slots = system.value(start, residual), jnp.zeros((), jnp.int32), len(saved(most)) + 1
    return _At(
        x=start,
        residual=residual,
        direction=system.inverse * residual,
        slope=_slope(residual, system.inverse),
        value=phi,
        steps=zero,
        reason=jnp.where(system.solved(residual), SOLVED, RUNNING).astype(jnp.int32),
        fresh=jnp.asarray(False),
        recent=jnp.full(max(10, math.ceil(most / 10)) + 1, phi),
        iterates=jnp.zeros((slots, start.size), start.dtype),
        values=jnp.full(slots, phi),
        count=zero,
        products=zero + 1,
    )


def _slope(residual: Any, inverse: Any) -> jax.Array:
    return dot(residual, inverse * residual)


def _moved(system: _System, at: _At, image: Any) -> _At:
    """The next iterate; where the curvature of the direction is none, the same one with the reason."""
    curvature = dot(at.direction, image)
    alpha = at.slope / curvature
    good = jnp.isfinite(curvature) & (curvature > 0) & jnp.isfinite(alpha)
    dtype = at.x.dtype
    x = at.x + alpha.astype(dtype) * at.direction
    residual = at.residual - alpha.astype(dtype) * image
    slope = _slope(residual, system.inverse)
    new = at._replace(
        x=x,
        residual=residual,
        direction=system.inverse * residual + (slope / at.slope).astype(dtype) * at.direction,
        slope=slope,
        value=system.value(x, residual),
        steps=at.steps + 1,
        fresh=jnp.asarray(False),
    )
    stay = at._replace(reason=jnp.asarray(CURVATURE, jnp.int32))
    return jax.tree.map(lambda moved, here: jnp.where(good, moved, here), new, stay)


def _stopped(system: _System, at: _At, new: _At, most: int, least: int, tolerance: float) -> _At:
    """The next iterate with the reason to stop there, if there is one."""
    i, phi = new.steps, new.value
    k = jnp.maximum(10, jnp.ceil(0.1 * i).astype(jnp.int32))
    before = at.recent[(i - k) % len(at.recent)]
    little = (i > k) & (i >= least) & (phi < 0) & ((phi - before) / phi < k * tolerance)
    reason = jnp.where(i >= most, LIMIT, RUNNING)
    reason = jnp.where(little, PROGRESS, reason)
    reason = jnp.where(system.solved(new.residual), SOLVED, reason)
    return new._replace(reason=jnp.where(new.reason == RUNNING, reason, new.reason).astype(jnp.int32))


def _kept(at: _At, new: _At, kept: Any) -> _At:
    """The next iterate, remembered where it is to be."""
    i, on = new.steps, new.steps > at.steps
    keep, place = on & kept[i], at.count
    return new._replace(
        recent=at.recent.at[i % len(at.recent)].set(jnp.where(on, new.value, at.recent[i % len(at.recent)])),
        iterates=at.iterates.at[place].set(jnp.where(keep, new.x, at.iterates[place])),
        values=at.values.at[place].set(jnp.where(keep, new.value, at.values[place])),
        count=at.count + keep.astype(jnp.int32),
    )


def _with_last(end: _At, phi: Any, is_saved: Any) -> Solution:
    """The solution, whose last saved iterate is the last one."""
    have = is_saved & (end.count > 0)
    to = jnp.where(have, end.count - 1, end.count)
    return Solution(
        end.x,
        phi,
        end.steps,
        end.reason,
        end.iterates.at[to].set(end.x),
        end.values.at[to].set(phi),
        to + 1,
        end.products,
    )
