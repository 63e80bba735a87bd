"""The linear (vector) autoregression: several orders from one decomposition."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from recurra._types import LOST, Batch, BatchDrive, BatchInputs, Row
from recurra.threads import one_blas_thread


@dataclass(frozen=True)
class LinearAR:
    r"""(Vector) autoregression with a constant and, where there is a drive, its lags (ARX).

    .. math:: y_{t+1} = a + \sum_{k=0}^{p-1} A_k x_{t-k}, \qquad x_t = [y_t, u_{t+1}]

    Args:
        coefficients: [a, A_0, ..., A_{p-1}] side by side, shape (channels, 1 + p features).

    The state is the last p - 1 inputs x, latest first; before any data they are the mean, zero.

    Reference: H. Luetkepohl, New Introduction to Multiple Time Series Analysis, Springer 2005, chapters 2 and 10.
    """

    coefficients: np.ndarray
    features: int

    @property
    def order(self) -> int:
        """The number of lags p."""
        return (self.coefficients.shape[1] - 1) // self.features

    @property
    def growth(self) -> float:
        """Factor by which a deviation grows in a step of the closed loop, in the long run: the largest modulus of the
        eigenvalues of the companion matrix [A_0 ... A_{p-1}; 1 0 ...] of the forecast channels."""
        channels = len(self.coefficients)
        lags = self.coefficients[:, 1:].reshape(channels, self.order, self.features)[:, :, :channels]
        companion = np.eye(channels * self.order, k=-channels)
        companion[:channels] = lags.reshape(channels, -1)
        return float(np.abs(scipy.linalg.eigvals(companion)).max())

    def initial_state(self, batch: int) -> np.ndarray:
        return np.zeros((batch, self.order - 1, self.features))

    def run(self, state: np.ndarray, inputs: BatchInputs) -> tuple[np.ndarray, Batch]:
        if inputs.shape[1] == 0:
            return state, np.empty((len(inputs), 0, len(self.coefficients)))
        padded = np.concatenate([state[:, ::-1], inputs], axis=1)
        forecasts = np.stack([self._apply(_lagged(one, self.order)) for one in padded])
        return padded[:, : padded.shape[1] - self.order : -1], forecasts

    def free_run(self, state: np.ndarray, last: Row, drive: BatchDrive) -> tuple[np.ndarray, Batch]:
        forecasts = np.empty((len(last), drive.shape[1], last.shape[1]))
        y = last
        for k in range(drive.shape[1]):
            recent = np.concatenate([np.concatenate([y, drive[:, k]], axis=1)[:, None], state], axis=1)
            y = np.clip(self._apply(recent.reshape(len(y), -1)), -LOST, LOST)
            forecasts[:, k] = y
            state = recent[:, : self.order - 1]
        return state, forecasts

    def _apply(self, lags: np.ndarray) -> np.ndarray:
        return self.coefficients[:, 0] + lags @ self.coefficients[:, 1:].T


def fit_linear(
    parts: list[tuple[np.ndarray, np.ndarray]],
    orders: Sequence[int],
    cutoffs: Sequence[float] = (1e-12,),
    half_life: float | None = None,
) -> dict[tuple[int, float], LinearAR]:
    """Least-squares autoregressions of several orders, from one QR decomposition of the largest.

    The columns are ordered by lag, so the leading block of the triangular factor belongs to each smaller order;
    every order sees the same rows, those with the largest number of lags.

    Singular values below `cutoff` times the largest count as zero. Rows without noise do not determine the lags
    beyond the true order; the solution of smallest norm keeps the roots that they add inside the unit circle, so
    that the closed loop is stable.

    Args:
        parts: (inputs, targets) of each series, (rows, features) and (rows, channels), target t beside input t. NaN is
            a missing value: only rows are used whose lags and targets are all there.
        orders: numbers of lags, each with fewer unknowns than there are rows.
        cutoffs: smallest relative singular values that are kept.
        half_life: rows before the last one of its part at which the square of an error counts half; None for alike.

    Returns:
        One `LinearAR` for each (order, cutoff).

    Reference: D. W. Tufts, R. Kumaresan, Proceedings of the IEEE 70 (1982) 975-989.
    """
    largest = max(orders)
    features = parts[0][0].shape[1]
    long = [part for part in parts if len(part[0]) >= largest]  # the others hold no row with all lags
    lags = np.concatenate([_lagged(inputs, largest) for inputs, _ in long])
    targets = np.concatenate([targets[largest - 1 :] for _, targets in long])
    table = np.concatenate([np.ones((len(lags), 1)), lags, targets], axis=1)
    if half_life is not None:
        ages = np.concatenate([np.arange(len(part[0]) - largest, -1, -1) for part in long])
        table *= 0.5 ** (ages[:, None] / (2 * half_life))
    table = table[np.isfinite(table).all(axis=1)]
    with one_blas_thread():
        R = np.asarray(np.linalg.qr(table, mode="r"))
        return _solutions(R, features, largest, orders, cutoffs)


def _solutions(
    R: np.ndarray, features: int, largest: int, orders: Sequence[int], cutoffs: Sequence[float]
) -> dict[tuple[int, float], LinearAR]:
    width = 1 + largest * features
    fitted = {}
    for order in orders:
        U, s, Vt = scipy.linalg.svd(R[:width, : 1 + order * features], full_matrices=False, check_finite=False)
        projected = U.T @ R[:width, width:]
        for cutoff in cutoffs:
            kept = s > cutoff * s[0]
            solution = Vt[kept].T @ (projected[kept] / s[kept, None])
            fitted[order, cutoff] = LinearAR(np.ascontiguousarray(solution.T), features)
    return fitted


def _lagged(inputs: np.ndarray, order: int) -> np.ndarray:
    """Rows [x[t], x[t-1], ..., x[t-order+1]] for every t that has them all: (rows - order + 1, order features)."""
    stacked = np.lib.stride_tricks.sliding_window_view(inputs, order, axis=0)  # (rows, features, order)
    return np.ascontiguousarray(stacked.transpose(0, 2, 1)[:, ::-1]).reshape(len(stacked), -1)
