"""`PeriodicPoints`: points that come back after some steps, and what a step map does near them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from recurra.diagnostics.orbits.flat import unpack

NEUTRAL = 1e-9  # from the unit circle: neither grows nor decays, as far as float64 tells


@dataclass(frozen=True, eq=False)
class PeriodicPoints:
    r"""Fixed points (period 1) or cycles of a step map F, with the linearisation at each.

    Attributes:
        orbits: (points, period, size): the states along each orbit, as vectors.
        multipliers: (points, size), complex: eigenvalues of the derivative of F^k around the orbit, largest modulus
            first. In the k dt time units of a turn a small distance is multiplied by them.
        q: (points,): |F^k(x) - x|^2 / 2, zero but for rounding at a fixed point.
        errors: (points,): size of the last correction of Newton, in units of the typical size of a state.
        dt: time units of one step.
        like: one state, for the structure of `states`.
        slow: slow points, where q has a minimum that is small and not zero; None within slow points themselves.
        starts: how many starts were followed.
        lost: how many of them led to none of these.
    """

    orbits: np.ndarray
    multipliers: np.ndarray
    q: np.ndarray
    errors: np.ndarray
    dt: float
    like: Any = field(repr=False)
    slow: "PeriodicPoints | None" = field(default=None, repr=False)
    starts: int = 0
    lost: int = 0

    def __len__(self) -> int:
        return len(self.orbits)

    @property
    def period(self) -> int:
        """k, steps after which the points come back."""
        return self.orbits.shape[1]

    @property
    def points(self) -> np.ndarray:
        """(points, size): one state of each orbit, as vectors."""
        return self.orbits[:, 0]

    @property
    def states(self) -> Any:
        """The same in the structure of the state of the step map, with a leading axis of points."""
        return unpack(self.points, self.like)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Of each point: "stable" (all multipliers within the unit circle), "unstable" (all outside), "saddle" (some
        outside), or "neutral" (none outside, one on the circle)."""
        size = np.abs(self.multipliers)
        out, on = size > 1 + NEUTRAL, np.abs(size - 1) <= NEUTRAL
        return tuple(
            ("unstable" if o.all() else "saddle") if o.any() else ("neutral" if n.any() else "stable")
            for o, n in zip(out, on, strict=True)
        )

    @property
    def stable(self) -> np.ndarray:
        """(points,) of bool: which of them attract what is near."""
        return np.array([kind == "stable" for kind in self.kinds], bool)

    @property
    def rates(self) -> np.ndarray:
        r"""(points, size), complex: ln mu / (k dt), the rate of growth and the angular frequency, per time unit.

        Of a vector field's step these are the eigenvalues of the derivative of the field, as long as no frequency is
        above half of one turn in k dt. -inf where a direction is forgotten in one step.
        """
        gone = self.multipliers == 0
        found = np.log(np.where(gone, 1.0, self.multipliers)) / (self.period * self.dt)
        return np.where(gone, -np.inf, found)

    @property
    def time_constants(self) -> np.ndarray:
        r"""(points, size): -k dt / ln |mu|, time units in which a distance shrinks by e; negative where it grows."""
        with np.errstate(divide="ignore"):
            return -1.0 / np.real(self.rates)

    @property
    def frequencies(self) -> np.ndarray:
        r"""(points, size): arg mu / (2 pi k dt), turns in a time unit about the point."""
        return np.angle(self.multipliers) / (2 * np.pi * self.period * self.dt)

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain data; complex numbers as pairs."""
        found = {
            "period": self.period,
            "dt": self.dt,
            "orbits": self.orbits.tolist(),
            "kinds": list(self.kinds),
            "multipliers": np.stack([np.real(self.multipliers), np.imag(self.multipliers)], axis=-1).tolist(),
            "q": self.q.tolist(),
            "errors": self.errors.tolist(),
            "starts": self.starts,
            "lost": self.lost,
        }
        return found if self.slow is None else {**found, "slow": self.slow.as_dict()}


def by_modulus(multipliers: np.ndarray) -> np.ndarray:
    """Eigenvalues (..., size), the largest modulus first; of a pair the one with positive imaginary part first."""
    order = np.lexsort((-np.imag(multipliers), -np.round(np.abs(multipliers), 12)), axis=-1)
    return np.take_along_axis(multipliers, order, axis=-1)
