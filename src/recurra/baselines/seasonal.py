"""The seasonal forecast, and the periods that the autocorrelation of the training rows shows."""

from dataclasses import dataclass

import numpy as np

from recurra._types import Batch, BatchDrive, BatchInputs, Row

SIGNIFICANT = 4.0  # standard errors of an autocorrelation that is zero


@dataclass(frozen=True)
class Seasonal:
    """Today is as a period ago: y[t + k] = y[t + k - m], the last of its kind repeated.

    Args:
        channels: number of forecast channels.
        period: m, in rows.

    The state is the m - 1 rows before the last one, oldest first; before any data they are the mean, zero.
    """

    channels: int
    period: int

    @property
    def order(self) -> int:
        """Rows that a forecast looks back on."""
        return self.period

    def initial_state(self, batch: int) -> np.ndarray:
        return np.zeros((batch, self.period - 1, self.channels))

    def run(self, state: np.ndarray, inputs: BatchInputs) -> tuple[np.ndarray, Batch]:
        rows = inputs.shape[1]
        known = np.concatenate([state, inputs[..., : self.channels]], axis=1)
        return known[:, rows:], known[:, :rows].copy()

    def free_run(self, state: np.ndarray, last: Row, drive: BatchDrive) -> tuple[np.ndarray, Batch]:
        season = np.concatenate([state, last[:, None]], axis=1)
        forecasts = season[:, np.arange(drive.shape[1]) % self.period]
        return np.concatenate([season, forecasts], axis=1)[:, -self.period : -1], forecasts


def periods(parts: list[np.ndarray], most: int = 5) -> list[int]:
    r"""Candidate periods, in rows: the peaks of the autocorrelation that chance does not explain.

    .. math:: r(k) = \frac{\sum_t y_t y_{t+k}}{\sum_t 1} \Big/ \frac{\sum_t y_t^2}{\sum_t 1}

    averaged over the channels; t runs over the n(k) pairs that were both measured. A peak counts beyond the first row m
    where r is below a standard error of zero, up to a third of the longest series, where it stands 4 standard errors
    above zero. The error is Bartlett's for a process that is not correlated over m rows or more,
    sqrt((1 + 2 sum_{j<m} r(j)^2) / n(k)): a red spectrum without a season makes it large, the season itself does not.

    Args:
        parts: series (time, channels) in scaled units, NaN where a value is missing.
        most: how many are returned.

    Returns:
        Periods, that of the largest r(k) n(k) first: of equal peaks the nearest, not a multiple of it. Empty where the
        rows show none.

    Reference: M. S. Bartlett, Supplement to the Journal of the Royal Statistical Society 8 (1946) 27-41.
    """
    longest = max(map(len, parts))
    lags = longest // 3
    if lags < 2:
        return []
    products, pairs = (np.sum(sums, axis=0) for sums in zip(*(_lagged_sums(part, lags) for part in parts), strict=True))
    with np.errstate(invalid="ignore", divide="ignore"):
        r = np.nanmean(products / np.maximum(pairs, 1) / (products[0] / pairs[0]), axis=1)
    rows = np.maximum(pairs.mean(axis=1), 1)
    spread = 1 + 2 * np.concatenate([[0.0, 0.0], np.cumsum(r[1:-1] ** 2)])
    below = np.flatnonzero(r < np.sqrt(spread / rows))
    if below.size == 0:
        return []
    m = max(1, below[0])
    k = np.arange(m, lags)
    peak = (r[k] >= r[k - 1]) & (r[k] > r[k + 1]) & (r[k] > SIGNIFICANT * np.sqrt(spread[m] / rows[k]))
    found = k[peak]
    return found[np.argsort(-(r * rows)[found], kind="stable")][:most].tolist()


def _lagged_sums(part: np.ndarray, lags: int) -> tuple[np.ndarray, np.ndarray]:
    """Sums of y[t] y[t + k] and numbers of pairs for k = 0 ... lags, (lags + 1, channels) each."""
    measured = ~np.isnan(part)
    size = 1 << (len(part) + lags - 1).bit_length()  # a power of two: its transform is fast

    def correlated(table: np.ndarray) -> np.ndarray:
        power = np.abs(np.fft.rfft(table, size, axis=0)) ** 2
        return np.fft.irfft(power, size, axis=0)[: lags + 1]

    return correlated(np.where(measured, part, 0.0)), np.round(correlated(measured.astype(np.float64)))
