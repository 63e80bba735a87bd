"""NARMA-10: the benchmark of nonlinear memory."""

from typing import Any, ClassVar

import numpy as np

from recurra.errors import ConfigError
from recurra.series import Series
from recurra.systems.maps import provenance, refuse_step
from recurra.systems.system import Plan, System

_ORDER = 10
_LARGE = 1e6  # the square feeds back: from here on y only grows


class NARMA10(System):
    """The nonlinear autoregressive moving average of order 10, driven by uniform noise.

    y[k] = alpha y[k-1] + beta y[k-1] (y[k-1] + ... + y[k-10]) + gamma u[k-9] u[k] + delta, u uniform on [0, high)

    The drive u is the input of the series. Row k of the input is what leads to row k of y, as everywhere in
    recurra: the literature's u(t) stands in row t + 1, beside the literature's y(t + 1), which it drives.

    The recursion is not stable for every drive: with the defaults a rare stretch of large inputs makes y grow without
    bound. Such a series is refused, by its row; another seed gives another drive.

    Args:
        alpha: memory of the last value.
        beta: nonlinear memory of the last ten.
        gamma: strength of the input product.
        delta: offset.
        high: upper end of the input.

    References:
        A. F. Atiya and A. G. Parlos, IEEE Trans. Neural Networks 11 (2000) 697-709.

    >>> series = NARMA10().simulate(steps=100)
    >>> series.channels, series.inputs.channels
    (('y',), ('u',))
    """

    alpha: float = 0.3
    beta: float = 0.05
    gamma: float = 1.5
    delta: float = 0.1
    high: float = 0.5

    name: ClassVar[str] = "narma10"
    title: ClassVar[str] = "NARMA-10, driven by uniform noise, the benchmark of nonlinear memory"
    channels: ClassVar[tuple[str, ...]] = ("y",)
    units: ClassVar[tuple[str, ...]] = ("",)
    default_dt: ClassVar[float] = 1.0
    methods: ClassVar[tuple[str, ...]] = ()
    state_size: ClassVar[int] = _ORDER

    @property
    def transient(self) -> float:
        """The start from zeros is forgotten."""
        return 200.0

    def trajectory(self, plan: Plan) -> Series:
        """Draw the drive and run the recursion; a longer series starts with the same rows."""
        refuse_step(self.name, plan.dt)
        before = 0 if plan.initial is not None else int(self.transient)
        u = self.high * np.random.default_rng(plan.seed).random(_ORDER + before + plan.steps)
        past = np.zeros(_ORDER) if plan.initial is None else plan.initial
        y = np.array(self._recursion(past.tolist(), u.tolist()))[_ORDER - 1 :]
        self._refuse_divergence(y, before, plan.seed)
        drive = Series(u[_ORDER - 1 + before :], dt=1.0, channels=["u"])
        facts = provenance(self, plan.seed, None if plan.initial is None else past.tolist(), float(before))
        return Series(y[before:], dt=1.0, channels=self.channels, units=self.units, inputs=drive, provenance=facts)

    def _recursion(self, y: list[float], u: list[float]) -> list[float]:
        for k in range(_ORDER, len(u)):
            last = y[-1]
            past = self.beta * last * sum(y[-_ORDER:])
            y.append(self.alpha * last + past + self.gamma * u[k - 9] * u[k] + self.delta)
        return y

    def _refuse_divergence(self, y: np.ndarray, before: int, seed: int) -> None:
        bad = np.flatnonzero(~(np.abs(y) < _LARGE))
        if bad.size:
            raise ConfigError(
                f"{self.name} grows without bound: y exceeds {_LARGE:g} at step {bad[0] - before}, under the drive of "
                f"seed {seed} from 0 to {self.high:g}. Take another `seed`, fewer `steps` or a lower `high`"
            )

    def _start(self, initial: Any) -> np.ndarray:
        try:
            return super()._start(initial)
        except ConfigError as error:
            raise ConfigError(f"{error}; they are y[-9] ... y[0], the last ten values") from error
