"""`Series`: what was measured or simulated, and what a forecast is."""

import hashlib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np

from recurra._types import names, whole_number
from recurra.errors import DataError
from recurra.times import UNIFORM, checked_times, frozen, seconds, step_of, time_grid


class Series:
    """A uniformly sampled, multi-channel time series: values y[t, c] at times t0 + t dt.

    Immutable: the values are copied and read-only (an array that is read-only already is shared). Times
    are float64 or numpy dates, never float32. Where rows are missing, time jumps: at a break. `segments` are what lies
    between the breaks. Where single values are missing, the mask says so; a NaN that no mask covers is a fault, and
    nothing is learned from data that have one.

    Args:
        values: array (time, channels) or (time,); anything numeric and real. One dimension becomes (n, 1).
        dt: step between rows, in time units (seconds where `times` are dates). Default: from `times`, else 1.
        times: time of each row, strictly increasing and, between breaks, uniform; floats or `datetime64`.
            Default: 0, dt, 2 dt, ...
        channels: one name a column; unique. Default: c0, c1, ...
        units: one unit a column, "" where there is none.
        inputs: exogenous drive at the same times: an array (time, drive) or a `Series`.
        provenance: where the values come from (file, hash, system, seed); plain data, carried along.
        mask: True where a value was measured, in the shape of `values`; elsewhere it becomes NaN. None: all were.
        breaks: rows before which rows are missing; strictly increasing, within 1 ... n - 1.

    Raises:
        DataError: wrong shape or dtype, names that repeat, times that repeat, fall back or are not uniform.

    >>> s = Series([[0.0, 1.0], [0.5, 0.9], [1.0, 0.7]], dt=0.5, channels=["x", "v"])
    >>> len(s), s.times.tolist(), s[1:].values.shape
    (3, [0.0, 0.5, 1.0], (2, 2))
    """

    __slots__ = ("breaks", "channels", "dt", "inputs", "mask", "provenance", "times", "units", "values")

    values: np.ndarray
    dt: float
    times: np.ndarray
    channels: tuple[str, ...]
    units: tuple[str, ...]
    inputs: "Series | None"
    provenance: Mapping[str, Any]
    mask: np.ndarray | None
    breaks: tuple[int, ...]

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
        mask: Any = None,
        breaks: Sequence[int] = (),
    ):
        table, mask = _masked(_table(values), mask)
        set_ = object.__setattr__
        set_(self, "values", table)
        set_(self, "mask", mask)
        set_(self, "breaks", _breaks(breaks, len(table)))
        set_(self, "times", checked_times(times, dt, len(table)))
        set_(self, "dt", step_of(self.times, dt, self.breaks))
        columns = table.shape[1]
        named = names(None, columns, "c") if channels is None else channels
        set_(self, "channels", _unique(named, columns, "channels"))
        set_(self, "units", _counted(("",) * columns if units is None else units, columns, "units"))
        set_(self, "inputs", None if inputs is None else _drive(inputs, self))
        set_(self, "provenance", MappingProxyType(dict(provenance or {})))

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a Series is immutable: make a new one instead of setting `{name}`")

    def __reduce__(self):
        return _rebuild, (self.values, self._rest())

    def _rest(self) -> dict[str, Any]:
        """The arguments that make this series, but its values."""
        rest = {name: getattr(self, name) for name in self.__slots__ if name != "values"}
        return {**rest, "provenance": dict(self.provenance)}

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: slice) -> "Series":
        if not isinstance(rows, slice):
            raise TypeError(f"a Series is sliced in time, as series[10:20]; got series[{rows!r}]")
        start, stop, step = rows.indices(len(self))
        if step < 1:
            raise DataError(f"time runs forward: a slice needs a positive step, got {step}")
        part = slice(start, stop, step)
        breaks = tuple(row - start for row in self.breaks if start < row < stop)
        if breaks and step > 1:
            raise DataError(f"a step of {step} rows reaches over {len(breaks)} breaks: take every segment by itself")
        view = object.__new__(Series)  # the rows were checked when they came in
        for name in self.__slots__:
            object.__setattr__(view, name, getattr(self, name))
        object.__setattr__(view, "values", self.values[part])
        object.__setattr__(view, "times", self.times[part])
        object.__setattr__(view, "dt", self.dt * step)
        object.__setattr__(view, "mask", None if self.mask is None else self.mask[part])
        object.__setattr__(view, "breaks", breaks)
        object.__setattr__(view, "inputs", None if self.inputs is None else self.inputs[part])
        return view

    def __repr__(self) -> str:
        drive = f", inputs={list(self.inputs.channels)}" if self.inputs is not None else ""
        missing = int((~self.observed).sum())
        rest = f", {missing} values missing" if missing else ""
        rest += f", {len(self.breaks) + 1} segments" if self.breaks else ""
        return f"Series({len(self)} rows, dt={self.dt:g}, channels={list(self.channels)}{drive}{rest})"

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
    def segments(self) -> list["Series"]:
        """The series between the breaks, each uniform, in the order of time."""
        return [self[start:stop] for start, stop in pairwise((0, *self.breaks, len(self)))]

    @property
    def observed(self) -> np.ndarray:
        """True where a value was measured, shape (time, channels)."""
        return np.ones(self.values.shape, bool) if self.mask is None else self.mask

    def masked(self) -> "Series":
        """The same series with every NaN declared missing, on purpose: learners then leave these values out.

        >>> Series([1.0, float("nan"), 3.0]).masked()
        Series(3 rows, dt=1, channels=['c0'], 1 values missing)
        """
        return Series(self.values, **{**self._rest(), "mask": ~np.isnan(self.values)})

    @property
    def sha256(self) -> str:
        """SHA-256 over values, times, names, units, mask, breaks and inputs: the identity of the data."""
        digest = hashlib.sha256()
        for part in (self.values, self.times):
            digest.update(f"{part.dtype.str}{part.shape}".encode())
            digest.update(np.ascontiguousarray(part).tobytes())
        digest.update(repr((self.channels, self.units, self.dt)).encode())
        if self.mask is not None:
            digest.update(b"mask" + np.packbits(self.mask).tobytes())
        if self.breaks:
            digest.update(repr(self.breaks).encode())
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
        """A `pandas.DataFrame` indexed by time, inputs as further columns; missing values are NaN.

        Its `attrs` hold `units` (name -> unit), `inputs` (names) and `time_unit`, as far as there are any.
        """
        pd = _package("pandas", "to_pandas")
        names, table, units = self._columns()
        frame = pd.DataFrame(table, index=pd.Index(self.times, name="time"), columns=pd.Index(names))
        known = {name: unit for name, unit in zip(names, units, strict=True) if unit}
        drive = [] if self.inputs is None else list(self.inputs.channels)
        said = {"units": known, "inputs": drive, "time_unit": self._time_unit()}
        frame.attrs.update({key: value for key, value in said.items() if value})
        return frame

    def to_polars(self) -> Any:
        """A `polars.DataFrame` whose first column is `time`, inputs as last columns; missing values are null.

        It has no place for units.
        """
        pl = _package("polars", "to_polars")
        names, table, _ = self._columns()
        if "time" in names:
            raise DataError("a column is named 'time' beside the time axis: polars needs different names")
        frame = pl.DataFrame({"time": self.times, **dict(zip(names, table.T, strict=True))})
        return frame.with_columns(pl.col(names).fill_nan(None))

    def to_xarray(self) -> Any:
        """An `xarray.DataArray` (time, channel); each input a coordinate; missing values are NaN.

        Its `attrs` hold `dt`, `units` (one a channel) and the names of the `inputs`, which have units of their own.
        """
        xr = _package("xarray", "to_xarray")
        time_unit = self._time_unit()
        clock = ("time", self.times, {"units": time_unit} if time_unit else {})
        coords: dict[str, Any] = {"time": clock, "channel": list(self.channels)}
        attributes: dict[str, Any] = {"dt": self.dt, "units": list(self.units)}
        if self.inputs is not None:
            attributes["inputs"] = list(self.inputs.channels)
            columns = zip(self.inputs.channels, self.inputs.values.T, self.inputs.units, strict=True)
            coords |= {name: ("time", column.copy(), {"units": unit} if unit else {}) for name, column, unit in columns}
        return xr.DataArray(self.values.copy(), coords=coords, dims=("time", "channel"), attrs=attributes)

    def _columns(self) -> tuple[list[str], np.ndarray, list[str]]:
        """Names, values and units of channels and inputs side by side."""
        drive = [] if self.inputs is None else [self.inputs]
        names = [name for part in (self, *drive) for name in part.channels]
        units = [unit for part in (self, *drive) for unit in part.units]
        return names, np.column_stack([part.values for part in (self, *drive)]), units

    def _time_unit(self) -> str:
        """The unit of numeric times, where it is known; dates have none."""
        found = self.provenance.get("time_unit")
        return found if isinstance(found, str) and self.times.dtype.kind != "M" else ""


