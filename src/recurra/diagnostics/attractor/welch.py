"""Power spectra by Welch's method, with a band that says how well they are known, and how far two of them are apart."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import chdtri

from recurra._types import whole_number
from recurra.diagnostics.tables import pair, step, table
from recurra.errors import ConfigError

_PARTS = 16  # half-overlapping windows where no length is asked for
_CLEAR = 4.0  # times the power around, a peak
_RANGE = 1e-6  # of the largest power: below, a logarithm compares rounding and leakage


@dataclass(frozen=True, eq=False)
class Spectrum:
    """One-sided power spectral densities.

    Attributes:
        frequencies: (count,), cycles per time unit, from 0 to 1 / (2 dt).
        power: (count, channels), units squared times time units; its integral is the variance.
        low, high: (count, channels), the ends of the band that holds the true density with the given confidence, for
            each frequency by itself; for the first and the last, which have half the freedom, it is wider.
        freedom: degrees of freedom of each value between the ends.
    """

    frequencies: np.ndarray
    power: np.ndarray
    low: np.ndarray
    high: np.ndarray
    freedom: float

    @property
    def peaks(self) -> np.ndarray:
        """The frequency of the largest power (channels,), the mean left out; NaN where that is no peak.

        A peak has four times the median of the power at all smaller frequencies, and of that at all larger ones: the
        largest value of a broad spectrum is somewhere, and says nothing.
        """
        return np.array([self._peak(power) for power in self.power[1:].T])

    def _peak(self, power: np.ndarray) -> float:
        k = int(power.argmax())
        sides = [np.median(side) for side in (power[:k], power[k + 1 :]) if len(side)]
        clear = k > 0 and power[k] > 0 and all(power[k] >= _CLEAR * each for each in sides)
        return float(self.frequencies[1 + k]) if clear else np.nan


def welch_spectrum(
    series: Any, *, window: int | None = None, dt: float | None = None, confidence: float = 0.95
) -> Spectrum:
    r"""Power spectral density as the mean of the periodograms of K windows that overlap by half.

    .. math:: S(f) = \frac{2 \, dt}{K \sum_n w_n^2} \sum_{k=1}^{K}
        \Big| \sum_n w_n (y_{kD+n} - \bar y_k) e^{-2 \pi i f n dt} \Big|^2, \qquad
        \nu = \frac{2 K}{1 + 2 \sum_{j=1}^{K-1} (1 - j/K) \rho_j}

    w is a Hann window, the mean of each stretch is taken out. S / S_true is chi-squared with nu degrees of freedom
    divided by nu, where rho_j = (sum_n w_n w_{n+jD})^2 / (sum_n w_n^2)^2 is the correlation of two windows.

    Args:
        series: Series or array (time, channels).
        window: rows of a window; None for a length that gives 16 of them.
        dt: step between rows in time units; None for that of the series, or 1.
        confidence: probability of the band.

    Raises:
        DataError: a value that is missing or not finite, a break, fewer than 16 rows.
        ConfigError: a window below 8 rows or above those of the series, a confidence outside (0, 1).

    Reference: P. D. Welch, IEEE Transactions on Audio and Electroacoustics 15 (1967) 70-73.

    Example:
        >>> found = welch_spectrum(np.sin(np.pi / 4 * np.arange(2040)))
        >>> float(found.peaks[0]), round(found.freedom)
        (0.125, 30)
    """
    values = table(series, fewest=16, unbroken=True)
    size = max(8, 2 * (len(values) // (_PARTS + 1))) if window is None else window
    if not whole_number(size) or not 8 <= size <= len(values):
        raise ConfigError(f"`window` must be a whole number of rows, 8 ... {len(values)}, got {window!r}")
    if not 0 < confidence < 1:
        raise ConfigError(f"`confidence` is a probability, got {confidence!r}")
    every, shift = step(series, dt), size // 2
    weights = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    starts = range(0, len(values) - size + 1, shift)
    power = np.zeros((size // 2 + 1, values.shape[1]))
    for start in starts:
        part = values[start : start + size]
        power += np.abs(np.fft.rfft(weights[:, None] * (part - part.mean(axis=0)), axis=0)) ** 2
    power *= every / (len(starts) * (weights**2).sum())
    double = np.full(len(power), 2.0)
    double[0] = 1.0
    double[-1] = 2.0 if size % 2 else 1.0
    power *= double[:, None]
    freedom = _freedom(weights, shift, len(starts))
    each = freedom * double / 2
    high, low = (each / chdtri(each, tail) for tail in ((1 + confidence) / 2, (1 - confidence) / 2))
    return Spectrum(np.fft.rfftfreq(size, every), power, power * low[:, None], power * high[:, None], freedom)


def log_spectral_distance(
    truth: Any, forecast: Any, *, window: int | None = None, dynamic_range: float = _RANGE
) -> float:
    r"""Root mean square of the ratio of two Welch spectra in decibels, over frequencies, then the mean over channels.

    .. math:: D = \sqrt{\mathrm{mean}_f \left( 10 \log_{10} \frac{S_{true}(f)}{S(f)} \right)^2}

    The amplitude counts, all frequencies but 0 alike. Of both spectra what is below the dynamic range counts as its
    end: a smooth flow has next to nothing at high frequencies, and there a logarithm would compare rounding errors.

    Args:
        truth: Series or array (time, channels).
        forecast: the same channels; the number of rows may be another.
        window: rows of a window; None for a length that gives 16 of them in the shorter one.
        dynamic_range: the smallest power that counts, in units of the largest of the truth in the channel.

    Returns:
        Decibels: 0 for equal spectra, 3 for a factor of 2 at every frequency.

    Raises:
        DataError: as `power_spectrum_distance`, but for the number of rows.
        ConfigError: as `welch_spectrum`, or a dynamic range outside (0, 1).

    Example:
        >>> noise = np.random.default_rng(0).normal(size=4000)
        >>> round(log_spectral_distance(noise, 10 * noise), 6)
        20.0
    """
    if not 0 < dynamic_range < 1:
        raise ConfigError(f"`dynamic_range` must lie in (0, 1), got {dynamic_range!r}")
    y, y_hat = pair(truth, forecast, fewest=16, unbroken=True)
    size = max(8, 2 * (min(len(y), len(y_hat)) // (_PARTS + 1))) if window is None else window
    S, S_hat = (welch_spectrum(values, window=size).power[1:] for values in (y, y_hat))
    least = dynamic_range * S.max(axis=0)
    ratio = 10 * np.log10(np.maximum(S, least) / np.maximum(S_hat, least))
    return float(np.sqrt((ratio**2).mean(axis=0)).mean())


def _freedom(weights: np.ndarray, shift: int, count: int) -> float:
    """The degrees of freedom nu of the mean over overlapping windows."""
    lags = range(1, min(count, -(-len(weights) // shift)))
    overlap = [(weights[j * shift :] @ weights[: len(weights) - j * shift] / (weights @ weights)) ** 2 for j in lags]
    return float(2 * count / (1 + 2 * sum((1 - j / count) * rho for j, rho in zip(lags, overlap, strict=True))))
