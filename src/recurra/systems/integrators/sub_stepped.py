"""Adaptive sub-steps between the rows: the local error is held, and a sub-step ends on every row."""

from collections.abc import Callable
from dataclasses import dataclass

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
        solver: name of a solver of diffrax with an error estimate; diffrax is loaded when it is used.
        tolerance: absolute part of the bound.
        relative: relative part; below 1e-15 rounding makes it unreachable.
    """

    solver: str
    tolerance: float
    relative: float

    def blocks(self, times: np.ndarray) -> list[np.ndarray]:
        """The times in pieces of one length, for `rows` one after the other: one program for any number of rows.

        Each begins where the one before ends; the last is filled up with repeats of its last time, which cost nothing.

        >>> [[len(block) for block in SubStepped("Tsit5", 1e-9, 1e-9).blocks(np.arange(n + 1.0))] for n in (38, 2500)]
        [[101], [1001, 1001, 1001]]
        """
        steps = len(times) - 1
        size = _FEW if steps <= _FEW else _BLOCK
        full = np.append(times, np.full(-steps % size, times[-1]))
        return [full[first : first + size + 1] for first in range(0, len(full) - 1, size)]

    def rows(self, field: Callable, start: jax.Array, times: jax.Array, dt: jax.Array, jumps: jax.Array) -> jax.Array:
        """The states at `times`, the first of which is `start`; infinite from where the solver gave up.

        Args:
            field: f(t, y).
            start: y at times[0], (state,).
            times: one of the `blocks`.
            dt: not needed: the solver takes its own steps.
            jumps: times at which f is not smooth: a sub-step ends on each, so that none is stepped over.
        """
        del dt
        start = jnp.asarray(start)
        return jnp.concatenate([start[None], self._block(field, start, times, jumps)])

    def _block(self, field: Callable, start: jax.Array, times: jax.Array, jumps: jax.Array) -> jax.Array:
        import diffrax  # takes a second and a half to load

        # A jump that nobody announced, or a singularity, asks for steps that do not move t: take the least that does.
        least = 4 * jnp.spacing(jnp.abs(times).max())
        controller = diffrax.PIDController(rtol=self.relative, atol=self.tolerance, dtmin=least, force_dtmin=True)
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(lambda t, y, args: field(t, y)),
            getattr(diffrax, self.solver)(),
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
