"""HDF5, and what is built on it: NetCDF-4 and MATLAB 7.3. Links, other files, plug-ins and objects are not followed."""

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from recurra.data.formats.extra import package
from recurra.data.formats.variables import Container, Index, Variable
from recurra.errors import DataError, RecurraError, RecurraWarning

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_OBJECTS = 10_000  # that are looked at
_DEPTH = 32
_WORDS = 10_000  # labels of an axis
_LETTERS = 1 << 20  # in them
# Filters that are part of HDF5 or of h5py. Any other would be loaded from a directory of plug-ins.
_FILTERS = {1: "deflate", 2: "shuffle", 3: "fletcher32", 4: "szip", 5: "nbit", 6: "scaleoffset", 32000: "lzf"}
_ATTRIBUTES = (
    *("units", "calendar", "axis", "standard_name", "coordinates", "bounds"),
    *("_FillValue", "missing_value", "scale_factor", "add_offset", "_Unsigned"),
    *("MATLAB_class", "MATLAB_empty"),
)
_SHORT = re.compile(r"eof = (\d+), .*stored_eof = (\d+)")
_NO_VARIABLE = "This is a netCDF dimension but not a netCDF variable"
_BROKEN = (OSError, RuntimeError, ValueError, LookupError, TypeError, ArithmeticError, AttributeError, MemoryError)


@contextmanager
def open_hdf5(data: bytes, suffix: str) -> Iterator[Any]:
    """The file, in memory: no lock is taken, and no other file is opened.

    Raises:
        DataError: damaged or truncated, found when it is opened or while it is read.
        MissingExtraError: without h5py.
    """
    h5py = package("h5py", suffix or "an HDF5 file")
    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            yield file
    except (RecurraError, RecurraWarning):
        raise
    except _BROKEN as error:
        short = _SHORT.search(str(error))
        if short:
            raise DataError(
                f"is truncated: expected {short[2]} bytes, got {short[1]}: copy or save it again"
            ) from error
        raise DataError(f"is damaged or truncated ({_first_line(error)}): copy or save it again") from error


def hdf5_variables(file: Any, max_bytes: int, group: str | None = None) -> Container:
    """The data sets of an HDF5 or NetCDF-4 file.

    Raises:
        DataError: more objects than are looked at, or an object that is damaged.
    """
    found: list[Variable] = []
    walk(file, lambda name, data: found.append(_variable(name, data, max_bytes)), found)
    found = [variable for variable in found if variable.kind != _NO_VARIABLE]
    return Container(found, max_bytes, group)


def walk(file: Any, visit: Callable[[str, Any], Any], links: list[Variable], skip: str = "") -> None:
    """Call `visit(path, data set)` for all, by hard links alone; the other links become refused variables."""
    h5py = package("h5py", "an HDF5 file")

    waiting, seen, groups = [("", file, 0)], 0, {h5py.h5o.get_info(file.id).addr}
    while waiting:
        path, group, depth = waiting.pop()
        for name in group:
            seen += 1
            if seen > _OBJECTS or depth > _DEPTH:
                raise DataError(
                    f"holds more than {_OBJECTS} objects, or groups deeper than {_DEPTH}: cut it with h5copy"
                )
            full = f"{path}/{name}".lstrip("/")
            if skip and full.startswith(skip):
                continue
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                links.append(_link(full, link))
                continue
            item = group[name]
            if isinstance(item, h5py.Dataset):
                visit(full, item)
            elif isinstance(item, h5py.Group) and h5py.h5o.get_info(item.id).addr not in groups:
                groups.add(h5py.h5o.get_info(item.id).addr)
                waiting.append((full, item, depth + 1))


def _link(name: str, link: Any) -> Variable:
    target = f"{getattr(link, 'filename', '')}:{link.path}".lstrip(":")
    kind = "an external link" if hasattr(link, "filename") else "a soft link"
    advice = "open that file" if hasattr(link, "filename") else "name that one"
    return Variable(
        name, (), 0, lambda index: np.empty(0), fault=f"is {kind} to {target!r} and is not followed: {advice}"
    )


