"""Models on disk: one safetensors file, the description in it as strict JSON. Loading runs no code.

The file's `__metadata__` holds one entry, `recurra`: the canonical JSON of the document with `format`,
`format_version` and `sha256` added. The hash covers that document and, in order of name, the name, dtype,
shape and bytes of every tensor.
"""

import hashlib
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from safetensors.numpy import save

from recurra._types import whole_number
from recurra.errors import ConfigError, ModelFileError
from recurra.storage.atomic import write_atomic
from recurra.storage.header import DTYPES, Header, Slot, open_regular, read_header
from recurra.storage.strict_json import canonical, loads_strict

FORMAT = "recurra-model"
FORMAT_VERSION = 1
SIZE_LIMIT = 16 * 2**30  # bytes; a model beyond this is not one that recurra wrote
RESERVED = ("format", "format_version", "sha256")
_ENTRY = "recurra"

Layout = dict[str, tuple[str, tuple[int, ...]]]  # name -> (dtype name, shape)


def write_model(
    path: str | os.PathLike[str],
    tensors: Mapping[str, np.ndarray],
    document: Mapping[str, Any],
    *,
    overwrite: bool = False,
) -> None:
    """Write a model atomically.

    Args:
        path: the file, by custom `model.safetensors`.
        tensors: arrays of numbers or booleans by name.
        document: plain JSON data; everything else there is to know about the model.
        overwrite: replace a file that is there.

    Raises:
        ConfigError: the file exists, or the document uses a name that the format keeps for itself.
        ModelFileError: a tensor is not finite.
        RunDirectoryError: the file cannot be written.
    """
    if not overwrite and os.path.exists(path):
        raise ConfigError(f"{path} exists: choose another name, or pass `overwrite=True`")
    arrays = plain_arrays(tensors)
    check_finite(arrays, path)
    write_atomic(path, encode(arrays, document))


def read_model(
    path: str | os.PathLike[str], expected: Callable[[dict[str, Any]], Layout]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read a model that `write_model` wrote, and nothing else.

    Args:
        path: the file.
        expected: the tensors that a document calls for, as `{name: ("float64", (rows, columns))}`. Called
            before anything is allocated; the file must hold exactly these.

    Returns:
        The document as it was given to `write_model`, and the tensors.

    Raises:
        ModelFileError: missing, foreign, damaged, of a newer format, or not what its document calls for.
    """
    document, tensors = decode(path, expected)
    if document.get("kind") == "checkpoint":
        raise ModelFileError(f"{path} is a checkpoint of an unfinished run, not a model: finish the run first")
    check_finite(tensors, path)
    return document, tensors


def encode(arrays: Mapping[str, np.ndarray], document: Mapping[str, Any]) -> bytes:
    """The bytes of a model file."""
    taken = sorted(set(RESERVED) & set(document))
    if taken:
        raise ConfigError(f"the document of a model may not use {', '.join(map(repr, taken))}")
    full = {**document, "format": FORMAT, "format_version": FORMAT_VERSION}
    full["sha256"] = _digest(arrays, full)
    return save(dict(arrays), metadata={_ENTRY: canonical(full)})


def decode(
    path: str | os.PathLike[str], expected: Callable[[dict[str, Any]], Layout] | None
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read and check everything but finiteness; `expected=None` takes the tensors that are there."""
    stream, size = open_regular(path, SIZE_LIMIT)
    with stream:
        header = read_header(stream, size, path)
        full = _document(header, path)
        document = {key: value for key, value in full.items() if key not in RESERVED}
        if expected is not None:
            _check_layout(_derive(expected, document, path), header.slots, path)
        tensors = {name: _read(stream, slot, path) for name, slot in header.slots.items()}
    if _digest(tensors, {key: value for key, value in full.items() if key != "sha256"}) != full["sha256"]:
        raise ModelFileError(
            f"{path} is damaged: its SHA-256 does not match its content. Copy it again or fit the model anew"
        )
    return document, tensors


def plain_arrays(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The tensors as contiguous little-endian arrays of a dtype that the format knows."""
    arrays = {}
    for name, tensor in tensors.items():
        array = np.asarray(tensor)
        if array.dtype.name not in DTYPES.values():
            raise ConfigError(f"tensor {name!r} has dtype {array.dtype}, which a model file cannot hold")
        arrays[name] = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
    return arrays


def check_finite(tensors: Mapping[str, np.ndarray], path: str | os.PathLike[str]) -> None:
    """Refuse NaN and infinity: a model that holds one forecasts nothing else."""
    for name, tensor in tensors.items():
        bad = int((~np.isfinite(tensor)).sum())
        if bad:
            raise ModelFileError(f"{path}: {bad} of {tensor.size} values of tensor {name!r} are not finite")


def _document(header: Header, path: str | os.PathLike[str]) -> dict[str, Any]:
    if _ENTRY not in header.metadata:
        raise ModelFileError(f"{path} is not a recurra model: a safetensors file, but with no `{_ENTRY}` entry")
    full = loads_strict(header.metadata[_ENTRY], what=f"the description in {path}")
    if not isinstance(full, dict) or full.get("format") != FORMAT:
        raise ModelFileError(f"{path} is not a recurra model: its format is not {FORMAT!r}")
    version = full.get("format_version")
    if version is None or not whole_number(version) or version < 1:
        raise ModelFileError(f"{path}: {version!r} is not a format version")
    if version > FORMAT_VERSION:
        raise ModelFileError(
            f"{path} is of format {version}; this recurra reads up to {FORMAT_VERSION}: upgrade recurra"
        )
    if "sha256" not in full:
        raise ModelFileError(f"{path} carries no SHA-256: it cannot be trusted")
    return full


def _derive(
    expected: Callable[[dict[str, Any]], Layout], document: dict[str, Any], path: str | os.PathLike[str]
) -> Layout:
    try:
        return expected(document)
    except ModelFileError:
        raise
    except (
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        ArithmeticError,
    ) as error:  # a document we did not write
        raise ModelFileError(
            f"{path}: its description is incomplete or wrong ({type(error).__name__}: {error})"
        ) from error


def _check_layout(expected: Layout, slots: Mapping[str, Slot], path: str | os.PathLike[str]) -> None:
    missing, extra = sorted(expected.keys() - slots.keys()), sorted(slots.keys() - expected.keys())
    if missing or extra:
        raise ModelFileError(
            f"{path} does not hold the tensors its description calls for: missing {missing}, unknown {extra}"
        )
    for name, (dtype, shape) in expected.items():
        found = slots[name]
        if (found.dtype, found.shape) != (np.dtype(dtype).name, tuple(shape)):
            raise ModelFileError(
                f"{path}: tensor {name!r} is {found.dtype} {found.shape}, its description calls for {dtype} {shape}"
            )


def _read(stream: Any, slot: Slot, path: str | os.PathLike[str]) -> np.ndarray:
    stream.seek(slot.start)
    data = bytearray(slot.stop - slot.start)
    if stream.readinto(data) != len(data):
        raise ModelFileError(f"{path} became shorter while it was read: try again")
    return np.frombuffer(data, dtype=np.dtype(slot.dtype).newbyteorder("<")).reshape(slot.shape)


def _digest(tensors: Mapping[str, np.ndarray], document: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(canonical(document).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(canonical([name, tensor.dtype.name, list(tensor.shape)]).encode())
        digest.update(tensor.tobytes())
    return digest.hexdigest()
