"""The built-in systems by name."""

import dataclasses
from typing import Any

from recurra.errors import ConfigError, unknown
from recurra.systems.damped_oscillator import DampedOscillator
from recurra.systems.duffing import Duffing
from recurra.systems.lorenz63 import Lorenz63
from recurra.systems.noisy_sine import NoisySine
from recurra.systems.system import System


def catalogue() -> dict[str, type[System]]:
    """Every built-in system by name; `.title` is one line about it.

    >>> for name, system in catalogue().items():
    ...     print(f"{name:18} {system.title}")
    damped-oscillator  Damped, driven harmonic oscillator, solvable in closed form
    duffing            Duffing oscillator, a driven double well, chaotic by default
    lorenz63           Lorenz system of 1963, three variables, chaotic
    noisy-sine         Sine under uniform noise, the lecture's first series
    """
    systems: tuple[type[System], ...] = (DampedOscillator, Duffing, Lorenz63, NoisySine)
    return {system.name: system for system in systems}


def make(name: str, **parameters: Any) -> System:
    """The built-in system of that name.

    Args:
        name: as in `catalogue`.
        parameters: fields of the system that are not to have their defaults.

    Raises:
        ConfigError: a name or a parameter that does not exist, or a value that cannot be.

    >>> make("lorenz63", rho=14.0)
    Lorenz63(rho=14.0)
    """
    systems = catalogue()
    if name not in systems:
        raise ConfigError(unknown("system", name, systems))
    known = [field.name for field in dataclasses.fields(systems[name])]
    for given in parameters:
        if given not in known:
            raise ConfigError(unknown(f"parameter of {name}", given, known))
    return systems[name](**parameters)
