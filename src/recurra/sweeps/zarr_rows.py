"""The rows of a Zarr array that is larger than memory: checked like any other store, read a few chunks at a time."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recurra.data.check import warn
from recurra.data.formats.codecs import check_v2, check_v3
from recurra.data.formats.extra import package
from recurra.data.formats.zarr import directory_store
from recurra.errors import ConfigError, DataError

_SPAN = 2**22  # bytes of float64 that are read at once, or one row of chunks where that is more
_METADATA = 2**24  # bytes of all metadata files together
_FILES = {".zarray": 2, "zarr.json": 3}


@dataclass(frozen=True, eq=False)
class ZarrRows:
    """A two-dimensional array of numbers on disk, time down its rows.

    Args:
        array: the open array.
        name: of the array in its store; `array` where it is the store.
        first, stop: which of its rows.
    """

    array: Any
    name: str
    first: int
    stop: int

    @staticmethod
    def open(path: str | Path, variable: str | None = None, rows: tuple[int, int] | None = None) -> "ZarrRows":
        """Open an array of a store that is a directory.

        Args:
            path: of the store.
            variable: of the array in it; None where it holds a single array of two axes.
            rows: first row, and the one after the last; None for all.

        Raises:
            ConfigError: no such array, several, rows that it has not.
            DataError: links, a codec that is not allowed, what are no numbers, more or fewer than two axes.
            MissingExtraError: without zarr.
        """
        zarr, path = package("zarr", ".zarr"), Path(path)
        if not path.is_dir():
            raise ConfigError(f"{path} is no Zarr store in a directory, which it has to be to be read in parts")
        found = _arrays(path)
        wide = [name for name, shape in found.items() if len(shape) == 2]
        name = variable.strip("/") if variable is not None else wide[0] if len(wide) == 1 else None
        if name is None or name not in found:
            asked = "say which with `variable`" if variable is None else f"there is no array {variable!r}"
            raise ConfigError(f"{path}: {asked}; it holds {', '.join(f'{n!r} {s}' for n, s in found.items())}")
        if len(found[name]) != 2:
            raise DataError(f"{path}: {name or 'array'!r} has the shape {found[name]}, expected (time, channels)")
        array = zarr.open_array(path / name, mode="r")
        length = int(array.shape[0])
        first, stop = (0, length) if rows is None else rows
        if not 0 <= first < stop <= length:
            raise ConfigError(f"{path}: rows {first} to {stop} of an array of {length}")
        _refuse_packed(path, dict(array.attrs))
        _warn_of_absent(path, array)
        return ZarrRows(array, name.rpartition("/")[2] or "array", first, stop)

    def __len__(self) -> int:
        return self.stop - self.first

    @property
    def columns(self) -> int:
        """The number of columns."""
        return int(self.array.shape[1])

    @property
    def header(self) -> tuple[str, ...]:
        """Names of the columns, as `read_series` counts them."""
        return tuple(f"{self.name}{k}" for k in range(self.columns)) if self.columns > 1 else (self.name,)

    def read(self, first: int, stop: int) -> np.ndarray:
        """Some rows (rows, columns) in float64, counted from the first of these."""
        try:
            found = self.array[self.first + first : self.first + stop]
        except (ValueError, RuntimeError, OSError, KeyError) as error:
            raise DataError(
                f"{self.name!r} is damaged between its rows {self.first + first} and {self.first + stop} "
                f"({str(error)[:200]}): copy or save it again"
            ) from error
        return np.ascontiguousarray(found, dtype=np.float64)

    def steps(self, size: int) -> Iterator[np.ndarray]:
        """Tables of `size` + 1 rows, the first row of each the last one of the table before it.

        What they hold depends on `size` alone, not on the chunks of the array, each of which is read once.
        """
        rest = np.empty((0, self.columns))
        for block in self._spans():
            rest = np.concatenate([rest, block])
            while len(rest) > size:
                yield rest[: size + 1]
                rest = rest[size:]
        if len(rest) > 1:
            yield rest

    def _spans(self) -> Iterator[np.ndarray]:
        """All rows, whole chunks at a time."""
        chunk = int((self.array.shards or self.array.chunks)[0])
        span = chunk * max(1, _SPAN // (8 * self.columns * chunk))
        edges = range(self.first - self.first % chunk, self.stop, span)
        for low in edges:
            yield self.read(max(low, self.first) - self.first, min(low + span, self.stop) - self.first)


def _arrays(path: Path) -> dict[str, tuple[int, ...]]:
    """Every array of a store and its shape, after what would decode it was found to be allowed."""
    store, found = directory_store(path, _METADATA), {}
    for key in sorted(store.sizes):
        folder, _, base = key.rpartition("/")
        if base not in _FILES:
            continue
        try:
            meta = json.loads(store.read(key))
            shape = meta["shape"] if base == ".zarray" or meta["node_type"] == "array" else None
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise DataError(f"{path}: {key!r} is damaged ({type(error).__name__}): copy or save the store again") from (
                error
            )
        if shape is None:
            continue
        if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
            raise DataError(f"{path}: {key!r} is damaged: {str(shape)[:80]} is no shape")
        dtype = (check_v2 if _FILES[base] == 2 else check_v3)(folder or "array", meta)
        if dtype.kind in "iuf":
            found[folder] = tuple(shape)
    return found


def _refuse_packed(path: Path, attributes: dict[str, Any]) -> None:
    """Numbers that stand for others are for `read_series`."""
    fill = [attributes.get(name) for name in ("_FillValue", "missing_value")]
    packed = [name for name in ("scale_factor", "add_offset") if name in attributes]
    if packed or any(value is not None and value == value for value in fill):
        raise DataError(
            f"{path}: the array is packed, or marks what is missing ({', '.join(sorted(attributes))}): rows that are "
            "read in parts are taken as they are. Write it as plain float64, complete"
        )


def _warn_of_absent(path: Path, array: Any) -> None:
    """A chunk that is not stored has the fill value: meant so, or lost."""
    outer = array.shards or array.chunks
    expected = math.prod(-(-length // side) for length, side in zip(array.shape, outer, strict=True))
    stored = int(array.nchunks_initialized) // max(1, math.prod(outer) // math.prod(array.chunks))
    if stored < expected:
        warn(
            f"{path}: {expected - stored} of {expected} chunks are not stored, and so have the fill value "
            f"{array.fill_value}: check that the store is whole"
        )
