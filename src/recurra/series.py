"""`Series`: what was measured or simulated, and what a forecast is."""

import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from recurra._types import names, whole_number
from recurra.errors import DataError

_UNIFORM = 1e-3  # how far, in steps, a time stamp may sit off the uniform grid (rounding in text files)
_YEARS = (np.datetime64("1678", "Y"), np.datetime64("2261", "Y"))  # that datetime64[ns] can hold whole


class Series:
    """A uniformly sampled, multi-channel time series: values y[t, c] at times t0 + t dt.

    Immutable: the values are copied and read-only (an array that is read-only already is shared). Times
    are float64 or numpy dates, never float32.

    Args:
        values: array (time, channels) or (time,); anything numeric and real. One dimension becomes (n, 1).
        dt: step between rows, in time units (seconds where `times` are dates). Default: from `times`, else 1.
        times: time of each row, strictly increasing and uniform; floats or `datetime64`.
            Default: 0, dt, 2 dt, ...
        channels: one name a column; unique. Default: c0, c1, ...
        units: one unit a column, "" where there is none.
        inputs: exogenous drive at the same times: an array (time, drive) or a `Series`.
        provenance: where the values come from (file, hash, system, seed); plain data, carried along.

    Raises:
        DataError: wrong shape or dtype, names that repeat, times that repeat, fall back or are not uniform.

    >>> s = Series([[0.0, 1.0], [0.5, 0.9], [1.0, 0.7]], dt=0.5, channels=["x", "v"])
    >>> len(s), s.times.tolist(), s[1:].values.shape
    (3, [0.0, 0.5, 1.0], (2, 2))
    """

    __slots__ = ("channels", "dt", "inputs", "provenance", "times", "units", "values")

    values: np.ndarray
    dt: float
    times: np.ndarray
    channels: tuple[str, ...]
    units: tuple[str, ...]
    inputs: "Series | None"
    provenance: Mapping[str, Any]

    def __init__(
        self,
        values: Any,
        *,
        dt: float | None = None,
        times: Any = None,
        channels: Sequence[str] | None = None,
        units: Sequence[str] | None = None,
        inputs: Any = None,
        provenance: Mapping[str, Any] | None = None,
    ):
        table = _table(values)
        set_ = object.__setattr__
        set_(self, "values", table)
        set_(self, "times", _times(times, dt, len(table)))
        set_(self, "dt", _step(self.times, dt))
        columns = table.shape[1]
        named = names(None, columns, "c") if channels is None else channels
        set_(self, "channels", _unique(named, columns, "channels"))
        set_(self, "units", _counted(("",) * columns if units is None else units, columns, "units"))
        set_(self, "inputs", None if inputs is None else _drive(inputs, self))
        set_(self, "provenance", MappingProxyType(dict(provenance or {})))

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a Series is immutable: make a new one instead of setting `{name}`")

    def __reduce__(self):
        keep = {name: getattr(self, name) for name in ("dt", "times", "channels", "units", "inputs")}
        return _rebuild, (self.values, {**keep, "provenance": dict(self.provenance)})

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: slice) -> "Series":
        if not isinstance(rows, slice):
            raise TypeError(f"a Series is sliced in time, as series[10:20]; got series[{rows!r}]")
        start, stop, step = rows.indices(len(self))
        if step < 1:
            raise DataError(f"time runs forward: a slice needs a positive step, got {step}")
        part = slice(start, stop, step)
        view = object.__new__(Series)  # the rows were checked when they came in
        for name in self.__slots__:
            object.__setattr__(view, name, getattr(self, name))
        object.__setattr__(view, "values", self.values[part])
        object.__setattr__(view, "times", self.times[part])
        object.__setattr__(view, "dt", self.dt * step)
        object.__setattr__(view, "inputs", None if self.inputs is None else self.inputs[part])
        return view

    def __repr__(self) -> str:
        drive = f", inputs={list(self.inputs.channels)}" if self.inputs is not None else ""
        return f"Series({len(self)} rows, dt={self.dt:g}, channels={list(self.channels)}{drive})"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.values, dtype=dtype, copy=copy)

    def split(self, where: float, *, gap: int = 0) -> tuple["Series", "Series"]:
        """Cut in time: the first part and, `gap` rows later, the rest.

        Args:
            where: a fraction of the rows in (0, 1), or the index of the row that starts the second part.
            gap: rows left out between the parts, so that no window of the first reaches into the second.

        Raises:
            DataError: either part would be empty.
        """
        if not whole_number(where) and not 0 < where < 1:
            raise DataError(f"`split({where!r})`: a fraction lies in (0, 1), an index is a whole number")
        at = int(where) if whole_number(where) else round(float(where) * len(self))
        if gap < 0 or not 0 < at < len(self) - gap:
            raise DataError(f"`split({where!r}, gap={gap})` leaves an empty part of {len(self)} rows")
        return self[:at], self[at + gap :]

    @property
    def sha256(self) -> str:
        """SHA-256 over values, times, names, units and inputs: the identity of the data."""
        digest = hashlib.sha256()
        for part in (self.values, self.times):
            digest.update(f"{part.dtype.str}{part.shape}".encode())
            digest.update(np.ascontiguousarray(part).tobytes())
        digest.update(repr((self.channels, self.units, self.dt)).encode())
        if self.inputs is not None:
            digest.update(self.inputs.sha256.encode())
        return digest.hexdigest()

    @property
    def next_time(self) -> Any:
        """The time of the row that would follow the last one: where a forecast starts."""
        return time_grid(self.times[-1], self.dt, 2)[1]

    def leads_to(self, time: Any) -> bool:
        """Whether a row at this time would follow the last one."""
        if isinstance(time, np.datetime64) != (self.times.dtype.kind == "M"):
            return False
        return bool(abs(seconds(time - self.next_time)) < 0.5 * self.dt)

    def to_pandas(self) -> Any:
        """A `pandas.DataFrame` indexed by time, inputs as further columns."""
        from recurra.errors import MissingExtraError

        try:
            import pandas as pd
        except ImportError as error:
            raise MissingExtraError("`to_pandas` needs pandas: pip install 'recurra[io]'") from error
        index = pd.Index(self.times, name="time")
        frame = pd.DataFrame(self.values.copy(), index=index, columns=list(self.channels))
        return frame if self.inputs is None else frame.join(self.inputs.to_pandas())

    def to_xarray(self) -> Any:
        """An `xarray.DataArray` (time, channel); dt and units are attributes, each input a coordinate."""
        from recurra.errors import MissingExtraError

        try:
            import xarray as xr
        except ImportError as error:
            raise MissingExtraError("`to_xarray` needs xarray: pip install 'recurra[io]'") from error
        coords: dict[str, Any] = {"time": self.times, "channel": list(self.channels)}
        if self.inputs is not None:
            for column, name in enumerate(self.inputs.channels):
                coords[name] = ("time", self.inputs.values[:, column].copy())
        attributes = {"dt": self.dt, "units": list(self.units)}
        return xr.DataArray(self.values.copy(), coords=coords, dims=("time", "channel"), attrs=attributes)


