"""Recursive least squares: the readout that is the best for all rows so far, after every row."""

from dataclasses import dataclass, replace

import numpy as np
import scipy.linalg

from recurra.reservoirs.readout import TriangularFactor

_SINGULAR = 1e-15  # of the largest diagonal entry, for each feature: below it a direction has never been seen


@dataclass(frozen=True, eq=False)
class RecursiveLeastSquares:
    r"""Recursive least squares with forgetting, in square-root form.

    .. math:: V_n = \arg\min_V \sum_{i=1}^n \mu^{n-i} \|y_i - c - V x_i\|^2 + \mu^n p \|V\|^2

    What is kept is not the inverse P of the weighted sum of squares, which rounding makes asymmetric and then
    indefinite, but the triangular factor R with R^T R = P^{-1}, to which every row is added by rotations. So with
    mu = 1 it is the ridge regression of all rows with the absolute penalty p; the constant c is not penalised.

    Args:
        factor: R beside the rotated targets.
        forgetting: mu in (0, 1]; 1 / (1 - mu) rows are remembered.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x = rng.standard_normal((50, 2))
        >>> online = RecursiveLeastSquares.start(2, 1, penalty=1e-12)
        >>> for row in x:
        ...     online = online.update(row[None], 3 + row[None] @ [[1.0], [-2.0]])
        >>> online.coefficients.round(6).tolist()
        [[3.0, 1.0, -2.0]]

    Reference: S. Haykin, Adaptive Filter Theory, 4th edition, Prentice Hall 2002, chapters 9 and 11.
    """

    factor: TriangularFactor
    forgetting: float = 1.0

    @staticmethod
    def start(features: int, targets: int, *, penalty: float, forgetting: float = 1.0) -> "RecursiveLeastSquares":
        """Before any row: the penalty alone.

        Args:
            features, targets: their numbers.
            penalty: p, in the squared unit of a target for a unit weight.
            forgetting: mu.
        """
        factor = TriangularFactor.empty(features, targets)
        weights = np.arange(1, 1 + features)
        factor.R[weights, weights] = np.sqrt(penalty)
        return RecursiveLeastSquares(factor, forgetting)

    @property
    def features(self) -> int:
        """The number of features."""
        return self.factor.features

    @property
    def rows(self) -> int:
        """Rows seen so far."""
        return self.factor.rows

    @property
    def coefficients(self) -> np.ndarray:
        """[c, V], shape (targets, 1 + features); the smallest where the rows leave a direction open."""
        n = 1 + self.features
        R, z = self.factor.R[:n, :n], self.factor.R[:n, n:]
        size = np.abs(np.diag(R))
        if size.min() > _SINGULAR * n * size.max():
            return scipy.linalg.solve_triangular(R, z, check_finite=False).T
        return scipy.linalg.lstsq(np.triu(R), z, cond=_SINGULAR * n, check_finite=False)[0].T  # pyright: ignore

    def update(self, features: np.ndarray, targets: np.ndarray) -> "RecursiveLeastSquares":
        """The readout after some more rows, the latest last; what it was stays as it was.

        Args:
            features: (rows, features).
            targets: (rows, targets).
        """
        if self.forgetting == 1:
            return replace(self, factor=self.factor.add(features, targets))
        fade = np.sqrt(self.forgetting) ** np.arange(len(features) + 1)
        older = replace(self.factor, R=self.factor.R * fade[-1])
        return replace(self, factor=older.add(features, targets, weights=fade[-2::-1]))
