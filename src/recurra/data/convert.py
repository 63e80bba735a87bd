"""Arrays, lists, and objects of pandas, polars and xarray as `Series`."""

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from recurra.data.assemble import assemble
from recurra.data.columns import TIME_NAMES, Parts
from recurra.data.policies import Policies
from recurra.errors import DataError
from recurra.series import Series

_KEEP = Policies(gaps="keep")  # a NaN stays one, and learning refuses it unless the series is `masked`


def as_series(obj: Any) -> Series:
    """One series from what users have at hand.

    A missing value (null, NA, NaN) stays NaN: `masked()` declares it missing. Dates with a time zone become UTC. Where
    rows are missing there is a break, and a warning.

    Args:
        obj: a `Series` (returned as it is), an array (time, channels) or (time,), a list of numbers, or
            pandas: a Series or DataFrame. The index is the time axis when it holds numbers, dates, spans of time (as
            seconds) or periods (their start); a plain range is none. `attrs` may hold `units` and `inputs`.
            polars: a Series or DataFrame. A first column named t, time or date, or of dates or spans, is the time axis.
            xarray: a DataArray (time,) or (time, channel), in any order, or a Dataset of variables that share one time
            dimension, with the attribute `units`. The attribute `inputs` names columns or coordinates.

    Raises:
        DataError: what is no table of real numbers, or an index that cannot be a time axis.

    >>> as_series([1.0, 2.0, 3.0])
    Series(3 rows, dt=1, channels=['c0'])
    """
    if isinstance(obj, Series):
        return obj
    for package, parts in (("pandas", _from_pandas), ("polars", _from_polars), ("xarray", _from_xarray)):
        if _is_table(obj, package):
            return assemble(parts(obj), _KEEP, {})
    return Series(obj)


def as_list(obj: Any) -> list[Series]:
    """One or many unbroken series, as a list: anything `as_series` takes, or a list or tuple of series and arrays.

    A series with breaks becomes its segments.

    >>> [len(series) for series in as_list([np.zeros(3), np.zeros(5)])]
    [3, 5]
    """
    many = isinstance(obj, list | tuple)
    if many and not obj:
        raise DataError("there are no series in the list")
    if many and any(isinstance(part, Series | np.ndarray) or _is_table(part) for part in obj):
        return [segment for part in obj for segment in _segments(as_series(part))]
    return _segments(as_series(obj))


def _segments(series: Series) -> list[Series]:
    return series.segments if series.breaks else [series]


_TABLES = {"pandas": ("DataFrame", "Series"), "polars": ("DataFrame", "Series"), "xarray": ("DataArray", "Dataset")}


def _is_table(obj: Any, package: str | None = None) -> bool:
    """Whether it is a table of this package, or of any; it cannot be before the package is loaded."""
    for name in _TABLES if package is None else (package,):
        module = sys.modules.get(name)
        if module is not None and isinstance(obj, tuple(getattr(module, kind) for kind in _TABLES[name])):
            return True
    return False


def _split(values: np.ndarray, names: list[str], attributes: Mapping[Any, Any], **rest: Any) -> Parts:
    """Columns as channels, but those that `attributes["inputs"]` names; with the units that it knows."""
    drive = [str(name) for name in _list(attributes.get("inputs"))]
    absent = sorted(set(drive) - set(names))
    if absent:
        raise DataError(
            f"the attribute `inputs` names {absent[0]!r}, and the columns are {', '.join(map(repr, names))}"
        )
    units = attributes.get("units")
    known = units if isinstance(units, Mapping) else dict(zip(names, _list(units), strict=False))
    groups = [[k for k, name in enumerate(names) if (name in drive) == asked] for asked in (False, True)]
    mine, driving = groups
    if not mine:
        raise DataError(f"no column is left for the channels: the columns are {', '.join(map(repr, names)) or 'none'}")
    times_unit = attributes.get("time_unit")
    dates = rest.get("times") is None or rest["times"].dtype.kind == "M"
    facts = {"time_unit": times_unit} if isinstance(times_unit, str) and not dates else {}
    return Parts(
        values=values[:, mine],
        channels=tuple(names[k] for k in mine),
        units=tuple(str(known.get(names[k], "")) for k in mine),
        inputs=values[:, driving] if driving else None,
        input_names=tuple(names[k] for k in driving) if driving else None,
        input_units=tuple(str(known.get(names[k], "")) for k in driving) if driving else None,
        provenance={**facts, **rest.pop("facts", {})},
        **rest,
    )


