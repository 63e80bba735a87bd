"""The Mackey-Glass equation: one variable with a delay."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from recurra.errors import ConfigError
from recurra.series import Series
from recurra.systems.maps import finite, provenance
from recurra.systems.system import Plan, System

_BLOCKS = 32  # delays that one compiled call follows


class MackeyGlass(System):
    """The Mackey-Glass equation.

    x'(t) = beta x(t - tau) / (1 + x(t - tau)^n) - gamma x(t)

    Its state is the history of x over one delay. `initial` is one number, a constant history, or the values of x at
    two or more uniform times from -tau to 0, both included, which a cubic spline joins.

    The delay is divided into equal internal steps, so that the jumps in the derivatives, which travel from delay to
    delay, fall on steps. Methods: "rk4", of order 4 (the delayed values between steps come from the cubic Hermite
    polynomial of x and x'; so do rows that lie between steps), and "euler", of order 1. Generators differ, and
    scores on their series cannot be compared: the reservoir benchmark of Jaeger (2001) is
    `simulate(steps, dt=1.0, method="euler")`, internal steps of 0.1, every tenth kept.

    Args:
        tau: the delay; positive. Chaotic from about 16.8 on.
        beta: production.
        gamma: decay.
        power: n.
        substep: the longest internal step: the delay is divided evenly into steps of at most this.

    References:
        M. C. Mackey and L. Glass, Science 197 (1977) 287-289. H. Jaeger, GMD report 148 (2001), section 6.

    >>> MackeyGlass().simulate(steps=2, initial=1.0).values[:, 0].tolist()
    [1.0, 1.0, 1.0]
    """

    tau: float = 17.0
    beta: float = 0.2
    gamma: float = 0.1
    power: float = 10.0
    substep: float = 0.1

    name: ClassVar[str] = "mackey-glass"
    title: ClassVar[str] = "Mackey-Glass equation, one variable with a delay, weakly chaotic"
    channels: ClassVar[tuple[str, ...]] = ("x",)
    units: ClassVar[tuple[str, ...]] = ("",)
    default_dt: ClassVar[float] = 1.0
    methods: ClassVar[tuple[str, ...]] = ("rk4", "euler")
    state_size: ClassVar[int] = 1
    resolution: ClassVar[tuple[str, ...]] = ("substep",)

    def __check_init__(self):
        for name in ("tau", "substep"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"`{name}` of {self.name} must be positive, got {getattr(self, name)!r}")

    @property
    def transient(self) -> float:
        """As in Jaeger's protocol; the constant history is forgotten."""
        return 1000.0

    @property
    def divisions(self) -> int:
        """Internal steps in one delay."""
        return int(np.ceil(self.tau / self.substep * (1 - 1e-12)))

    def start(self, rng: np.random.Generator) -> np.ndarray:
        """A constant history between 1.1 and 1.3, above the unstable fixed point at 1."""
        return rng.uniform(1.1, 1.3, 1)

    def trajectory(self, plan: Plan) -> Series:
        """Follow the equation from the history on."""
        method = plan.method or self.methods[0]
        before = 0 if plan.initial is not None else int(np.ceil(self.transient / plan.dt))
        start = self.start(np.random.default_rng(plan.seed)) if plan.initial is None else plan.initial
        times = plan.dt * np.arange(before + plan.steps + 1)
        h = self.tau / self.divisions
        if method == "euler" and not np.isclose(ratio := plan.dt / h, np.rint(ratio), rtol=1e-9, atol=0):
            raise ConfigError(
                f"Euler's rows fall on internal steps: dt = {plan.dt:g} is no multiple of {h:g}, a delay by "
                f"{self.divisions}. Choose `dt` or `substep` so that it is, or the default method"
            )
        # the history at time 0 belongs to the rows: what `again` and a continuation start from
        past = times[before] + np.linspace(-self.tau, 0.0, self.divisions + 1)
        known = past >= 0
        wanted = np.union1d(times, past[known])
        solved = self._solve(start, wanted, method)
        finite(self.name, solved[:, None])
        values = solved[np.searchsorted(wanted, times)][before:, None]
        history = start.tolist()
        if before:
            history = np.append(
                np.full((~known).sum(), start[0]), solved[np.searchsorted(wanted, past[known])]
            ).tolist()
        facts = provenance(self, plan.seed if plan.initial is None else None, history, before * plan.dt)
        facts |= {"method": method, "internal_step": h}
        return Series(values, dt=plan.dt, channels=self.channels, units=self.units, provenance=facts)

    def again(self, series: Series) -> np.ndarray:
        """The rows once more from the history at time 0, by the method of order 4 with half the internal step."""
        finer = MackeyGlass(self.tau, self.beta, self.gamma, self.power, self.tau / self.divisions / 2)
        return finer._solve(np.array(series.provenance["initial"]), series.times, "rk4")[:, None]

    def step_map(self, dt: float | None, rng: np.random.Generator) -> tuple[Any, Any, float]:
        """The map over one delay, a state to start from, and tau; for what is told from derivatives.

        A state is x and x' on the internal steps of one delay, by the method of order 4.

        Raises:
            ConfigError: another step than the delay.
        """
        if dt is not None and dt != self.tau:
            raise ConfigError(f"the state of {self.name} is one delay: its step is {self.tau:g}, got dt = {dt!r}")
        numbers = (self.beta, self.gamma, self.power, self.tau / self.divisions)
        return Partial(_delay, numbers), _history(self.start(rng), self.tau, self.divisions), float(self.tau)

    def _solve(self, start: np.ndarray, times: np.ndarray, method: str) -> np.ndarray:
        """x at increasing times from 0 on."""
        m, h = self.divisions, self.tau / self.divisions
        x, slope = _history(start, self.tau, m)
        place = times / h
        row, chunk = np.floor(place + 1e-9).astype(int), m * _BLOCKS
        found = np.empty(len(times))
        numbers = tuple(np.float64(number) for number in (self.beta, self.gamma, self.power, h))
        for first in range(0, int(row[-1]) + 1, chunk):
            with jax.enable_x64(True):
                xs, slopes = (np.array(part) for part in _blocks(x, slope, numbers, method))
            here = (row >= first) & (row < first + chunk)
            block, k = np.divmod(row[here] - first, m)
            theta = np.maximum(place[here] - row[here], 0.0)
            ends = xs[block, k], xs[block, k + 1], h * slopes[block, k], h * slopes[block, k + 1]
            with np.errstate(invalid="ignore"):  # what is not finite is refused by its step
                found[here] = _hermite(*ends, theta)
            x, slope = xs[-1], slopes[-1]
        return found

    def _start(self, initial: Any) -> np.ndarray:
        try:
            history = np.atleast_1d(np.array(initial, dtype=np.float64))
        except (TypeError, ValueError) as error:
            raise ConfigError(f"`initial` must be numbers, got {initial!r}") from error
        if history.ndim != 1 or not history.size or not np.isfinite(history).all():
            raise ConfigError(
                f"`initial` of {self.name} must be one finite number, a constant history, or x at uniform times from "
                f"-tau to 0, got shape {history.shape} with {int((~np.isfinite(history)).sum())} numbers not finite"
            )
        return history


def _history(start: np.ndarray, tau: float, m: int) -> tuple[np.ndarray, np.ndarray]:
    """x and x' on the m + 1 internal steps of the first delay."""
    if len(start) == 1:
        return np.full(m + 1, start[0]), np.zeros(m + 1)
    from scipy.interpolate import CubicSpline  # takes half a second to load

    spline = CubicSpline(np.linspace(-tau, 0.0, len(start)), start)
    t = np.linspace(-tau, 0.0, m + 1)
    x = np.asarray(spline(t))
    x[-1] = start[-1]
    return x, np.asarray(spline(t, 1))


def _hermite(x0: Any, x1: Any, d0: Any, d1: Any, theta: Any) -> Any:
    """The cubic with the values x0, x1 and the slopes d0, d1 at theta = 0, 1."""
    s = 1 - theta
    return s**2 * ((1 + 2 * theta) * x0 + theta * d0) + theta**2 * ((1 + 2 * s) * x1 - s * d1)


def _delay(numbers, history, method: str = "rk4"):
    """x and x' on the internal steps of the next delay, each (m + 1,), from those of the last one."""
    beta, gamma, power, h = numbers
    x, slope = history

    def production(delayed):
        return beta * delayed / (1 + delayed**power)

    def rk4(x, push):
        start, middle, end = push
        k1 = start - gamma * x
        k2 = middle - gamma * (x + h / 2 * k1)
        k3 = middle - gamma * (x + h / 2 * k2)
        k4 = end - gamma * (x + h * k3)
        after = x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        return after, after

    def euler(x, push):
        after = x + h * (push[0] - gamma * x)
        return after, after

    push = production(x)
    middle = production(_hermite(x[:-1], x[1:], h * slope[:-1], h * slope[1:], 0.5))
    _, rest = jax.lax.scan(rk4 if method == "rk4" else euler, x[-1], (push[:-1], middle, push[1:]))
    here = jnp.concatenate([x[-1:], rest])
    return here, push - gamma * here


@eqx.filter_jit
def _blocks(x, slope, numbers, method: str):
    """x and x' on the internal steps of the next delays, each (delays, m + 1), from those of the last one."""

    def delay(history, _):
        following = _delay(numbers, history, method)
        return following, following

    _, found = jax.lax.scan(delay, (x, slope), None, _BLOCKS)
    return found