def time_grid(start: Any, dt: float, rows: int) -> np.ndarray:
    """`rows` times from `start` on, `dt` apart; dates advance by `dt` seconds."""
    if isinstance(start, np.datetime64):
        steps = np.round(np.arange(rows) * dt * 1e9).astype("timedelta64[ns]")
        return start.astype("datetime64[ns]") + steps
    return float(start) + dt * np.arange(rows)


def _rebuild(values: np.ndarray, keep: dict[str, Any]) -> Series:
    return Series(values, **keep)


def _table(values: Any) -> np.ndarray:
    if type(values).__module__.partition(".")[0] in ("pandas", "polars", "xarray"):
        raise DataError(
            f"a {type(values).__name__} has names and an index of its own: `recurra.data.as_series` keeps them, and so "
            "does `fit`"
        )
    if np.ma.is_masked(values):
        raise DataError(f"values has {np.ma.count_masked(values)} masked entries: fill or cut them first")
    try:
        raw = np.asarray(values)
    except ValueError as error:
        raise DataError(f"values are ragged, every row needs the same number of columns: {error}") from error
    if raw.dtype.kind not in "iuf":
        kind = "Python objects" if raw.dtype.kind == "O" else f"dtype {raw.dtype}"
        raise DataError(f"values must be real numbers, got {kind}: convert them to float first")
    if raw.ndim == 1:
        raw = raw[:, None]
    if raw.ndim != 2 or raw.shape[1] == 0:
        raise DataError(f"values must have shape (time, channels) or (time,), got {np.shape(values)}")
    if isinstance(values, np.ndarray) and raw.dtype == np.float64 and _frozen(raw):
        return raw
    table = np.array(raw, dtype=np.float64)
    table.setflags(write=False)
    return table


def _frozen(array: np.ndarray) -> bool:
    """True where nobody can write: neither through this view nor through the array that it looks into."""
    while not array.flags.writeable and isinstance(array.base, np.ndarray):
        array = array.base
    return not array.flags.writeable


def _times(times: Any, dt: float | None, rows: int) -> np.ndarray:
    if dt is not None and not (np.isfinite(dt) and dt > 0):
        raise DataError(f"`dt` must be positive and finite, got {dt!r}")
    if times is None:
        grid = time_grid(0.0, 1.0 if dt is None else float(dt), rows)
    else:
        grid = np.asarray(times)
        if grid.dtype.kind == "M":
            grid = _nanoseconds(grid)
        elif grid.dtype.kind in "iu" or (grid.dtype.kind == "f" and grid.dtype.itemsize >= 8):
            grid = grid.astype(np.float64)
        elif grid.dtype.kind == "f":
            raise DataError(f"times must be float64 or dates: {grid.dtype} merges distinct times")
        else:
            raise DataError(f"times must be numbers or datetime64, got dtype {grid.dtype}")
        if grid.shape != (rows,):
            raise DataError(f"`times` has shape {grid.shape} for {rows} rows of values")
        _check_increasing(grid)
    if not _frozen(grid):
        grid = grid.copy()
        grid.setflags(write=False)
    return grid


