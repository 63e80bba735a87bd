"""The pendulum: damped, driven, at any amplitude."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from recurra.errors import ConfigError
from recurra.series import Series
from recurra.systems.flow import integrate
from recurra.systems.forces import Driven
from recurra.systems.integrators import METHODS
from recurra.systems.system import Plan, System


class Pendulum(Driven, System):
    """The damped, driven pendulum, dimensionless.

    theta'' + eta theta' + w0^2 sin theta = F(t); as a system theta' = omega, omega' = F - eta omega - w0^2 sin theta

    The defaults (quality factor 2, driven by 1.15 cos(2 t / 3)) are chaotic. The angle is not wrapped: a pendulum
    that goes over the top counts its turns.

    Args:
        damping: eta, 1 / quality factor.
        natural_frequency: w0, angular frequency of small swings; positive.
        force, amplitude, frequency, onset, width: F(t), a torque, see `Driven`.

    References:
        G. L. Baker and J. P. Gollub, Chaotic Dynamics, 2nd edition (1996), chapter 3.

    >>> Pendulum(force="none").simulate(steps=2, initial=[0.0, 0.0]).values[-1].tolist()
    [0.0, 0.0]
    """

    damping: float = 0.5
    natural_frequency: float = 1.0
    amplitude: float = eqx.field(default=1.15, kw_only=True)
    frequency: float = eqx.field(default=2 / 3, kw_only=True)

    name: ClassVar[str] = "pendulum"
    title: ClassVar[str] = "Pendulum at any amplitude, damped and driven, chaotic by default"
    channels: ClassVar[tuple[str, ...]] = ("theta", "omega")
    units: ClassVar[tuple[str, ...]] = ("", "")
    default_dt: ClassVar[float] = 0.05
    methods: ClassVar[tuple[str, ...]] = tuple(METHODS)
    state_size: ClassVar[int] = 2

    def __check_init__(self):
        if not self.natural_frequency > 0:
            raise ConfigError(f"`natural_frequency` must be positive, got {self.natural_frequency!r}")

    @property
    def transient(self) -> float:
        """Driven: by then exp(-eta t / 2) = 1e-11 at the default damping. Undriven motion only decays: 0."""
        return 0.0 if self.drive is None else 100.0

    def field(self, t: jax.Array, state: jax.Array) -> jax.Array:
        """(theta', omega')."""
        theta, omega = state
        torque = self.push(t) - self.damping * omega - self.natural_frequency**2 * jnp.sin(theta)
        return jnp.stack([omega, torque])

    def start(self, rng: np.random.Generator) -> np.ndarray:
        """Standard normal: swings of about one radian."""
        return rng.standard_normal(2)

    def trajectory(self, plan: Plan) -> Series:
        """Integrate the field."""
        return integrate(self, plan)
