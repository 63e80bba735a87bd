"""The autoregression of order one: the simplest series with a memory, and the random walk."""

from typing import ClassVar

import numpy as np

from recurra.errors import ConfigError
from recurra.series import Series
from recurra.systems.maps import provenance, refuse_step
from recurra.systems.system import Plan, System


class Autoregressive(System):
    """The autoregression of order one.

    x[k] = coefficient x[k-1] + noise e[k], e standard normal

    With a coefficient a of less than 1 in size the series is stationary, with the variance noise^2 / (1 - a^2) and the
    autocorrelation a^k; without `initial` it starts in that distribution. The best forecast of the next row is
    a x[k], with the mean squared error noise^2; that of persistence is 2 / (1 + a) times as large. With the coefficient
    1 it is the random walk, which starts at 0: nothing is better than persistence, and nothing tells up from down.

    Args:
        coefficient: a, from -1 to 1.
        noise: standard deviation of what is new in every row.

    References:
        G. E. P. Box, G. M. Jenkins, Time series analysis: forecasting and control, Holden-Day (1970), chapter 3.

    >>> len(Autoregressive(coefficient=1.0).simulate(steps=99))
    100
    """

    coefficient: float = 0.9
    noise: float = 1.0

    name: ClassVar[str] = "autoregressive"
    title: ClassVar[str] = "Autoregression of order one; with the coefficient 1 a random walk"
    channels: ClassVar[tuple[str, ...]] = ("x",)
    units: ClassVar[tuple[str, ...]] = ("",)
    default_dt: ClassVar[float] = 1.0
    methods: ClassVar[tuple[str, ...]] = ()
    state_size: ClassVar[int] = 1

    def __check_init__(self):
        if not -1 <= self.coefficient <= 1:
            raise ConfigError(
                f"`coefficient` of {self.name} must be between -1 and 1, got {self.coefficient!r}: beyond, x explodes"
            )
        if self.noise < 0:
            raise ConfigError(f"`noise` of {self.name} is a standard deviation, got {self.noise!r}")

    @property
    def transient(self) -> float:
        """0: the start is drawn from the stationary distribution."""
        return 0.0

    def trajectory(self, plan: Plan) -> Series:
        """Draw the series; a longer one starts with the same rows."""
        refuse_step(self.name, plan.dt)
        first, *e = np.random.default_rng(plan.seed).standard_normal(plan.steps + 1).tolist()
        rest = 1 - self.coefficient**2
        start = self.noise * first / rest**0.5 if rest > 0 else 0.0
        x = [float(start if plan.initial is None else plan.initial[0])]
        for new in e:
            x.append(self.coefficient * x[-1] + self.noise * new)
        facts = provenance(self, plan.seed, x[:1], 0.0)
        return Series(np.array(x), dt=1.0, channels=self.channels, units=self.units, provenance=facts)
