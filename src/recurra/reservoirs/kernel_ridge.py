"""Kernel ridge regression: every ridge from one eigendecomposition of the kernel matrix of the centres."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from recurra.reservoirs.kernels import Kernel
from recurra.reservoirs.readout import BandPath, RidgePath, RowSum, empty_sum


@dataclass(frozen=True, eq=False)
class KernelPath:
    r"""The kernel ridge regression of rows on centres, for every ridge.

    .. math:: f(z) = c + \sum_j a_j k(z, z_j), \qquad
        \min_{c, a} \sum_i \|y_i - f(z_i)\|^2 + \lambda s_1 \, a^T K a

    K is the matrix of the centres. With K = U S U^T the features W^T k(z), W = U S^{-1/2}, have coefficients of the
    norm a^T K a: the ridge regression of the targets on them is the minimum. Eigenvalues of K below rounding are left
    out, which bounds the coefficients. The constant is not penalised; the ridge is relative to the largest squared
    singular value s_1 of the centred features, that of H K H where all rows are centres, H = 1 - 1 1^T / n.

    Args:
        path: of the features.
        W: (centres, features).

    References: C. Saunders, A. Gammerman, V. Vovk, International Conference on Machine Learning 1998, 515-521;
    for fewer centres than rows, A. J. Smola, B. Schoelkopf, International Conference on Machine Learning 2000, 911-918.
    """

    path: RidgePath | BandPath
    W: np.ndarray

    @staticmethod
    def of(
        kernel: Kernel, rows: Iterable[tuple[np.ndarray, np.ndarray]], channels: int, pause: Callable[[], None]
    ) -> "KernelPath":
        """Decompose the kernel matrix, and add all rows to the sum of their features.

        Args:
            kernel: with its centres.
            rows: vectors (variables, rows) and targets (rows, channels), block by block.
            channels: of the targets.
            pause: called between blocks; may raise, to stop.
        """
        s, U = scipy.linalg.eigh(kernel(kernel.centres), overwrite_a=True, check_finite=False)
        kept = s > s[-1] * len(s) * np.finfo(float).eps
        W = U[:, kept] / np.sqrt(s[kept])
        total: RowSum = empty_sum(W.shape[1], channels)
        for vectors, targets in rows:
            pause()
            total = total.add(kernel(vectors).T @ W, targets)
        return KernelPath(total.path(), W)

    def solve(self, ridge: float) -> np.ndarray:
        """Coefficients [c, a] for a ridge, shape (channels, 1 + centres)."""
        found = self.path.solve(ridge)
        return np.ascontiguousarray(np.concatenate([found[:, :1], found[:, 1:] @ self.W.T], axis=1))
