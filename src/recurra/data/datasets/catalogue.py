"""The data sets by name."""

import inspect
from typing import Any

from recurra.data.datasets import (
    co2,
    earth_rotation,
    japanese_vowels,
    mnist_rows,
    nile,
    nino,
    santa_fe_laser,
    sunspots,
)
from recurra.data.datasets.dataset import Dataset
from recurra.errors import ConfigError, unknown
from recurra.series import Series

_MODULES = (co2, earth_rotation, japanese_vowels, mnist_rows, nile, nino, santa_fe_laser, sunspots)
_SETS = {module.DATASET.name: module for module in _MODULES}


def catalogue() -> list[Dataset]:
    """Every data set that `load` knows, installed or not.

    >>> [dataset.name for dataset in catalogue()]
    ['co2', 'earth-rotation', 'japanese-vowels', 'mnist-rows', 'nile', 'nino', 'santa-fe-laser', 'sunspots']
    """
    return [module.DATASET for module in _SETS.values()]


def load(name: str, **options: Any) -> Series:
    """A data set by name.

    Args:
        name: one of `catalogue()`.
        options: of that data set; `earth-rotation` has `until`, the last Modified Julian Date to include, and
            `japanese-vowels` has `part`, "train" or "test".

    Returns:
        The series; its provenance names package, version, source, licence and citation, and holds as `sha256`
        the `Series.sha256` of exactly these rows.

    Raises:
        ConfigError: a name or an option that does not exist.
        MissingExtraError: the package with the data is not installed.
    """
    if name not in _SETS:
        raise ConfigError(unknown("data set", name, _SETS))
    loader = _SETS[name].load
    known = list(inspect.signature(loader).parameters)
    for option in options:
        if option not in known:
            raise ConfigError(unknown(f"option of {name}", option, known))
    return loader(**options)
