"""Lyapunov exponents of a step map: how fast states that almost agree part, or meet, in every direction."""

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from recurra.diagnostics.checks import check_whole
from recurra.diagnostics.exponents.dimension import entropy_bound, kaplan_yorke_dimension
from recurra.diagnostics.exponents.growth import Schedule, grow, refuse_lost, starts
from recurra.diagnostics.step_maps import step_map

_BLOCKS = 20  # of whole stretches, at least, from whose scatter the errors are told
_FEW = 10  # exponents where no number is asked for
_APART = 4.0  # standard errors between the halves of a run that still drifts


@dataclass(frozen=True, eq=False)
class LyapunovSpectrum:
    """Lyapunov exponents, and how well they are known.

    Attributes:
        exponents: (count,), largest first, natural logarithm per time unit; -inf where a step forgets a direction.
        parts: (trajectories, parts, count): the same over each of the equal stretches that a trajectory is cut into,
            which are finite-time exponents; what is left over of the trajectory is in `exponents` alone.
        states: where each stretch begins, with leading axes (trajectories, parts).
        time: of one trajectory, in time units, the transient not counted.
        size: numbers in a state: of so many exponents the largest `count` are here.
        last: the states in the end, as they were given.
    """

    exponents: np.ndarray
    parts: np.ndarray
    states: Any
    time: float
    size: int
    last: Any

    @property
    def errors(self) -> np.ndarray:
        """Standard errors (count,): batch means, over blocks as long as twenty of them allow.

        The growth over a short block also depends on where on the attractor it begins and ends, and what one block has
        too much the next has too little. NaN for a single block, and where the exponent is -inf.
        """
        trajectories, parts, count = self.parts.shape
        whole = [k for k in range(1, parts + 1) if parts % k == 0 and trajectories * parts // k >= _BLOCKS]
        values = self.parts.reshape(-1, max(whole, default=1), count).mean(axis=1)
        found = np.full(len(self.exponents), np.nan)
        if len(values) > 1:
            good = np.isfinite(values).all(axis=0)
            found[good] = values[:, good].std(axis=0, ddof=1) / np.sqrt(len(values))
        return found

    @property
    def history(self) -> np.ndarray:
        """The exponents (parts, count) as they were after each stretch, over all trajectories."""
        steps = np.arange(1, self.parts.shape[1] + 1)[:, None]
        return np.cumsum(self.parts.mean(axis=0), axis=0) / steps

    @property
    def converged(self) -> bool:
        """Whether growth is the same all along: cut after a quarter, a half or three quarters of the run, both sides
        agree within four standard errors. A transient that ends on the way is seen so."""
        parts = self.parts.shape[1]
        cuts = {cut for cut in (parts // 4, parts // 2, parts - parts // 4) if 2 <= cut <= parts - 2}
        good = np.isfinite(self.exponents)
        growth = self.parts[..., good]
        return bool(cuts) and all(self._agree(growth[:, :cut], growth[:, cut:]) for cut in cuts)

    def _agree(self, *sides: np.ndarray) -> bool:
        """Whether the means of two sides (trajectories, parts, count) are the same within four standard errors."""
        ends = [side.reshape(-1, side.shape[-1]) for side in sides]
        scatter = np.sqrt(sum(end.var(axis=0, ddof=1) / len(end) for end in ends))
        apart = np.abs(ends[0].mean(axis=0) - ends[1].mean(axis=0))
        return bool(np.all(apart <= _APART * scatter + 1e-9 * np.abs(ends[0].mean(axis=0))))

    @property
    def dimension(self) -> float | None:
        """Kaplan-Yorke dimension; None where more exponents are needed to tell. See `kaplan_yorke_dimension`."""
        return kaplan_yorke_dimension(self.exponents, self.size)

    @property
    def entropy(self) -> float:
        """The sum of the positive ones of these exponents, nats per time unit. See `entropy_bound`."""
        return entropy_bound(self.exponents)


def lyapunov_spectrum(
    step: Any,
    start: Any = None,
    *,
    steps: int = 100_000,
    transient: int = 1000,
    dt: float | None = None,
    count: int | None = None,
    qr_every: int = 1,
    parts: int = 48,
    many: bool = False,
    seed: int = 0,
) -> LyapunovSpectrum:
    r"""The Lyapunov exponents of a forecaster, a system or a step map along one trajectory or several, in float64.

    .. math::
        J_{t+m-1} \cdots J_t\, Q_t = Q_{t+m} R_{t+m}, \quad
        \lambda_i = \frac{1}{n \, dt} \sum_t \ln |(R_t)_{ii}|

    J_t is the derivative of the step at the state where it is taken. The columns of Q are random at first and turn to
    the directions of fastest growth during the transient.

    Args:
        step: a fitted forecaster, which runs on its own output; a system that is a vector field or a map; or a map,
            state -> state, in `jax.numpy` (see `recurra.diagnostics.step_maps`). One that is a `jax.tree_util.Partial`,
            or a method of an `equinox.Module`, is compiled once for all values of its arrays; any other at every call.
        start: the state to start from, any structure of arrays. It is everything that is carried from step to step.
            None for one that a system draws; of a forecaster, the series that it follows first, None for the last rows
            that it was fitted to.
        steps: n, over which growth is averaged; rounded up to a multiple of `qr_every`.
        transient: steps before them.
        dt: time units of one step; None for that of the rows of a forecaster or a system, and for 1.
        count: how many exponents, the largest first; None for all of them, or 10 where there are more.
        qr_every: m, steps between two decompositions. More are cheaper, and lose small exponents to rounding when the
            ratio of growth over so many steps comes near 1e16.
        parts: stretches that a trajectory is cut into. More and shorter ones show how the growth over a finite time
            differs from place to place: `.parts` are then the finite-time exponents, `.states` where each begins.
        many: whether every array of `start` has a leading axis of trajectories.
        seed: of the directions, and of the start that a system draws.

    Raises:
        ConfigError: arguments that cannot be, a step that changes the structure of its state.
        DivergenceError: a trajectory leaves the finite numbers.

    References: I. Shimada, T. Nagashima, Progress of Theoretical Physics 61 (1979) 1605-1616; G. Benettin, L. Galgani,
    A. Giorgilli, J.-M. Strelcyn, Meccanica 15 (1980) 9-20 and 21-30.

    Example:
        >>> found = lyapunov_spectrum(lambda x: x * np.array([0.25, 0.5]), np.ones(2), steps=100)
        >>> np.exp(found.exponents).round(6).tolist()
        [0.5, 0.25]
    """
    check_whole(1, steps=steps, qr_every=qr_every, parts=parts)
    check_whole(0, transient=transient, seed=seed)
    step, start, dt, _ = step_map(step, start, dt, seed)
    plan = Schedule.of(transient, steps, parts, qr_every)
    return measure_spectrum(step, start, *plan, dt=dt, count=count, qr_every=qr_every, many=many, seed=seed)


def measure_spectrum(
    step: Any,
    start: Any,
    schedule: Schedule,
    parts: int,
    *,
    dt: float,
    count: int | None,
    qr_every: int,
    many: bool,
    seed: int,
    drive: Any = None,
) -> LyapunovSpectrum:
    """The exponents of a step map (state) -> state, or (state, row of the drive) -> state; see `lyapunov_spectrum`."""
    with jax.enable_x64(True):
        begin = starts(start, many, count, seed, _FEW)
        found = grow(step, begin, schedule, parts, qr_every, drive)
        last, states, growth, left = jax.tree.map(np.asarray, found)
    steps = int(schedule.before + parts * schedule.each + schedule.rest) * qr_every
    refuse_lost(growth, last, steps)
    time = (parts * int(schedule.each) + int(schedule.rest)) * qr_every * dt
    exponents = (growth.sum(axis=1) + left).mean(axis=0) / time
    order = np.argsort(-exponents, kind="stable")
    last = last if many else jax.tree.map(lambda leaf: leaf[0], last)
    by_part = growth[:, :, order] / (int(schedule.each) * qr_every * dt)
    return LyapunovSpectrum(exponents[order], by_part, states, time, begin.size, last)
