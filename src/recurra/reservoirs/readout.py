"""Linear readouts in closed form: sums over blocks of rows, then one ridge, or every ridge from one decomposition.

Below `QR_LIMIT` features the sum is a triangular factor, updated block by block: it keeps the singular values of the
states down to rounding, which noiseless data need (ridges near 1e-20). Above, it is a float64 Gram matrix, cheaper but
blind to singular values below 1e-8 of the largest. The states themselves are never all stored.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np
import scipy.linalg

from recurra.reservoirs.band import Band, largest_square
from recurra.reservoirs.triangle import PANEL, WIDE, tpqrt, with_rows

QR_LIMIT = 2000
BAND = 150  # features from which on a band matrix is faster than the singular values
_SEEN = 1e-12  # ridges from which on a Gram matrix is surely positive


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

    def path(self) -> "RidgePath | BandPath":
        """The solutions for every ridge."""
        ...

    def solve(self, ridge: float) -> np.ndarray:
        """The solution for one ridge, as `path` gives it."""
        ...

    def left(self, coefficients: np.ndarray) -> float:
        """The sum of squares, over rows and targets, of what coefficients [c, V] leave of the targets."""
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
        if self.features < WIDE:
            R, _, _ = tpqrt(0, min(PANEL, len(self.R)), self.R, np.asfortranarray(block), overwrite_b=True)
        else:
            R = with_rows(self.R, np.asfortranarray(block))
        return TriangularFactor(R, self.features, self.rows + len(features))

    def leading(self, features: int) -> "TriangularFactor":
        """The factor of the first so many features alone, from the same rows."""
        n = 1 + features
        top, below = self.R[:n, 1 + self.features :], self.R[n:, 1 + self.features :]
        R = np.zeros((n + below.shape[1],) * 2, order="F")
        R[:n, :n], R[:n, n:] = self.R[:n, :n], top
        R[n:, n:] = scipy.linalg.qr(below, mode="r", check_finite=False)[0][: below.shape[1]]
        return TriangularFactor(R, features, self.rows)

    def path(self) -> "RidgePath | BandPath":
        """Row 0 of R is the mean; what is left belongs to the centred data."""
        return self._centred() if self.features >= BAND else self._centred().singular

    def solve(self, ridge: float) -> np.ndarray:
        """The solution for one ridge: the factor with the penalty as further rows."""
        centred, n = self._centred(), self.features
        penalty = ridge * largest_square(centred.R) if n >= BAND else 0.0
        if penalty <= 0:
            return centred.singular.solve(ridge)
        A = np.zeros((n + centred.rhs.shape[1],) * 2, order="F")
        A[:n, :n], A[:n, n:] = centred.R, centred.rhs
        rows = np.zeros((n, len(A)), order="F")
        rows[np.arange(n), np.arange(n)] = np.sqrt(penalty)
        found, _, _ = tpqrt(n, PANEL, A, rows, overwrite_a=True, overwrite_b=True)
        V = scipy.linalg.solve_triangular(found[:n, :n], found[:n, n:], check_finite=False)
        return _with_constant(V.T, centred.feature_means, centred.target_means)

    def left(self, coefficients: np.ndarray) -> float:
        """The length of R [-c, -V, 1]^T, squared."""
        return float(np.sum(self.squares_left(coefficients)))

    def squares_left(self, coefficients: np.ndarray) -> np.ndarray:
        """The same of each target (targets,)."""
        return np.sum((self.R @ _errors(coefficients)) ** 2, axis=0)

    def damped(self, ridge: float) -> np.ndarray:
        """The upper triangular L of [1, features] with the penalty of a ridge, L^T L = [1, H]^T [1, H] + penalty."""
        n = 1 + self.features
        rows = np.zeros((n, n), order="F")
        rows[np.arange(1, n), np.arange(1, n)] = np.sqrt(ridge * largest_square(self._centred().R))
        L, _, _ = tpqrt(n, min(PANEL, n), np.asfortranarray(self.R[:n, :n]), rows, overwrite_b=True)
        return np.triu(L)

    def _centred(self) -> "BandPath":
        n = 1 + self.features
        means = self.R[0, 1:] / self.R[0, 0]
        parts = np.triu(self.R[1:n, 1:n]), self.R[1:n, n:].copy()
        return BandPath(*parts, means[: self.features], means[self.features :])


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

    def leading(self, features: int) -> "GramSum":
        """The sums of the first so many features alone."""
        kept = np.r_[: 1 + features, 1 + self.features : len(self.G)]
        return GramSum(self.G[np.ix_(kept, kept)], features, self.rows)

    def path(self) -> "RidgePath":
        """The eigenvectors of the centred Gram matrix are the right singular vectors of the centred features."""
        centred, means = self._centred()
        s2, V = scipy.linalg.eigh(centred[:, : self.features], check_finite=False)
        return RidgePath(
            V,
            np.maximum(s2, 0),
            V.T @ centred[:, self.features :],
            means[: self.features],
            means[self.features :],
        )

    def solve(self, ridge: float) -> np.ndarray:
        """The solution for one ridge by Cholesky's decomposition, where the sums can tell the ridge from none."""
        if ridge < _SEEN:
            return self.path().solve(ridge)
        centred, means = self._centred()
        A, n = centred[:, : self.features], self.features
        top = np.sqrt(largest_square(A))
        if top == 0:
            return self.path().solve(ridge)
        factor = scipy.linalg.cho_factor(A + ridge * top * np.eye(n), overwrite_a=True, check_finite=False)
        V = scipy.linalg.cho_solve(factor, centred[:, n:], check_finite=False)
        return _with_constant(V.T, means[:n], means[n:])

    def left(self, coefficients: np.ndarray) -> float:
        """The trace of E^T G E with E = [-c, -V, 1]^T; blind below 1e-16 of the targets' own squares."""
        errors = _errors(coefficients)
        return float(np.sum(errors * (self.G @ errors)))

    def _centred(self) -> tuple[np.ndarray, np.ndarray]:
        """Sums of products of centred features with these and the targets, and the means of both."""
        n = 1 + self.features
        means = self.G[0, 1:] / self.rows
        return self.G[1:n, 1:] - np.outer(self.G[1:n, 0], means), means


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
        return _with_constant(V, self.feature_means, self.target_means)


