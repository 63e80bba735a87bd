"""The built-in systems by name."""

import dataclasses
from typing import Any

from recurra.errors import ConfigError, unknown
from recurra.systems import dysts
from recurra.systems.autoregressive import Autoregressive
from recurra.systems.constant_turn import ConstantTurn
from recurra.systems.damped_oscillator import DampedOscillator
from recurra.systems.duffing import Duffing
from recurra.systems.henon_map import HenonMap
from recurra.systems.kuramoto_sivashinsky import KuramotoSivashinsky
from recurra.systems.logistic_map import LogisticMap
from recurra.systems.lorenz63 import Lorenz63
from recurra.systems.lorenz96 import Lorenz96
from recurra.systems.mackey_glass import MackeyGlass
from recurra.systems.narma10 import NARMA10
from recurra.systems.noisy_sine import NoisySine
from recurra.systems.pendulum import Pendulum
from recurra.systems.rossler import Rossler
from recurra.systems.system import System
from recurra.systems.van_der_pol import VanDerPol

_SYSTEMS: tuple[type[System], ...] = (
    Autoregressive,
    ConstantTurn,
    DampedOscillator,
    Duffing,
    HenonMap,
    KuramotoSivashinsky,
    LogisticMap,
    Lorenz63,
    Lorenz96,
    MackeyGlass,
    NARMA10,
    NoisySine,
    Pendulum,
    Rossler,
    VanDerPol,
)


def catalogue() -> dict[str, type[System]]:
    """Every built-in system by name; `.title` is one line about it.

    >>> for name, system in catalogue().items():
    ...     print(f"{name:20} {system.title}")
    autoregressive       Autoregression of order one; with the coefficient 1 a random walk
    constant-turn        Vehicle in the plane at a nearly constant speed and turn rate
    damped-oscillator    Damped, driven harmonic oscillator, solvable in closed form
    duffing              Duffing oscillator, a driven double well, chaotic by default
    henon-map            Hénon map, two variables, chaotic
    kuramoto-sivashinsky Kuramoto-Sivashinsky equation on a ring, chaotic in space and time
    logistic-map         Logistic map, one variable, chaotic with a closed form by default
    lorenz63             Lorenz system of 1963, three variables, chaotic
    lorenz96             Lorenz system of 1996, a ring of sites, chaotic
    mackey-glass         Mackey-Glass equation, one variable with a delay, weakly chaotic
    narma10              NARMA-10, driven by uniform noise, the benchmark of nonlinear memory
    noisy-sine           Sine under uniform noise, the lecture's first series
    pendulum             Pendulum at any amplitude, damped and driven, chaotic by default
    rossler              Rössler system, three variables, one band, chaotic
    van-der-pol          Van der Pol oscillator, a limit cycle, driven if asked
    """
    return {system.name: system for system in _SYSTEMS}


def make(name: str, **parameters: Any) -> System:
    """The built-in system of that name, or one of the package dysts.

    Args:
        name: as in `catalogue`, or dysts/ and a name of `dysts_catalogue`.
        parameters: fields of the system that are not to have their defaults.

    Raises:
        ConfigError: a name or a parameter that does not exist, or a value that cannot be.
        MissingExtraError: the package that the name asks for is not installed.

    >>> make("lorenz63", rho=14.0)
    Lorenz63(rho=14.0)
    """
    if name.startswith(dysts.PREFIX):
        return dysts.from_dysts(name.removeprefix(dysts.PREFIX), **parameters)
    systems = catalogue()
    if name not in systems:
        raise ConfigError(unknown("system", name, systems))
    known = [field.name for field in dataclasses.fields(systems[name])]
    for given in parameters:
        if given not in known:
            raise ConfigError(unknown(f"parameter of {name}", given, known))
    return systems[name](**parameters)
