"""What linear readouts of states can say of targets: squared correlations without what chance adds, and their error."""

import numpy as np

from recurra.errors import DataError
from recurra.threads import one_blas_thread

_BLOCKS = 10  # of rows, each left out once for the error
_FEWEST = 1000  # rows
_FREE = 1e-9  # of a row: what a readout at least leaves free, for a row that alone says what a direction is


class Readouts:
    r"""All linear readouts a + b . h of some states, fitted by least squares.

    .. math:: e_t = z_t - a - b \cdot h_t, \quad
        C[z] = 1 - \frac{\sum_t e_t^2 / (1 - l_t)}{\sum_t (z_t - \bar z)^2}

    C is the squared correlation of a target with the best readout of it, without what chance adds: on m rows n
    independent states correlate with pure noise too, by n / (m - 1) in the mean. The fit makes e_t^2 too small by the
    factor 1 - l_t, l_t the leverage of the row, and that is taken back row by row, since large targets come with large
    states. A readout that is exact stays so, and no sum of capacities grows with the number of its targets. It asks for
    targets without memory of their own, such as functions of white noise.

    Args:
        states: h (rows, states), after a transient. Directions that only rounding knows are left out.

    Reference: S. D. Horn, R. A. Horn, D. B. Duncan, Journal of the American Statistical Association 70 (1975) 380-385,
    for the variance of residuals by leverage.
    """

    def __init__(self, states: np.ndarray) -> None:
        size = states.std(axis=0)
        with one_blas_thread():
            U, s, _ = np.linalg.svd((states - states.mean(axis=0)) / np.where(size > 0, size, 1.0), full_matrices=False)
        self._basis = U[:, s > s.max(initial=0.0) * max(states.shape) * np.finfo(np.float64).eps]
        free = np.maximum(1 - 1 / len(states) - (self._basis**2).sum(axis=1), _FREE)
        self._weight = (1 - 1 / len(states)) / free
        self._starts = np.linspace(0, len(states), _BLOCKS, endpoint=False).astype(int)

    @property
    def rank(self) -> int:
        """The independent directions of the states."""
        return self._basis.shape[1]

    def capacities(self, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of each target (rows, targets) its capacity (targets,), and the same without each block (blocks, targets)."""
        z = targets - targets.mean(axis=0)
        with one_blas_thread():
            e = z - self._basis @ (self._basis.T @ z)
        missed = np.add.reduceat(e**2 * self._weight[:, None], self._starts, axis=0)
        there = np.add.reduceat(z**2, self._starts, axis=0)
        whole, left = missed.sum(axis=0), there.sum(axis=0)
        return _known(whole, left), _known(whole - missed, left - there)


def _known(missed: np.ndarray, there: np.ndarray) -> np.ndarray:
    """1 - missed / there, and 0 of a target that does not vary."""
    return np.where(there > 0, 1 - missed / np.where(there > 0, there, 1.0), 0.0)


def error_of_sum(without: np.ndarray) -> float:
    """The standard error of a sum from what it is without each block of rows (blocks, summands): the jackknife."""
    sums = without.sum(axis=1)
    return float(np.sqrt((len(sums) - 1) / len(sums) * ((sums - sums.mean()) ** 2).sum()))


def checked(states: np.ndarray, inputs: np.ndarray, lags: int) -> tuple[np.ndarray, np.ndarray]:
    """States and inputs as float64; refuses what does not fit together, is not finite or is too short for the lags."""
    h, x = np.asarray(states, np.float64), np.asarray(inputs, np.float64)
    if h.ndim != 2 or x.shape != h.shape[:1] or not np.isfinite(h).all() or not np.isfinite(x).all():
        raise DataError(f"states (time, units) and inputs (time,), all finite, have the shapes {h.shape} and {x.shape}")
    fewest = max(_FEWEST, 4 * (h.shape[1] + lags))
    if len(x) < fewest:
        raise DataError(f"{len(x)} rows are too few for {h.shape[1]} units and {lags} lags: take {fewest}")
    return h, x


def past(x: np.ndarray, lags: int) -> np.ndarray:
    """Row by row the inputs of lag 0, 1, ..., lags - 1 (rows, lags), from the first row that has them all."""
    return np.lib.stride_tricks.sliding_window_view(x, lags)[:, ::-1]
