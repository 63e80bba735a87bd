"""How far the power spectrum of a forecast is from that of the truth: the Hellinger distance, as it is published."""

from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter1d

from recurra.diagnostics.tables import pair
from recurra.errors import ConfigError, DataError

SMOOTHING = 20.0  # frequency bins: the standard deviation of the Gaussian in the published measure


def power_spectrum_distance(truth: Any, forecast: Any, *, smoothing: float = SMOOTHING) -> float:
    r"""Hellinger distance D_H of the smoothed power spectra, the mean over channels.

    .. math:: D_H = \frac{1}{\sqrt 2} \sqrt{\sum_k \left( \sqrt{p_k} - \sqrt{q_k} \right)^2}

    p and q are spectra with the sum 1: each channel is standardised by its own mean and standard deviation, transformed
    (the real transform of all rows, no window), squared, smoothed by a Gaussian over the frequencies (cut at four
    standard deviations, reflected at the ends) and divided by its sum. So an offset and the amplitude do not count,
    and the width of the smoothing in frequency depends on the number of rows. A channel of the forecast that does not
    vary has no spectrum, and the distance 1.

    Args:
        truth: Series or array (time, channels).
        forecast: the same channels and number of rows.
        smoothing: standard deviation of the Gaussian in frequency bins, 1 / (rows dt) wide. 20 in the publications; 0
            for none.

    Returns:
        D_H: 0 for equal spectra, 1 for spectra that share no frequency.

    Raises:
        DataError: other channels or numbers of rows, a value that is missing or not finite, a break, a channel of the
            truth that does not vary.
        ConfigError: a negative smoothing.

    References: J. M. Mikhaeil, Z. Monfared, D. Durstewitz, NeurIPS 2022, arXiv:2110.07238; F. Hess, Z. Monfared,
    M. Brenner, D. Durstewitz, ICML 2023, arXiv:2306.04406. The conventions are those of the code of the second.

    Example:
        >>> t = np.arange(2000.0)
        >>> round(power_spectrum_distance(np.sin(t), 3 * np.cos(t) + 5), 1)
        0.0
        >>> round(power_spectrum_distance(np.sin(t), np.sin(2 * t)), 1)
        1.0
    """
    if not (np.isfinite(smoothing) and smoothing >= 0):
        raise ConfigError(f"`smoothing` must be a number of frequency bins, 0 or more, got {smoothing!r}")
    y, y_hat = pair(truth, forecast, fewest=4, unbroken=True)
    if len(y) != len(y_hat):
        raise DataError(
            f"the truth has {len(y)} rows, the forecast {len(y_hat)}: the smoothing is over a number of bins, cut both "
            "to the same length"
        )
    p, q = _spectra(y, smoothing), _spectra(y_hat, smoothing)
    distance = np.sqrt(((np.sqrt(p) - np.sqrt(q)) ** 2).sum(axis=0) / 2)
    return float(np.where(q.sum(axis=0) > 0, distance, 1.0).mean())


def _spectra(values: np.ndarray, smoothing: float) -> np.ndarray:
    """Smoothed spectra (frequencies, channels) with the sum 1, or all 0 where nothing varies."""
    flat = np.ptp(values, axis=0) == 0
    spread = np.where(flat, 1.0, values.std(axis=0))
    power = np.abs(np.fft.rfft((values - values.mean(axis=0)) / spread, axis=0)) ** 2
    if smoothing > 0:
        power = gaussian_filter1d(power, smoothing, axis=0)
    total = power.sum(axis=0)
    return np.where(flat, 0.0, power / np.where(total > 0, total, 1.0))
