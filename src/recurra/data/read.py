"""`read_series`: one file to one `Series`."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recurra.data.columns import Parts
from recurra.data.files import MAX_BYTES, kind_of, read_bytes
from recurra.data.npy import parse_npy
from recurra.data.npz import parse_npz
from recurra.data.text import parse_text
from recurra.errors import ConfigError, DataError
from recurra.series import Series


def read_series(
    path: str | os.PathLike[str],
    *,
    time: str | None = None,
    channels: Sequence[str] | None = None,
    inputs: Sequence[str] | None = None,
    units: Sequence[str] | None = None,
    dt: float | None = None,
    delimiter: str | None = None,
    gaps: str = "refuse",
    max_bytes: int = MAX_BYTES,
) -> Series:
    """Read a time series from text (.csv .tsv .txt .dat) or NumPy (.npy .npz) files.

    Nothing is guessed, filled or left out: what cannot be read exactly is refused with its line and column.

    Args:
        path: a regular file. Text: comment lines start with #; the header is optional; numbers have a decimal
            point; dates are ISO 8601, in UTC or without a zone. `.npz`: the arrays `values` (time, channels)
            and, if wanted, `times`, `channels`, `units`, `inputs`, `dt`; or one array a channel.
        time: name of the time column. Default: a first column named t, time or date (any case), else none.
        channels: names of the columns to learn. Default: all that are neither time nor input.
        inputs: names of the columns that drive the system.
        units: one unit a channel.
        dt: step between rows where there is no time column; seconds where the times are dates.
        delimiter: what separates the columns of a text file: "," ";" "\\t" or " " for any white space.
            Default: the first of tab, semicolon and comma that the first line holds, else white space.
        gaps: "refuse" raises on a missing value. There is no other way yet.
        max_bytes: the largest file, and the most that an archive may inflate to, in bytes.

    Returns:
        A `Series` whose provenance holds `source` (the path) and `sha256` (of the file).

    Raises:
        DataError: the file is refused; the message names line or row, column and count.
        ConfigError: an argument that does not fit the file, as a name that no column has.
    """
    if gaps != "refuse":
        raise ConfigError(f"`gaps={gaps!r}` is unknown: the only way to treat missing values is 'refuse'")
    name = os.fspath(path)
    if "\0" in name:
        raise DataError(f"{name!r}: a path cannot hold a NUL character")
    try:
        data = read_bytes(Path(path), max_bytes)
        parts = _parse(data, Path(path).suffix.lower(), delimiter, max_bytes, (time, channels, inputs))
    except DataError as error:
        raise DataError(f"{name!r}: {error}") from error
    try:
        return _series(parts, units, dt, {"source": name, "sha256": hashlib.sha256(data).hexdigest()})
    except DataError as error:
        where = "" if parts.first_line is None else f" (row 0 is line {parts.first_line})"
        raise DataError(f"{name!r}: {error}{where}") from error


def _parse(data: bytes, suffix: str, delimiter: str | None, max_bytes: int, roles: tuple[Any, Any, Any]) -> Parts:
    time, channels, inputs = roles
    kind = kind_of(data, suffix, text=delimiter is not None)
    if kind == "npy":
        return parse_npy(data, time=time, channels=channels, inputs=inputs)
    if kind == "npz":
        return parse_npz(data, time=time, channels=channels, inputs=inputs, max_bytes=max_bytes)
    return parse_text(data, delimiter=delimiter, time=time, channels=channels, inputs=inputs)


def _series(parts: Parts, units: Sequence[str] | None, dt: float | None, provenance: dict[str, Any]) -> Series:
    if dt is not None and parts.dt is not None and dt != parts.dt:
        raise ConfigError(f"`dt` is {dt!r}, and the file says {parts.dt!r}: leave one out")
    step = parts.dt if dt is None else dt
    if parts.times is not None and parts.times.dtype.kind == "M":
        provenance["time_unit"] = "s"
    drive = parts.inputs
    if drive is not None and parts.input_names is not None:
        drive = Series(drive, times=parts.times, dt=step, channels=parts.input_names)
    return Series(
        parts.values,
        times=parts.times,
        dt=step,
        channels=parts.channels,
        units=parts.units if units is None else units,
        inputs=drive,
        provenance=provenance,
    )
