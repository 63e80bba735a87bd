"""Linear readouts in closed form: sums over blocks of rows, then every ridge from one decomposition.

Below `QR_LIMIT` features the sum is a triangular factor, updated block by block: it keeps the singular values of the
states down to rounding, which noiseless data need (ridges near 1e-20). Above, it is a float64 Gram matrix, cheaper but
blind to singular values below 1e-8 of the largest. The states themselves are never all stored.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import scipy.linalg
import scipy.linalg.lapack

QR_LIMIT = 2000
_PANEL = 32  # columns that LAPACK's blocked update treats at once


@runtime_checkable
class RowSum(Protocol):
    """What a stream of (features, targets) rows leaves behind."""

    @property
    def rows(self) -> int:
        """Rows seen so far."""
        ...

    def add(self, features: np.ndarray, targets: np.ndarray) -> "RowSum":
        """The sum with a block of rows added; the old sum stays as it was."""
        ...

    def path(self) -> "RidgePath":
        """The solutions for every ridge."""
        ...


@dataclass(frozen=True, eq=False)
class TriangularFactor:
    """The upper triangular R of a QR decomposition of [1, features, targets], updated block by block.

    Args:
        R: the factor, (1 + features + targets) square; zeros before any row.
        features: number of features.
        rows: rows seen so far.
    """

    R: np.ndarray
    features: int
    rows: int = 0

    @staticmethod
    def empty(features: int, targets: int) -> "TriangularFactor":
        """No rows yet."""
        size = 1 + features + targets
        return TriangularFactor(np.zeros((size, size), order="F"), features)

    def add(
        self, features: np.ndarray, targets: np.ndarray, *, weights: np.ndarray | None = None
    ) -> "TriangularFactor":
        """QR of the old factor with the new rows below it (LAPACK's tpqrt uses that the factor is triangular).

        Args:
            features, targets: the new rows.
            weights: (rows,) by which each of them is multiplied; None for 1.
        """
        block = np.concatenate([np.ones((len(features), 1)), features, targets], axis=1)
        if weights is not None:
            block *= weights[:, None]
        panel = min(_PANEL, len(self.R))
        R, _, _, info = scipy.linalg.lapack.dtpqrt(  # pyright: ignore[reportAttributeAccessIssue]
            0, panel, self.R, np.asfortranarray(block), overwrite_b=True
        )
        if info != 0:
            raise AssertionError(f"LAPACK tpqrt: argument {-info} is illegal")
        return TriangularFactor(R, self.features, self.rows + len(features))

    def path(self) -> "RidgePath":
        """Row 0 of R is the mean; what is left belongs to the centred data."""
        n = 1 + self.features
        U, s, Vt = scipy.linalg.svd(np.triu(self.R[1:n, 1:n]), full_matrices=False, check_finite=False)
        means = self.R[0, 1:] / self.R[0, 0]
        return RidgePath(
            Vt.T, s**2, s[:, None] * (U.T @ self.R[1:n, n:]), means[: self.features], means[self.features :]
        )


@dataclass(frozen=True, eq=False)
class GramSum:
    """Float64 sums of products of [1, features, targets], for more features than `QR_LIMIT`.

    Args:
        G: the Gram matrix, (1 + features + targets) square.
        features: number of features.
        rows: rows seen so far.
    """

    G: np.ndarray
    features: int
    rows: int = 0

    @staticmethod
    def empty(features: int, targets: int) -> "GramSum":
        """No rows yet."""
        size = 1 + features + targets
        return GramSum(np.zeros((size, size)), features)

    def add(self, features: np.ndarray, targets: np.ndarray) -> "GramSum":
        """The sums with a block of rows added."""
        block = np.concatenate([np.ones((len(features), 1)), features, targets], axis=1)
        return GramSum(self.G + block.T @ block, self.features, self.rows + len(features))

    def path(self) -> "RidgePath":
        """The eigenvectors of the centred Gram matrix are the right singular vectors of the centred features."""
        n = 1 + self.features
        means = self.G[0, 1:] / self.rows
        centred = self.G[1:n, 1:] - np.outer(self.G[1:n, 0], means)
        s2, V = scipy.linalg.eigh(centred[:, : self.features], check_finite=False)
        return RidgePath(
            V,
            np.maximum(s2, 0),
            V.T @ centred[:, self.features :],
            means[: self.features],
            means[self.features :],
        )


@dataclass(frozen=True, eq=False)
class RidgePath:
    r"""The ridge regression of centred targets on centred features, for every ridge at the cost of one product.

    .. math:: V_\lambda = \arg\min_V \|Y - 1 c^T - H V^T\|^2 + \lambda s_1^2 \|V\|^2
        \;=\; \left(Q \, \mathrm{diag}(1 / (s^2 + \lambda s_1^2)) \, q\right)^T

    The ridge lambda is relative to the largest squared singular value s_1^2 of the centred features, so that it does
    not depend on their scale or number. The constant c is not penalised.

    Args:
        Q: right singular vectors of the centred features (features, features).
        s2: squared singular values.
        q: Q^T H^T Y (features, targets).
        feature_means, target_means: of the rows seen.

    Reference: A. E. Hoerl, R. W. Kennard, Technometrics 12 (1970) 55-67.
    """

    Q: np.ndarray
    s2: np.ndarray
    q: np.ndarray
    feature_means: np.ndarray
    target_means: np.ndarray

    def solve(self, ridge: float) -> np.ndarray:
        """Coefficients [c, V] for a ridge, shape (targets, 1 + features)."""
        weight = self.s2 + ridge * self.s2.max()
        gain = np.divide(1.0, weight, out=np.zeros_like(weight), where=weight > 0)
        V = (self.Q @ (gain[:, None] * self.q)).T
        c = self.target_means - V @ self.feature_means
        return np.ascontiguousarray(np.concatenate([c[:, None], V], axis=1))


def empty_sum(features: int, targets: int) -> TriangularFactor | GramSum:
    """The sum to use for this many features."""
    return (TriangularFactor if features <= QR_LIMIT else GramSum).empty(features, targets)
