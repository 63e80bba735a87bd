"""Limit cycles of vector fields by shooting: the period, the multipliers, the curve."""

from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from recurra.diagnostics.orbits.flat import trajectory
from recurra.diagnostics.orbits.periodic import by_modulus
from recurra.diagnostics.step_maps import step_map
from recurra.errors import ConfigError, DivergenceError
from recurra.systems.integrators import rk4

_ROWS = 400  # of the curve
_CORRECTIONS = 30
_FINEST = 2**16  # steps of Runge and Kutta in a period, at most
_SETTLING = 4000  # steps of the field before a cycle is looked for
_SEARCHED = 4096  # steps in which it has to come back


@dataclass(frozen=True, eq=False)
class LimitCycle:
    r"""A closed orbit of a vector field.

    Attributes:
        period: T, time units.
        orbit: (rows + 1, size), over one period at even times; the last row is the first.
        multipliers: (size,), complex: the eigenvalues of the derivative of the flow over T, the largest modulus first;
            one of them is 1, of the direction of the flow.
        slopes: (rows + 1, size): the field on the orbit.
        error: by how much T changed, relatively, when the steps of the integrator were halved for the last time.
        steps: of Runge and Kutta in the period.
    """

    period: float
    orbit: np.ndarray
    multipliers: np.ndarray
    slopes: np.ndarray
    error: float
    steps: int

    @property
    def others(self) -> np.ndarray:
        """(size - 1,): the multipliers without the one that is closest to 1."""
        return np.delete(self.multipliers, np.argmin(np.abs(self.multipliers - 1)))

    @property
    def stable(self) -> bool:
        """Whether it attracts what is near: all other multipliers are within the unit circle."""
        return bool((np.abs(self.others) < 1).all())

    @property
    def exponents(self) -> np.ndarray:
        """(size,): ln |multiplier| / T, per time unit."""
        return np.log(np.abs(self.multipliers)) / self.period

    @property
    def times(self) -> np.ndarray:
        """(rows + 1,): of the rows of the orbit, from 0 to T."""
        return np.linspace(0.0, self.period, len(self.orbit))

    @property
    def amplitude(self) -> np.ndarray:
        """(size,): half of the range of each number of the state; the turns are those of cubic polynomials with the
        values and slopes of the rows, four orders better than the rows themselves."""
        h = self.period / (len(self.orbit) - 1)
        y0, y1 = self.orbit[:-1], self.orbit[1:]
        m0, m1 = h * self.slopes[:-1], h * self.slopes[1:]
        c, d = 3 * (y1 - y0) - 2 * m0 - m1, m0 + m1 - 2 * (y1 - y0)
        root = np.sqrt(np.maximum(c**2 - 3 * d * m0, 0.0))
        turning = m0 * m1 < 0  # where m0 + 2 c s + 3 d s^2 = 0
        s = np.where(turning, m0 / np.where(turning, np.where(c > 0, -c - root, -c + root), 1.0), 0.0)
        values = y0 + s * (m0 + s * (c + s * d))
        return (np.maximum(y0, values).max(axis=0) - np.minimum(y0, values).min(axis=0)) / 2


