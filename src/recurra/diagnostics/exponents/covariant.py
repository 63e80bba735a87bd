"""Covariant Lyapunov vectors: the directions themselves that grow at the rates of the exponents."""

from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from jax.flatten_util import ravel_pytree

from recurra.diagnostics.checks import check_whole
from recurra.diagnostics.exponents.growth import Starts, push, refuse_lost, starts
from recurra.diagnostics.maps import flat_step
from recurra.diagnostics.step_maps import step_map
from recurra.errors import ConfigError
from recurra.threads import one_blas_thread

_FEW = 10  # directions where no number is asked for


@dataclass(frozen=True, eq=False)
class CovariantVectors:
    """Covariant vectors along a trajectory.

    Attributes:
        vectors: V (places, size, count), of length one, the fastest growing first; a step takes each to the next one
            of its own kind.
        growth: logarithms per time unit of how each grows from its place to the next (places, count).
        states: where they were taken (places, size), as vectors.
        dt: time units between places.
    """

    vectors: np.ndarray
    growth: np.ndarray
    states: np.ndarray
    dt: float

    @property
    def exponents(self) -> np.ndarray:
        """The Lyapunov exponents (count,) again: the mean growth."""
        return self.growth.mean(axis=0)

    def angles(self, first: slice | list[int], second: slice | list[int]) -> np.ndarray:
        """The smallest angle between the spans of two sets of vectors at each place (places,), in radians.

        An attractor whose angle between what grows and what shrinks stays away from zero is hyperbolic; where it comes
        near zero, the two are tangent to each other.
        """
        with one_blas_thread():
            one, two = (np.linalg.qr(self.vectors[:, :, part])[0] for part in (first, second))
            cosine = np.linalg.svd(one.transpose(0, 2, 1) @ two, compute_uv=False)[:, 0]
        return np.arccos(np.minimum(cosine, 1.0))


def covariant_vectors(
    step: Any,
    start: Any = None,
    *,
    steps: int = 10_000,
    transient: int = 1000,
    dt: float | None = None,
    count: int | None = None,
    qr_every: int = 1,
    seed: int = 0,
) -> CovariantVectors:
    r"""The covariant Lyapunov vectors of a forecaster, a system or a step map along a trajectory, in float64.

    .. math:: J_t \cdots J_{t-m+1} Q_{t-m} = Q_t R_t, \quad C_{t-m} \propto R_t^{-1} C_t, \quad V_t = Q_t C_t

    Forward in time the orthogonal directions Q of `lyapunov_spectrum`, all of them kept; back in time coefficients C,
    upper triangular, whose columns turn to the directions that grow as they should in both directions of time.

    Args:
        step, start, dt, count, qr_every, seed: as of `lyapunov_spectrum`.
        steps: along which vectors are given; rounded up to a multiple of `qr_every`.
        transient: steps before them, and as many after them, along which the directions settle.

    Raises:
        ConfigError: arguments that cannot be; a step that forgets a direction altogether, which cannot be followed
            back: ask for fewer vectors.
        DivergenceError: the trajectory leaves the finite numbers.

    Memory: 8 bytes for (steps + transient) / m times count (size + count) numbers.

    Reference: F. Ginelli, P. Poggi, A. Turchi, H. Chaté, R. Livi, A. Politi, Phys. Rev. Lett. 99 (2007) 130601.

    Example:
        >>> A = np.array([[0.5, 1.0], [0.0, 0.25]])
        >>> found = covariant_vectors(lambda y: A @ y, np.ones(2), steps=10, transient=100)
        >>> slow = found.vectors[0, :, 1]
        >>> bool(abs(slow[1] / slow[0] + 0.25) < 1e-12)  # the second eigenvector, (4, -1)
        True
    """
    check_whole(1, steps=steps, qr_every=qr_every)
    check_whole(0, transient=transient, seed=seed)
    step, start, dt, _ = step_map(step, start, dt, seed)
    before, places = -(-transient // qr_every), -(-steps // qr_every)
    with jax.enable_x64(True):
        begin = starts(start, False, count, seed, _FEW)
        found = _decompose(step, begin, np.asarray(before), places + before, qr_every)
        states, Q, R, last = jax.tree.map(np.asarray, found)
    refuse_lost(R, last, (2 * before + places) * qr_every)
    diagonal = np.diagonal(R, axis1=1, axis2=2)
    if not diagonal.all():
        known = int((diagonal != 0).all(axis=0).argmin())
        raise ConfigError(f"a step forgets directions, which cannot be followed back: `count` can be {known} at most")
    vectors, growth = _back(Q, R, places)
    return CovariantVectors(vectors, growth / (qr_every * dt), states[:places], qr_every * dt)


@eqx.filter_jit
def _decompose(step: Any, begin: Starts, before: Any, pieces: int, qr_every: int) -> Any:
    """States and Q before each of so many decompositions after the transient, R of each, and the last state."""
    first = jax.tree.map(lambda leaf: leaf[0], begin.states)
    flat = ravel_pytree(first)[0]
    forward = flat_step(step, first)

    def advance(carry: Any, _: Any) -> Any:
        state, Q = carry
        new, tangents = jax.lax.fori_loop(0, qr_every, lambda _, c: push(forward, *c), (state, Q))
        new_Q, R = jnp.linalg.qr(tangents)
        return (new, new_Q), (state, Q, R)

    settled = (flat, jnp.linalg.qr(begin.directions[0])[0])
    settled = jax.lax.fori_loop(0, before, lambda _, carry: advance(carry, None)[0], settled)
    (last, _), found = jax.lax.scan(advance, settled, length=pieces)
    return *found, last


def _back(Q: np.ndarray, R: np.ndarray, places: int) -> tuple[np.ndarray, np.ndarray]:
    """The vectors at the first places, and the logarithms of their growth to the next."""
    count = R.shape[-1]
    C = np.triu(np.ones((count, count)))
    vectors, growth = np.empty((places, Q.shape[1], count)), np.empty((places, count))
    with one_blas_thread():
        for k in range(len(R) - 1, -1, -1):
            C = scipy.linalg.solve_triangular(R[k], C)
            sizes = np.linalg.norm(C, axis=0)
            C /= sizes
            if k < places:
                vectors[k], growth[k] = Q[k] @ C, -np.log(sizes)
    return vectors, growth
