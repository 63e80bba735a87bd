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
    "sine-recursive": Example(
        "A sine continued on its own output",
        "Two hundred recursive steps of a sine without noise: as a course trains the network, and as it gets there.",
        5,
        "recurra.examples.sine_recursive",
    ),
    "noisy-sine": Example(
        "A sine in noise, one step ahead",
        "How near a network comes to the variance of the noise: windows of fifty values, and a state that is kept.",
        20,
        "recurra.examples.noisy_sine",
    ),
    "driven-oscillator": Example(
        "A driven oscillator, and a score that says nothing",
        "Rows so fine that the last value is a forecast with R2 = 0.9999995, put right: coarser rows and the closed "
        "loop.",
        5,
        "recurra.examples.driven_oscillator",
    ),
    "many-body": Example(
        "Energies of a many-body system, extrapolated",
        "From twelve energies to twenty: an order that is not time, and what an autoregression does with it.",
        10,
        "recurra.examples.many_body",
    ),
    "spiral": Example(
        "A stable spiral from new starts",
        "The sign that makes it stable, and the decay and frequency that a network has learned.",
        5,
        "recurra.examples.spiral",
    ),
    "lorenz-trajectories": Example(
        "Lorenz-63 from nine short trajectories",
        "An LSTM one step ahead beside a vector autoregression, and the score that counts: how long it runs alone.",
        5,
        "recurra.examples.lorenz_trajectories",
    ),
    "rows": Example(
        "Handwritten digits, row by row",
        "Images as sequences of 28 rows, and one class at the end: many to one.",
        3,
        "recurra.examples.rows",
    ),
    "pulses": Example(
        "One pulse or two?",
        "Networks that count the pulses of a noisy trace, beside thresholds and logistic regression.",
        5,
        "recurra.examples.pulses",
    ),
    "sines-generator": Example(
        "Waves from ten values, or from amplitude and phase",
        "Generated sines judged by numbers: error, amplitude, frequency and phase; one to many.",
        5,
        "recurra.examples.sines_generator",
    ),
    "dna-motif": Example(
        "A motif anywhere in two hundred letters",
        "An order without time: six letters found wherever they stand, with a column of times and without.",
        5,
        "recurra.examples.dna_motif",
    ),
    "identify-oscillator": Example(
        "Parameters of an oscillator and of chaos",
        "Damping, frequency and Lorenz's three numbers from noisy trajectories, with errors that are what they say, "
        "and what Euler's step costs.",
        20,
        "recurra.examples.identify_oscillator",
    ),
    "solve-oscillator": Example(
        "An oscillator solved by a network without data",
        "A recurrent network that satisfies the equation from the initial condition alone, against the exact motion, "
        "Euler and RK4.",
        5,
        "recurra.examples.solve_oscillator",
    ),
    "ablation": Example(
        "Initialisation and momentum, each with and without",
        "A vanilla network on the adding problem: started like a reservoir or orthogonal, with momentum or not, and "
        "what each has learnt after a million sequences.",
        5,
        "recurra.examples.ablation",
    ),
    "decisions": Example(
        "Buy or sell: a random walk and a series with some skill in it",
        "Decisions walking forward, with no skill found on a random walk and what theory allows on an autoregression.",
        10,
        "recurra.examples.decisions",
    ),
    "tracks": Example(
        "Where will the vehicle be? Bands that cover what they claim",
        "Vehicle tracks forecast five seconds ahead, with a 90 % band calibrated on other tracks.",
        5,
        "recurra.examples.tracks",
    ),
}
