"""The header of a safetensors file, checked against the size of the file before any tensor is allocated.

Layout: 8 bytes little-endian header length, a JSON header, the tensor bytes without holes.
https://github.com/huggingface/safetensors#format
"""

import math
import os
import stat
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from recurra._types import whole_number
from recurra.errors import ModelFileError
from recurra.storage.strict_json import loads_strict

DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
    "BOOL": "bool",
}
_HEADER_LIMIT = 64 * 2**20
_DIMENSIONS = 16
_FOREIGN = {
    b"PK": "a zip archive, as PyTorch, NumPy and Keras write them",
    b"\x93NUMPY": "a NumPy array",
    b"\x89HDF": "an HDF5 file",
    b"\x1f\x8b": "a gzip file",
    b"\x78": "a zlib stream, as joblib writes it",
    b"\x80": "a Python pickle, which can run code",
    b"(": "a Python pickle, which can run code",
    b"c": "a Python pickle, which can run code",
}


@dataclass(frozen=True)
class Slot:
    """Where one tensor lies: its dtype and shape, and its bytes in the file."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


@dataclass(frozen=True)
class Header:
    """What a safetensors file declares: the text entries and one slot a tensor."""

    metadata: dict[str, str]
    slots: dict[str, Slot]


def open_regular(path: str | os.PathLike[str], limit: int) -> tuple[BinaryIO, int]:
    """Open a regular file no larger than `limit` bytes; returns the stream and the file's size."""
    try:
        # Without O_NONBLOCK, opening a named pipe waits for a writer that may never come.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ModelFileError(f"cannot open the model file {os.fspath(path)!r}: {reason}") from error
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        raise ModelFileError(f"{path} is not a model file: it is not a regular file")
    if status.st_size > limit:
        os.close(handle)
        raise ModelFileError(f"{path} has {status.st_size:,} bytes, more than the limit of {limit:,}")
    return os.fdopen(handle, "rb"), status.st_size


def read_header(stream: BinaryIO, size: int, path: str | os.PathLike[str]) -> Header:
    """Read and check the header of a safetensors file of `size` bytes.

    Raises:
        ModelFileError: another kind of file, truncated, or a header that contradicts itself or the size.
    """
    start = stream.read(9)
    length = int.from_bytes(start[:8], "little")
    if len(start) < 9 or start[8:] != b"{" or not 2 <= length <= _HEADER_LIMIT:
        raise ModelFileError(f"{path} is not a model file: {_kind(start)}. Models are saved by `model.save(path)`")
    if 8 + length > size:
        raise _truncated(path, 8 + length, size)
    declared = loads_strict(b"{" + stream.read(length - 1), what=f"the header of {path}")
    metadata = declared.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise ModelFileError(f"{path}: `__metadata__` in the header must map names to text")
    slots = {name: _slot(name, entry, 8 + length, path) for name, entry in declared.items()}
    _check_cover(slots, 8 + length, size, path)
    return Header(metadata, slots)


def _slot(name: str, entry: Any, base: int, path: str | os.PathLike[str]) -> Slot:
    bad = ModelFileError(f"{path}: the header entry of tensor {name!r} is invalid: {str(entry)[:200]}")
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise bad
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES or not _sizes(shape) or not _sizes(offsets):
        raise bad
    if (
        len(shape) > _DIMENSIONS
        or len(offsets) != 2
        or offsets[1] - offsets[0] != np.dtype(DTYPES[dtype]).itemsize * math.prod(shape)
    ):
        raise bad
    return Slot(DTYPES[dtype], tuple(shape), base + offsets[0], base + offsets[1])


def _sizes(values: Any) -> bool:
    return isinstance(values, list) and all(whole_number(value) and 0 <= value < 2**63 for value in values)


def _check_cover(slots: dict[str, Slot], base: int, size: int, path: str | os.PathLike[str]) -> None:
    """The tensors must lie one behind the other and fill the file: nothing shared, nothing hidden."""
    at = base
    for slot in sorted(slots.values(), key=lambda slot: (slot.start, slot.stop)):
        if slot.start != at:
            raise ModelFileError(f"{path}: the header leaves a hole or an overlap at byte {at}")
        at = slot.stop
    if at > size:
        raise _truncated(path, at, size)
    if at < size:
        raise ModelFileError(f"{path}: {size - at:,} bytes follow the last tensor: expected {at:,}, got {size:,}")


def _truncated(path: str | os.PathLike[str], expected: int, size: int) -> ModelFileError:
    return ModelFileError(
        f"{path} is truncated: expected {expected:,} bytes, got {size:,}. Copy it again or fit the model anew"
    )


def _kind(start: bytes) -> str:
    for signature, name in _FOREIGN.items():
        if start.startswith(signature):
            return f"it looks like {name}"
    return "it is empty" if not start else "its first bytes are not those of a safetensors file"
