"""From a data specification to a `Series`: a file, a packaged data set, or a simulated system."""

from collections.abc import Mapping
from typing import Any

from recurra.errors import ConfigError, unknown
from recurra.experiment.config import READING, DataSpec
from recurra.series import Series

DEFAULT_STEPS = 5_000  # of a simulation, where none are asked for


def read_data(spec: DataSpec) -> Series:
    """Read, load or simulate the data that a specification names.

    Raises:
        ConfigError: no such data set or system, with the nearest name; parameters it does not have.
        DataError: data that are refused.
    """
    if spec.kind == "system":
        return _simulated(spec)
    if spec.kind == "dataset":
        from recurra.data import datasets

        names = [dataset.name for dataset in datasets.catalogue()]
        if spec.name not in names:
            raise ConfigError(unknown("data set", spec.name, names))
        return datasets.load(spec.name, **spec.parameters)
    from recurra.data import read_series

    given = {name: getattr(spec, name) for name in READING}
    return read_series(spec.source, **{name: value for name, value in given.items() if value is not None})


def make_system(name: str, parameters: Mapping[str, Any]) -> Any:
    """A system by its name or that of its class, in any case; what does not exist is refused."""
    from recurra import systems

    known = {kind.__name__.lower(): own for own, kind in systems.catalogue().items()}
    return systems.make(known.get(name.lower(), name.lower()), **parameters)


def _simulated(spec: DataSpec) -> Series:
    system = make_system(spec.name, spec.parameters)
    return system.simulate(
        steps=spec.steps or DEFAULT_STEPS,
        dt=spec.dt or system.default_dt,
        method=spec.method,
        seed=spec.seed or 0,
    )
