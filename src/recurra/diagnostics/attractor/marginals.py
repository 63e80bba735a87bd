"""How far the values of each channel are from those of the truth, taken together: Wasserstein distances, moments."""

from typing import Any

import numpy as np

from recurra.diagnostics.tables import pair


def marginal_wasserstein(truth: Any, forecast: Any) -> np.ndarray:
    r"""Wasserstein distance of the values of each channel, in standard deviations of the truth.

    .. math:: W_c = \frac{1}{\sigma_c} \int |F_c(x) - \hat F_c(x)| \, dx

    F is the share of rows below x. It is how far, on average, values have to be moved.

    Args:
        truth: Series or array (time, channels).
        forecast: the same channels; the number of rows may be another.

    Returns:
        W (channels,).

    Raises:
        DataError: other channels, a value that is missing or not finite, a channel of the truth that does not vary.

    Example:
        >>> x = np.array([[-1.0], [1.0]])
        >>> marginal_wasserstein(x, x + 0.5).tolist()
        [0.5]
    """
    y, y_hat = pair(truth, forecast)
    ends = zip(np.sort(y, axis=0).T, np.sort(y_hat, axis=0).T, strict=True)
    return np.array([_distance(a, b) for a, b in ends]) / y.std(axis=0)


def moment_errors(truth: Any, forecast: Any) -> np.ndarray:
    r"""What is wrong with mean, standard deviation, third and fourth moment of each channel.

    .. math:: \frac{\hat\mu - \mu}{\sigma}, \quad \frac{\hat\sigma}{\sigma} - 1, \quad
        \frac{\hat m_3 - m_3}{\sigma^3}, \quad \frac{\hat m_4 - m_4}{\sigma^4}, \qquad m_k = \mathrm{mean}(y - \mu)^k

    All in standard deviations of the truth, so that a forecast that stands still has them too. The moments of the
    forecast are about its own mean.

    Args:
        truth: Series or array (time, channels).
        forecast: the same channels; the number of rows may be another.

    Returns:
        The four differences (4, channels), with their sign.

    Raises:
        DataError: as `marginal_wasserstein`.

    Example:
        >>> x = np.array([[-1.0], [1.0]])
        >>> moment_errors(x, 2 * x + 1)[:, 0].tolist()
        [1.0, 1.0, 0.0, 15.0]
    """
    y, y_hat = pair(truth, forecast)
    mean, spread = y.mean(axis=0), y.std(axis=0)
    moments = []
    for values in ((y - mean) / spread, (y_hat - mean) / spread):
        centre = values.mean(axis=0)
        away = values - centre
        moments.append([centre, away.std(axis=0), (away**3).mean(axis=0), (away**4).mean(axis=0)])
    return np.array(moments[1]) - np.array(moments[0])


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    """The integral of the difference of two distribution functions, of sorted values."""
    if len(a) == len(b):
        return float(np.abs(a - b).mean())
    x = np.sort(np.concatenate([a, b]))
    F, G = (np.searchsorted(each, x[:-1], "right") / len(each) for each in (a, b))
    return float((np.abs(F - G) * np.diff(x)).sum())
