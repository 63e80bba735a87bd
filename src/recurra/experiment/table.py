"""Series as CSV text and as JSON columns: times, channels, inputs; every float with all its digits."""

import csv
import io
from collections.abc import Mapping
from typing import Any

import numpy as np

from recurra.series import Series
from recurra.storage import plain


def series_csv(series: Series, beside: Mapping[str, Series] | None = None) -> str:
    """A series as CSV text that `read_series` reads back bit for bit.

    Args:
        series: values (time, channels), inputs included.
        beside: further forecasts of the same rows; their columns are called `<name>:<channel>`.

    >>> print(series_csv(Series([0.5, 0.25], dt=0.1, channels=["x"])))
    time,x
    0.0,0.5
    0.1,0.25
    <BLANKLINE>
    """
    names = ["time", *series.channels]
    tables = [series.values]
    if series.inputs is not None:
        names += series.inputs.channels
        tables.append(series.inputs.values)
    for label, other in (beside or {}).items():
        names += [f"{label}:{channel}" for channel in other.channels]
        tables.append(other.values)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for time, row in zip(_texts(series.times), np.hstack(tables).tolist(), strict=True):
        writer.writerow([time, *map(repr, row)])
    return text.getvalue()


def columns_of(series: Series) -> dict[str, Any]:
    """Times, values and inputs of a series as JSON can hold them; NaN becomes null.

    >>> columns_of(Series([0.5, float("nan")], dt=0.1, channels=["x"]))
    {'time': [0.0, 0.1], 'values': {'x': [0.5, None]}}
    """
    found = {"time": plain(series.times), "values": _by_name(series)}
    return found if series.inputs is None else {**found, "inputs": _by_name(series.inputs)}


def _by_name(series: Series) -> dict[str, list[float | None]]:
    return dict(zip(series.channels, plain(series.values.T), strict=True))


def _texts(times: np.ndarray) -> list[Any]:
    if times.dtype.kind == "M":
        return np.datetime_as_string(times).tolist()
    return [repr(time) for time in times.tolist()]
