"""Adaptive sub-steps between the rows: the local error is held, and a sub-step ends on every row."""

from collections.abc import Callable
from dataclasses import dataclass

import diffrax
import jax
import jax.numpy as jnp
import numpy as np

_MOST_STEPS = 1_000_000  # for the rows of one block: a stiff field ends here
_BLOCK = 1000  # rows that the solver writes at once: its time per step grows with the rows it holds
_FEW = 100  # the same where there are no more


@dataclass(frozen=True)
class SubStepped:
    """An embedded Runge-Kutta pair under a step size controller: local error <= tolerance + relative |y|.

    Args:
        solver: a diffrax solver with an error estimate.
        tolerance: absolute part of the bound.
        relative: relative part; below 1e-15 rounding makes it unreachable.
    """

    solver: type[diffrax.AbstractSolver]
    tolerance: float
    relative: float

    def grid(self, times: np.ndarray) -> np.ndarray:
        """The times followed by repeats of the last one, so that few lengths are compiled: a repeat costs nothing.

        >>> [len(SubStepped(diffrax.Tsit5, 1e-9, 1e-9).grid(np.arange(n + 1.0))) for n in (38, 200, 5500)]
        [101, 1001, 8001]
        """
        steps = len(times) - 1
        size = _FEW if steps <= _FEW else _BLOCK
        blocks = 1 << (-(-steps // size) - 1).bit_length()
        return np.append(times, np.full(blocks * size - steps, times[-1]))

    def rows(self, field: Callable, start: jax.Array, times: jax.Array, dt: jax.Array, jumps: jax.Array) -> jax.Array:
        """The states at `times`, the first of which is `start`; infinite from where the solver gave up.

        Args:
            field: f(t, y).
            start: y at times[0], (state,).
            times: as `grid` makes them, (time,).
            dt: not needed: the solver takes its own steps.
            jumps: times at which f is not smooth: a sub-step ends on each, so that none is stepped over.
        """
        del dt
        size = min(_BLOCK, len(times) - 1)
        ends = times[1:].reshape(-1, size)

        def advance(carry, ends):
            t, y = carry
            grid = jnp.concatenate([t[None], ends])
            alive = jnp.isfinite(y).all()
            rows = jax.lax.cond(
                alive & (ends[-1] > t),
                lambda: self._block(field, y, grid, jumps),
                lambda: jnp.broadcast_to(jnp.where(alive, y, jnp.inf), (size, len(y))),
            )
            return (ends[-1], rows[-1]), rows

        start = jnp.asarray(start)
        _, rest = jax.lax.scan(advance, (jnp.asarray(times[0]), start), ends)
        return jnp.concatenate([start[None], rest.reshape(-1, len(start))])

    def _block(self, field: Callable, start: jax.Array, times: jax.Array, jumps: jax.Array) -> jax.Array:
        # A jump that nobody announced, or a singularity, asks for steps that do not move t: take the least that does.
        least = 4 * jnp.spacing(jnp.abs(times).max())
        controller = diffrax.PIDController(rtol=self.relative, atol=self.tolerance, dtmin=least, force_dtmin=True)
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(lambda t, y, args: field(t, y)),
            self.solver(),
            t0=times[0],
            t1=times[-1],
            dt0=None,
            y0=start,
            saveat=diffrax.SaveAt(ts=times[1:]),
            # the dense output of a pair is of lower order than its steps: rows are ends of steps instead
            stepsize_controller=diffrax.ClipStepSizeController(controller, step_ts=jnp.concatenate([times, jumps])),
            adjoint=diffrax.ForwardMode(),
            event=diffrax.Event(_left_the_finite_numbers),
            max_steps=_MOST_STEPS,
            throw=False,
        )
        assert solution.ys is not None  # rows were asked for
        return solution.ys


def _left_the_finite_numbers(t, y, args, **unused):
    del t, args, unused
    return ~jnp.isfinite(y).all()
