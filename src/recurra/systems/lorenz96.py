"""The Lorenz system of 1996: a ring of sites."""
# pyright: reportIncompatibleVariableOverride=false
# The channels of a system of any size belong to the instance.

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from recurra._types import whole_number
from recurra.errors import ConfigError
from recurra.series import Series
from recurra.systems.flow import integrate
from recurra.systems.integrators import GENERAL
from recurra.systems.system import Plan, System


class Lorenz96(System):
    """The Lorenz-96 system: advection, damping and forcing on a ring of N sites.

    x_i' = (x_{i+1} - x_{i-2}) x_{i-1} - x_i + F, the index taken modulo N

    Args:
        sites: N, at least 4.
        forcing: F; above about 5 most rings are chaotic.

    References:
        E. N. Lorenz, Predictability: a problem partly solved, ECMWF seminar (1996). Exponent 1.67 at N = 40, F = 8:
        E. N. Lorenz and K. A. Emanuel, J. Atmos. Sci. 55 (1998) 399-414 (a doubling in 2.1 days of 0.2 units).

    >>> Lorenz96(sites=5).simulate(steps=100)
    Series(101 rows, dt=0.05, channels=['x1', 'x2', 'x3', 'x4', 'x5'])
    """

    sites: int = eqx.field(static=True, default=40)
    forcing: float = 8.0

    name: ClassVar[str] = "lorenz96"
    title: ClassVar[str] = "Lorenz system of 1996, a ring of sites, chaotic"
    default_dt: ClassVar[float] = 0.05
    methods: ClassVar[tuple[str, ...]] = GENERAL

    def __check_init__(self):
        if not whole_number(self.sites) or self.sites < 4:
            raise ConfigError(f"`sites` must be a whole number of at least 4, got {self.sites!r}")

    @property
    def channels(self) -> tuple[str, ...]:
        """x1 ... xN."""
        return tuple(f"x{site}" for site in range(1, self.sites + 1))

    @property
    def units(self) -> tuple[str, ...]:
        """None have any."""
        return ("",) * self.sites

    @property
    def state_size(self) -> int:
        """N."""
        return self.sites

    @property
    def transient(self) -> float:
        """Phase-space volumes have shrunk by exp(-20 N) by then."""
        return 20.0

    @property
    def drive(self) -> None:
        """None: the forcing is a constant of the system."""
        return None

    def field(self, t: jax.Array, state: jax.Array) -> jax.Array:
        """x_i'."""
        del t
        advection = (jnp.roll(state, -1) - jnp.roll(state, 2)) * jnp.roll(state, 1)
        return advection - state + self.forcing

    def start(self, rng: np.random.Generator) -> np.ndarray:
        """Normal about the uniform state x = F, which is unstable."""
        return self.forcing + rng.standard_normal(self.sites)

    def trajectory(self, plan: Plan) -> Series:
        """Integrate the field."""
        return integrate(self, plan)
