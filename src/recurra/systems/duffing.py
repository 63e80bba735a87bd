"""The Duffing oscillator: a cubic spring, damped and driven."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from recurra.series import Series
from recurra.systems.flow import integrate
from recurra.systems.forces import Driven
from recurra.systems.integrators import METHODS
from recurra.systems.system import Plan, System


class Duffing(Driven, System):
    """The Duffing oscillator.

    x'' + delta x' + alpha x + beta x^3 = F(t); as a system x' = v, v' = F - delta v - alpha x - beta x^3

    The defaults, a double well driven by 0.5 cos(1.2 t), are chaotic.

    Args:
        damping: delta.
        linear: alpha, linear stiffness.
        cubic: beta, cubic stiffness.
        force, amplitude, frequency, onset, width: F(t), see `Driven`.

    References:
        J. Guckenheimer and P. Holmes, Nonlinear Oscillations, Dynamical Systems, and Bifurcations of Vector
        Fields (1983), section 2.2.

    >>> Duffing(force="none").simulate(steps=2, dt=0.1, initial=[1.0, 0.0]).values[-1].tolist()
    [1.0, 0.0]
    """

    damping: float = 0.3
    linear: float = -1.0
    cubic: float = 1.0
    amplitude: float = eqx.field(default=0.5, kw_only=True)
    frequency: float = eqx.field(default=1.2, kw_only=True)

    name: ClassVar[str] = "duffing"
    title: ClassVar[str] = "Duffing oscillator, a driven double well, chaotic by default"
    channels: ClassVar[tuple[str, ...]] = ("x", "v")
    units: ClassVar[tuple[str, ...]] = ("", "")
    default_dt: ClassVar[float] = 0.05
    methods: ClassVar[tuple[str, ...]] = tuple(METHODS)
    state_size: ClassVar[int] = 2

    @property
    def transient(self) -> float:
        """Driven: by then exp(-delta t / 2) = 3e-7 at the default damping. Undriven motion only decays: 0."""
        return 0.0 if self.drive is None else 100.0

    def field(self, t: jax.Array, state: jax.Array) -> jax.Array:
        """(x', v')."""
        x, v = state
        return jnp.stack([v, self.push(t) - self.damping * v - self.linear * x - self.cubic * x**3])

    def start(self, rng: np.random.Generator) -> np.ndarray:
        """Standard normal: the size of the double well."""
        return rng.standard_normal(2)

    def trajectory(self, plan: Plan) -> Series:
        """Integrate the field."""
        return integrate(self, plan)
