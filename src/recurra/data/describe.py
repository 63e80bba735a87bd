"""`describe`: what a series is like, before anything is learned from it."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from recurra.data.dependence import autocorrelation_time, dominant_period
from recurra.series import Series
from recurra.times import seconds

_EXACT = 2**53  # integers beyond are not all float64 numbers
_OFFSET = 1e7  # mean over standard deviation: beyond it float32 keeps no digit of the variation


@dataclass(frozen=True)
class Channel:
    """One column of a `Description`.

    Args:
        name, unit: of the channel.
        missing: values that were not measured.
        mean, std, low, high: of the others, in the unit of the channel; None where there are none.
        distinct: how many different values.
        autocorrelation_time: in time units; None where it cannot be told.
        effective_samples: rows over the autocorrelation time in rows, at most the rows.
        period: of the largest peak of the periodogram, in time units; None where nothing varies.
        period_power: share of the power in that peak.
        traps: sentences on what may go wrong with these numbers.
    """

    name: str
    unit: str
    missing: int
    mean: float | None
    std: float | None
    low: float | None
    high: float | None
    distinct: int
    autocorrelation_time: float | None
    effective_samples: float | None
    period: float | None
    period_power: float
    traps: tuple[str, ...]


@dataclass(frozen=True)
class Description:
    """What `describe` finds: length, sampling, gaps, and one `Channel` for each column, drive included.

    Args:
        rows: of all segments together.
        start, end: first and last time, as text where they are dates.
        dt: step between rows, in time units.
        time_unit: its unit, "" where it is not known; seconds where times are dates.
        segments: rows of each stretch without a break.
        longest_break: the longest jump in time, in time units; None where there is none.
        missing_rows: rows in which at least one value is missing.
        longest_missing: the most rows in a row in which one channel has no value.
        channels: what is learned.
        inputs: what drives it.
    """

    rows: int
    start: Any
    end: Any
    dt: float
    time_unit: str
    segments: tuple[int, ...]
    longest_break: float | None
    missing_rows: int
    longest_missing: int
    channels: tuple[Channel, ...]
    inputs: tuple[Channel, ...]

    def as_dict(self) -> dict[str, Any]:
        """As plain nested data."""
        return asdict(self)


def describe(series: Series) -> Description:
    """Length, sampling, gaps, numbers that deserve a second look, and how independent the rows are.

    >>> description = describe(Series(np.sin(0.1 * np.arange(1000)), dt=0.5))
    >>> description.rows, description.dt, round(description.channels[0].period, 1)
    (1000, 0.5, 31.4)
    """
    missing = ~series.observed | np.isnan(series.values)
    jumps = [float(seconds(series.times[row] - series.times[row - 1])) for row in series.breaks]
    return Description(
        rows=len(series),
        start=_time(series.times[0]) if len(series) else None,
        end=_time(series.times[-1]) if len(series) else None,
        dt=series.dt,
        time_unit=str(series.provenance.get("time_unit", "")),
        segments=tuple(map(len, series.segments)),
        longest_break=max(jumps, default=None),
        missing_rows=int(missing.any(axis=1).sum()),
        longest_missing=max((_longest_run(column) for column in missing.T), default=0),
        channels=_channels(series),
        inputs=() if series.inputs is None else _channels(series.inputs),
    )


def _channels(series: Series) -> tuple[Channel, ...]:
    named = zip(series.channels, series.units, strict=True)
    return tuple(_channel(series, index, name, unit) for index, (name, unit) in enumerate(named))


def _channel(series: Series, index: int, name: str, unit: str) -> Channel:
    column = series.values[:, index]
    finite = column[np.isfinite(column)]
    parts = [segment.values[:, index] for segment in series.segments]
    parts = [np.where(np.isfinite(part), part, np.nan) for part in parts]
    varies = finite.size > 1 and float(np.ptp(finite)) > 0
    tau = autocorrelation_time(parts) if varies else float("nan")
    period, share = dominant_period(parts) if varies else (float("nan"), 0.0)
    known = np.isfinite(tau) and tau > 0  # the sum over the lags of an oscillation may end below zero
    return Channel(
        name=name,
        unit=unit,
        missing=int(np.isnan(column).sum()),
        mean=float(finite.mean()) if finite.size else None,
        std=float(finite.std()) if finite.size else None,
        low=float(finite.min()) if finite.size else None,
        high=float(finite.max()) if finite.size else None,
        distinct=len(np.unique(finite)),
        autocorrelation_time=tau * series.dt if known else None,
        effective_samples=finite.size / max(tau, 1.0) if known else None,
        period=period * series.dt if np.isfinite(period) else None,
        period_power=share,
        traps=tuple(_traps(finite, column)),
    )


def _traps(finite: np.ndarray, column: np.ndarray) -> list[str]:
    """What may go wrong with the numbers of one channel."""
    found = []
    infinite = int(np.isinf(column).sum())
    if infinite:
        found.append(f"{infinite} values are infinite: training refuses them")
    if finite.size < 2:
        return found
    low, high, mean, std = float(finite.min()), float(finite.max()), float(finite.mean()), float(finite.std())
    if low == high:
        return [*found, f"constant ({low:g}): there is nothing to learn in it"]
    largest = max(abs(low), abs(high))
    whole = bool((finite == np.round(finite)).all())
    if largest > float(np.finfo(np.float32).max):
        found.append(f"reaches {largest:g}, more than float32 can hold")
    elif whole and largest > _EXACT:
        found.append(f"integers up to {largest:g}, beyond 2^53: neighbours may have become equal in float64")
    elif abs(mean) > _OFFSET * std:
        found.append(f"varies by {std:.3g} around {mean:g}: float32 would lose it, keep float64 or subtract the offset")
    elif not whole and (finite == finite.astype(np.float32)).all():
        found.append("every value is a float32 number: measured or saved with 7 digits")
    steps = np.diff(column)
    if len(steps) > 3 and steps[0] != 0 and (np.abs(steps - steps[0]) <= 1e-6 * abs(steps[0])).all():
        found.append("changes by the same amount in every row, like a clock: is it the time?")
    return found + _codes(finite)


def _codes(finite: np.ndarray) -> list[str]:
    """An extreme value far outside the rest that repeats exactly may stand for a missing one."""
    for value, what in ((float(finite.min()), "lowest"), (float(finite.max()), "highest")):
        rest = finite[finite != value]
        times = len(finite) - len(rest)
        if times < 2 or rest.size < 2:
            continue
        edge = rest.min() if what == "lowest" else rest.max()
        if abs(value - edge) > 3 * max(float(np.ptp(rest)), np.finfo(float).tiny) and times < len(finite) / 2:
            return [
                f"the {what} value {value:g} repeats {times} times, far from the rest: if it means 'no value', say so"
            ]
    return []


def _longest_run(flags: np.ndarray) -> int:
    """The most True in a row."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def _time(time: Any) -> Any:
    if isinstance(time, np.datetime64):
        return str(time).removesuffix(".000000000").removesuffix("T00:00:00")
    return float(time)
