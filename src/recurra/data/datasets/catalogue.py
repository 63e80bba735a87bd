"""The data sets by name."""

import difflib
import inspect
from typing import Any

from recurra.data.datasets import earth_rotation
from recurra.data.datasets.dataset import Dataset
from recurra.errors import ConfigError
from recurra.series import Series

_SETS = {module.DATASET.name: module for module in (earth_rotation,)}


def catalogue() -> list[Dataset]:
    """Every data set that `load` knows, installed or not.

    >>> [dataset.name for dataset in catalogue()]
    ['earth-rotation']
    """
    return [module.DATASET for module in _SETS.values()]


def load(name: str, **options: Any) -> Series:
    """A data set by name.

    Args:
        name: one of `catalogue()`.
        options: of that data set; `earth-rotation` has `until`, the last Modified Julian Date to include.

    Returns:
        The series; its provenance names package, version, source, licence and citation, and holds as `sha256`
        the `Series.sha256` of exactly these rows.

    Raises:
        ConfigError: a name or an option that does not exist.
        MissingExtraError: the package with the data is not installed.
    """
    if name not in _SETS:
        near = difflib.get_close_matches(name, _SETS, 1)
        hint = f": did you mean {near[0]!r}?" if near else f": there are {', '.join(_SETS)}"
        raise ConfigError(f"there is no data set {name!r}{hint}")
    loader = _SETS[name].load
    known = list(inspect.signature(loader).parameters)
    for option in options:
        if option not in known:
            raise ConfigError(f"the data set {name!r} has no option {option!r}: it has {', '.join(known)}")
    return loader(**options)
