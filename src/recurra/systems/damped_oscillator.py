"""The damped, driven harmonic oscillator: linear, with a solution in closed form."""

from collections.abc import Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from recurra.errors import ConfigError
from recurra.series import Series
from recurra.systems.flow import integrate
from recurra.systems.forces import Driven
from recurra.systems.integrators import METHODS
from recurra.systems.system import Plan, System


class DampedOscillator(Driven, System):
    """The damped, driven harmonic oscillator, dimensionless.

    x'' + eta x' + w0^2 x = F(t); as a system x' = v, v' = F - eta v - w0^2 x

    Args:
        damping: eta. Below 2 w0 the oscillator swings, above it creeps.
        natural_frequency: w0, angular frequency without damping and force; positive.
        force, amplitude, frequency, onset, width: F(t), see `Driven`.

    >>> series = DampedOscillator(damping=0.4).simulate(steps=200, dt=0.1, initial=[1.0, 0.0])
    >>> round(series.values[-1, 0].item(), 6)
    -1.231095
    """

    damping: float = 0.4
    natural_frequency: float = 1.0

    name: ClassVar[str] = "damped-oscillator"
    title: ClassVar[str] = "Damped, driven harmonic oscillator, solvable in closed form"
    channels: ClassVar[tuple[str, ...]] = ("x", "v")
    units: ClassVar[tuple[str, ...]] = ("", "")
    default_dt: ClassVar[float] = 0.05
    methods: ClassVar[tuple[str, ...]] = tuple(METHODS)
    state_size: ClassVar[int] = 2

    def __check_init__(self):
        if not self.natural_frequency > 0:
            raise ConfigError(f"`natural_frequency` must be positive, got {self.natural_frequency!r}")

    @property
    def transient(self) -> float:
        """0: how the start is forgotten is what there is to see."""
        return 0.0

    def field(self, t: jax.Array, state: jax.Array) -> jax.Array:
        """(x', v')."""
        x, v = state
        return jnp.stack([v, self.push(t) - self.damping * v - self.natural_frequency**2 * x])

    def start(self, rng: np.random.Generator) -> np.ndarray:
        """Standard normal."""
        return rng.standard_normal(2)

    def trajectory(self, plan: Plan) -> Series:
        """Integrate the field."""
        return integrate(self, plan)

    def solution(self, times: Any, initial: Sequence[float] | np.ndarray) -> np.ndarray:
        """The exact motion from `initial` at time 0, for every force that has a name.

        Args:
            times: t, array (time,); for a step or a pulse not before 0.
            initial: x(0), v(0).

        Returns:
            x and v, array (time, 2).

        Raises:
            ConfigError: the force is a function or sampled.

        >>> DampedOscillator(damping=0.0, force="none").solution([0.0, np.pi], [1.0, 0.0]).round(12).tolist()
        [[1.0, 0.0], [-1.0, -0.0]]
        """
        if callable(self.force):
            raise ConfigError("there is no closed form for a `force` that is a function or sampled: simulate instead")
        t, start = np.asarray(times, dtype=np.float64), self._start(initial)
        if self.force not in ("step", "pulse"):
            F0 = 0.0 if self.force == "none" else self.amplitude
            return self._motion(t, start, F0, self.frequency if self.force == "cosine" else 0.0)
        ends = [self.onset] if self.force == "step" else [self.onset, self.onset + self.width]
        motion = self._motion(t, start, 0.0, 0.0)
        for end, sign in zip(ends, (1.0, -1.0), strict=False):  # from rest, under a constant force from `end` on
            since = np.maximum(t - max(end, 0.0), 0.0)
            motion += self._motion(since, np.zeros(2), sign * self.amplitude, 0.0)
        return motion

    def _motion(self, t: np.ndarray, start: np.ndarray, F0: float, w: float) -> np.ndarray:
        """Under F0 cos wt: x(t) = x_p(t) + A (c + g q) + B q with g = eta / 2, the steady motion x_p,
        A = x(0) - x_p(0), B = v(0) - x_p'(0) and the pair c, q of `_decay`."""
        g, w0 = self.damping / 2, self.natural_frequency
        steady = self._steady(t, F0, w)
        A, B = start - self._steady(np.zeros(1), F0, w)[0]
        c, q = _decay(t, g, w0)
        return steady + np.stack([A * (c + g * q) + B * q, B * c - (g * B + w0**2 * A) * q], axis=-1)

    def _steady(self, t: np.ndarray, F0: float, w: float) -> np.ndarray:
        """The motion x_p, x_p' that remains: C cos wt + S sin wt; an undamped resonance grows instead."""
        cos, sin, eta = np.cos(w * t), np.sin(w * t), self.damping
        detuning = self.natural_frequency**2 - w**2
        size = detuning**2 + (eta * w) ** 2
        if size == 0:
            return F0 / (2 * w) * np.stack([t * sin, sin + w * t * cos], axis=-1)
        C, S = F0 * detuning / size, F0 * eta * w / size
        return np.stack([C * cos + S * sin, w * (S * cos - C * sin)], axis=-1)


def _decay(t: np.ndarray, g: float, w0: float) -> tuple[np.ndarray, np.ndarray]:
    """c = exp(-g t) cos(s t) and q = exp(-g t) sin(s t) / s with s^2 = w0^2 - g^2, of either sign."""
    s = np.sqrt(abs(w0 - g) * abs(w0 + g))
    if s == 0:
        return np.exp(-g * t), t * np.exp(-g * t)
    if abs(g) < w0:
        return np.exp(-g * t) * np.cos(s * t), np.exp(-g * t) * np.sin(s * t) / s
    slow = np.exp((s - g) * t)  # cosh and sinh, kept from overflowing
    return slow * (1 + np.exp(-2 * s * t)) / 2, -slow * np.expm1(-2 * s * t) / (2 * s)