def fault_of(data: Any) -> str:
    """Why the numbers of a data set are not read; "" where they are."""
    if data.is_virtual:
        return "is a virtual data set, which reads from other files: refused. Save a copy of its numbers"
    if data.external:
        return f"keeps its numbers in another file, {data.external[0][0]!r}: refused. Save a copy of them"
    plist = data.id.get_create_plist()
    filters = [plist.get_filter(place) for place in range(plist.get_nfilters())]
    foreign = [(number, name.decode("utf-8", "replace")) for number, _, _, name in filters if number not in _FILTERS]
    if foreign:
        number, name = foreign[0]
        return f"is compressed by filter {number} {name!r}, a plug-in: refused. Save it with gzip (h5repack -f GZIP=4)"
    return ""


def kind_of_type(dtype: np.dtype, words: bool) -> str:
    """What a data set holds where these are no real numbers."""
    if words:
        return "text"
    if dtype.kind in "iuf":
        return ""
    if dtype.kind == "V":
        fields = ", ".join(dtype.names or ())
        return f"a table with the fields {fields}" if fields else "opaque bytes"
    named = {"O": "references or rows of different length", "c": "complex numbers", "b": "booleans", "S": "text"}
    return named.get(dtype.kind, f"values of dtype {dtype}")


def _variable(name: str, data: Any, max_bytes: int) -> Variable:
    h5py = package("h5py", "an HDF5 file")

    if data.shape is None:
        return Variable(name, (), 0, lambda index: np.empty(0), fault="is empty, without a shape")
    words = h5py.check_string_dtype(data.dtype) is not None
    attributes = attributes_of(data)
    kind = kind_of_type(data.dtype, words)
    if _no_variable(data):
        kind = _NO_VARIABLE
    fault = fault_of(data)
    if not fault and data.chunks and int(np.prod(data.chunks)) * data.dtype.itemsize > max_bytes:
        fault = f"has chunks of {data.chunks}, more than the limit of {max_bytes} bytes: raise `max_bytes`"

    def read(index: Index) -> np.ndarray:
        return _words(name, data, index) if words else np.asarray(data[index])

    return Variable(name, data.shape, data.dtype.itemsize, read, _dims(name, data), attributes, kind, fault)


def _words(name: str, data: Any, index: Index) -> np.ndarray:
    """Labels one by one: a string of variable length says its size only when it is read."""
    places, found, letters = range(data.shape[0])[index[0]], [], 0
    for place in places if isinstance(places, range) else [places]:
        word = data[place]
        word = word.decode("utf-8", "replace") if isinstance(word, bytes) else str(word)
        letters += len(word)
        if len(found) >= _WORDS or letters > _LETTERS:
            raise DataError(f"{name!r} names an axis with more than {_WORDS} words: give `channels` names of your own")
        found.append(word)
    return np.array(found)


def attributes_of(data: Any) -> dict[str, Any]:
    """The attributes that mean something here."""
    return {name: data.attrs[name] for name in _ATTRIBUTES if name in data.attrs}


def _no_variable(data: Any) -> bool:
    """A dimension of NetCDF that has a length and no values."""
    h5py = package("h5py", "an HDF5 file")

    return h5py.h5ds.is_scale(data.id) and h5py.h5ds.get_scale_name(data.id).decode("utf-8", "replace").startswith(
        _NO_VARIABLE
    )


def _dims(name: str, data: Any) -> tuple[str, ...]:
    """The path of the scale of every axis; a scale is its own."""
    h5py = package("h5py", "an HDF5 file")

    if h5py.h5ds.is_scale(data.id) and len(data.shape) == 1:
        return (name,)
    found = tuple(dim[0].name.lstrip("/") if len(dim) else dim.label for dim in data.dims)
    return found if any(found) else ()


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0][:200]
