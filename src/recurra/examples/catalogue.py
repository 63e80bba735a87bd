"""The examples by name; each is imported when it runs."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Example:
    """A worked example.

    Args:
        title: what it is.
        shows: what it shows, in a sentence.
        seeds: how many seeds it runs by default.
        home: the module that has its `run`.
        options: names of what can be switched on beside the seeds.
    """

    title: str
    shows: str
    seeds: int
    home: str
    options: tuple[str, ...] = ()

    def run(self, **arguments: Any) -> Any:
        """Run it; see the module's `run` for the arguments."""
        return import_module(self.home).run(**arguments)


EXAMPLES: dict[str, Example] = {
    "simple-sine": Example(
        "The lecture's simple example",
        "A noisy sine forecast from four values: as lectured, where no recurrence takes place, and put right.",
        10,
        "recurra.examples.simple_sine",
        ("as_lectured",),
    ),
    "oscillator": Example(
        "Driven oscillators learnt by an LSTM",
        "Unseen starts and drive frequencies, five drive periods in closed loop: linear, where a linear model is "
        "exact, and Duffing, where it fails.",
        5,
        "recurra.examples.oscillator",
    ),
    "lorenz": Example(
        "Lorenz-63 learnt by an echo state network",
        "How many Lyapunov times a forecast of chaos stays valid, and how long the truth itself does.",
        20,
        "recurra.examples.lorenz",
    ),
    "earth-rotation": Example(
        "The wobble of the Earth, 10 to 90 days ahead",
        "Sixty-one forecasts of polar motion over five years, against persistence and vector autoregression.",
        5,
        "recurra.examples.earth_rotation",
    ),
    "laser": Example(
        "A chaotic laser learnt by an echo state network",
        "The Santa Fe laser from 1,000 values: one step ahead of the next 5,000, and a hundred steps alone.",
        20,
        "recurra.examples.laser",
    ),
}
