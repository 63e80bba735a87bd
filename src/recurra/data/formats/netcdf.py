"""NetCDF-3, the classic format (NetCDF-4 is HDF5, see there). The header alone is read; numbers when asked for."""

import math
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from recurra.data.formats.variables import Container, Index, Variable
from recurra.errors import DataError

SIGNATURES = (b"CDF\x01", b"CDF\x02", b"CDF\x05")
_TYPES = {1: "i1", 2: "S1", 3: ">i2", 4: ">i4", 5: ">f4", 6: ">f8", 7: "u1", 8: ">u2", 9: ">u4", 10: ">i8", 11: ">u8"}
_DIMENSIONS, _VARIABLES, _ATTRIBUTES = 10, 11, 12  # tags of the lists in a header


@dataclass(frozen=True)
class Entry:
    """One variable as the header declares it: dimension numbers, attributes, dtype, and where its numbers begin."""

    name: str
    dims: tuple[int, ...]
    attributes: dict[str, Any]
    dtype: np.dtype
    begin: int


class _Header:
    """Reads the header: big-endian counts, names and lists, all padded to four bytes."""

    def __init__(self, data: bytes):
        self.data, self.at, self.wide = data, 4, data[3] == 5

    def take(self, count: int) -> bytes:
        end = self.at + count
        if count < 0 or end > len(self.data):
            raise DataError(f"is truncated within its header: expected {end} bytes or more, got {len(self.data)}")
        found = self.data[self.at : end]
        self.at = end + -count % 4
        return found

    def tag(self) -> int:
        return struct.unpack(">I", self.take(4))[0]

    def count(self) -> int:
        return struct.unpack(">Q", self.take(8))[0] if self.wide else self.tag()

    def name(self) -> str:
        return self.take(self.count()).decode("utf-8", "replace")

    def entries(self, expected: int, what: str) -> range:
        tag, count = self.tag(), self.count()
        if tag not in (0, expected) or (tag == 0 and count):
            raise DataError(f"has a damaged header: the list of {what} begins with the tag {tag}, expected {expected}")
        return range(count)  # each entry takes bytes, so that a lie ends at the end of the file

    def dtype(self) -> np.dtype:
        code = self.tag()
        if code not in _TYPES:
            raise DataError(f"has a damaged header: there is no type {code}")
        return np.dtype(_TYPES[code])

    def attributes(self) -> dict[str, Any]:
        found = {}
        for _ in self.entries(_ATTRIBUTES, "attributes"):
            name, dtype, count = self.name(), self.dtype(), self.count()
            raw = self.take(count * dtype.itemsize)
            found[name] = (
                raw.rstrip(b"\0").decode("utf-8", "replace") if dtype.kind == "S" else np.frombuffer(raw, dtype)
            )
        return found

    def variable(self) -> Entry:
        name = self.name()
        dims = tuple(self.count() for _ in range(self.count()))
        attributes, dtype = self.attributes(), self.dtype()
        self.count()  # the size, which follows from the shape
        begin = self.tag() if self.data[3] == 1 else struct.unpack(">Q", self.take(8))[0]
        return Entry(name, dims, attributes, dtype, begin)


def netcdf3_variables(data: bytes, max_bytes: int, group: str | None = None) -> Container:
    """The variables of a NetCDF-3 file (CDF-1, CDF-2, CDF-5).

    Raises:
        DataError: damaged, or shorter than its header declares.
    """
    header = _Header(data)
    records = header.count()
    dims = [(header.name(), header.count()) for _ in header.entries(_DIMENSIONS, "dimensions")]
    header.attributes()
    found = [header.variable() for _ in header.entries(_VARIABLES, "variables")]
    if any(number >= len(dims) for entry in found for number in entry.dims):
        raise DataError(f"has a damaged header: a variable has a dimension that is none of the {len(dims)}")
    if len(dims) != len({name for name, _ in dims}) or len(found) != len({entry.name for entry in found}):
        raise DataError("has a damaged header: two dimensions or two variables have the same name")
    growing = [entry for entry in found if entry.dims and dims[entry.dims[0]][1] == 0]
    slots = [_slot(entry, dims) for entry in growing]
    stride = slots[0] if len(slots) == 1 else sum(slot + -slot % 4 for slot in slots)
    if records == (2**64 - 1 if header.wide else 2**32 - 1):  # written as a stream: the number of records is not known
        begin = min((entry.begin for entry in growing), default=0)
        records = (len(data) - begin) // stride if stride else 0
    shapes = {entry.name: tuple(dims[number][1] or records for number in entry.dims) for entry in found}
    names = {number: name for number, (name, _) in enumerate(dims)}
    return Container(
        [
            _variable(
                data, entry, shapes[entry.name], [names[n] for n in entry.dims], stride if entry in growing else 0
            )
            for entry in found
        ],
        max_bytes,
        group,
    )


def _slot(entry: Entry, dims: list[tuple[str, int]]) -> int:
    """Bytes of one record of a variable."""
    return math.prod(dims[number][1] for number in entry.dims[1:]) * entry.dtype.itemsize


def _variable(data: bytes, entry: Entry, shape: tuple[int, ...], dims: list[str], stride: int) -> Variable:
    size = math.prod(shape) * entry.dtype.itemsize
    end = entry.begin + size
    if stride and size:
        end = entry.begin + (shape[0] - 1) * stride + math.prod(shape[1:]) * entry.dtype.itemsize
    if size and end > len(data):
        raise DataError(
            f"is truncated: {entry.name!r} {shape} needs {end} bytes in the file, got {len(data)}: copy it again"
        )

    def read(index: Index) -> np.ndarray:
        strides = list(np.cumprod([entry.dtype.itemsize, *shape[:0:-1]])[::-1]) if shape else []
        if stride:
            strides[0] = stride
        stored = np.ndarray(shape, entry.dtype, data, entry.begin, strides)[index]
        return _words(stored) if entry.dtype.kind == "S" else stored

    kind = "text" if entry.dtype.kind == "S" else ""
    if kind and len(shape) > 1:  # words are rows of characters: the last axis is their length
        return Variable(
            entry.name,
            shape[:-1],
            shape[-1],
            lambda index: read((*index, slice(None))),
            tuple(dims[:-1]),
            entry.attributes,
            kind,
        )
    return Variable(entry.name, shape, entry.dtype.itemsize, read, tuple(dims), entry.attributes, kind)


def _words(characters: np.ndarray) -> np.ndarray:
    """Rows of characters as words."""
    rows = np.ascontiguousarray(characters).reshape(-1, characters.shape[-1])
    return np.array([row.tobytes().rstrip(b"\0 ").decode("utf-8", "replace") for row in rows])