def _list(found: Any) -> list[Any]:
    return [] if found is None else [found] if isinstance(found, str) else list(found)


def _from_pandas(obj: Any) -> Parts:
    import pandas as pd

    frame = obj.to_frame("c0" if obj.name is None else obj.name) if isinstance(obj, pd.Series) else obj
    for position, name in enumerate(frame.columns):
        dtype = frame.dtypes.iloc[position]
        if not pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype):
            raise DataError(f"column {name!r} has dtype {dtype}, expected real numbers: convert or drop it")
        if pd.api.types.is_complex_dtype(dtype):
            raise DataError(f"column {name!r} has dtype {dtype}: make real and imaginary part two columns")
    times, facts = _index(frame.index)
    name = None if frame.index.name is None else str(frame.index.name)
    values = frame.to_numpy(dtype=np.float64, na_value=np.nan)
    return _split(values, [str(c) for c in frame.columns], obj.attrs, times=times, time_name=name, facts=facts)


def _index(index: Any) -> tuple[np.ndarray | None, dict[str, str]]:
    """The times of an index, or None for a plain range."""
    import pandas as pd

    if isinstance(index, pd.RangeIndex) and index.name is None:
        return None, {}
    if isinstance(index, pd.PeriodIndex):
        index = _starts(index)
    if isinstance(index, pd.DatetimeIndex):
        if index.tz is None:
            return index.to_numpy(), {}
        return index.tz_convert("UTC").tz_localize(None).to_numpy(), {"zone": "UTC"}
    if isinstance(index, pd.TimedeltaIndex):
        return index.to_numpy() / np.timedelta64(1, "s"), {"time_unit": "s"}
    if isinstance(index, pd.MultiIndex) or index.dtype.kind not in "iuf":
        what = f"{index.nlevels} levels" if isinstance(index, pd.MultiIndex) else f"dtype {index.dtype}"
        raise DataError(
            f"the index has {what} and cannot be a time axis: use numbers or dates, or "
            "frame.reset_index(drop=True) for a plain range"
        )
    return index.to_numpy(), {}


def _starts(periods: Any) -> Any:
    """The dates with which periods begin."""
    try:
        return periods.to_timestamp()
    except (ValueError, OverflowError) as error:
        raise DataError(f"the index has periods that are no dates ({error}): use a numeric time axis") from error


def _from_polars(obj: Any) -> Parts:
    import polars as pl

    frame = obj.to_frame(obj.name or "c0") if isinstance(obj, pl.Series) else obj
    names = list(frame.columns)
    if not names:
        raise DataError("the frame has no columns")
    dated = isinstance(frame.schema[names[0]], pl.Datetime | pl.Date | pl.Duration)
    clock = names[0] if len(names) > 1 and (dated or names[0].lower() in TIME_NAMES) else None
    channels = [name for name in names if name != clock]
    for name in channels:
        dtype = frame.schema[name]
        if not (dtype.is_integer() or dtype.is_float() or dtype.is_decimal()):
            raise DataError(f"column {name!r} has dtype {dtype}, expected real numbers: convert or drop it")
    values = np.column_stack([frame[name].cast(pl.Float64).to_numpy() for name in channels])
    times, facts = (None, {}) if clock is None else _polars_times(frame[clock])
    return _split(values, channels, {}, times=times, time_name=clock, facts=facts)


def _polars_times(column: Any) -> tuple[np.ndarray, dict[str, str]]:
    import polars as pl

    dtype = column.dtype
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        return column.dt.convert_time_zone("UTC").dt.replace_time_zone(None).to_numpy(), {"zone": "UTC"}
    if isinstance(dtype, pl.Duration):
        return column.to_numpy() / np.timedelta64(1, "s"), {"time_unit": "s"}
    if not (isinstance(dtype, pl.Datetime | pl.Date) or dtype.is_numeric()):
        raise DataError(f"the time column {column.name!r} has dtype {dtype}: use numbers or dates")
    return column.to_numpy(), {}


