"""A space of settings: ranges and choices, from which one is drawn, at random or near a good one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

STEP = 0.15  # standard deviation of a move near a good setting, in widths of the range
REDRAWN = 0.2  # probability that a choice is made anew near a good setting


@dataclass(frozen=True)
class Real:
    """A number in [low, high], uniform, or uniform in its logarithm."""

    low: float
    high: float
    log: bool = False

    def draw(self, rng: np.random.Generator) -> float:
        return self._at(rng.random())

    def near(self, value: Any, rng: np.random.Generator) -> float:
        """A Gaussian step away, reflected at the ends."""
        place = self._place(value) + STEP * rng.standard_normal()
        return self._at(1 - abs(1 - abs(place) % 2))

    def _place(self, value: float) -> float:
        """Where in the range a value lies, from 0 to 1."""
        low, high, value = (np.log(x) if self.log else x for x in (self.low, self.high, value))
        return float((value - low) / (high - low))

    def _at(self, place: float) -> float:
        if self.log:
            return float(self.low * (self.high / self.low) ** place)
        return float(self.low + (self.high - self.low) * place)


@dataclass(frozen=True)
class Choice:
    """One of several values, each as probable."""

    values: tuple[Any, ...]

    def draw(self, rng: np.random.Generator) -> Any:
        return self.values[rng.integers(len(self.values))]

    def near(self, value: Any, rng: np.random.Generator) -> Any:
        """Mostly the same, now and then any of them."""
        return self.draw(rng) if rng.random() < REDRAWN else value


Space = Mapping[str, Real | Choice]


def draw(space: Space, rng: np.random.Generator) -> dict[str, Any]:
    """A setting of each parameter."""
    return {name: kind.draw(rng) for name, kind in space.items()}


def near(space: Space, settings: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """A setting close to a good one; what that does not say is drawn."""
    return {
        name: kind.near(settings[name], rng) if name in settings else kind.draw(rng) for name, kind in space.items()
    }
