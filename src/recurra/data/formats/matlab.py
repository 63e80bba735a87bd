"""MATLAB files: 4 to 7.2 by SciPy, 7.3 as HDF5. Numbers alone are taken; objects and functions are refused by name."""

import io
import struct
import warnings
import zlib
from typing import Any

import numpy as np
from scipy.io import loadmat, whosmat

from recurra.data.formats import hdf5
from recurra.data.formats.variables import Container, Index, Variable
from recurra.errors import DataError

_NUMBERS = ("double", "single", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)))
_COMPRESSED, _MATRIX = 15, 14
_HEADER = 128  # bytes of a file header
_HEADER4, _SIZES4 = 20, (8, 4, 4, 2, 2, 1)  # bytes of the header of a matrix of MATLAB 4, and of its types of numbers
_DEPTH = 16  # of structs in structs
_BROKEN = (
    *(ValueError, TypeError, LookupError, ArithmeticError, AttributeError, MemoryError, OSError, EOFError),
    *(NotImplementedError, zlib.error, struct.error),
)
_OBJECTS = "a MATLAB object"


def matlab_variables(data: bytes, max_bytes: int, group: str | None = None) -> Container:
    """The variables of a file of MATLAB 4 to 7.2; the fields of a struct as `s.x`.

    Raises:
        DataError: damaged, truncated, or one that inflates beyond `max_bytes`.
    """
    if data.startswith(b"MATLAB"):
        _check_elements(data, max_bytes)
    else:
        _check_matrices(data)
    try:
        listed = whosmat(io.BytesIO(data))
    except _BROKEN as error:
        raise DataError(f"is damaged or truncated, or no MATLAB file ({_first_line(error)}): save it again") from error
    names = [name for name, _, _ in listed]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"holds {twice[0]!r} twice: save it again, with every name once")
    found: list[Variable] = []
    for name, shape, kind in listed:
        if kind == "struct":
            found += _fields(name, _load(data, name), 0)
        else:
            found.append(_variable(data, name, tuple(int(n) for n in shape), kind))
    return Container(found, max_bytes, group)


def _check_elements(data: bytes, max_bytes: int) -> None:
    """Refuse a file that ends early, or whose elements declare more than may be inflated."""
    order = ">" if data[126:128] == b"MI" else "<"
    at, total = _HEADER, 0
    while at < len(data):
        if at + 8 > len(data):
            raise DataError(f"is truncated: expected 8 bytes of a tag at {at}, got {len(data) - at}: copy it again")
        kind, size = struct.unpack_from(f"{order}II", data, at)
        if at + 8 + size > len(data):
            raise DataError(
                f"is truncated: the element at byte {at} needs {at + 8 + size} bytes in the file, got {len(data)}: "
                "copy or save it again"
            )
        declared = _inflated(data[at + 8 : at + 8 + min(size, 1024)], order) if kind == _COMPRESSED else size
        total += declared
        at += 8 + size + (0 if kind == _COMPRESSED else -size % 8)
    if total > max_bytes:
        raise DataError(
            f"would inflate to {total} bytes, more than the limit of {max_bytes}: raise `max_bytes` or cut it"
        )


def _check_matrices(data: bytes) -> None:
    """Refuse a file of MATLAB 4 that ends early, or has a negative size: that would lead back, and never end."""
    at = 0
    while at < len(data):
        head = data[at : at + _HEADER4].ljust(_HEADER4, b"\0")
        order = "<" if 0 <= struct.unpack("<i", head[:4])[0] <= 5000 else ">"
        kind, rows, columns, imaginary, letters = struct.unpack(f"{order}5i", head)
        number, matrix = kind // 10 % 10, kind % 10
        if kind < 0 or number >= len(_SIZES4) or min(rows, columns, letters) < 0:
            raise DataError(f"is damaged, or no MATLAB file (the header at byte {at} makes no sense): save it again")
        twice = 2 if imaginary == 1 and matrix != 2 else 1  # a sparse matrix has a column for it
        at += _HEADER4 + letters + _SIZES4[number] * rows * columns * twice
    if at > len(data):
        raise DataError(f"is truncated: expected {at} bytes, got {len(data)}: copy or save it again")


def _inflated(start: bytes, order: str) -> int:
    """What a compressed element says that it inflates to."""
    try:
        tag = zlib.decompressobj().decompress(start, 8)
    except zlib.error as error:
        raise DataError(f"is damaged ({error}): copy or save it again") from error
    return struct.unpack(f"{order}II", tag)[1] + 8 if len(tag) == 8 else 0


