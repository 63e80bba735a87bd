"""The van der Pol oscillator: a limit cycle."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from recurra.series import Series
from recurra.systems.flow import integrate
from recurra.systems.forces import Driven
from recurra.systems.integrators import METHODS
from recurra.systems.system import Plan, System


class VanDerPol(Driven, System):
    """The van der Pol oscillator, free by default.

    x'' - mu (1 - x^2) x' + x = F(t); as a system x' = v, v' = F + mu (1 - x^2) v - x

    For mu = 1 the limit cycle has the period 6.6633 and the amplitude 2.0086; for mu = 5, F = 5 cos(2.466 t) it is the
    textbook's driven, chaotic case.

    Args:
        mu: strength of the nonlinear damping.
        force, amplitude, frequency, onset, width: F(t), see `Driven`.

    References:
        B. van der Pol, Phil. Mag. 2 (1926) 978-992. Driven: U. Parlitz and W. Lauterborn, Phys. Rev. A 36 (1987) 1428.

    >>> len(VanDerPol(mu=5.0, force="cosine", amplitude=5.0, frequency=2.466).simulate(steps=100))
    101
    """

    mu: float = 1.0
    force: Any = eqx.field(default="none", kw_only=True, metadata={"number": False})

    name: ClassVar[str] = "van-der-pol"
    title: ClassVar[str] = "Van der Pol oscillator, a limit cycle, driven if asked"
    channels: ClassVar[tuple[str, ...]] = ("x", "v")
    units: ClassVar[tuple[str, ...]] = ("", "")
    default_dt: ClassVar[float] = 0.05
    methods: ClassVar[tuple[str, ...]] = tuple(METHODS)
    state_size: ClassVar[int] = 2

    @property
    def transient(self) -> float:
        """By then the distance to the limit cycle has shrunk by more than exp(-50) for mu = 1."""
        return 100.0

    def field(self, t: jax.Array, state: jax.Array) -> jax.Array:
        """(x', v')."""
        x, v = state
        return jnp.stack([v, self.push(t) + self.mu * (1 - x**2) * v - x])

    def start(self, rng: np.random.Generator) -> np.ndarray:
        """Standard normal, within reach of the cycle."""
        return rng.standard_normal(2)

    def trajectory(self, plan: Plan) -> Series:
        """Integrate the field."""
        return integrate(self, plan)
