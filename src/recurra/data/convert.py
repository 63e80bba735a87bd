"""Arrays, lists and pandas objects as `Series`."""

import sys
from typing import Any

import numpy as np

from recurra.errors import DataError
from recurra.series import Series


def as_series(obj: Any) -> Series:
    """One series from what users have at hand.

    Args:
        obj: a `Series` (returned as it is), an array (time, channels) or (time,), a list of numbers, or a
            pandas Series or DataFrame. The index of a pandas object is the time axis when it holds numbers or
            dates; a plain range is none.

    Raises:
        DataError: what is no table of real numbers, or an index that cannot be a time axis.

    >>> as_series([1.0, 2.0, 3.0])
    Series(3 rows, dt=1, channels=['c0'])
    """
    if isinstance(obj, Series):
        return obj
    if _is_pandas(obj):
        return _from_pandas(obj)
    return Series(obj)


def as_list(obj: Any) -> list[Series]:
    """One or many series, as a list: anything `as_series` takes, or a list or tuple of series and arrays.

    >>> [len(series) for series in as_list([np.zeros(3), np.zeros(5)])]
    [3, 5]
    """
    many = isinstance(obj, list | tuple)
    if many and not obj:
        raise DataError("there are no series in the list")
    if many and any(isinstance(part, Series | np.ndarray) or _is_pandas(part) for part in obj):
        return [as_series(part) for part in obj]
    return [as_series(obj)]


def _is_pandas(obj: Any) -> bool:
    pandas = sys.modules.get("pandas")  # an object of pandas cannot be there before pandas is
    return pandas is not None and isinstance(obj, pandas.DataFrame | pandas.Series)


def _from_pandas(obj: Any) -> Series:
    import pandas as pd

    frame = obj.to_frame("c0" if obj.name is None else obj.name) if isinstance(obj, pd.Series) else obj
    for position, name in enumerate(frame.columns):
        dtype = frame.dtypes.iloc[position]
        if not pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype):
            raise DataError(f"column {name!r} has dtype {dtype}, expected real numbers: convert or drop it")
        if pd.api.types.is_complex_dtype(dtype):
            raise DataError(f"column {name!r} has dtype {dtype}: make real and imaginary part two columns")
    values = frame.to_numpy(dtype=np.float64, na_value=np.nan)
    return Series(values, times=_index(frame.index), channels=[str(name) for name in frame.columns])


def _index(index: Any) -> np.ndarray | None:
    """The times of an index, or None for a plain range."""
    import pandas as pd

    if isinstance(index, pd.RangeIndex):
        return None
    if isinstance(index, pd.DatetimeIndex):
        if index.tz is not None and str(index.tz) != "UTC":
            raise DataError(f"the index has the time zone {index.tz}: convert it, frame.tz_convert('UTC')")
        return index.tz_localize(None).to_numpy() if index.tz is not None else index.to_numpy()
    if isinstance(index, pd.MultiIndex) or index.dtype.kind not in "iuf":
        raise DataError(
            f"the index has dtype {index.dtype} and cannot be a time axis: use numbers or dates, or "
            "frame.reset_index(drop=True) for a plain range"
        )
    return index.to_numpy()