@dataclass(frozen=True, eq=False)
class BandPath:
    """The same from the triangular factor of the centred features, without its singular vectors.

    Args:
        R: the factor (features, features).
        rhs: what the decomposition made of the targets (features, targets).
        feature_means, target_means: of the rows seen.
    """

    R: np.ndarray
    rhs: np.ndarray
    feature_means: np.ndarray
    target_means: np.ndarray

    @property
    def s2(self) -> np.ndarray:
        """The largest squared singular value alone."""
        return np.array([self._band.largest])

    def solve(self, ridge: float) -> np.ndarray:
        """Coefficients [c, V] for a ridge, shape (targets, 1 + features)."""
        penalty = ridge * self._band.largest
        if penalty <= 0:  # least squares: the shortest of several solutions is found by the singular values
            return self.singular.solve(ridge)
        V = self._band.back(self._band.solve(penalty)).T
        return _with_constant(V, self.feature_means, self.target_means)

    @cached_property
    def singular(self) -> RidgePath:
        """The path by the singular value decomposition."""
        U, s, Vt = scipy.linalg.svd(self.R, full_matrices=False, check_finite=False)
        return RidgePath(Vt.T, s**2, s[:, None] * (U.T @ self.rhs), self.feature_means, self.target_means)

    @cached_property
    def _band(self) -> Band:
        return Band.of(self.R, self.rhs)


def _errors(coefficients: np.ndarray) -> np.ndarray:
    """The combinations of [1, features, targets] that are the errors: (1 + features + targets, targets)."""
    return np.concatenate([-coefficients.T, np.eye(len(coefficients))])


def _with_constant(V: np.ndarray, feature_means: np.ndarray, target_means: np.ndarray) -> np.ndarray:
    """[c, V] with the constant that belongs to the means."""
    c = target_means - V @ feature_means
    return np.ascontiguousarray(np.concatenate([c[:, None], V], axis=1))


def empty_sum(features: int, targets: int) -> TriangularFactor | GramSum:
    """The sum to use for this many features."""
    return (TriangularFactor if features <= QR_LIMIT else GramSum).empty(features, targets)
