"""How far a forecast is from the truth: errors, scaled errors, and the time for which a forecast is valid.

Every function takes a `Series` or an array (time, channels) for the truth and the forecast, and refuses
unequal shapes, swapped channels and anything that is not finite. Values that the mask of the truth says are missing
are left out. NumPy only.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from recurra.errors import ConfigError, DataError
from recurra.series import Series, same_times


def rmse(truth: Any, forecast: Any) -> float:
    """Root mean square error, sqrt(mean((ŷ - y)²)) over all rows and channels.

    Args:
        truth: y, Series or array (time, channels).
        forecast: ŷ, the same shape.

    Returns:
        The error in the units of the data.

    Raises:
        DataError: unequal shapes, swapped channels, nothing to compare, NaN or infinity.

    >>> rmse([[0.0], [0.0]], [[3.0], [4.0]])  # doctest: +ELLIPSIS
    3.5355...
    """
    return float(_root_mean_square(_error(truth, forecast)))


def mae(truth: Any, forecast: Any) -> float:
    """Mean absolute error, mean(|ŷ - y|) over all rows and channels.

    Args:
        truth: y, Series or array (time, channels).
        forecast: ŷ, the same shape.

    Returns:
        The error in the units of the data.

    >>> mae([[0.0], [0.0]], [[3.0], [-4.0]])
    3.5
    """
    return float(_mean(np.abs(_error(truth, forecast))))


def smape(truth: Any, forecast: Any) -> float:
    """Symmetric mean absolute percentage error, 200 mean(|ŷ - y| / (|ŷ| + |y|)), between 0 and 200.

    A value forecast as zero that is zero (0/0) counts as no error. The number depends on where zero lies: it
    says little about quantities that change sign.

    Args:
        truth: y, Series or array (time, channels), in raw units.
        forecast: ŷ, the same shape.

    Returns:
        A percentage in [0, 200].

    >>> smape([1.0, 0.0], [3.0, 0.0])
    50.0
    """
    y, y_hat = (table / 2 for table in _pair(truth, forecast))  # halved, the sum of two huge values is finite
    size = np.abs(y) + np.abs(y_hat)
    return float(200 * _mean(np.abs(y_hat - y) / np.where(size == 0, 1.0, size)))


def r2(truth: Any, forecast: Any) -> float:
    """Coefficient of determination, 1 - Σ(ŷ - y)² / Σ(y - ȳ)² for each channel, then the mean over channels.

    A channel of the truth that does not vary scores 1 where the forecast is exact and 0 otherwise.

    Args:
        truth: y, Series or array (time, channels).
        forecast: ŷ, the same shape.

    Returns:
        At most 1; 0 is as good as the mean of the truth, below 0 is worse.

    Raises:
        DataError: as `rmse`; or one row, of which nothing can be explained.

    >>> r2([1.0, 2.0, 3.0], [2.0, 2.0, 2.0])
    0.0
    """
    y, _ = _pair(truth, forecast)
    if len(y) < 2:
        raise DataError("R2 compares with the spread of the truth, and one row has none: score at least 2 rows")
    error = _root_mean_square(_error(truth, forecast), axis=0)
    spread = _spread(y)
    flat = spread == 0
    with np.errstate(over="ignore"):
        explained = 1 - (error / np.where(flat, 1.0, spread)) ** 2
    return float(_mean(np.where(flat, (error == 0).astype(float), explained)))


def nrmse(truth: Any, forecast: Any, scale: Any = None) -> float:
    """Normalised root mean square error, sqrt(mean_c((RMSE_c / σ_c)²)).

    Args:
        truth: y, Series or array (time, channels).
        forecast: ŷ, the same shape.
        scale: σ, the standard deviation of the training data of each channel, one number or (channels,).
            Default: what the forecast carries as `provenance["training_std"]`; where it carries none, the
            standard deviation of the truth.

    Returns:
        The error in standard deviations: 1 is about as good as always forecasting the mean.

    Raises:
        DataError: as `rmse`; or a scale that is zero, negative, not finite or of the wrong length.

    >>> nrmse([[0.0, 0.0], [0.0, 0.0]], [[1.0, 7.0], [1.0, 7.0]], scale=[1.0, 7.0])
    1.0
    """
    y, _ = _pair(truth, forecast)
    error = _root_mean_square(_error(truth, forecast), axis=0)
    return float(_root_mean_square(error / _scale(y, forecast, scale)))


def error_growth(truth: Any, forecast: Any, scale: Any = None) -> np.ndarray:
    """Normalised error of each row, e(t) = sqrt(mean_c(((ŷ_c(t) - y_c(t)) / σ_c)²)).

    Args:
        truth: y, Series or array (time, channels).
        forecast: ŷ, the same shape; row 0 is one step ahead.
        scale: σ for each channel, as in `nrmse`.

    Returns:
        e, shape (time,), in standard deviations; NaN in rows where nothing was measured.

    >>> error_growth([[0.0], [0.0]], [[1.0], [2.0]], scale=2.0).tolist()
    [0.5, 1.0]
    """
    y, _ = _pair(truth, forecast)
    return _root_mean_square(_error(truth, forecast) / _scale(y, forecast, scale), axis=1)


def valid_prediction_time(
    truth: Any, forecast: Any, threshold: float = 0.4, scale: Any = None, dt: float | None = None
) -> float:
    """How long a forecast stays within `threshold`: the rows before the first with e(t) > threshold, times dt.

    Row 0 is one step ahead, so a forecast of n rows that never leaves the threshold is valid for n dt, and
    one whose first row is already out for 0.

    Args:
        truth: y, Series or array (time, channels).
        forecast: ŷ, the same shape.
        threshold: the largest e(t) that still counts, in standard deviations.
        scale: σ for each channel, as in `nrmse`.
        dt: step between rows in time units. Default: that of the truth or the forecast, else 1.

    Returns:
        A time in the units of `dt`; multiply by the largest Lyapunov exponent for Lyapunov times.

    Raises:
        DataError: as `nrmse`; or truth and forecast have different steps and `dt` does not say which holds.
        ConfigError: a threshold or `dt` that is not positive.

    References:
        Vlachas et al. 2020, Neural Networks 126, 191-217.

    >>> valid_prediction_time([0.0, 0.0, 0.0], [0.1, 0.2, 0.9], scale=1.0, dt=0.5)
    1.0
    """
    if not threshold > 0:
        raise ConfigError(f"`threshold` must be positive, got {threshold!r}")
    step = _step(truth, forecast, dt)
    outside = np.flatnonzero(error_growth(truth, forecast, scale) > threshold)
    rows = outside[0] if outside.size else len(_values(truth, "truth"))
    return float(rows * step)


@dataclass(frozen=True, eq=False)
class Oscillation:
    """The cycles of an oscillation, from one upward crossing of its mean to the next.

    Args:
        periods: of each cycle, in the unit of the step.
        amplitudes: of each cycle, half the way from its lowest to its highest point.
    """

    periods: np.ndarray
    amplitudes: np.ndarray

    @property
    def period(self) -> float:
        """The mean period."""
        return float(self.periods.mean())

    @property
    def amplitude(self) -> float:
        """The mean amplitude."""
        return float(self.amplitudes.mean())


def oscillation(values: Any, dt: float | None = None) -> Oscillation:
    """Periods and amplitudes of an oscillation without noise, between the rows too.

    A crossing lies on the straight line between two rows, a highest and lowest point on the parabola through three.

    Args:
        values: one channel, Series or array (time,) or (time, 1).
        dt: step between rows in time units. Default: that of the series, else 1.

    Raises:
        DataError: more channels than one, a value that is missing or not finite, or less than a whole cycle.

    >>> found = oscillation(3 + 2 * np.sin(0.2 * np.arange(400)))
    >>> abs(found.period - 2 * np.pi / 0.2) < 1e-3, abs(found.amplitude - 2) < 1e-4
    (True, True)
    """
    table = _values(values, "oscillation")
    if table.shape[1] != 1:
        raise DataError(f"an oscillation is one channel, got {table.shape[1]}: take them one by one")
    x = table[:, 0] - table.mean()
    before = np.flatnonzero((x[:-1] < 0) & (x[1:] >= 0))
    if len(before) < 2:
        raise DataError(f"there is no whole cycle in {len(x)} rows: the mean is crossed upwards {len(before)} times")
    crossings = before + x[before] / (x[before] - x[before + 1])
    cycles = [x[first : last + 2] for first, last in pairwise(before)]
    amplitudes = [(_highest(cycle) + _highest(-cycle)) / 2 for cycle in cycles]
    return Oscillation(np.diff(crossings) * _step(values, values, dt), np.array(amplitudes))


def _highest(x: np.ndarray) -> float:
    """The top of the parabola through the largest of some values and its neighbours."""
    k = int(np.clip(np.argmax(x), 1, len(x) - 2))
    left, top, right = x[k - 1 : k + 2]
    bend = left - 2 * top + right
    return float(top - (right - left) ** 2 / (8 * bend)) if bend < 0 else float(x.max())


def _values(data: Any, what: str) -> np.ndarray:
    series = data if isinstance(data, Series) else Series(data)
    bad = ~np.isfinite(series.values)
    if what == "truth":
        bad &= series.observed
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise DataError(
            f"the {what} has {bad.sum()} values that are not finite, the first in row {row}, "
            f"channel {series.channels[column]!r}: score only the finite part, and say so; `series.masked()` declares "
            "NaN in a truth missing"
        )
    return series.values


def _pair(truth: Any, forecast: Any) -> tuple[np.ndarray, np.ndarray]:
    y, y_hat = _values(truth, "truth"), _values(forecast, "forecast")
    if y.shape != y_hat.shape:
        raise DataError(f"truth {y.shape} and forecast {y_hat.shape} must have the same (time, channels)")
    if not np.isfinite(y).any():
        why = "every value of the truth is missing" if len(y) else "truth and forecast have no rows"
        raise DataError(f"there is nothing to score: {why}")
    if isinstance(truth, Series) and isinstance(forecast, Series):
        ours, theirs = truth.channels, forecast.channels
        if ours != theirs and sorted(ours) == sorted(theirs):
            raise DataError(f"the channels are in another order: truth {list(ours)}, forecast {list(theirs)}")
        if truth.dt == forecast.dt and not same_times(truth, forecast):
            raise DataError(
                f"truth starts at {truth.times[0]}, the forecast at {forecast.times[0]}: cut them to the same times, "
                "or compare their `values`"
            )
    return y, y_hat


def _error(truth: Any, forecast: Any) -> np.ndarray:
    y, y_hat = _pair(truth, forecast)
    with np.errstate(over="ignore"):  # beyond 1e308 the error is infinite, and that is what is reported
        return y_hat - y


def _root_mean_square(table: np.ndarray, axis: int | None = None) -> np.ndarray:
    """sqrt(mean(table²)), without the overflow or underflow of the square; NaN is missing and left out."""
    peak = np.abs(np.where(np.isnan(table), 0.0, table)).max(axis=axis, keepdims=True)
    unit = np.where((peak > 0) & np.isfinite(peak), peak, 1.0)
    root = np.sqrt(_mean(np.square(table / unit), axis, keepdims=True)) * unit
    return root.reshape(()) if axis is None else root.squeeze(axis)


def _mean(table: np.ndarray, axis: int | None = None, keepdims: bool = False) -> np.ndarray:
    """The mean over what is not NaN; NaN where all is."""
    missing = np.isnan(table)
    if not missing.any():
        return table.mean(axis=axis, keepdims=keepdims)
    found = np.count_nonzero(~missing, axis=axis, keepdims=keepdims)
    total = np.where(missing, 0.0, table).sum(axis=axis, keepdims=keepdims)
    return np.where(np.equal(found, 0), np.nan, total) / np.maximum(found, 1)


def _spread(y: np.ndarray) -> np.ndarray:
    """Standard deviation of each column, exactly zero for a constant one despite the rounded mean."""
    spread = _root_mean_square(y - _mean(y, axis=0), axis=0)
    low, high = (np.where(np.isnan(y), end, y) for end in (np.inf, -np.inf))
    return np.where(low.min(axis=0) == high.max(axis=0), 0.0, spread)


def _scale(y: np.ndarray, forecast: Any, scale: Any) -> np.ndarray:
    """The σ that divides the error: given, carried by the forecast, or of the truth."""
    if scale is None and isinstance(forecast, Series):
        scale = forecast.provenance.get("training_std")
    source = "the standard deviation of the truth" if scale is None else "`scale`"
    sigma = _spread(y) if scale is None else np.asarray(scale, dtype=np.float64)
    if sigma.ndim == 0:
        sigma = np.full(y.shape[1], float(sigma))
    if sigma.shape != (y.shape[1],):
        raise DataError(f"`scale` needs one number a channel, {y.shape[1]} in all, got shape {sigma.shape}")
    bad = ~(np.isfinite(sigma) & (sigma > 0))
    if bad.any():
        raise DataError(
            f"{source} is {sigma[bad][0]} in channel {bad.argmax()}, and an error cannot be divided by that: "
            "give `scale`, the standard deviation of the training data of each channel"
        )
    return sigma


def _step(truth: Any, forecast: Any, dt: float | None) -> float:
    steps = [data.dt for data in (truth, forecast) if isinstance(data, Series)]
    if dt is None and len(steps) == 2 and not np.isclose(steps[0], steps[1], rtol=1e-3, atol=0):
        raise DataError(f"the truth has dt {steps[0]:g}, the forecast {steps[1]:g}: give the right `dt`")
    step = dt if dt is not None else (steps or [1.0])[0]
    if not (np.isfinite(step) and step > 0):
        raise ConfigError(f"`dt` must be positive and finite, got {step!r}")
    return float(step)
