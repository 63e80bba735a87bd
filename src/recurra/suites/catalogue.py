"""The suites by name; each is imported when it is asked for."""

from importlib import import_module

from recurra.errors import ConfigError, unknown
from recurra.suites.suite import Suite

SUITES: dict[str, str] = {  # name -> the module that has its `SUITE`
    "lorenz": "recurra.suites.lorenz",
    "lorenz96": "recurra.suites.lorenz96",
    "kuramoto-sivashinsky": "recurra.suites.kuramoto_sivashinsky",
    "dysts": "recurra.suites.dysts",
    "mackey-glass": "recurra.suites.mackey_glass",
    "narma10": "recurra.suites.narma10",
    "japanese-vowels": "recurra.suites.japanese_vowels",
    "santa-fe-laser": "recurra.suites.santa_fe_laser",
    "earth-rotation": "recurra.suites.earth_rotation",
    "sunspots": "recurra.suites.sunspots",
}


def suite(name: str) -> Suite:
    """A suite by name.

    Raises:
        ConfigError: a name that does not exist.

    >>> suite("lorenz").title
    'Lorenz-63: for how many Lyapunov times a forecast holds, without and with noise'
    """
    if name not in SUITES:
        raise ConfigError(unknown("suite", name, SUITES))
    return import_module(SUITES[name]).SUITE


def suites() -> dict[str, Suite]:
    """All of them by name."""
    return {name: suite(name) for name in SUITES}
