"""How dependent the rows of a series are: autocorrelation, its integrated time, the effective sample size."""

from collections.abc import Sequence

import numpy as np

_WINDOW = 5.0  # in autocorrelation times: how far the sum over lags reaches


def autocorrelation(parts: Sequence[np.ndarray], lags: int) -> np.ndarray:
    r"""Autocorrelation of one channel over several unbroken stretches.

    .. math:: \rho(k) = \frac{\mathrm{mean}_t \, (y_t - \mu)(y_{t+k} - \mu)}{\mathrm{mean}_t \, (y_t - \mu)^2}

    Means run over the pairs that lie in one stretch and were both measured.

    Args:
        parts: arrays (time,); NaN where nothing was measured.
        lags: largest k; below the length of the longest stretch.

    Returns:
        rho(0) = 1, ..., rho(lags); NaN where no pair is that far apart, and for a constant channel.
    """
    seen = [~np.isnan(part) for part in parts]
    count = sum(int(mask.sum()) for mask in seen)
    mean = sum(float(part[mask].sum()) for part, mask in zip(parts, seen, strict=True)) / max(count, 1)
    products, pairs = np.zeros(lags + 1), np.zeros(lags + 1)
    for part, mask in zip(parts, seen, strict=True):
        reach = min(lags + 1, len(part))
        products[:reach] += _correlate(np.where(mask, part - mean, 0.0))[:reach]
        pairs[:reach] += np.round(_correlate(mask.astype(np.float64)))[:reach]
    with np.errstate(divide="ignore", invalid="ignore"):
        covariance = np.where(pairs > 0, products / pairs, np.nan)
        return covariance / covariance[0]


def autocorrelation_time(parts: Sequence[np.ndarray]) -> float:
    r"""Integrated autocorrelation time in rows: of n rows, n / tau count as independent.

    .. math:: \tau = 1 + 2 \sum_{k=1}^{M} \rho(k), \qquad M \text{ the least that is } \ge 5 \max(\tau(M), 1)

    White noise has 1, an autoregression of order 1 has (1 + a) / (1 - a). Below 1 neighbours are anticorrelated.

    Args:
        parts: arrays (time,), NaN where nothing was measured; the unbroken stretches of one channel.

    Returns:
        tau; infinity where the sum never settles within the series, NaN for a constant channel.

    Reference: A. D. Sokal, Monte Carlo methods in statistical mechanics, in Functional Integration (1997), section 3.

    >>> noise = np.random.default_rng(0).standard_normal(100_000)
    >>> round(autocorrelation_time([noise]), 1)
    1.0
    """
    longest = max(len(part) for part in parts)
    rho = autocorrelation(parts, longest - 1)
    if np.isnan(rho[0]):
        return float("nan")
    tau = 2 * np.cumsum(np.nan_to_num(rho)) - 1
    wide = np.flatnonzero(np.arange(len(tau)) >= _WINDOW * np.maximum(tau, 1.0))
    return float(tau[wide[0]]) if wide.size else float("inf")


def dominant_period(parts: Sequence[np.ndarray]) -> tuple[float, float]:
    """Period in rows of the largest peak of the periodogram of the longest stretch, and its share of the power.

    A straight line is taken out first; missing values count as the mean. The peak is placed between the frequencies of
    the grid by a parabola. (NaN, 0) where nothing varies or there are fewer than 8 rows.
    """
    part = max(parts, key=len)
    rows = np.arange(len(part))
    seen = ~np.isnan(part)
    if seen.sum() < 8:
        return float("nan"), 0.0
    line = np.polynomial.Polynomial.fit(rows[seen], part[seen], 1)
    power = np.abs(np.fft.rfft(np.where(seen, part - line(rows), 0.0) * np.hanning(len(part)))) ** 2
    power[0] = 0.0
    total = power.sum()
    if not total > 1e-24 * len(part) * np.nansum(part**2):
        return float("nan"), 0.0
    peak = int(power.argmax())
    near = power[max(1, peak - 2) : peak + 3]
    shift = 0.0
    if 1 < peak < len(power) - 1:
        left, middle, right = np.log(np.maximum(power[peak - 1 : peak + 2], 1e-300))
        shift = 0.5 * (left - right) / (left - 2 * middle + right)
    return float(len(part) / (peak + shift)), float(near.sum() / total)


def _correlate(x: np.ndarray) -> np.ndarray:
    """Sums over t of x[t] x[t + k] for every k from 0."""
    size = 1 << (2 * len(x) - 1).bit_length()  # a power of two: its transform is fast
    return np.fft.irfft(np.abs(np.fft.rfft(x, size)) ** 2, size)[: len(x)]
