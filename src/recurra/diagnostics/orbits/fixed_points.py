"""Fixed points and cycles of a step map: where a network or a system rests, and what happens near."""

from typing import Any

import jax
import numpy as np

from recurra.diagnostics.checks import check_whole
from recurra.diagnostics.maps import StepMap
from recurra.diagnostics.orbits.flat import in_float64, moved, pack
from recurra.diagnostics.orbits.newton import Roots, roots
from recurra.diagnostics.orbits.periodic import PeriodicPoints, by_modulus
from recurra.diagnostics.orbits.starts import given, held, typical, visited
from recurra.diagnostics.step_maps import step_map
from recurra.diagnostics.subject import inputs_of
from recurra.errors import ConfigError
from recurra.series import Series
from recurra.threads import one_blas_thread

_MANY, _FEW, _LARGE = 64, 16, 64  # starts, and few where a state has more numbers than so many
_EXACT = 1e-9  # a correction of Newton below this is that of a root
_ROUNDED = 4 * np.finfo(np.float64).eps  # a residual below this is rounding
_SAME = 1e-6  # two points closer than this are one, in units of the typical size of a state
_VAGUE = 1e-3  # the same where the derivative is so close to singular that a point is known to no more than this


def fixed_points(
    step: Any,
    starts: Any = None,
    *,
    dt: float | None = None,
    count: int | None = None,
    slow: float = 0.01,
    iterations: int = 300,
    seed: int = 0,
) -> PeriodicPoints:
    r"""The fixed points of a forecaster, a system or a step map, in float64.

    .. math:: F(x) = x, \quad q(x) = \tfrac12 |F(x) - x|^2, \quad \mu = \text{eigenvalues of } F'(x)

    From every start q is minimised by the method of Levenberg and Marquardt, and the end is polished by full steps of
    Newton. Minima that are not zero are slow points: the state stays near them for long. The fixed points of the step
    of a vector field are those of the field.

    A network rests where it answers a row with that row: of a forecaster the search starts from rows at which little
    moves, each held until the network has settled. So a few starts do for hundreds of units, as long as the network
    forgets all but what it hears; one with memories of its own rests in more places than these find.

    No search of this kind can promise that it found all: more starts, from other places, find more.

    Args:
        step: a fitted forecaster, a system that is a map or an undriven vector field, or a map, state -> state, in
            `jax.numpy`; see `recurra.diagnostics.lyapunov_spectrum`. The fixed points of a forecaster are those of its
            closed loop, in scaled units: its state, and the last row that it gave.
        starts: states with a leading axis in every array; of a forecaster also a series in the units of its data, of
            which slow rows are held. None for those that a trajectory visits, others near them, and others in the box
            around them, and of a forecaster the slow ones of these rows, held. A map in `jax.numpy` needs states.
        dt: time units of one step; None for that of the rows of a forecaster or a system, and for 1.
        count: how many are visited ones or about these; None for 64, but where a state has more than 64 numbers 16,
            and of a forecaster that large none.
        slow: a minimum of q is a slow point where a step is less than this share of the median step at the starts.
        iterations: damped steps from each start, at most.
        seed: of the starts.

    Returns:
        Each point once, those first that attract; two are one where they are closer than a millionth of the typical
        size of a state.

    Raises:
        ConfigError: arguments that cannot be, a driven system, a step that changes the structure of its state.
        DataError: a series that the forecaster was not made for.
        DivergenceError: the trajectory for the starts is not finite from its first step.

    References: D. Sussillo, O. Barak, Neural Computation 25 (2013) 626-649; D. W. Marquardt, Journal of the Society for
    Industrial and Applied Mathematics 11 (1963) 431-441.

    Example:
        >>> found = fixed_points(lambda x: 2.5 * x * (1 - x), np.array([[0.1], [0.7]]))
        >>> found.points[:, 0].round(12).tolist(), found.kinds
        ([0.6, 0.0], ('stable', 'unstable'))
    """
    return cycles(step, 1, starts, dt=dt, count=count, slow=slow, iterations=iterations, seed=seed)


def cycles(
    step: Any,
    period: int,
    starts: Any = None,
    *,
    dt: float | None = None,
    count: int | None = None,
    slow: float = 0.01,
    iterations: int = 300,
    seed: int = 0,
) -> PeriodicPoints:
    r"""The cycles of a step map: states that come back after exactly so many steps.

    .. math:: F^k(x) = x, \quad F^d(x) \ne x \text{ for every divisor } d < k

    Args:
        step, starts, dt, count, slow, iterations, seed: as of `fixed_points`; rows are held for the period 1 alone.
        period: k.

    Returns:
        Each cycle once, from its smallest first number on; the multipliers are those of the whole cycle.

    Raises:
        ConfigError, DivergenceError: as `fixed_points`.

    Example:
        >>> found = cycles(lambda x: 3.2 * x * (1 - x), 2, np.array([[0.5], [0.9]]))
        >>> found.orbits[:, :, 0].round(6).tolist(), found.multipliers.real.round(6).tolist()
        ([[0.513045, 0.799455]], [[0.16]])
    """
    check_whole(1, period=period, count=1 if count is None else count, iterations=iterations)
    step, like, vectors, dt = _prepared(step, period, starts, dt, count, seed)
    scale = typical(vectors)
    speed = _speed(step, like, vectors, scale, period)
    with one_blas_thread():
        found = roots(step, like, vectors, scale, period, iterations)
    exact = (found.correction <= _EXACT) | ((found.residual <= _ROUNDED) & np.isfinite(found.x).all(axis=1))
    near = ~exact & np.isfinite(found.x).all(axis=1) & (found.residual <= slow * speed)
    orbits = _orbits(step, like, found.x, period)
    exact, near = (mask & _prime(orbits, scale, period) for mask in (exact, near))
    kept = {name: _once(orbits, found, mask, scale) for name, mask in (("exact", exact), ("near", near))}
    sizes = {"dt": dt, "like": like, "starts": len(vectors)}
    slow_ones = _points(orbits, found, kept["near"], scale, lost=int((~near).sum()), **sizes)
    lost = int((~exact & ~near).sum())
    return _points(orbits, found, kept["exact"], scale, slow=slow_ones, lost=lost, **sizes)