def _from_xarray(obj: Any) -> Parts:
    import xarray as xr

    clock = _time_dimension(obj)
    given = [obj] if isinstance(obj, xr.DataArray) else list(obj.data_vars.values())
    if not given:
        raise DataError("the dataset has no variables")
    columns: dict[str, np.ndarray] = {}
    units: dict[str, str] = {}
    attributes = {**obj.attrs}
    for place, part in enumerate(given):
        found = _columns(part, clock, f"c{place}" if part.name is None else str(part.name))
        twice = sorted(set(found) & set(columns))
        if twice:
            raise DataError(f"{twice[0]!r} is the name of two columns: rename a variable or its labels")
        columns |= found
        told = _list(part.attrs.get("units"))
        units |= dict(zip(found, (told * len(found) if len(told) == 1 else told), strict=False))
    for name in _list(attributes.get("inputs")):
        if name in obj.coords and name not in columns and obj.coords[name].dims == (clock,):
            columns[name] = _real(obj.coords[name])
            units[name] = str(obj.coords[name].attrs.get("units", ""))
    times, facts = _coordinate(obj, clock)
    attributes["units"] = units
    values = np.column_stack(list(columns.values()))
    dt = attributes.get("dt") if times is None or len(times) == 1 else None
    return _split(values, list(columns), attributes, times=times, time_name=clock, facts=facts, dt=dt)


def _time_dimension(obj: Any) -> str:
    """The dimension that is time: by its name, its dates, or its attributes; the only one there is."""
    sizes = {str(name): size for name, size in obj.sizes.items()}

    def says(name: str) -> bool:
        found = obj.coords.get(name)
        if name.lower() in (*TIME_NAMES, "times"):
            return True
        if found is None:
            return False
        dated = found.dtype.kind == "M" or (found.dtype == object and _calendar(found) is not None)
        return dated or found.attrs.get("axis") == "T" or found.attrs.get("standard_name") == "time"

    known = [name for name in sizes if says(name)]
    if len(known) == 1 or len(sizes) == 1:
        return (known or list(sizes))[0]
    raise DataError(
        f"{len(known) or 'none'} of the dimensions {sizes} {'is' if not known else 'are'} known to be time: "
        "name one `time`, or give it dates"
    )


def _columns(part: Any, clock: str, name: str) -> dict[str, np.ndarray]:
    """The columns of one variable, by name: its labels, or the name and a number."""
    wide = [dim for dim, size in part.sizes.items() if dim != clock and size > 1]
    if clock not in part.dims or len(wide) > 1:
        raise DataError(
            f"{name!r} has the dimensions {dict(part.sizes)}, expected {clock!r} and at most one other: choose one "
            "place with `.isel`, or drop the variable"
        )
    alone = [dim for dim in part.dims if dim not in (clock, *wide)]
    flat = part.isel(dict.fromkeys(alone, 0)).transpose(clock, *wide)
    table = _real(flat).reshape(part.sizes[clock], -1)
    labels = part.coords.get(wide[0] if wide else "channel")
    if labels is not None and labels.dtype.kind in "UOT" and labels.size == table.shape[1]:
        return dict(zip([str(label) for label in labels.values.reshape(-1)], table.T, strict=True))
    return {name: table[:, 0]} if not wide else {f"{name}{k}": column for k, column in enumerate(table.T)}


def _real(part: Any) -> np.ndarray:
    if part.dtype.kind not in "iuf":
        raise DataError(f"{part.name!r} has dtype {part.dtype}, expected real numbers: convert or drop it")
    return np.asarray(part.values, np.float64)


def _calendar(found: Any) -> str | None:
    """The calendar of dates that are no dates of NumPy's."""
    first = found.values.reshape(-1)[:1]
    return getattr(first[0], "calendar", None) if first.size else None


def _coordinate(obj: Any, clock: str) -> tuple[np.ndarray | None, dict[str, str]]:
    found = obj.coords.get(clock)
    if found is None:
        return None, {}
    if found.dtype.kind == "m":
        return found.values / np.timedelta64(1, "s"), {"time_unit": "s"}
    if found.dtype.kind in "iufM":
        unit = found.attrs.get("units")
        return found.values, {"time_unit": unit} if isinstance(unit, str) and found.dtype.kind != "M" else {}
    calendar = _calendar(found)
    if calendar is None:
        raise DataError(
            f"the coordinate {clock!r} has dtype {found.dtype} and cannot be a time axis: use numbers or dates"
        )
    import cftime

    since = f"{found.values[0].strftime('%Y-%m-%d')}"
    days = cftime.date2num(found.values, f"days since {since}", calendar=calendar)
    return np.asarray(days, np.float64), {"calendar": calendar, "time_since": since, "time_unit": "d"}
