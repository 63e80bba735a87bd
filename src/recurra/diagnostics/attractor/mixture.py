"""How far the states that a forecast visits are from those of the truth: the divergence of two Gaussian mixtures."""

from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from recurra.diagnostics.checks import check_whole
from recurra.diagnostics.tables import pair
from recurra.errors import ConfigError

SAMPLES, ROWS, VARIANCE = 1000, 10_000, 1.0  # in the published measure
_METHODS = ("monte-carlo", "variational")
_BLOCK = 100_000  # distances at once, that they stay in the cache


def mixture_divergence(
    truth: Any,
    forecast: Any,
    *,
    variance: float = VARIANCE,
    method: str = "monte-carlo",
    samples: int = SAMPLES,
    rows: int | None = ROWS,
    standardize: bool = True,
    seed: int = 0,
) -> float:
    r"""Kullback-Leibler divergence D_stsp of two mixtures with one Gaussian on every row, in nats.

    .. math:: p(x) = \frac{1}{T} \sum_{t=1}^{T} \mathcal{N}(x; y_t, \sigma^2 I), \qquad
        D_{mc} = \frac{1}{n} \sum_{i=1}^{n} \ln \frac{p(x_i)}{q(x_i)}, \quad x_i \sim p

    q is the same of the forecast. There is no closed form; "monte-carlo" draws n points from p, "variational" takes

    .. math:: D_{var} = \frac{1}{T} \sum_{t} \ln \frac{\sum_{s} e^{-|y_t - y_s|^2 / 2 \sigma^2} / T}
        {\sum_{s} e^{-|y_t - \hat y_s|^2 / 2 \sigma^2} / \hat T}

    In the published code the data have been standardised before, the Gaussians have the variance 1, of both series the
    first 10,000 rows are taken, and 1000 points are drawn; points where a density is 0 in single precision are
    dropped there. Here sums are taken by their logarithms and nothing is dropped, so that a forecast far away has a
    large divergence. A variance of 1 is as wide as the whole attractor: the measure sees where it lies and how large
    it is, not what is inside.

    Args:
        truth: Series or array (time, channels).
        forecast: the same channels; the number of rows may be another.
        variance: sigma^2 of each Gaussian.
        method: "monte-carlo" or "variational".
        samples: n, points drawn.
        rows: at most so many of the first rows of each; None for all.
        standardize: whether both are first shifted and divided by mean and standard deviation of the truth.
        seed: of the points.

    Raises:
        DataError: other channels, a value that is missing or not finite, a channel of the truth that does not vary.
        ConfigError: an argument that cannot be.

    References: J. R. Hershey, P. A. Olsen, ICASSP 2007, IV-317 (both approximations); G. Koppe et al., PLoS
    Computational Biology 15 (2019) e1007263; M. Brenner, F. Hess et al., ICML 2022, arXiv:2207.02542; F. Hess et al.,
    ICML 2023, arXiv:2306.04406. The code of 2022 reports the mean of both directions, that of 2023 this one.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(500, 8))
        >>> mixture_divergence(x, x), mixture_divergence(x, x + 3) > 1
        (0.0, True)
    """
    _check(variance, method, samples, rows)
    y, y_hat = pair(truth, forecast)
    if standardize:
        mean, spread = y.mean(axis=0), y.std(axis=0, ddof=1)
        y, y_hat = (y - mean) / spread, (y_hat - mean) / spread
    y, y_hat = y[:rows], y_hat[:rows]
    points = y
    if method == "monte-carlo":
        rng = np.random.default_rng(seed)
        points = y[rng.integers(len(y), size=samples)] + variance**0.5 * rng.standard_normal((samples, y.shape[1]))
    return float((_log_density(points, y, variance) - _log_density(points, y_hat, variance)).mean())


def _check(variance: float, method: str, samples: int, rows: int | None) -> None:
    if not (np.isfinite(variance) and variance > 0):
        raise ConfigError(f"`variance` must be a positive number, got {variance!r}")
    if method not in _METHODS:
        raise ConfigError(f"`method` is one of {', '.join(_METHODS)}, got {method!r}")
    check_whole(1, samples=samples, rows=1 if rows is None else rows)


def _log_density(points: np.ndarray, centres: np.ndarray, variance: float) -> np.ndarray:
    """ln of the mean of exp(-|x - y|^2 / (2 variance)) over the centres, for every point."""
    found = np.empty(len(points))
    size = max(1, _BLOCK // len(centres))
    for start in range(0, len(points), size):
        exponent = cdist(points[start : start + size], centres, "sqeuclidean")
        exponent /= -2 * variance
        top = exponent.max(axis=1)
        exponent -= top[:, None]
        found[start : start + size] = top + np.log(np.exp(exponent, out=exponent).mean(axis=1))
    return found
