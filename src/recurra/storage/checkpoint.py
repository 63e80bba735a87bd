"""Checkpoints: the state of an unfinished fit, in the format of a model, the last two kept."""

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from recurra.errors import ConfigError, ModelFileError, RecurraWarning
from recurra.storage.atomic import write_atomic
from recurra.storage.model_file import decode, encode, plain_arrays

_KIND = "checkpoint"


def write_checkpoint(
    path: str | os.PathLike[str], tensors: Mapping[str, np.ndarray], document: Mapping[str, Any]
) -> None:
    """Write a checkpoint atomically; the one that stood there becomes `path` + ".previous".

    Args:
        path: the file, by custom `checkpoint.safetensors`.
        tensors: arrays of any number type; NaN is allowed here, as "not yet" in a history.
        document: plain JSON data: epoch, position, what identifies the fit. `kind` is set to "checkpoint".

    Raises:
        RunDirectoryError: the file cannot be written; the old ones are intact.
    """
    if "kind" in document:
        raise ConfigError("the document of a checkpoint may not use 'kind'")
    data = encode(plain_arrays(tensors), {**document, "kind": _KIND})
    write_atomic(path, data, previous=previous(path))


def read_checkpoint(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
    """Read the newest checkpoint that is intact: the last one, or the one before where the last is damaged.

    Returns:
        Document and tensors as given to `write_checkpoint`, or None where there is no checkpoint at all.

    Raises:
        ModelFileError: there are checkpoints and none of them is intact.
    """
    path, older = Path(path), previous(path)
    if not path.exists():  # killed between the two renames, or never written
        return _decode(older) if older.exists() else None
    try:
        return _decode(path)
    except ModelFileError as error:
        if not older.exists():
            raise
        found = _decode(older)
        warnings.warn(f"the newest checkpoint is refused, the one before it is used: {error}", RecurraWarning, 2)
        return found


def previous(path: str | os.PathLike[str]) -> Path:
    """Where the checkpoint before the newest one is kept."""
    path = Path(path)
    return path.with_name(path.name + ".previous")


def _decode(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    document, tensors = decode(path, None)
    if document.pop("kind", None) != _KIND:
        raise ModelFileError(f"{path} is a model, not a checkpoint")
    return document, tensors
