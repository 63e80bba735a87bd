"""A sine under uniform noise: the lecture's first series."""

from typing import ClassVar

import numpy as np

from recurra.series import Series
from recurra.systems.system import Plan, System


class NoisySine(System):
    """A sine under uniform noise, a signal without a state.

    x(t) = sin(frequency t) + noise u(t), u uniform on [0, 1)

    With the defaults the mean offset is 1, the variance of the noise 1/3 and that of the sine 1/2.

    Args:
        frequency: angular frequency per time unit.
        noise: width of the noise.

    References:
        M. Hjorth-Jensen, Advanced machine learning for the physical sciences, lectures, Oslo (2024).

    >>> len(NoisySine().simulate(steps=999))
    1000
    """

    frequency: float = 0.02
    noise: float = 2.0

    name: ClassVar[str] = "noisy-sine"
    title: ClassVar[str] = "Sine under uniform noise, the lecture's first series"
    channels: ClassVar[tuple[str, ...]] = ("x",)
    units: ClassVar[tuple[str, ...]] = ("",)
    default_dt: ClassVar[float] = 1.0
    methods: ClassVar[tuple[str, ...]] = ()
    state_size: ClassVar[int] = 0

    @property
    def transient(self) -> float:
        """0: nothing settles."""
        return 0.0

    def trajectory(self, plan: Plan) -> Series:
        """Draw the signal; a longer one starts with the same rows."""
        t = plan.dt * np.arange(plan.steps + 1)
        u = np.random.default_rng(plan.seed).random(len(t))
        provenance = {
            "source": f"simulation of {self.name}",
            "system": self.name,
            "parameters": self.parameters,
            "method": None,
            "tolerance": None,
            "seed": plan.seed,
            "initial": None,
            "transient": 0.0,
            "lyapunov_exponent": None,
        }
        values = np.sin(self.frequency * t) + self.noise * u
        return Series(values, dt=plan.dt, channels=self.channels, units=self.units, provenance=provenance)
