"""An ESTIMATE of the largest Lyapunov exponent from a measured series alone: how fast neighbouring states part."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from recurra._types import whole_number
from recurra.diagnostics.embedding import choose_delay, choose_dimension, embed
from recurra.diagnostics.neighbors import nearest_neighbors
from recurra.diagnostics.scaling import line, straight_part
from recurra.diagnostics.tables import one_channel, step
from recurra.errors import ConfigError, DataError

_METHODS = ("rosenstein", "kantz")
_LARGEST = 8  # dimensions that are tried
_ROWS = 3000  # states whose neighbours are followed, evenly spaced in time
_NEAR = 10  # neighbours that half of the states have within Kantz's radius
_PERIODS = 20  # for which neighbours are followed
_BELOW = 1.0  # e-foldings below the distance of states that have nothing to do with each other
_RISE = 1.0  # e-foldings over the straight part, at least
_BLOCKS = 10  # of states, from whose spread the error comes


@dataclass(frozen=True, eq=False)
class ExponentEstimate:
    """An estimate of the largest Lyapunov exponent, with the curve that it was read from: look at it.

    Attributes:
        exponent: natural logarithm per time unit: the slope over the region; where there is no region that of the whole
            curve, which says little.
        error: standard error of the slope, from ten blocks of states; what the choice of embedding and region adds is
            not in it. NaN where there is no region.
        times: (steps + 1,), in time units.
        stretching: S (steps + 1,), the mean logarithm of the distance of neighbours after these times.
        saturation: the mean logarithm of the distance of states that have nothing to do with each other.
        region: first and last index of the part of the curve that is straight; None where there is none.
        method, delay, dimension, theiler: how it was found; delay and theiler in rows.
        unfolded: whether few neighbours are false in this dimension; None where the dimension was given.
    """

    exponent: float
    error: float
    times: np.ndarray
    stretching: np.ndarray
    saturation: float
    region: tuple[int, int] | None
    method: str
    delay: int
    dimension: int
    theiler: int
    unfolded: bool | None

    @property
    def words(self) -> str:
        """What was found, and what speaks against it."""
        if self.region is None:
            found = (
                "No linear region exists: the distance of neighbours does not grow exponentially, or not over a factor "
                "of e below saturation. The slope of the whole curve is no exponent."
            )
        else:
            begin, end = (self.times[k] for k in self.region)
            found = (
                f"ESTIMATE of the largest Lyapunov exponent from data ({self.method}): {self.exponent:.3g} +- "
                f"{self.error:.2g} per time unit, from {begin:.3g} to {end:.3g} time units."
            )
        if self.unfolded is False:
            found += f" Up to {self.dimension} dimensions neighbours are false: this may be noise."
        return found


def exponent_from_data(
    series: Any,
    channel: str | int | None = None,
    *,
    method: str = "rosenstein",
    dt: float | None = None,
    delay: int | None = None,
    dimension: int | None = None,
    theiler: int | None = None,
    steps: int | None = None,
) -> ExponentEstimate:
    r"""Estimate the largest Lyapunov exponent from one channel. It is an estimate, and no more.

    .. math:: S(k) = \Big\langle \ln |X_{i+k} - X_{j(i)+k}| \Big\rangle_i, \qquad
        S(k) = \Big\langle \ln \frac{1}{|U_i|} \sum_{j \in U_i} |x_{i+k} - x_{j+k}| \Big\rangle_i

    "rosenstein" follows each delay vector X_i and its nearest neighbour; "kantz" all neighbours U_i within a radius, in
    which half of the states have ten, and looks at the last of the delayed values x alone. The exponent is the slope
    of S over the widest part that is straight: root mean square distance from its line at most 5 % of the rise over it,
    slopes of its halves within 15 %, at least one mean period (and 3 rows) wide, a rise of at least 1, all of it at
    least 1 below the logarithmic distance of unrelated states. Distances that are exactly 0 are left out.

    Args:
        series: Series or array (time, channels).
        channel: its name or number; None where there is one alone.
        method: "rosenstein" or "kantz".
        dt: step between rows in time units; None for that of the series, or 1.
        delay: in rows; None for `choose_delay`.
        dimension: None for `choose_dimension`, and 8 where that finds none.
        theiler: rows of time around each state without neighbours; None for one mean period, at least the length of
            a delay vector.
        steps: rows for which neighbours are followed; None for 20 mean periods, at least 30 rows.

    Raises:
        DataError: a value that is missing or not finite, a break, fewer than 200 rows or too few for the embedding,
            several channels and none chosen, a channel that does not vary or repeats itself exactly.
        ConfigError: an argument that cannot be.

    References: M. T. Rosenstein, J. J. Collins, C. J. De Luca, Physica D 65 (1993) 117-134; H. Kantz, Physics Letters A
    185 (1994) 77-87.

    Example:
        >>> x = [0.3]
        >>> for _ in range(2000):
        ...     x.append(4 * x[-1] * (1 - x[-1]))
        >>> bool(abs(exponent_from_data(x).exponent / np.log(2) - 1) < 0.05)
        True
    """
    if method not in _METHODS:
        raise ConfigError(f"`method` is one of {', '.join(_METHODS)}, got {method!r}")
    x, every = one_channel(series, channel, fewest=200), step(series, dt)
    delay = choose_delay(x) if delay is None else delay
    unfolded = None
    if dimension is None:
        dimension = choose_dimension(x, delay, largest=_LARGEST)
        unfolded, dimension = dimension is not None, dimension or _LARGEST
    X, period = embed(x, dimension, delay), _mean_period(x)
    theiler = max(round(period), (dimension - 1) * delay) if theiler is None else theiler
    steps = min(len(X) // 4, max(30, round(_PERIODS * period))) if steps is None else steps
    if not whole_number(steps) or not 4 <= steps < len(X) - 20:
        raise ConfigError(f"`steps` must be a whole number, 4 ... {len(X) - 21}, got {steps!r}")
    rows = np.arange(0, len(X) - steps, -(-(len(X) - steps) // _ROWS))
    follow = _rosenstein if method == "rosenstein" else _kantz
    logs, values = follow(X, rows, theiler, steps)  # (states, steps + 1)
    S, times = np.nanmean(logs, axis=0), every * np.arange(steps + 1)
    saturation = _unrelated(values)
    limit = saturation - _BELOW
    above = np.flatnonzero(limit < S)
    end = int(above[0]) if above.size else len(S)
    part = straight_part(times[:end], S[:end], shortest=every * max(period, 3)) if end > 3 else None
    if part is None or S[part[1]] - S[part[0]] < _RISE:
        return ExponentEstimate(
            line(times, S)[0], np.nan, times, S, saturation, None, method, delay, dimension, theiler, unfolded
        )
    a, b, slope = part
    blocks = [line(times[a : b + 1], np.nanmean(block[:, a : b + 1], axis=0))[0] for block in _blocks(logs)]
    error = float(np.std(blocks, ddof=1) / np.sqrt(len(blocks)))
    return ExponentEstimate(slope, error, times, S, saturation, (a, b), method, delay, dimension, theiler, unfolded)


def _rosenstein(X: np.ndarray, rows: np.ndarray, theiler: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """The logarithms of how far nearest neighbours are, and the states whose distance that is."""
    _, found = nearest_neighbors(X[: len(X) - steps], rows, theiler=theiler)
    i, j = rows[found[:, 0] >= 0], found[found[:, 0] >= 0, 0]
    _enough(i)
    apart = np.stack([np.linalg.norm(X[i + k] - X[j + k], axis=1) for k in range(steps + 1)], axis=1)
    return _log(apart), X


def _kantz(X: np.ndarray, rows: np.ndarray, theiler: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """The logarithms of how far all neighbours within a radius are in their last value, and these values."""
    distances, found = nearest_neighbors(X[: len(X) - steps], rows, 3 * _NEAR, theiler=theiler, norm=np.inf)
    radius = np.median(distances[:, _NEAR - 1])
    near = (distances <= radius) & np.isfinite(distances)
    some = near.any(axis=1)
    i, j, near = rows[some], found[some], near[some]
    _enough(i)
    x = X[:, -1]
    apart = [(np.abs(x[i + k][:, None] - x[np.maximum(j, 0) + k]) * near).sum(axis=1) for k in range(steps + 1)]
    return _log(np.stack(apart, axis=1) / near.sum(axis=1)[:, None]), x[:, None]


def _enough(rows: np.ndarray) -> None:
    if len(rows) < 5 * _BLOCKS:
        raise DataError(
            f"{len(rows)} states have neighbours outside the window in time that differ from them, and {5 * _BLOCKS} "
            "are needed: the series is too short, or repeats itself exactly"
        )


def _log(apart: np.ndarray) -> np.ndarray:
    """Logarithms, NaN of zero."""
    return np.log(np.where(apart > 0, apart, np.nan))


def _blocks(logs: np.ndarray) -> list[np.ndarray]:
    return [logs[part] for part in np.array_split(np.arange(len(logs)), _BLOCKS)]


def _unrelated(values: np.ndarray) -> float:
    """The mean logarithm of the distance of states half the series apart, and of several lags about that."""
    half, lags = len(values) // 2, range(7)
    apart = [np.linalg.norm(values[half + k :] - values[: len(values) - half - k], axis=1) for k in lags]
    joined = np.concatenate(apart)
    return float(np.log(joined[joined > 0]).mean())


def _mean_period(x: np.ndarray) -> float:
    """One over the mean frequency of the power spectrum, in rows."""
    power = np.abs(np.fft.rfft(x - x.mean())) ** 2
    return float(power.sum() / (power @ np.fft.rfftfreq(len(x))))
