"""The logistic map."""

import math
from typing import ClassVar

import jax
import numpy as np

from recurra.series import Series
from recurra.systems.maps import iterate
from recurra.systems.system import Plan, System


class LogisticMap(System):
    """The logistic map, fully chaotic by default.

    x[n+1] = r x[n] (1 - x[n]); for r = 4, x[n] = sin^2(2^n arcsin sqrt x[0])

    Args:
        r: growth rate; within 0 ... 4 the interval [0, 1] is kept.

    References:
        R. M. May, Nature 261 (1976) 459-467. The exponent at r = 4 is ln 2, from the closed form.

    >>> LogisticMap().simulate(steps=2, initial=[0.25]).values[:, 0].tolist()
    [0.25, 0.75, 0.75]
    """

    r: float = 4.0

    name: ClassVar[str] = "logistic-map"
    title: ClassVar[str] = "Logistic map, one variable, chaotic with a closed form by default"
    channels: ClassVar[tuple[str, ...]] = ("x",)
    units: ClassVar[tuple[str, ...]] = ("",)
    default_dt: ClassVar[float] = 1.0
    methods: ClassVar[tuple[str, ...]] = ()
    state_size: ClassVar[int] = 1

    @property
    def transient(self) -> float:
        """Enough for all but the neighbourhood of a bifurcation."""
        return 1000.0

    @property
    def lyapunov_exponent(self) -> float | None:
        """ln 2 for r = 4."""
        return math.log(2) if self.r == 4.0 else None

    def map(self, state: jax.Array) -> jax.Array:
        """r x (1 - x)."""
        return self.r * state * (1 - state)

    def start(self, rng: np.random.Generator) -> np.ndarray:
        """Uniform on (0.1, 0.9)."""
        return rng.uniform(0.1, 0.9, 1)

    def trajectory(self, plan: Plan) -> Series:
        """Iterate the map."""
        return iterate(self, plan)
