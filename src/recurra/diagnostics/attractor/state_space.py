"""How far the states that a forecast visits are from those of the truth: the divergence of two histograms."""

from typing import Any

import numpy as np

from recurra._types import whole_number
from recurra.diagnostics.tables import pair
from recurra.errors import ConfigError

BINS, ALPHA = 30, 1e-5  # along each channel, and the Laplace smoothing, in the published measure
_BOXES = ("attractor", "two-sigma", "range")


def state_space_divergence(
    truth: Any, forecast: Any, *, bins: int = BINS, alpha: float = ALPHA, box: str = "attractor"
) -> float:
    r"""Kullback-Leibler divergence D_stsp of the histograms of the states, in nats.

    .. math:: D_{stsp} = \sum_{k=1}^{K} p_k \ln \frac{p_k}{q_k}, \qquad
        p_k = \frac{n_k + \alpha}{n + \alpha K}, \qquad K = m^N

    p counts the rows of the truth and q those of the forecast in the K bins that an N-dimensional box is cut into, m
    along every channel. The box depends on the truth alone: "attractor", from min - 0.1 s to max + 0.1 s of each
    channel, s its standard deviation (n - 1 in the denominator); "two-sigma", from -2 s to 2 s about zero, the older
    choice for standardised data; "range", from min to max. Rows outside are dropped, from n too. Only occupied bins
    are stored, so that there may be any number of channels; beyond five hardly two rows share a bin, and
    `mixture_divergence` says more.

    Args:
        truth: Series or array (time, channels).
        forecast: the same channels; the number of rows may be another.
        bins: m. 30 in the publications.
        alpha: Laplace smoothing. 1e-5 in the publications; it decides what a bin costs that the forecast never visits.
        box: "attractor" (2023), "two-sigma" (2022) or "range" (2025).

    Returns:
        D_stsp: 0 for equal histograms; infinity where no row of the forecast lies in the box (published code: NaN).

    Raises:
        DataError: other channels, a value that is missing or not finite, a channel of the truth that does not vary.
        ConfigError: fewer than 2 bins, more than 2^62 in all, an alpha that is not positive, an unknown box; no row of
            the truth in a box "two-sigma".

    References: G. Koppe, H. Toutounji, P. Kirsch, S. Lis, D. Durstewitz, PLoS Computational Biology 15 (2019) e1007263;
    M. Brenner, F. Hess et al., ICML 2022, arXiv:2207.02542 ("two-sigma"); F. Hess et al., ICML 2023, arXiv:2306.04406
    ("attractor", and its code the conventions); C. J. Hemmer, D. Durstewitz, NeurIPS 2025
    ("range").

    Example:
        >>> square = np.random.default_rng(0).random((20_000, 2))
        >>> round(state_space_divergence(square, square), 9), state_space_divergence(square, square + 9)
        (0.0, inf)
    """
    y, y_hat = pair(truth, forecast)
    channels = y.shape[1]
    if not whole_number(bins) or bins < 2 or channels * np.log2(bins) > 62:
        raise ConfigError(f"`bins` must be at least 2, and bins ** {channels} at most 2**62, got {bins!r}")
    if not (np.isfinite(alpha) and alpha > 0):
        raise ConfigError(f"`alpha` must be a positive number, got {alpha!r}")
    if box not in _BOXES:
        raise ConfigError(f"`box` is one of {', '.join(_BOXES)}, got {box!r}")
    spread = y.std(axis=0, ddof=1)
    low, high = (y.min(axis=0) - 0.1 * spread, y.max(axis=0) + 0.1 * spread)
    if box == "two-sigma":
        low, high = -2 * spread, 2 * spread
    if box == "range":
        low, high = y.min(axis=0), np.nextafter(y.max(axis=0), np.inf)  # with the largest row in the last bin
    places, places_hat = (_places(values, low, high, bins) for values in (y, y_hat))
    if not len(places):
        raise ConfigError('no row of the truth lies within two standard deviations of zero: take `box="attractor"`')
    if not len(places_hat):
        return float("inf")
    return _divergence(places, places_hat, alpha, float(bins) ** channels)


def _places(values: np.ndarray, low: np.ndarray, high: np.ndarray, bins: int) -> np.ndarray:
    """The number of the bin of every row within the box."""
    inside = ((values >= low) & (values < high)).all(axis=1)
    cells = np.minimum((bins * (values[inside] - low) / (high - low)).astype(np.int64), bins - 1)
    return cells @ (bins ** np.arange(values.shape[1], dtype=np.int64))


def _divergence(places: np.ndarray, places_hat: np.ndarray, alpha: float, K: float) -> float:
    """The divergence from the occupied bins; all others, of which every one adds the same, at once."""
    occupied = np.unique(np.concatenate([places, places_hat]))
    n, n_hat = (np.bincount(np.searchsorted(occupied, each), minlength=len(occupied)) for each in (places, places_hat))
    total, total_hat = n.sum() + alpha * K, n_hat.sum() + alpha * K
    p, q = (n + alpha) / total, (n_hat + alpha) / total_hat
    empty = (K - len(occupied)) * alpha / total * np.log(total_hat / total)
    return float((p * np.log(p / q)).sum() + empty)