def _load(data: bytes, name: str) -> Any:
    """One variable, as SciPy makes it of data alone: arrays, structs, cells."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # what SciPy only warns of would be read as something else
        try:
            return _loaded(data, name, typed=True)
        except np.exceptions.ComplexWarning:  # its types are real, and would lose the imaginary parts
            return _loaded(data, name, typed=False)


def _loaded(data: bytes, name: str, *, typed: bool) -> Any:
    """`typed`: with the types of MATLAB, without which booleans in a struct are numbers."""
    options = {"variable_names": [name], "verify_compressed_data_integrity": True, "mat_dtype": typed}
    try:
        return loadmat(io.BytesIO(data), **options)[name]
    except np.exceptions.ComplexWarning:
        raise
    except (*_BROKEN, Warning) as error:
        raise DataError(f"{name!r} cannot be read ({_first_line(error)}): copy or save the file again") from error


def _variable(data: bytes, name: str, shape: tuple[int, ...], kind: str) -> Variable:
    def read(index: Index) -> np.ndarray:
        return _real(name, _load(data, name))[index]

    return Variable(name, shape, 8, read, kind=_kind(kind), separator=".")


def _kind(kind: str) -> str:
    known = {"char": "text", "cell": "cells", "logical": "booleans", "sparse": "a sparse matrix: save full(x)"}
    if kind in _NUMBERS:
        return ""
    return known.get(kind, f"{_OBJECTS} ({kind}), which is never made")


def _real(name: str, found: Any) -> np.ndarray:
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "iuf":
        what = f"dtype {found.dtype}" if hasattr(found, "dtype") else type(found).__name__
        raise DataError(f"{name!r} holds {what}, expected real numbers: save real and imaginary part as two variables")
    return found


def _fields(name: str, found: Any, depth: int) -> list[Variable]:
    """The fields of a struct, and of the structs in it."""
    plain = type(found) is np.ndarray and found.dtype.names and found.dtype.hasobject
    if not plain or found.size != 1 or depth > _DEPTH:
        shape = getattr(found, "shape", ())
        kind = f"an array of {found.size} structs" if plain and found.size != 1 else "a struct that is not read"
        return [Variable(name, shape, 8, lambda index: np.empty(0), kind=kind, separator=".")]
    fields: list[Variable] = []
    for part in found.dtype.names or ():
        full, value = f"{name}.{part}", found[part].reshape(-1)[0]
        if type(value) is np.ndarray and value.dtype.names:
            fields += _fields(full, value, depth + 1)
            continue
        shape = getattr(value, "shape", ())
        fields.append(Variable(full, shape, 8, _reader(full, value), kind=_field_kind(value), separator="."))
    return fields


def _field_kind(value: Any) -> str:
    if type(value) is not np.ndarray:  # a subclass is an object, a function or an opaque value
        return f"{_OBJECTS} ({type(value).__name__}), which is never made"
    kinds = {"U": "text", "O": "cells", "b": "booleans", "c": "complex numbers"}
    return "" if value.dtype.kind in "iuf" else kinds.get(value.dtype.kind, f"values of dtype {value.dtype}")


def _reader(name: str, value: Any) -> Any:
    return lambda index: _real(name, value)[index]


def matlab73_variables(file: Any, max_bytes: int, group: str | None = None) -> Container:
    """The variables of a file of MATLAB 7.3: HDF5 whose axes are in the reverse order; the fields of a struct as `s.x`.

    Raises:
        DataError: as in `hdf5.walk`.
    """
    found: list[Variable] = []
    links: list[Variable] = []
    hdf5.walk(file, lambda name, data: found.append(_variable73(name, data)), links, skip="#")
    return Container(found + links, max_bytes, group)


def _variable73(path: str, data: Any) -> Variable:
    name, attributes = path.replace("/", "."), hdf5.attributes_of(data)
    kind = attributes.get("MATLAB_class", b"")
    kind = kind.decode("ascii", "replace") if isinstance(kind, bytes) else str(kind)
    what = _kind(kind) if kind else hdf5.kind_of_type(data.dtype, False)
    what = "a sparse matrix: save full(x)" if "MATLAB_sparse" in data.parent.attrs else what
    what = what or hdf5.kind_of_type(data.dtype, False)
    shape = () if data.shape is None else tuple(reversed(data.shape))
    fault = "is empty" if "MATLAB_empty" in attributes or data.shape is None else hdf5.fault_of(data)

    def read(index: Index) -> np.ndarray:
        return np.transpose(np.asarray(data[tuple(reversed(index))]))

    return Variable(name, shape, data.dtype.itemsize, read, kind=what, fault=fault, separator=".")


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0][:200]
