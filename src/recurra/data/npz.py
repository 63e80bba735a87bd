"""`.npz`: a zip archive of arrays. The directory is checked before anything is inflated."""

import io
import zipfile
import zlib

import numpy as np

from recurra.data.columns import TIME_NAMES, Ask, Parts, choose, name_list
from recurra.data.npy import HEADER_BYTES, Header, check_size, oriented, read_array, read_header, take
from recurra.errors import ConfigError, DataError

_TIMES = ("times", *TIME_NAMES)
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError)


def parse_npz(data: bytes, ask: Ask | None = None) -> Parts:
    """The arrays of a `.npz` archive.

    With an array `values`: that, and where present `times`, `channels`, `units`, `inputs` and `dt`. Else
    `channels` names the arrays, one or more columns each; or there is a single one.

    Raises:
        DataError: a damaged archive, one that is no `.npz`, one that inflates beyond `max_bytes`, or an array
            as in `parse_npy`.
        ConfigError: a name that no array has, or several arrays and no name.
    """
    ask = ask or Ask()
    archive = Archive(data, ask.max_bytes)
    return _values(archive, ask) if "values" in archive.headers else _gathered(archive, ask)


class Archive:
    """The members of a `.npz`, each checked against the directory before its numbers are inflated."""

    def __init__(self, data: bytes, max_bytes: int):
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except _BROKEN as error:
            raise DataError(f"is a damaged or truncated archive ({error}): copy or save it again") from error
        members = self._zip.infolist()
        _check_members(members, max_bytes)
        self._members = {member.filename.removesuffix(".npy"): member for member in members}
        self.headers = {name: self._header(name) for name in self._members}

    def _read(self, name: str, count: int) -> bytes:
        try:
            with self._zip.open(self._members[name]) as handle:
                return handle.read(count)
        except _BROKEN as error:
            raise DataError(f"array {name!r} is damaged ({error}): copy or save it again") from error

    def _header(self, name: str) -> Header:
        return read_header(self._read(name, HEADER_BYTES), f"array {name!r}")

    def array(self, name: str) -> np.ndarray:
        """One array, by name."""
        if name not in self.headers:
            raise ConfigError(f"there is no array {name!r}: the file holds {self.listed()}")
        header, size, what = self.headers[name], self._members[name].file_size, f"array {name!r}"
        check_size(header, size, what)
        return read_array(header, self._read(name, size), what)

    def times(self, asked: str | None) -> tuple[str | None, np.ndarray | None]:
        """Name and array of the time axis: the one asked for, or the one named as such."""
        name = asked or next((name for name in self.headers if name.lower() in _TIMES), None)
        if name is None:
            return None, None
        found = self.array(name)
        if found.ndim == 2 and found.shape[1] == 1:
            found = found[:, 0]
        if found.ndim != 1:
            raise DataError(f"array {name!r} is the time axis and has shape {found.shape}, expected (time,)")
        return name, found

    def dt(self) -> float | None:
        """The step, where the file holds one."""
        if "dt" not in self.headers:
            return None
        found = self.array("dt")
        if found.size != 1 or found.dtype.kind not in "iuf":
            raise DataError(f"array 'dt' must be one number, got {found.dtype} of shape {found.shape}")
        return float(found.reshape(()))

    def words(self, name: str, count: int) -> tuple[str, ...] | None:
        """A list of `count` names or units, or None where the file holds none."""
        if name not in self.headers:
            return None
        found = self.array(name)
        if found.shape != (count,) or found.dtype.kind != "U":
            raise DataError(
                f"array {name!r} must hold {count} texts, one a column, got {found.dtype} of shape {found.shape}"
            )
        return tuple(str(word) for word in found)

    def listed(self) -> str:
        """Names and shapes, for messages."""
        shown = [f"{name} {header.shape}" for name, header in list(self.headers.items())[:20]]
        return ", ".join(shown) + (", ..." if len(self.headers) > 20 else "")


