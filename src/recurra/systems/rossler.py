"""The Rössler system."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from recurra.series import Series
from recurra.systems.flow import integrate
from recurra.systems.integrators import GENERAL
from recurra.systems.system import Plan, System

_SPROTT = (0.2, 0.2, 5.7)


class Rossler(System):
    """The Rössler system, the simplest band of chaos.

    x' = -y - z,  y' = x + a y,  z' = b + z (x - c)

    Args:
        a: growth of the spiral.
        b: inflow of z.
        c: threshold of x at which z grows.

    References:
        O. E. Rössler, Phys. Lett. A 57 (1976) 397-398. Exponent 0.0714: J. C. Sprott, Chaos and Time-Series
        Analysis (2003).

    >>> len(Rossler().simulate(steps=100))
    101
    """

    a: float = 0.2
    b: float = 0.2
    c: float = 5.7

    name: ClassVar[str] = "rossler"
    title: ClassVar[str] = "Rössler system, three variables, one band, chaotic"
    channels: ClassVar[tuple[str, ...]] = ("x", "y", "z")
    units: ClassVar[tuple[str, ...]] = ("", "", "")
    default_dt: ClassVar[float] = 0.1
    methods: ClassVar[tuple[str, ...]] = GENERAL
    state_size: ClassVar[int] = 3

    @property
    def transient(self) -> float:
        """About 34 turns; phase-space volumes shrink by exp(-5.3) in each time unit."""
        return 200.0

    @property
    def lyapunov_exponent(self) -> float | None:
        """0.0714 for a = b = 0.2, c = 5.7."""
        return 0.0714 if (self.a, self.b, self.c) == _SPROTT else None

    @property
    def drive(self) -> None:
        """None: the system is autonomous."""
        return None

    def field(self, t: jax.Array, state: jax.Array) -> jax.Array:
        """(x', y', z')."""
        del t
        x, y, z = state
        return jnp.stack([-y - z, x + self.a * y, self.b + z * (x - self.c)])

    def start(self, rng: np.random.Generator) -> np.ndarray:
        """Normal, about the centre of the spiral, z low: well inside the basin."""
        return np.append(rng.standard_normal(2), 0.0)

    def trajectory(self, plan: Plan) -> Series:
        """Integrate the field."""
        return integrate(self, plan)
