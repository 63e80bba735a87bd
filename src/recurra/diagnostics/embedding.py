"""States from one measured channel: the vectors of its delayed values, with which delay, in how many dimensions."""

from typing import Any

import numpy as np

from recurra._types import whole_number
from recurra.data.dependence import autocorrelation
from recurra.diagnostics.checks import check_whole
from recurra.diagnostics.neighbors import nearest_neighbors
from recurra.diagnostics.tables import one_channel
from recurra.errors import ConfigError, DataError

_ROWS = 2000  # states whose neighbours are looked at, evenly spaced in time
_LAGS = 500  # at most, where the delay is looked for


def embed(series: Any, dimension: int, delay: int = 1, channel: str | int | None = None) -> np.ndarray:
    r"""The delay vectors of one channel.

    .. math:: X_t = (x_t, x_{t + \tau}, \dots, x_{t + (m - 1) \tau})

    Args:
        series: Series or array (time, channels).
        dimension: m.
        delay: tau, in rows.
        channel: its name or number; None where there is one alone.

    Returns:
        X (rows - (m - 1) tau, m).

    Raises:
        DataError: a value that is missing or not finite, a break, too few rows, several channels and none chosen.
        ConfigError: a dimension or delay below 1, a channel that is not there.

    Reference: F. Takens, Lecture Notes in Mathematics 898 (1981) 366-381.

    Example:
        >>> embed(np.arange(5.0), 2, delay=3).tolist()
        [[0.0, 3.0], [1.0, 4.0]]
    """
    check_whole(1, dimension=dimension, delay=delay)
    x = one_channel(series, channel, fewest=1 + (dimension - 1) * delay)
    count = len(x) - (dimension - 1) * delay
    return np.stack([x[k * delay : k * delay + count] for k in range(dimension)], axis=1)


def mutual_information(
    series: Any, lags: int, channel: str | int | None = None, *, bins: int | None = None
) -> np.ndarray:
    r"""Average mutual information of x(t) and x(t + k), in nats.

    .. math:: I(k) = \sum_{ij} p_{ij} \ln \frac{p_{ij}}{p_i \, p_j} - \frac{(b - 1)^2}{2 n}

    p_ij is the share of the n pairs in the bins i and j, b of them with equally many values each, so that I does not
    depend on how the values are scaled; the last term is what chance alone gives.

    Args:
        series: Series or array (time, channels).
        lags: the largest k.
        channel: its name or number; None where there is one alone.
        bins: b; None for the third root of the number of rows, at most 16.

    Returns:
        I(0), ..., I(lags).

    Raises:
        DataError: as `embed`.
        ConfigError: lags or bins that cannot be, a channel that is not there.

    Reference: A. M. Fraser, H. L. Swinney, Physical Review A 33 (1986) 1134-1140.

    Example:
        >>> found = mutual_information(np.random.default_rng(0).normal(size=8000), 1)
        >>> bool(abs(found[0] - np.log(16)) < 0.02), bool(abs(found[1]) < 0.01)
        (True, True)
    """
    check_whole(1, lags=lags)
    x = one_channel(series, channel, fewest=lags + 8)
    count = min(16, round(len(x) ** (1 / 3))) if bins is None else bins
    if not whole_number(count) or not 2 <= count <= len(x):
        raise ConfigError(f"`bins` must be a whole number, 2 ... {len(x)}, got {bins!r}")
    edges = np.quantile(x, np.arange(1, count) / count)
    place = np.searchsorted(edges, x, "right")
    return np.array([_information(place[: len(x) - k], place[k:], count) for k in range(lags + 1)])


