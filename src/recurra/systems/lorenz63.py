"""The Lorenz system of 1963: three variables, chaotic."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from recurra.series import Series
from recurra.systems.flow import integrate
from recurra.systems.integrators import GENERAL
from recurra.systems.system import Plan, System

_CLASSIC = (10.0, 28.0, 8 / 3)


class Lorenz63(System):
    """The Lorenz system.

    x' = sigma (y - x),  y' = x (rho - z) - y,  z' = x y - beta z

    Args:
        sigma: sigma, Prandtl number.
        rho: rho, reduced Rayleigh number.
        beta: beta, aspect ratio.

    References:
        E. N. Lorenz, J. Atmos. Sci. 20 (1963) 130-141. Exponent 0.9056: J. C. Sprott, Chaos and Time-Series
        Analysis (2003).

    >>> len(Lorenz63().simulate(steps=1000, dt=0.01, seed=0))
    1001
    """

    sigma: float = 10.0
    rho: float = 28.0
    beta: float = 8 / 3

    name: ClassVar[str] = "lorenz63"
    title: ClassVar[str] = "Lorenz system of 1963, three variables, chaotic"
    channels: ClassVar[tuple[str, ...]] = ("x", "y", "z")
    units: ClassVar[tuple[str, ...]] = ("", "", "")
    default_dt: ClassVar[float] = 0.01
    methods: ClassVar[tuple[str, ...]] = GENERAL
    state_size: ClassVar[int] = 3

    @property
    def transient(self) -> float:
        """Phase-space volumes have shrunk by exp(-273) by then."""
        return 20.0

    @property
    def lyapunov_exponent(self) -> float | None:
        """0.9056 for the classic parameters."""
        return 0.9056 if (self.sigma, self.rho, self.beta) == _CLASSIC else None

    @property
    def drive(self) -> None:
        """None: the system is autonomous."""
        return None

    def field(self, t: jax.Array, state: jax.Array) -> jax.Array:
        """(x', y', z')."""
        del t
        x, y, z = state
        return jnp.stack([self.sigma * (y - x), x * (self.rho - z) - y, x * y - self.beta * z])

    def start(self, rng: np.random.Generator) -> np.ndarray:
        """Normal, about the centre and of the size of the classic attractor."""
        return np.array([0.0, 0.0, 23.5]) + 8.0 * rng.standard_normal(3)

    def trajectory(self, plan: Plan) -> Series:
        """Integrate the field."""
        return integrate(self, plan)