def _package(name: str, what: str) -> Any:
    from importlib import import_module

    from recurra.errors import MissingExtraError

    try:
        return import_module(name)
    except ImportError as error:
        raise MissingExtraError(f"`{what}` needs {name}: pip install 'recurra[io]'") from error


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
    if isinstance(values, np.ndarray) and raw.dtype == np.float64 and frozen(raw):
        return raw
    table = np.array(raw, dtype=np.float64)
    table.setflags(write=False)
    return table


def _masked(table: np.ndarray, mask: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """The values with NaN where they were not measured, and the mask; None where all were."""
    if mask is None:
        return table, None
    measured = np.asarray(mask)
    measured = measured[:, None] if measured.ndim == 1 else measured
    if measured.dtype != bool or measured.shape != table.shape:
        raise DataError(
            f"`mask` must be True or False for each of the values {table.shape}, got {measured.dtype} {measured.shape}"
        )
    if measured.all():
        return table, None
    if not np.isnan(table[~measured]).all():
        table = np.where(measured, table, np.nan)
        table.setflags(write=False)
    if not frozen(measured):
        measured = measured.copy()
        measured.setflags(write=False)
    return table, measured


def _breaks(given: Sequence[int], rows: int) -> tuple[int, ...]:
    if not all(whole_number(row) for row in given):
        raise DataError(f"`breaks` must be row numbers, got {given!r}")
    found = tuple(int(row) for row in given)
    if any(not 0 < row < rows for row in found) or any(a >= b for a, b in pairwise(found)):
        raise DataError(f"`breaks` must increase and lie in 1 ... {rows - 1}, got {found}")
    return found


def same_times(one: Series, other: Series) -> bool:
    """Whether two series of the same length have the same times, to the tolerance of a uniform grid."""
    if len(one) == 0:
        return True
    same_kind = one.times.dtype.kind == other.times.dtype.kind
    return same_kind and abs(seconds(one.times - other.times)).max() <= UNIFORM * other.dt


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
        if inputs.mask is not None:
            raise DataError(
                f"`inputs` has {(~inputs.mask).sum()} missing values: a drive has to be known, fill them first"
            )
        drive = inputs
    else:
        table = _table(inputs)
        if len(table) != len(owner):
            raise DataError(f"`inputs` has {len(table)} rows for {len(owner)} rows of values")
        named = names(None, table.shape[1], "u")
        drive = Series(table, dt=owner.dt, times=owner.times, channels=named, breaks=owner.breaks)
    shared = sorted(set(drive.channels) & set(owner.channels))
    if shared:
        raise DataError(f"{', '.join(map(repr, shared))} cannot be both a channel and an input")
    return drive