def _nanoseconds(dates: np.ndarray) -> np.ndarray:
    """Dates as datetime64[ns]; refuses those that NumPy would wrap around silently."""
    years = dates.astype("datetime64[Y]")
    outside = (years < _YEARS[0]) | (years > _YEARS[1])  # false for NaT, which is refused by name later
    if outside.any():
        raise DataError(
            f"{outside.sum()} dates lie outside the years 1678 to 2261, the first is {dates[outside][0]}: "
            "use a numeric time axis"
        )
    return dates.astype("datetime64[ns]")


def _check_increasing(grid: np.ndarray) -> None:
    missing = np.isnat(grid) if grid.dtype.kind == "M" else ~np.isfinite(grid)
    if missing.any():
        first = missing.argmax()
        raise DataError(f"{missing.sum()} of {len(grid)} times are not finite, the first in row {first}")
    steps = np.diff(grid)
    zero = steps.dtype.type(0)
    repeated, falling = np.flatnonzero(steps == zero), np.flatnonzero(steps < zero)
    if repeated.size:
        row = repeated[0] + 1
        raise DataError(f"{repeated.size} duplicate times, the first in row {row} ({grid[row]})")
    if falling.size:
        row = falling[0] + 1
        raise DataError(
            f"time runs backwards in {falling.size} rows, first in row {row} "
            f"({grid[row - 1]} -> {grid[row]}): sort the rows first"
        )


def _step(grid: np.ndarray, dt: float | None) -> float:
    """The step of a uniform grid, in time units (seconds for dates); refuses an uneven one."""
    if len(grid) < 2:
        return 1.0 if dt is None else float(dt)
    elapsed = grid - grid[0]
    if grid.dtype.kind == "M":
        elapsed = elapsed / np.timedelta64(1, "s")
    elapsed = elapsed.astype(np.float64)
    step = float(elapsed[-1] / (len(grid) - 1)) if dt is None else float(dt)
    resolution = 4 * np.spacing(np.abs(grid).max()) if grid.dtype.kind != "M" else 0.0  # of float times
    off = np.abs(elapsed - step * np.arange(len(grid)))
    uneven = np.flatnonzero(off > _UNIFORM * step + resolution)
    if uneven.size:
        widths = np.diff(elapsed)
        if dt is None:  # a gap shifts the mean step, and with it the first row that looks wrong
            step = float(np.median(widths))
            usual = np.flatnonzero(np.abs(widths - step) > _UNIFORM * step + 2 * resolution) + 1
            uneven = usual if usual.size else uneven
        raise DataError(
            f"times are not uniform: steps from {widths.min():g} to {widths.max():g}, expected {step:g}; "
            f"the first of {uneven.size} rows out of place is row {uneven[0]}: resample to a uniform step"
        )
    return step


def same_times(one: Series, other: Series) -> bool:
    """Whether two series of the same length have the same times, to the tolerance of a uniform grid."""
    if len(one) == 0:
        return True
    same_kind = one.times.dtype.kind == other.times.dtype.kind
    return same_kind and abs(seconds(one.times - other.times)).max() <= _UNIFORM * other.dt


def seconds(span: Any) -> Any:
    """A span of time as float time units: seconds for dates."""
    return span / np.timedelta64(1, "s") if np.asarray(span).dtype.kind == "m" else span


def _counted(given: Sequence[str], count: int, what: str) -> tuple[str, ...]:
    if isinstance(given, str) or len(given) != count:
        raise DataError(f"`{what}` needs {count} names, one a column, got {given!r}")
    return tuple(str(name) for name in given)


def _unique(given: Sequence[str], count: int, what: str) -> tuple[str, ...]:
    found = _counted(given, count, what)
    twice = sorted({name for name in found if found.count(name) > 1})
    if twice:
        raise DataError(f"`{what}` repeats {', '.join(map(repr, twice))}: every column needs its own name")
    return found


def _drive(inputs: Any, owner: Series) -> Series:
    if isinstance(inputs, Series):
        if len(inputs) != len(owner):
            raise DataError(f"`inputs` has {len(inputs)} rows for {len(owner)} rows of values")
        if not same_times(inputs, owner):
            raise DataError(
                f"`inputs` has times from {inputs.times[0]} with step {inputs.dt:g}, the values from {owner.times[0]} "
                f"with step {owner.dt:g}: row k of both is the same moment. Give an array, or a Series at these times"
            )
        drive = inputs
    else:
        table = _table(inputs)
        if len(table) != len(owner):
            raise DataError(f"`inputs` has {len(table)} rows for {len(owner)} rows of values")
        drive = Series(table, dt=owner.dt, times=owner.times, channels=names(None, table.shape[1], "u"))
    shared = sorted(set(drive.channels) & set(owner.channels))
    if shared:
        raise DataError(f"{', '.join(map(repr, shared))} cannot be both a channel and an input")
    return drive
