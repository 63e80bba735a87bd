"""Roots of F^k(x) = x from many starts at once: Levenberg and Marquardt until a root is near, then Newton."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from recurra.diagnostics.maps import flat_step

_NEAR = 1e-6  # a damped step below this ends with Newton
_POLISH = 12  # steps of Newton in the end, at most
_LEAST, _MOST = 1e-15, 1e12  # damping, in units of the mean of the diagonal of A'A


class Roots(NamedTuple):
    """What became of each start, in NumPy.

    Args:
        x: (starts, size).
        residual: (starts,): root mean square of F^k(x) - x, in units of `scale`.
        correction: (starts,): that of the next step of Newton; infinite where it does not exist.
        derivative: (starts, size, size): of F^k at x.
    """

    x: np.ndarray
    residual: np.ndarray
    correction: np.ndarray
    derivative: np.ndarray


def roots(step: Any, like: Any, starts: np.ndarray, scale: np.ndarray, times: int, iterations: int) -> Roots:
    r"""Minimise |F^k(x) - x|^2 / 2 from every start, in units of `scale`, and end with Newton where that improves.

    .. math:: (A^T A + \lambda \, \tfrac{\mathrm{tr} A^T A}{n} I) \, p = -A^T r, \quad r = F^k(x) - x, \quad A = r'(x)

    Args:
        step: the step map.
        like: a state.
        starts: (starts, size).
        scale: (size,), positive: the typical size of each number of a state.
        times: k.
        iterations: of the damped steps, at most.
    """
    with jax.enable_x64(True):
        numbers = (np.asarray(times), np.asarray(iterations))  # traced, so that other values compile nothing
        return Roots(*map(np.asarray, _roots(step, like, starts, scale, *numbers)))


class _Place(NamedTuple):
    """Where a search stands: z = x / scale with r and A = r'(z), the step p that is tried next, and how it goes."""

    z: Any
    r: Any
    A: Any
    p: Any
    damping: Any
    foreseen: Any  # by how much |r|^2 is expected to fall
    correction: Any  # of the next step of Newton
    damped: Any  # whether the step is one of Levenberg and Marquardt
    left: Any  # steps of this kind
    going: Any


@eqx.filter_jit
def _roots(step: Any, like: Any, starts: Any, scale: Any, times: Any, iterations: Any) -> tuple[Any, ...]:
    forward, eye = flat_step(step, like, times=times), jnp.eye(starts.shape[1])

    def at(z: jax.Array) -> tuple[jax.Array, jax.Array]:
        y, derivative = jax.linearize(lambda z: forward(z * scale) / scale, z)
        return y - z, jax.vmap(derivative, out_axes=1)(eye) - eye

    def solve(start: jax.Array) -> tuple[Any, ...]:
        z = start / scale  # the first step goes nowhere, so that the map is compiled in once
        first = _Place(
            z, jnp.full_like(z, jnp.inf), eye, 0 * z, *map(jnp.asarray, (1e-2, 1.0, jnp.inf, True, iterations, True))
        )
        last = jax.lax.while_loop(
            lambda place: place.going, lambda place: _improve(place, *at(place.z + place.p)), first
        )
        return last.z * scale, _size(last.r), last.correction, (last.A + eye) * scale[:, None] / scale

    # One after the other: each ends when it has arrived, and two solutions of many systems at a time can wait for each
    # other for ever in the threads of XLA.
    return jax.lax.map(solve, starts)


def _improve(place: _Place, r: jax.Array, A: jax.Array) -> _Place:
    """Judge the step that led to r and A, and propose the next."""
    begins = jnp.isinf(place.r[0])
    gain = jnp.where(begins, 1.0, (place.r @ place.r - r @ r) / place.foreseen)
    better = jnp.all(jnp.isfinite(r)) & jnp.where(place.damped, gain > 1e-3, r @ r < place.r @ place.r)
    moved = jnp.where(begins, jnp.inf, _size(place.p))
    factor = jnp.where(begins, 1.0, jnp.where(gain > 0.7, 0.1, jnp.where(gain > 0.2, 1.0, 4.0)))
    damping = jnp.maximum(place.damping * jnp.where(better, factor, 4.0), _LEAST)
    z, r = jnp.where(better, place.z + place.p, place.z), jnp.where(better, r, place.r)
    A = jnp.where(better, A, place.A)
    near = (better & (moved < _NEAR)) | (damping > _MOST) | (place.left <= 0) | jnp.all(r == 0)
    damped = place.damped & ~near
    left = jnp.where(place.damped & near, _POLISH, place.left - 1)
    H, g = A.T @ A, A.T @ r
    shift = damping * jnp.trace(H) / len(z) + 1e-300
    p = jax.lax.cond(
        damped,
        lambda: -jax.scipy.linalg.solve(H + shift * jnp.eye(len(z)), g, assume_a="pos"),
        lambda: -jnp.linalg.solve(A, r),
    )
    correction = jnp.where(~damped & jnp.all(jnp.isfinite(p)), _size(p), jnp.inf)
    foreseen = jnp.maximum(p @ (shift * p - g), 1e-300)
    going = jnp.all(jnp.isfinite(r)) & (damped | (correction < 1) & (left > 0) & (better | place.damped))
    return _Place(z, r, A, p, damping, foreseen, correction, damped, left, going)


def _size(vector: jax.Array) -> jax.Array:
    return jnp.sqrt(jnp.mean(vector**2))
