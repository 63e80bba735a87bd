"""`read_series`: one file to one `Series`."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recurra.data.assemble import assemble
from recurra.data.columns import Ask, Parts
from recurra.data.files import MAX_BYTES, load
from recurra.data.npy import parse_npy
from recurra.data.npz import parse_npz
from recurra.data.policies import Policies
from recurra.data.sentinels import divided
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
    decimal: str = ".",
    gaps: str = "refuse",
    missing: Sequence[float | str] = (),
    duplicates: str = "refuse",
    sort: bool = False,
    resample: float | None = None,
    time_unit: str | None = None,
    zone: str | None = None,
    time_axis: int | None = None,
    variable: str | None = None,
    group: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> Series:
    """Read a time series from a file: text (.csv .tsv .txt .dat), NumPy (.npy .npz), or a format of the `io` extra.

    Nothing is guessed, filled, ordered or left out unless an option says so, and then it is counted in the
    provenance. What cannot be read exactly is refused with its line and column.

    Args:
        path: a regular file, or a Zarr directory. Text: comment lines start with #; the header is optional, and `x [m]`
            or `v (m/s)` in it gives name and unit. `.npz`: the arrays `values` (time, channels) and, if wanted,
            `times`, `channels`, `units`, `inputs`, `dt`; or one array a channel.
        time: name of the time column. Default: a first column named t, time or date (any case), else none. Dates are
            ISO 8601, with an offset in all rows (they become UTC) or in none. Dates whole months apart become years.
        channels: names of the columns to learn. Default: all that are neither time nor input.
        inputs: names of the columns that drive the system.
        units: one unit a channel.
        dt: step between rows where there is no time column; seconds where the times are dates.
        delimiter: what separates the columns of a text file: "," ";" "\\t" or " " for any white space.
            Default: the first of tab, semicolon and comma that the first line holds, else white space.
        decimal: "." or ",".
        gaps: what to do about values that are missing: "refuse"; "split", leave these rows out and break the series
            there; "interpolate:k", straight lines over at most k rows in a row; "mask", keep them as missing. Rows that
            are missing altogether, where time jumps, are a break, and for the last two are put in without values.
        missing: numbers and words that mean "no value" here, as [-999, "bad"]. Empty cells, nan, na, n/a and null
            always do.
        duplicates: rows with the same time: "refuse", keep the "first", or take their "mean".
        sort: put the rows in the order of time.
        resample: step of a uniform grid onto which the rows are interpolated linearly, in time units (seconds for
            dates). Nothing is interpolated between rows that are more than two median steps apart.
        time_unit: of a numeric time axis. "s", "ms", "us" or "ns" turn counts since 1970 into dates.
        zone: IANA name of the time zone of dates without offset, as "Europe/Oslo"; they become UTC.
        time_axis: 0 or 1, the axis of an array along which time runs. Default: 0, and an array with more
            columns than rows is refused.
        variable: which variable or data set of a container holds the channels.
        group: in which group of a container to look.
        max_bytes: the largest file, and the most that an archive may inflate to, in bytes.

    Returns:
        A `Series` whose provenance holds `source` (the path), `sha256` (of the file) and what was done to the rows.

    Raises:
        DataError: the file is refused; the message names line or row, column and count.
        ConfigError: an argument that does not fit the file, as a name that no column has.

    Warns:
        RecurraWarning: rows are missing; values were interpolated; a constant looks like a missing value.
    """
    if gaps == "keep":
        raise ConfigError("`gaps='keep'` is unknown: for values that stay missing use 'mask'")
    numbers, words = divided(missing)
    policies = Policies(gaps, numbers, duplicates, sort, resample, time_unit, zone, units, dt)
    name = os.fspath(path)
    if "\0" in name:
        raise DataError(f"{name!r}: a path cannot hold a NUL character")
    ask = Ask(time, channels, inputs, delimiter, decimal, words, zone, variable, group, time_axis, max_bytes)
    try:
        kind, data, digest = load(Path(path), max_bytes, text=delimiter is not None)
        parts = _parse(kind, data, Path(path), ask)
        facts = {"source": name, "sha256": digest, **({"missing": dict.fromkeys(words, 0)} if words else {})}
        return assemble(parts, policies, facts)
    except DataError as error:
        raise DataError(f"{name!r}: {error}") from error


def _parse(kind: str, data: bytes, path: Path, ask: Ask) -> Parts:
    own: dict[str, Any] = {"text": parse_text, "npy": parse_npy, "npz": parse_npz}
    if kind in own:
        return own[kind](data, ask)
    from recurra.data.formats import parse

    return parse(kind, data, path, ask)
