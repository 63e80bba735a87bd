"""Zarr stores, version 2 and 3: a directory or a zip. Every codec is checked before anything is decoded."""

import hashlib
import io
import json
import math
import os
import stat
import warnings
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from recurra.data.columns import Ask, Parts
from recurra.data.files import ZARR_FILES
from recurra.data.formats.codecs import check_v2, check_v3
from recurra.data.formats.extra import package
from recurra.data.formats.gather import gather
from recurra.data.formats.variables import Container, Index, Variable
from recurra.errors import DataError, RecurraWarning

_FILES = 100_000
_KINDS = {"U": "text", "O": "words of any length", "b": "booleans", "c": "complex numbers"}
_METADATA = 1 << 24  # bytes of one metadata file
_BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError)


class Store:
    """The files of a store by their keys: listed and checked first, read when asked for, never written anywhere.

    Args:
        sizes: key -> bytes.
        fetch: reads one file.
        max_bytes: the most that is read in all.
    """

    def __init__(self, sizes: dict[str, int], fetch: Callable[[str], bytes], max_bytes: int):
        self.sizes, self._fetch, self._max_bytes = sizes, fetch, max_bytes
        self._hashes: dict[str, str] = {}
        self._read = 0

    def read(self, key: str) -> bytes:
        """One file, counted and hashed."""
        if key not in self._hashes:
            self._read += self.sizes[key]
        if self._read > self._max_bytes:
            raise DataError(f"needs more than the limit of {self._max_bytes} bytes of its files: raise `max_bytes`")
        data = self._fetch(key)
        if self._hashes.setdefault(key, hashlib.sha256(data).hexdigest()) != hashlib.sha256(data).hexdigest():
            raise DataError(f"{key!r} changed while it was read: copy the store first")
        return data

    @property
    def sha256(self) -> str:
        """SHA-256 over the names and hashes of all files that were read, in the order of their names."""
        lines = "".join(f"{digest}  {key}\n" for key, digest in sorted(self._hashes.items()))
        return hashlib.sha256(lines.encode()).hexdigest()


def parse_zarr(data: bytes, path: Path, ask: Ask) -> Parts:
    """A series from a Zarr store: the zip in `data`, or the directory at `path` where that is empty.

    Raises:
        DataError: links and names that lead elsewhere, a codec that is not allowed, damage, or too much.
        MissingExtraError: without zarr.
    """
    zarr = package("zarr", ".zarr")
    try:
        store = zip_store(data, ask.max_bytes) if data else directory_store(path, ask.max_bytes)
        parts = gather(Container(_variables(zarr, store, ask.max_bytes), ask.max_bytes, ask.group), ask)
    except OSError as error:
        raise DataError(f"cannot be read: {error}: check its files and their permissions") from error
    return parts if data else replace(parts, provenance={**parts.provenance, "sha256": store.sha256})


def directory_store(path: Path, max_bytes: int) -> Store:
    """The regular files below a directory; anything else in it is refused, links too."""
    sizes: dict[str, int] = {}
    waiting = [path]
    while waiting:
        folder = waiting.pop()
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            kind, key = entry.stat(follow_symlinks=False).st_mode, Path(entry.path).relative_to(path).as_posix()
            if stat.S_ISDIR(kind):
                waiting.append(Path(entry.path))
            elif stat.S_ISREG(kind):
                sizes[key] = entry.stat(follow_symlinks=False).st_size
            else:
                what = "a symbolic link" if stat.S_ISLNK(kind) else "a pipe, a socket or a device"
                raise DataError(f"{key!r} in it is {what}: refused. A store holds regular files and directories alone")
            if len(sizes) > _FILES:
                raise DataError(f"holds more than {_FILES} files: write it with larger chunks")
    return Store(sizes, lambda key: _regular(path / key), max_bytes)


def _regular(path: Path) -> bytes:
    """The bytes of a file that is no link, also when it was exchanged in the meantime."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise DataError(f"{path.name!r} is no regular file any more: copy the store first")
        return stream.read()


def zip_store(data: bytes, max_bytes: int) -> Store:
    """The members of a zip; names that lead out of it, links and what inflates too far are refused."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except _BROKEN_ZIP as error:
        raise DataError(f"is a damaged or truncated archive ({error}): copy or save it again") from error
    members, total = {}, 0
    for member in archive.infolist():
        name = member.filename
        if name.startswith("/") or "\\" in name or ".." in PurePosixPath(name).parts or ":" in name.partition("/")[0]:
            raise DataError(f"the member {name!r} leads out of the archive: refused. Save it again")
        if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise DataError(f"the member {name!r} is a link or a device: refused. Save it again")
        if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DataError("is encrypted or compressed in an unusual way: save it with zarr")
        total += member.file_size
        if not member.is_dir():
            members[name] = member  # zarr writes metadata several times: the last one counts
    if total > max_bytes:
        raise DataError(f"would inflate to {total} bytes, more than the limit of {max_bytes}: raise `max_bytes`")
    root = next((n.rpartition("/")[0] for n in sorted(members, key=len) if n.rpartition("/")[2] in ZARR_FILES), "")
    prefix = f"{root}/" if root else ""  # the store may lie in one folder of the archive
    kept = {name.removeprefix(prefix): member for name, member in members.items() if name.startswith(prefix)}

    def fetch(key: str) -> bytes:
        try:
            with archive.open(kept[key]) as handle:
                return handle.read(kept[key].file_size)
        except _BROKEN_ZIP as error:
            raise DataError(f"the member {key!r} is damaged ({error}): copy or save the file again") from error

    return Store({name: member.file_size for name, member in kept.items()}, fetch, max_bytes)