def _prepared(
    step: Any, period: int, starts: Any, dt: float | None, count: int | None, seed: int
) -> tuple[Any, Any, np.ndarray, float]:
    if getattr(step, "drive", None) is not None:
        raise ConfigError(
            f"{step.name} is driven, so that it never rests: take its map over one period of the drive, state -> state"
        )
    named = hasattr(step, "fit") or hasattr(step, "simulate") or isinstance(step, StepMap)
    if starts is None and not named:
        raise ConfigError("a step map needs states to start from: give `starts`, with a leading axis")
    if starts is None or isinstance(starts, Series):
        found = step_map(step, dt=dt, seed=seed)
        found = found._replace(start=in_float64(found.start))
        return found.step, found.start, _default_starts(step, found, period, starts, count, seed), found.dt
    vectors, like = given(starts)
    found = step_map(step, None if named else like, dt=dt, seed=seed)
    if jax.tree.structure(found.start) != jax.tree.structure(like) or pack(found.start).size != vectors.shape[1]:
        raise ConfigError(
            f"`starts` are states of {pack(found.start).size} numbers in the structure of the step's own state"
        )
    return found.step, like, vectors, found.dt


def _default_starts(
    of: Any, found: StepMap, period: int, series: Series | None, count: int | None, seed: int
) -> np.ndarray:
    """States (starts, size) where none are given, or a series of which slow rows are held."""
    if series is not None and (period > 1 or not hasattr(of, "frame_")):
        raise ConfigError("a series says where to look for fixed points of a forecaster: else give states as `starts`")
    large = pack(found.start).size > _LARGE
    hold = found.heard and period == 1
    count = (_MANY if not large else 0 if hold else _FEW) if count is None else count
    vectors = [visited(found.step, found.start, count, seed)] if count else []
    if hold:
        rows = None if series is None else inputs_of(of, series)[0]
        vectors.append(held(found.step, found.start, rows))
    return np.concatenate(vectors)


def _speed(step: Any, like: Any, vectors: np.ndarray, scale: np.ndarray, period: int) -> float:
    """The median, over the starts, of the root mean square of F^k(x) - x."""
    found = np.sqrt((((moved(step, like, vectors, period) - vectors) / scale) ** 2).mean(axis=1))
    return float(np.median(found[np.isfinite(found)])) if np.isfinite(found).any() else 0.0


def _orbits(step: Any, like: Any, x: np.ndarray, period: int) -> np.ndarray:
    """(starts, period, size): the states from x on."""
    rows = [x]
    for _ in range(period - 1):
        rows.append(moved(step, like, rows[-1]))
    return np.stack(rows, axis=1)


def _prime(orbits: np.ndarray, scale: np.ndarray, period: int) -> np.ndarray:
    """Which of them come back after no divisor of the period."""
    divisors = [d for d in range(1, period) if period % d == 0]
    apart = [_distance(orbits[:, d], orbits[:, 0], scale) > _SAME for d in divisors]
    return np.logical_and.reduce([np.ones(len(orbits), bool), *apart])


def _distance(a: np.ndarray, b: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return np.abs((a - b) / scale).max(axis=-1)


def _once(orbits: np.ndarray, found: Roots, mask: np.ndarray, scale: np.ndarray) -> list[int]:
    """Of those in the mask one of each, the most exact."""
    kept: list[int] = []
    for k in sorted(np.flatnonzero(mask), key=lambda k: found.residual[k]):
        same = max(_SAME, min(10 * found.correction[k], _VAGUE))
        if not any((_distance(orbits[j], orbits[k, 0], scale) <= same).any() for j in kept):
            kept.append(int(k))
    return kept


def _points(orbits: np.ndarray, found: Roots, kept: list[int], scale: np.ndarray, **rest: Any) -> PeriodicPoints:
    """The kept ones, those first whose neighbourhood grows least; each from its smallest first number on."""
    turned = [np.roll(orbit, -int(np.argmin(orbit[:, 0])), axis=0) for orbit in orbits[kept]]
    orbits = np.stack(turned) if kept else orbits[:0]
    size = orbits.shape[2]
    with one_blas_thread():
        multipliers = by_modulus(np.linalg.eigvals(found.derivative[kept]).astype(complex))
    q = 0.5 * size * (found.residual[kept] * np.sqrt(np.mean(scale**2))) ** 2
    order = np.argsort(np.abs(multipliers[:, 0]), kind="stable")
    return PeriodicPoints(orbits[order], multipliers[order], q[order], found.correction[kept][order], **rest)