def _check_members(members: list[zipfile.ZipInfo], max_bytes: int) -> None:
    found = [member.filename for member in members]
    if any(name.endswith((".pkl", ".pickle")) for name in found):
        raise DataError("is an archive with a Python pickle inside (PyTorch?), which can run code: refused")
    foreign = [name for name in found if not name.endswith(".npy")]
    if foreign or not found:
        what = f"it holds {foreign[0]!r}" if foreign else "it is empty"
        raise DataError(f"is a zip archive and not a .npz of arrays: {what}. Save with numpy.savez")
    if len(set(found)) < len(found):
        twice = next(name for name in found if found.count(name) > 1)
        raise DataError(f"holds two arrays of the name {twice!r}: save it again")
    plain = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    if any(member.flag_bits & 1 or member.compress_type not in plain for member in members):
        raise DataError("is encrypted or compressed in an unusual way: save it with numpy.savez")
    total = sum(member.file_size for member in members)
    if total > max_bytes:
        raise DataError(
            f"would inflate to {total} bytes, more than the limit of {max_bytes}: raise `max_bytes` if "
            "that is what you mean"
        )


def _values(archive: Archive, ask: Ask) -> Parts:
    """The layout with an array `values`; `time` and `inputs` may also name columns of it."""
    table = oriented(archive.array("values"), "array 'values'", ask.time_axis)
    drive = name_list(ask.inputs, "inputs")
    header, units = archive.words("channels", table.shape[1]), archive.words("units", table.shape[1])
    column = ask.time if ask.time not in archive.headers else None
    clock, times = (None, None) if column else archive.times(ask.time)
    outside = "inputs" in archive.headers and not set(drive or []) & set(header or [])
    chosen = choose(header, table.shape[1], time=column, channels=ask.channels, inputs=None if outside else drive)
    if chosen.time is not None and clock is not None:
        raise ConfigError(
            f"the array {clock!r} and the column {chosen.names[chosen.time]!r} could both be the time axis: "
            "choose with `time`, or leave the column out with `channels`"
        )
    if outside:
        driven = oriented(archive.array("inputs"), "array 'inputs'", ask.time_axis)
        driven_names = None if drive is None else tuple(drive)
    elif chosen.inputs:
        driven, driven_names = take(table, chosen.inputs), chosen.names_of(chosen.inputs)
    else:
        driven, driven_names = None, None
    return Parts(
        values=take(table, chosen.channels),
        channels=chosen.names_of(chosen.channels),
        times=times if chosen.time is None else table[:, chosen.time],
        inputs=driven,
        input_names=driven_names,
        units=None if units is None else tuple(units[column] for column in chosen.channels),
        dt=archive.dt(),
        time_name=clock if chosen.time is None else chosen.names[chosen.time],
    )


def _gathered(archive: Archive, ask: Ask) -> Parts:
    """The layout with an array a channel, or a single array."""
    wanted, drive = name_list(ask.channels, "channels"), name_list(ask.inputs, "inputs")
    clock, times = archive.times(ask.time)
    left = [name for name in archive.headers if name not in (clock, "dt", *(drive or []))]
    if wanted is None and len(left) != 1:
        raise ConfigError(f"say which arrays to read with `channels`: the file holds {archive.listed()}")
    channels, values = _columns(archive, wanted or left, ask.time_axis)
    names, driven = _columns(archive, drive, ask.time_axis) if drive else (None, None)
    return Parts(
        values=values,
        channels=channels,
        times=times,
        inputs=driven,
        input_names=names,
        dt=archive.dt(),
        time_name=clock,
    )


def _columns(archive: Archive, wanted: list[str], time_axis: int | None) -> tuple[tuple[str, ...], np.ndarray]:
    """Arrays side by side; one of several columns numbers its names: x0, x1, ..."""
    tables = {name: oriented(archive.array(name), f"array {name!r}", time_axis) for name in wanted}
    rows = {name: len(table) for name, table in tables.items()}
    if len(set(rows.values())) > 1:
        raise DataError(f"the arrays differ in length: {rows}")
    channels = tuple(
        name if table.shape[1] == 1 else f"{name}{column}"
        for name, table in tables.items()
        for column in range(table.shape[1])
    )
    return channels, next(iter(tables.values())) if len(tables) == 1 else np.column_stack([*tables.values()])