def choose_delay(series: Any, channel: str | int | None = None) -> int:
    """The delay in rows for `embed`: the first minimum of the average mutual information.

    A minimum at lag k is not above any value up to lag 3 k / 2 + 1, else every ripple were one. A series whose
    neighbours are correlated by less than 1/e is a map or sampled as coarsely as one: 1. Where there is no minimum
    within 500 rows or a quarter of the series, the first lag whose autocorrelation is below 1/e. Of a series that is
    exactly periodic the mutual information has ripples, and the delay that of one of them.

    Args:
        series: Series or array (time, channels).
        channel: its name or number; None where there is one alone.

    Raises:
        DataError: as `embed`, or fewer than 40 rows, a channel that does not vary.

    Example:
        >>> noise = 0.1 * np.random.default_rng(0).normal(size=4000)
        >>> choose_delay(np.sin(np.arange(4000) / 16) + noise) in range(20, 31)
        True
    """
    x = one_channel(series, channel, fewest=40)
    if np.ptp(x) == 0:
        raise DataError("the channel does not vary: there is nothing to embed")
    lags = min(_LAGS, len(x) // 4)
    rho = autocorrelation([x], lags)
    below = np.flatnonzero(rho < 1 / np.e)
    if below.size and below[0] <= 1:
        return 1
    I = mutual_information(x, lags)
    turns = (k for k in range(1, 2 * lags // 3) if I[k] <= I[: k + k // 2 + 2].min())
    return next(turns, int(below[0]) if below.size else lags)


def false_nearest_neighbors(
    series: Any,
    delay: int,
    channel: str | int | None = None,
    *,
    largest: int = 8,
    theiler: int | None = None,
    apart: float = 15.0,
    far: float = 2.0,
) -> np.ndarray:
    r"""The share of nearest neighbours that are none in one dimension more, for 1, 2, ... dimensions.

    .. math:: \frac{|x_{i + m \tau} - x_{j + m \tau}|}{R_m} > 15 \quad \text{or} \quad \frac{R_{m+1}}{\sigma} > 2

    R_m is the distance of state i from its nearest neighbour j in m dimensions, sigma the standard deviation of the
    series. Where the share falls to zero the attractor is unfolded; in noise it does not.

    Args:
        series: Series or array (time, channels).
        delay: tau, in rows.
        channel: its name or number; None where there is one alone.
        largest: the largest m.
        theiler: rows of time around each state in which no neighbour is looked for; None for the delay.
        apart, far: the two thresholds.

    Returns:
        The shares (largest,), of at most 2000 states, evenly spaced in time.

    Raises:
        DataError: as `embed`, or no two different states.
        ConfigError: as `embed`.

    Reference: M. B. Kennel, R. Brown, H. D. I. Abarbanel, Physical Review A 45 (1992) 3403-3411.

    Example:
        >>> x = np.sin(0.1 * np.arange(3000)) + np.sin(0.1 * np.sqrt(2) * np.arange(3000))
        >>> bool(false_nearest_neighbors(x, 12)[0] > 0.5)
        True
    """
    x, distances, new = _one_more(series, delay, channel, largest, theiler, norm=2.0)
    false = new / distances > apart
    false |= np.hypot(distances, new) / x.std() > far
    return np.array([np.mean(row[np.isfinite(d)]) for row, d in zip(false, distances, strict=True)])


def cao(
    series: Any, delay: int, channel: str | int | None = None, *, largest: int = 8, theiler: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    r"""Cao's two numbers for 1, 2, ... dimensions, which need no thresholds.

    .. math:: E(m) = \mathrm{mean}_i \frac{|X_i^{(m+1)} - X_j^{(m+1)}|_\infty}{|X_i^{(m)} - X_j^{(m)}|_\infty}, \quad
        E_1(m) = \frac{E(m + 1)}{E(m)}, \qquad
        E^*(m) = \mathrm{mean}_i |x_{i + m \tau} - x_{j + m \tau}|, \quad E_2(m) = \frac{E^*(m + 1)}{E^*(m)}

    j is the nearest neighbour of i in m dimensions in the maximum norm. E1 stops changing, near 1, where m is large
    enough; E2 is 1 for every m in noise, and differs from 1 for some m in a deterministic series.

    Args:
        series: Series or array (time, channels).
        delay: tau, in rows.
        channel: its name or number; None where there is one alone.
        largest: the largest m.
        theiler: as of `false_nearest_neighbors`.

    Returns:
        E1 (largest,) and E2 (largest,).

    Raises:
        DataError: as `false_nearest_neighbors`.
        ConfigError: as `embed`.

    Reference: L. Cao, Physica D 110 (1997) 43-50.

    Example:
        >>> E1, E2 = cao(np.random.default_rng(0).normal(size=5000), 1, largest=4)
        >>> bool(np.all(np.abs(E2 - 1) < 0.1))
        True
    """
    _, distances, new = _one_more(series, delay, channel, largest + 1, theiler, norm=np.inf)
    good = np.isfinite(distances)
    E = np.array([np.mean(np.maximum(d, n)[g] / d[g]) for d, n, g in zip(distances, new, good, strict=True)])
    E_star = np.array([np.mean(n[g]) for n, g in zip(new, good, strict=True)])
    return E[1:] / E[:-1], E_star[1:] / E_star[:-1]


def choose_dimension(
    series: Any,
    delay: int,
    channel: str | int | None = None,
    *,
    largest: int = 8,
    theiler: int | None = None,
    share: float = 0.01,
) -> int | None:
    """The least dimension with at most 1 % of false nearest neighbours; None where no dimension has so few.

    Args:
        series: Series or array (time, channels).
        delay: in rows.
        channel: its name or number; None where there is one alone.
        largest: the largest dimension that is tried.
        theiler: as of `false_nearest_neighbors`.
        share: of false neighbours that are allowed.

    Raises:
        DataError: as `false_nearest_neighbors`.
        ConfigError: as `embed`.

    Example:
        >>> choose_dimension(np.sin(0.1 * np.arange(2000)), 16)
        2
    """
    few = np.flatnonzero(false_nearest_neighbors(series, delay, channel, largest=largest, theiler=theiler) <= share)
    return int(few[0]) + 1 if few.size else None


def _one_more(
    series: Any, delay: int, channel: Any, largest: int, theiler: int | None, norm: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The channel; for 1, 2, ... dimensions how far nearest neighbours are, and their next values."""
    check_whole(1, delay=delay, largest=largest)
    x = one_channel(series, channel, fewest=largest * delay + 20)
    count = len(x) - largest * delay
    rows = np.arange(0, count, -(-count // _ROWS))
    near, new = np.full((2, largest, len(rows)), np.inf)
    for m in range(1, largest + 1):
        points = embed(x, m, delay)[:count]
        d, j = nearest_neighbors(points, rows, theiler=delay if theiler is None else theiler, norm=norm)
        near[m - 1] = d[:, 0]
        new[m - 1] = np.where(j[:, 0] >= 0, np.abs(x[rows + m * delay] - x[j[:, 0] + m * delay]), np.nan)
    if not np.isfinite(near).any(axis=1).all():
        raise DataError("no state has a different one outside the window in time: the series repeats itself exactly")
    return x, near, new


def _information(a: np.ndarray, b: np.ndarray, bins: int) -> float:
    """Mutual information of two sequences of bin numbers, in nats, without what chance gives."""
    p = np.bincount(a * bins + b, minlength=bins**2).reshape(bins, bins) / len(a)
    both = p > 0
    independent = np.outer(p.sum(axis=1), p.sum(axis=0))
    return float((p[both] * np.log(p[both] / independent[both])).sum()) - (bins - 1) ** 2 / (2 * len(a))
