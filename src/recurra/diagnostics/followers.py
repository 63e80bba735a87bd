"""Which unit follows which physical variable, and with what delay: correlations against those of shifted series."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from recurra._types import names
from recurra.diagnostics.checks import check_whole
from recurra.diagnostics.states import States
from recurra.errors import ConfigError, DataError
from recurra.series import Series


@dataclass(frozen=True)
class Follower:
    """A unit and a channel, at the lag at which they agree best.

    Args:
        unit: its number.
        name: of the unit.
        channel: that it follows.
        lag: k, steps by which the unit is behind: h(t) goes with y(t - k).
        correlation: of the two at that lag.
        p: probability of a correlation as large somewhere among all units, channels and lags, if none followed any.
    """

    unit: int
    name: str
    channel: str
    lag: int
    correlation: float
    p: float


@dataclass(frozen=True, eq=False)
class Followers:
    """Units and what they follow.

    Args:
        pairs: of every unit and channel, the largest correlation first.
        correlations: (units, channels, lags), lags 0, 1, ...
        dt: time units of a step.
    """

    pairs: tuple[Follower, ...]
    correlations: np.ndarray
    dt: float

    def found(self, level: float = 0.05) -> tuple[Follower, ...]:
        """The pairs that chance would not give at this level, over all of them."""
        return tuple(pair for pair in self.pairs if pair.p <= level)

    @property
    def words(self) -> str:
        """The clearest followers in a sentence."""
        found = self.found()
        if len(found) == 0:
            return "No unit follows a channel more closely than shifted series would."
        told = [f"{p.name} follows {p.channel} {p.lag} steps later (r = {p.correlation:.2f})" for p in found[:5]]
        more = f", and {len(found) - 5} pairs more" if len(found) > 5 else ""
        return (
            f"{'; '.join(told)}{more}. Chance would give one such with a probability of {min(p.p for p in found):.2g}."
        )


def followers(
    states: Any, series: Any = None, *, max_lag: int = 10, permutations: int = 999, seed: int = 0
) -> Followers:
    r"""Correlate every unit with every channel, now and some steps before.

    .. math:: r_{ick} = \mathrm{corr}(h_i(t), y_c(t - k)), \quad k = 0, \ldots, K, \quad
        p = \frac{1 + \#\{s : \max_{ick} |r^{(s)}_{ick}| \ge |r|\}}{1 + S}

    Series with a memory of their own correlate by chance far more than white noise does. So the channels are shifted
    around by a random number of steps s, all alike: what each does by itself stays, and only what ties it to the units
    is broken. The largest correlation of every shift, over all units, channels and lags, makes p hold for all of them
    at once. Two oscillations of one frequency agree at some lag however they are shifted, and are not told from chance.

    Args:
        states: h (rows, units), or what `states_of` gives.
        series: y, a `Series` or (rows, channels), row by row beside the states; None for the rows that `states_of`
            gives. Of a `Series` with a drive, its channels count too.
        max_lag: K.
        permutations: S, different shifts, each further than K from none.
        seed: of the shifts.

    Raises:
        ConfigError: `max_lag` or `permutations` out of range, or no series.
        DataError: arrays that do not fit together or are not finite, or too few rows for so many shifts.

    Reference: P. H. Westfall, S. S. Young, Resampling-Based Multiple Testing, Wiley 1993, for the largest of all.

    Example:
        >>> y = np.random.default_rng(0).normal(size=(1200, 2))
        >>> units = np.stack([np.roll(y[:, 1], 3), np.roll(y[:, 0], 1)], axis=1)
        >>> [(pair.unit, pair.channel, pair.lag) for pair in followers(units, y).found()]
        [(0, 'c1', 3), (1, 'c0', 1)]
    """
    h, labels, y, channels, dt = _tables(states, series)
    check_whole(0, max_lag=max_lag)
    check_whole(1, permutations=permutations)
    free = np.arange(max_lag + 1, len(h) - max_lag)
    if len(free) < permutations:
        raise DataError(
            f"{len(h)} rows have {len(free)} shifts further than {max_lag} steps from none: give more rows or take "
            f"`permutations={len(free)}`"
        )
    shifts = np.sort(np.random.default_rng(seed).choice(free, size=permutations, replace=False))
    circular, largest = _round_correlations(h, y, max_lag, shifts)
    plain = np.stack([_correlation(h[k:], y[: len(y) - k]) for k in range(max_lag + 1)], axis=2)
    best = np.abs(circular).argmax(axis=2)
    pairs = []
    for (i, c), lag in np.ndenumerate(best):
        p = (1 + np.count_nonzero(largest >= abs(circular[i, c, lag]))) / (1 + permutations)
        pairs.append(Follower(int(i), labels[i], channels[c], int(lag), float(plain[i, c, lag]), float(p)))
    pairs.sort(key=lambda pair: -round(abs(pair.correlation), 12))
    return Followers(tuple(pairs), plain, dt)


def _round_correlations(
    h: np.ndarray, y: np.ndarray, max_lag: int, shifts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Correlations of series closed to rings (units, channels, lags), and the largest of all after each shift."""
    rows = len(h)
    units, channels = np.fft.rfft(_standard(h), axis=0), np.conj(np.fft.rfft(_standard(y), axis=0))
    found, largest = np.empty((h.shape[1], y.shape[1], max_lag + 1)), np.zeros(len(shifts))
    window = (shifts[:, None] + np.arange(max_lag + 1)) % rows
    for i in range(h.shape[1]):
        for c in range(y.shape[1]):
            ring = np.fft.irfft(units[:, i] * channels[:, c], rows) / rows  # at every lag
            found[i, c] = ring[: max_lag + 1]
            np.maximum(largest, np.abs(ring[window]).max(axis=1), out=largest)
    return found, largest


def _tables(states: Any, series: Any) -> tuple[np.ndarray, tuple[str, ...], np.ndarray, tuple[str, ...], float]:
    """States and their names, channels and theirs, and the step."""
    series = states.seen if series is None and isinstance(states, States) else series
    if series is None:
        raise ConfigError("states as an array need the `series` that they are to follow")
    h = np.asarray(states.values if isinstance(states, States) else states, np.float64)
    series = series if isinstance(series, Series) else Series(series)
    driven = series.inputs is not None
    y = np.concatenate([series.values, series.inputs.values], axis=1) if driven else series.values
    channels = series.channels + (series.inputs.channels if driven else ())
    if h.ndim != 2 or len(y) != len(h) or not len(h) or not (np.isfinite(h).all() and np.isfinite(y).all()):
        raise DataError(
            f"states (rows, units) and series (rows, channels), all finite, have the shapes {h.shape} and {y.shape}"
        )
    labels = states.names if isinstance(states, States) else names(None, h.shape[1], "h")
    return h, labels, y, channels, series.dt


def _standard(table: np.ndarray) -> np.ndarray:
    """Columns with mean 0 and size 1; zeros where one does not vary."""
    centred = table - table.mean(axis=0)
    size = np.sqrt((centred**2).mean(axis=0))
    return np.where(size > 1e-12 * np.abs(table).max(axis=0), centred, 0.0) / np.where(size > 0, size, 1.0)


def _correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return _standard(a).T @ _standard(b) / len(a)