def _variables(zarr: Any, store: Store, max_bytes: int) -> list[Variable]:
    """The arrays of a store, by their metadata."""
    found = []
    for key in sorted(store.sizes):
        folder, _, base = key.rpartition("/")
        if base == ".zarray":
            meta = _json(store, key)
            attributes = (
                _json(store, f"{folder}/.zattrs".lstrip("/")) if f"{folder}/.zattrs".lstrip("/") in store.sizes else {}
            )
            found.append(_variable(zarr, store, folder, meta, attributes, max_bytes))
        elif base == "zarr.json":
            meta = _json(store, key)
            if meta.get("node_type") == "array":
                found.append(_variable(zarr, store, folder, meta, meta.get("attributes") or {}, max_bytes))
    return found


def _json(store: Store, key: str) -> dict[str, Any]:
    if store.sizes[key] > _METADATA:
        raise DataError(f"{key!r} has {store.sizes[key]} bytes, more than metadata need: it is damaged")
    try:
        found = json.loads(store.read(key))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{key!r} is no JSON ({str(error)[:100]}): copy or save the store again") from error
    if not isinstance(found, dict):
        raise DataError(f"{key!r} is no JSON object: copy or save the store again")
    return found


def _variable(zarr: Any, store: Store, folder: str, meta: dict, attributes: Any, max_bytes: int) -> Variable:
    three = meta.get("node_type") == "array"
    name = folder or "array"
    shape = _lengths(name, meta.get("shape"))
    dtype = check_v3(name, meta) if three else check_v2(name, meta)
    attributes = dict(attributes) if isinstance(attributes, dict) else {}
    named = meta.get("dimension_names") if three else attributes.get("_ARRAY_DIMENSIONS")
    dims = tuple(str(dim or "") for dim in named) if isinstance(named, list) and len(named) == len(shape) else ()
    if not three and dims and meta.get("fill_value") is not None:
        attributes.setdefault("_FillValue", meta["fill_value"])  # as xarray writes it: what was never stored is missing
    chunk = _lengths(name, _chunk_shape(meta) if three else meta.get("chunks"))
    fault = ""
    if math.prod(chunk) * dtype.itemsize > max_bytes:
        fault = f"has chunks of {chunk}, more than the limit of {max_bytes} bytes: raise `max_bytes`"
    kind = "" if dtype.kind in "iuf" else _KINDS.get(dtype.kind, str(dtype))

    def read(index: Index) -> np.ndarray:
        return _numbers(zarr, store, folder, 3 if three else 2, index)

    return Variable(name, shape, dtype.itemsize, read, _paths(folder, dims, store), attributes, kind, fault)


def _chunk_shape(meta: dict) -> Any:
    grid = meta.get("chunk_grid")
    options = grid.get("configuration") if isinstance(grid, dict) else None
    return options.get("chunk_shape") if isinstance(options, dict) else None


def _lengths(name: str, found: Any) -> tuple[int, ...]:
    if not isinstance(found, list) or not all(type(n) is int and 0 <= n < 2**63 for n in found):
        raise DataError(f"{name!r} has damaged metadata: {found!r:.80} is no shape")
    return tuple(found)


def _paths(folder: str, dims: tuple[str, ...], store: Store) -> tuple[str, ...]:
    """The coordinates of the same names, in the same group or the next one above."""
    found = []
    for dim in dims:
        group = PurePosixPath(folder).parent
        places = [str(place / dim) for place in (group, *group.parents)] if dim else []
        files = (".zarray", "zarr.json")
        found.append(next((place for place in places if any(f"{place}/{file}" in store.sizes for file in files)), dim))
    return tuple(found)


def _numbers(zarr: Any, store: Store, folder: str, version: int, index: Index) -> np.ndarray:
    """A part of one array, decoded by zarr from copies of its files in memory."""
    prefix, own = f"{folder}/" if folder else "", ".zarray" if version == 2 else "zarr.json"
    below = [key for key in store.sizes if key.startswith(prefix)]
    chunks = [key for key in below if key.rpartition("/")[2] not in (*ZARR_FILES, ".zattrs", ".zmetadata")]
    buffer = package("zarr.buffer", ".zarr").cpu.Buffer
    files = {key.removeprefix(prefix): buffer.from_bytes(store.read(key)) for key in [prefix + own, *chunks]}
    try:
        array = zarr.open_array(zarr.storage.MemoryStore(files, read_only=True), mode="r", zarr_format=version)
        _warn_of_absent(folder, array, len(chunks))
        return np.asarray(array[index])
    except RecurraWarning:
        raise
    except Exception as error:
        raise DataError(f"{folder!r} is damaged or truncated ({str(error)[:200]}): copy or save it again") from error


def _warn_of_absent(folder: str, array: Any, stored: int) -> None:
    """A chunk that is not stored has the fill value: meant so, or lost."""
    outer = array.shards or array.chunks
    expected = math.prod(-(-length // side) for length, side in zip(array.shape, outer, strict=True))
    if stored < expected and array.fill_value is not None and array.fill_value == array.fill_value:
        warnings.warn(
            f"{expected - stored} of {expected} chunks of {folder!r} are not stored, and so have the fill value "
            f"{array.fill_value}: check that the store is whole",
            RecurraWarning,
            stacklevel=2,
        )
