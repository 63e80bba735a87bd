"""Systems whose equations are known: where test data with an exact answer come from.

Each system is a final class with its parameters as fields; `simulate` gives a `Series`.

>>> series = Lorenz63().simulate(steps=100, dt=0.01, initial=[1.0, 1.0, 20.0])
>>> series
Series(101 rows, dt=0.01, channels=['x', 'y', 'z'])
"""

from recurra.compilation import keep_programs
from recurra.systems.agreement import agreement_time
from recurra.systems.autoregressive import Autoregressive
from recurra.systems.catalogue import catalogue, make
from recurra.systems.constant_turn import ConstantTurn
from recurra.systems.custom import custom, second_order
from recurra.systems.damped_oscillator import DampedOscillator
from recurra.systems.duffing import Duffing
from recurra.systems.dysts import dysts_catalogue, from_dysts
from recurra.systems.forces import Sampled
from recurra.systems.henon_map import HenonMap
from recurra.systems.kuramoto_sivashinsky import KuramotoSivashinsky
from recurra.systems.logistic_map import LogisticMap
from recurra.systems.lorenz63 import Lorenz63
from recurra.systems.lorenz96 import Lorenz96
from recurra.systems.mackey_glass import MackeyGlass
from recurra.systems.narma10 import NARMA10
from recurra.systems.noisy_sine import NoisySine
from recurra.systems.pendulum import Pendulum
from recurra.systems.reference import ReferenceExponents, reference_exponents
from recurra.systems.rossler import Rossler
from recurra.systems.system import System
from recurra.systems.van_der_pol import VanDerPol

__all__ = [
    "NARMA10",
    "Autoregressive",
    "ConstantTurn",
    "DampedOscillator",
    "Duffing",
    "HenonMap",
    "KuramotoSivashinsky",
    "LogisticMap",
    "Lorenz63",
    "Lorenz96",
    "MackeyGlass",
    "NoisySine",
    "Pendulum",
    "ReferenceExponents",
    "Rossler",
    "Sampled",
    "System",
    "VanDerPol",
    "agreement_time",
    "catalogue",
    "custom",
    "dysts_catalogue",
    "from_dysts",
    "make",
    "reference_exponents",
    "second_order",
]

keep_programs()  # before anything is compiled: whatever loads JAX comes through here or `recurra.cells`