def limit_cycle(
    system: Any, start: Any = None, *, period: float | None = None, tolerance: float = 1e-11, seed: int = 0
) -> LimitCycle:
    r"""The limit cycle of a vector field near a state, stable or not, by shooting.

    .. math:: \phi_T(y) - y = 0, \quad f(y_k) \cdot (y_{k+1} - y_k) = 0

    for the state y and the period T by Newton, with the derivative of the flow through the integrator. The steps of
    Runge and Kutta in a period are doubled until T no longer changes.

    A step map has no such thing: a limit cycle that it samples is an invariant circle, on which no state need come
    back. `cycles` finds those that do, `behaviour` measures the period.

    Args:
        system: an undriven vector field.
        start: a state near the cycle; None for one to which a trajectory settles.
        period: about T; None for the time after which the trajectory from `start` first comes back.
        tolerance: relative change of T at which the doubling ends.
        seed: of the start that a system draws.

    Raises:
        ConfigError: what is no undriven vector field.
        DivergenceError: no trajectory comes back, or Newton finds no cycle.

    References: R. Seydel, Practical Bifurcation and Stability Analysis, 2010, chapter 7.

    Example:
        >>> from recurra.systems import VanDerPol
        >>> round(limit_cycle(VanDerPol()).period, 6)
        6.663287
    """
    if not hasattr(system, "field") or getattr(system, "drive", None) is not None:
        raise ConfigError(
            "a limit cycle is that of an undriven vector field; `cycles` finds those of a step map, and `behaviour` "
            "the period of a motion that a network samples"
        )
    found: Any = step_map(system, start, seed=seed)
    if start is None or period is None:
        rows = trajectory(found.step, found.start, _SEARCHED, skip=_SETTLING if start is None else 0)
        y = rows[0] if start is None else np.asarray(start, np.float64)
        period = _return(rows, found.dt, system) if period is None else period
    else:
        y = np.asarray(start, np.float64)
    numbers = found.step.args[0]
    steps, before, u, error = 512, np.inf, np.append(y, period), np.inf
    while steps <= _FINEST:
        u = _shot(numbers, u, steps)
        error = abs(u[-1] / before - 1)
        if error <= tolerance:
            break
        before, steps = u[-1], 2 * steps
    steps = min(steps, _FINEST)
    with jax.enable_x64(True):
        derivative = np.asarray(_shoot(numbers, u, np.asarray(steps))[1])[:, :-1]
        orbit, slopes = map(np.asarray, _curve(numbers, u, np.asarray(-(-steps // _ROWS))))
    multipliers = by_modulus(np.linalg.eigvals(derivative).astype(complex))
    return LimitCycle(float(u[-1]), orbit, multipliers, slopes, float(error), steps)


def _return(rows: np.ndarray, dt: float, system: Any) -> float:
    """The time after which the rows cross the plane through the first, across the flow, close to where it lies."""
    if not np.isfinite(rows).all():
        raise DivergenceError(f"{system.name} leaves the finite numbers: give a `start` that is closer to the cycle")
    side = (rows - rows[0]) @ (rows[1] - rows[0])
    size = np.ptp(rows, axis=0).max()
    up = np.flatnonzero((side[1:-1] < 0) & (side[2:] >= 0)) + 1
    share = -side[up] / np.where(side[up + 1] > side[up], side[up + 1] - side[up], 1.0)
    crossing = rows[up] + share[:, None] * (rows[up + 1] - rows[up])
    away = np.abs(crossing - rows[0]).max(axis=1)
    if size <= 1e-9 * np.abs(rows).max() or not away.size or away.min() > 0.2 * size:
        raise DivergenceError(
            f"the trajectory of {system.name} does not come back near its start: give a `start` on the cycle and its "
            "`period`"
        )
    first = int(np.flatnonzero(away <= max(1.5 * away.min(), 0.01 * size))[0])
    return float(dt * (up[first] + share[first]))


def _shot(system: Any, u: np.ndarray, steps: int) -> np.ndarray:
    """Newton from (y, T) on, with so many steps of the integrator."""
    for _ in range(_CORRECTIONS):
        with jax.enable_x64(True):
            end, derivative, flow = map(np.asarray, _shoot(system, u, np.asarray(steps)))
        size = len(end)
        if not np.isfinite(derivative).all():
            break
        A = np.vstack([derivative - np.eye(size, size + 1), np.append(flow, 0.0)])
        p = np.linalg.lstsq(A, np.append(u[:-1] - end, 0.0))[0]
        p *= min(1.0, 0.2 * u[-1] / max(abs(p[-1]), 1e-300))  # the period changes by a fifth at most
        u = u + p
        if np.abs(p).max() <= 1e-12 * np.abs(u).max():
            if np.linalg.norm(flow) * u[-1] <= 1e-6 * np.abs(u[:-1]).max():
                break  # at rest, where every period does
            return u
    raise DivergenceError("Newton finds no limit cycle: give a `start` that is closer to it, or its `period`")


@eqx.filter_jit
def _shoot(system: Any, u: Any, steps: Any) -> Any:
    """phi_T(y), its derivative (size, size + 1) in y and T, and the field at y."""
    end, derivative = jax.linearize(lambda u: _flow(system, u[:-1], u[-1] / steps, steps), u)
    columns = jax.vmap(derivative, out_axes=1)(jnp.eye(len(u)))
    return end, columns, system.field(0.0, u[:-1])


@eqx.filter_jit
def _curve(system: Any, u: Any, each: Any) -> Any:
    """The orbit over a period, and the field on it."""

    def row(y: Any, _: Any) -> Any:
        return _flow(system, y, u[-1] / (_ROWS * each), each), y

    last, rows = jax.lax.scan(row, u[:-1], length=_ROWS)
    rows = jnp.concatenate([rows, last[None]])
    return rows, jax.vmap(lambda y: system.field(0.0, y))(rows)


def _flow(system: Any, y: Any, h: Any, steps: Any) -> Any:
    return jax.lax.fori_loop(0, steps, lambda k, y: rk4.step(system.field, 0.0 * h, y, h), y)
