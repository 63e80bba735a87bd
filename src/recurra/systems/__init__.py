"""Systems whose equations are known: where test data with an exact answer come from.

Each system is a final class with its parameters as fields; `simulate` gives a `Series`.

>>> series = Lorenz63().simulate(steps=100, dt=0.01, initial=[1.0, 1.0, 20.0])
>>> series
Series(101 rows, dt=0.01, channels=['x', 'y', 'z'])
"""

from recurra.systems.agreement import agreement_time
from recurra.systems.catalogue import catalogue, make
from recurra.systems.damped_oscillator import DampedOscillator
from recurra.systems.duffing import Duffing
from recurra.systems.lorenz63 import Lorenz63
from recurra.systems.noisy_sine import NoisySine
from recurra.systems.system import System

__all__ = [
    "DampedOscillator",
    "Duffing",
    "Lorenz63",
    "NoisySine",
    "System",
    "agreement_time",
    "catalogue",
    "make",
]
