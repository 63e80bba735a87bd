"""The return map of Lorenz: how high a maximum is after one of a given height, and how far two such maps are apart."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from recurra.diagnostics.tables import one_channel, pair, step
from recurra.errors import DataError

_MOST = 2000  # points of a map that are compared, evenly spaced in time


@dataclass(frozen=True, eq=False)
class ReturnMap:
    """The maxima of a channel, one after another.

    Attributes:
        heights: (count,), in the units of the channel.
        times: (count,), from the first row of the series, in time units.
    """

    heights: np.ndarray
    times: np.ndarray

    @property
    def points(self) -> np.ndarray:
        """(count - 1, 2): each height, and the next."""
        return np.stack([self.heights[:-1], self.heights[1:]], axis=1)

    @property
    def intervals(self) -> np.ndarray:
        """(count - 1,): the times from each maximum to the next."""
        return np.diff(self.times)


def return_map(series: Any, channel: str | int | None = None, *, dt: float | None = None) -> ReturnMap:
    """The successive maxima of a channel, each at the top of the parabola through three rows.

    A row is a maximum that is above the row before and not below the one after; the first and the last are none. With
    noise every wiggle is one: smooth the series first.

    Args:
        series: Series or array (time, channels).
        channel: its name or number; None where there is one alone.
        dt: step between rows in time units; None for that of the series, or 1.

    Raises:
        DataError: a value that is missing or not finite, a break, fewer than 3 rows, several channels and none chosen.
        ConfigError: a channel that is not there.

    Reference: E. N. Lorenz, Journal of the Atmospheric Sciences 20 (1963) 130-141, figure 4.

    Example:
        >>> found = return_map(np.cos(0.1 * np.arange(400)))
        >>> found.heights.round(4).tolist(), (found.intervals / (20 * np.pi)).round(4).tolist()
        ([1.0, 1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0])
    """
    x = one_channel(series, channel, fewest=3)
    k = np.flatnonzero((x[1:-1] > x[:-2]) & (x[1:-1] >= x[2:])) + 1
    left, top, right = x[k - 1], x[k], x[k + 1]
    bend = left - 2 * top + right  # below zero at a maximum
    shift = 0.5 * (left - right) / bend
    return ReturnMap(top - (right - left) ** 2 / (8 * bend), (k + shift) * step(series, dt))


def return_map_distance(truth: Any, forecast: Any, channel: str | int | None = None) -> float:
    r"""Energy distance of the points of two return maps, in standard deviations of the channel of the truth.

    .. math:: D = \sqrt{2 E|X - Y| - E|X - X'| - E|Y - Y'|}

    X and X' are points (height, next height) of the truth, Y and Y' of the forecast, drawn independently. It is a
    metric of distributions in the plane. Of a map with more than 2000 points as many are taken, evenly spaced in time.

    Args:
        truth: Series or array (time, channels).
        forecast: the same channels; the number of rows may be another.
        channel: its name or number; None where there is one alone.

    Returns:
        D; infinity where the forecast has less than two maxima, for instance at a fixed point.

    Raises:
        DataError: as `return_map`, of both; other channels; less than two maxima in the truth.
        ConfigError: a channel that is not there.

    Reference: G. J. Szekely, M. L. Rizzo, Journal of Statistical Planning and Inference 143 (2013) 1249-1272.

    Example:
        >>> t = 0.1 * np.arange(4000)
        >>> round(return_map_distance(np.sin(t), np.sin(t + 1)), 2), return_map_distance(np.sin(t), 0 * t)
        (0.0, inf)
    """
    y, _ = pair(truth, forecast, fewest=3, unbroken=True)
    X, Y = (return_map(data, channel).points for data in (truth, forecast))
    if not len(X):
        raise DataError("the truth has less than two maxima in this channel: there is no return map to compare with")
    if not len(Y):
        return float("inf")
    X, Y = (points[:: -(-len(points) // _MOST)] for points in (X, Y))
    spread = one_channel(truth, channel).std() if y.shape[1] > 1 else y.std()
    energy = 2 * cdist(X, Y).mean() - cdist(X, X).mean() - cdist(Y, Y).mean()
    return float(np.sqrt(max(energy, 0.0)) / spread)
