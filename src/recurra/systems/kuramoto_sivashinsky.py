"""The Kuramoto-Sivashinsky equation: chaos in space and time."""
# pyright: reportIncompatibleVariableOverride=false
# The channels of a system of any size belong to the instance.

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from recurra._types import whole_number
from recurra.errors import ConfigError
from recurra.series import Series
from recurra.systems.maps import finite, provenance
from recurra.systems.system import Plan, System

_CONTOUR = 32  # points on the half circle on which the coefficients are averaged


class KuramotoSivashinsky(System):
    """The Kuramoto-Sivashinsky equation on a ring.

    u_t = -u u_x - u_xx - u_xxxx, periodic on [0, L); a small wave of wave number k grows at the rate k^2 - k^4

    Solved by Fourier modes and ETDRK4, whose linear part is exact; order 4 in the internal step. The product is
    dealiased by the two-thirds rule: wave numbers above points / 3 neither enter u u_x nor come out of it. The mean
    of u is conserved, and 0 where no `initial` is given.

    Args:
        length: L; waves longer than 2 pi grow, so that about L / (2 pi) modes are unstable.
        points: grid points x_j = j L / points, at least 8.
        substep: the longest internal step. Each step between rows is divided evenly into steps of at most this;
            the default leaves an error of 4e-8 in one time unit; a step twice as long makes it ten times larger.

    References:
        Y. Kuramoto, Prog. Theor. Phys. Suppl. 64 (1978) 346-367; G. I. Sivashinsky, Acta Astronaut. 4 (1977) 1177-1206.
        A.-K. Kassam and L. N. Trefethen, SIAM J. Sci. Comput. 26 (2005) 1214-1233 (the method and its coefficients).
        L = 22, 64 points, dt = 0.25: J. Pathak et al., Phys. Rev. Lett. 120 (2018) 024102.

    >>> KuramotoSivashinsky(points=16).simulate(steps=4).values.shape
    (5, 16)
    """

    length: float = 22.0
    points: int = eqx.field(static=True, default=64)
    substep: float = 1 / 64

    name: ClassVar[str] = "kuramoto-sivashinsky"
    title: ClassVar[str] = "Kuramoto-Sivashinsky equation on a ring, chaotic in space and time"
    default_dt: ClassVar[float] = 0.25
    methods: ClassVar[tuple[str, ...]] = ("etdrk4",)
    resolution: ClassVar[tuple[str, ...]] = ("points", "substep")

    def __check_init__(self):
        if not whole_number(self.points) or self.points < 8:
            raise ConfigError(f"`points` must be a whole number of at least 8, got {self.points!r}")
        for name in ("length", "substep"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"`{name}` of {self.name} must be positive, got {getattr(self, name)!r}")

    @property
    def channels(self) -> tuple[str, ...]:
        """u1 ... uN."""
        return tuple(f"u{point}" for point in range(1, self.points + 1))

    @property
    def units(self) -> tuple[str, ...]:
        """None have any."""
        return ("",) * self.points

    @property
    def state_size(self) -> int:
        """One number a grid point."""
        return self.points

    @property
    def transient(self) -> float:
        """Small waves have grown and met many times over."""
        return 200.0

    def start(self, rng: np.random.Generator) -> np.ndarray:
        """A random sum of the unstable waves, without a mean."""
        waves = np.arange(1, max(2, int(self.length / (2 * np.pi)) + 1))
        phase = 2 * np.pi * np.outer(waves, np.arange(self.points) / self.points)
        a, b = rng.standard_normal((2, len(waves)))
        return (a @ np.cos(phase) + b @ np.sin(phase)) / np.sqrt(len(waves))

    def trajectory(self, plan: Plan) -> Series:
        """Solve the equation."""
        before = 0 if plan.initial is not None else int(np.ceil(self.transient / plan.dt))
        start = self.start(np.random.default_rng(plan.seed)) if plan.initial is None else plan.initial
        values = self._solve(start, before + plan.steps, plan.dt, self._inner(plan.dt))[before:]
        facts = provenance(self, plan.seed if plan.initial is None else None, values[0].tolist(), before * plan.dt)
        facts |= {"method": self.methods[0], "internal_step": plan.dt / self._inner(plan.dt)}
        return Series(values, dt=plan.dt, channels=self.channels, units=self.units, provenance=facts)

    def again(self, series: Series) -> np.ndarray:
        """The rows once more from the first of them, with half the internal step."""
        return self._solve(series.values[0], len(series) - 1, series.dt, 2 * self._inner(series.dt))

    def step_map(self, dt: float | None, rng: np.random.Generator) -> tuple[Any, np.ndarray, float]:
        """The map over one step, a state to start from, and dt; for what is told from derivatives.

        A state is the real parts, then the imaginary parts, of the waves that take part in u u_x, without the mean,
        which stays zero: what is left of u is the sum of these waves.
        """
        dt = self.default_dt if dt is None else dt
        inner = self._inner(dt)
        _, gradient, coefficients, waves = self._waves(dt / inner)
        v = np.fft.rfft(self.start(rng))[1 : waves + 1]
        return _Waves(gradient, coefficients, waves, self.points, inner), np.concatenate([v.real, v.imag]), dt

    def _waves(self, h: float) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, ...], int]:
        """Which waves take part, the factors of u^2 in the transform of -u u_x, weights of ETDRK4, and how many."""
        k = 2 * np.pi / self.length * np.arange(self.points // 2 + 1)
        kept = np.arange(len(k)) <= self.points / 3
        return kept * 1.0, -0.5j * k * kept, _coefficients(k**2 - k**4, h), int(kept.sum()) - 1

    def _inner(self, dt: float) -> int:
        return int(np.ceil(dt / self.substep * (1 - 1e-12)))

    def _solve(self, start: np.ndarray, steps: int, dt: float, inner: int) -> np.ndarray:
        kept, gradient, coefficients, _ = self._waves(dt / inner)
        with jax.enable_x64(True):
            values = np.array(_rows(start, gradient, kept, coefficients, steps, inner))
        finite(self.name, values)
        return values


class _Waves(eqx.Module):
    """One step between rows on the waves that take part, their real parts, then their imaginary parts."""

    gradient: Any
    coefficients: Any
    waves: int = eqx.field(static=True)
    points: int = eqx.field(static=True)
    inner: int = eqx.field(static=True)

    def __call__(self, state: Any) -> Any:
        waves = state[: self.waves] + 1j * state[self.waves :]
        v = jnp.zeros(self.points // 2 + 1, waves.dtype).at[1 : self.waves + 1].set(waves)

        def step(v, _):
            return _etdrk4(v, self.gradient, self.coefficients, 1.0, self.points), None

        v, _ = jax.lax.scan(step, v, None, self.inner)
        v = v[1 : self.waves + 1]
        return jnp.concatenate([v.real, v.imag])


def _coefficients(linear: np.ndarray, h: float) -> tuple[np.ndarray, ...]:
    """exp(hL), exp(hL/2) and the four weights of ETDRK4, as means over a circle about every hL: the formulas
    themselves cancel near hL = 0. The upper half of the circle is enough, L being real."""
    z = h * linear[:, None] + np.exp(1j * np.pi * (np.arange(_CONTOUR) + 0.5) / _CONTOUR)
    e = np.exp(z)
    weights = (
        (np.exp(z / 2) - 1) / z,
        (-4 - z + e * (4 - 3 * z + z**2)) / z**3,
        (2 + z + e * (z - 2)) / z**3,
        (-4 - 3 * z - z**2 + e * (4 - z)) / z**3,
    )
    return (np.exp(h * linear), np.exp(h * linear / 2), *(h * weight.mean(axis=1).real for weight in weights))


def _etdrk4(v, gradient, coefficients, kept, points: int):
    """One internal step of the transform of u."""
    E, E2, Q, f1, f2, f3 = coefficients

    def N(v):
        """The transform of -(u^2 / 2)_x."""
        return gradient * jnp.fft.rfft(jnp.fft.irfft(kept * v, points) ** 2)

    Nv = N(v)
    a = E2 * v + Q * Nv
    Na = N(a)
    b = E2 * v + Q * Na
    Nb = N(b)
    Nc = N(E2 * a + Q * (2 * Nb - Nv))
    return E * v + Nv * f1 + 2 * (Na + Nb) * f2 + Nc * f3


@eqx.filter_jit
def _rows(start, gradient, kept, coefficients, steps: int, inner: int):
    points = len(start)

    def step(v, _):
        return _etdrk4(v, gradient, coefficients, kept, points), None

    def row(v, _):
        v, _ = jax.lax.scan(step, v, None, inner)
        return v, jnp.fft.irfft(v, points)

    _, rest = jax.lax.scan(row, jnp.fft.rfft(start), None, steps)
    return jnp.concatenate([start[None], rest])
