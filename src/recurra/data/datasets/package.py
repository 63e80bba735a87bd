"""Files inside installed packages: found and read without importing the package."""

import hashlib
import importlib.metadata
import importlib.util
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from recurra.errors import DataError, MissingExtraError, RecurraWarning

if TYPE_CHECKING:
    from recurra.data.datasets.dataset import Dataset


def version_of(package: str) -> str:
    """The installed version of a distribution."""
    return importlib.metadata.version(package)


def read_files(dataset: "Dataset") -> list[bytes]:
    """The files of a data set.

    Raises:
        MissingExtraError: the package is not installed.
        DataError: the package does not hold the files.

    Warns:
        RecurraWarning: the files are not those that the catalogue describes.
    """
    found = importlib.util.find_spec(dataset.module)
    if found is None or not found.submodule_search_locations:
        raise MissingExtraError(
            f"the data set {dataset.name!r} comes with {dataset.package}: pip install 'recurra[datasets]'"
        )
    home = Path(next(iter(found.submodule_search_locations)))
    missing = [name for name in dataset.files if not (home / name).is_file()]
    if missing:
        raise DataError(
            f"{dataset.package} {version_of(dataset.package)} does not hold {missing[0]}: install another version"
        )
    contents = [(home / name).read_bytes() for name in dataset.files]
    sha256 = hashlib.sha256(b"".join(contents)).hexdigest()
    if dataset.sha256 not in (None, sha256):
        warnings.warn(
            f"{dataset.package} {version_of(dataset.package)} holds another version of {dataset.name!r} (SHA-256 "
            f"{sha256[:12]}..., known is {dataset.sha256[:12]}...): what was published about it may not hold",
            RecurraWarning,
            stacklevel=3,
        )
    return contents
