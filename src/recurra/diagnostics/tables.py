"""What the measures of a series take: whole tables of finite numbers, two with the same channels, or one channel."""

from typing import Any

import numpy as np

from recurra.errors import ConfigError, DataError
from recurra.series import Series


def table(data: Any, what: str = "series", *, fewest: int = 2, unbroken: bool = False) -> np.ndarray:
    """The values (time, channels) of a series or an array, every one of them a finite number.

    Args:
        data: a `Series` or an array (time, channels) or (time,).
        what: how a message calls it.
        fewest: rows that it needs at least.
        unbroken: whether the rows have to follow one another in time.

    Raises:
        DataError: a value that is missing or not finite, too few rows, rows missing where none may.
    """
    series = data if isinstance(data, Series) else Series(data)
    bad = ~np.isfinite(series.values)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise DataError(
            f"the {what} has {bad.sum()} values that are missing or not finite, the first in row {row}, channel "
            f"{series.channels[column]!r}: take a stretch without them, or fill them first"
        )
    if len(series) < fewest:
        raise DataError(f"the {what} has {len(series)} rows, and {fewest} are needed at least")
    if unbroken and series.breaks:
        raise DataError(
            f"the {what} has {len(series.breaks)} breaks in time, the first before row {series.breaks[0]}: take one of "
            "its `segments`"
        )
    return series.values


def pair(truth: Any, forecast: Any, *, fewest: int = 2, unbroken: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """The values of a truth and a forecast, which have the same channels but not the same times or number of rows.

    Raises:
        DataError: as `table`; other channels, another step in time, or a channel of the truth that does not vary.
    """
    y = table(truth, "truth", fewest=fewest, unbroken=unbroken)
    y_hat = table(forecast, "forecast", fewest=fewest, unbroken=unbroken)
    if y.shape[1] != y_hat.shape[1]:
        raise DataError(f"the truth has {y.shape[1]} channels, the forecast {y_hat.shape[1]}: compare the same ones")
    if isinstance(truth, Series) and isinstance(forecast, Series):
        if truth.channels != forecast.channels:
            raise DataError(
                f"the truth has the channels {list(truth.channels)}, the forecast {list(forecast.channels)}: bring "
                "them into the same order, or compare their `values`"
            )
        if unbroken and not np.isclose(truth.dt, forecast.dt, rtol=1e-3, atol=0):
            raise DataError(f"the truth has dt {truth.dt:g}, the forecast {forecast.dt:g}: resample one of them")
    flat = np.ptp(y, axis=0) == 0
    if flat.any():
        raise DataError(
            f"channel {flat.argmax()} of the truth does not vary: there is nothing to compare with, drop it"
        )
    return y, y_hat


def one_channel(data: Any, channel: str | int | None = None, *, fewest: int = 2) -> np.ndarray:
    """One channel (time,) of an unbroken series or array.

    Args:
        data: a `Series` or an array (time, channels) or (time,).
        channel: its name or number; None where there is one alone.

    Raises:
        DataError: as `table`, or several channels and none chosen.
        ConfigError: a channel that is not there.
    """
    values = table(data, fewest=fewest, unbroken=True)
    names = data.channels if isinstance(data, Series) else ()
    if channel is None:
        if values.shape[1] != 1:
            raise DataError(f"the series has {values.shape[1]} channels: give the `channel` that is meant")
        return values[:, 0]
    if isinstance(channel, str) and channel in names:
        return values[:, names.index(channel)]
    if isinstance(channel, str) or not 0 <= channel < values.shape[1]:
        known = list(names) or f"0 ... {values.shape[1] - 1}"
        raise ConfigError(f"there is no `channel` {channel!r}: the series has {known}")
    return values[:, channel]


def step(data: Any, dt: float | None = None) -> float:
    """The step between rows in time units: the given one, that of a series, or 1 for an array.

    Raises:
        ConfigError: a step that is not positive and finite.
    """
    found = (data.dt if isinstance(data, Series) else 1.0) if dt is None else dt
    if not (np.isfinite(found) and found > 0):
        raise ConfigError(f"`dt` must be a positive, finite number of time units, got {dt!r}")
    return float(found)
