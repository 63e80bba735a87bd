"""Ridge regressions for many ridges from one triangular factor, by way of a band matrix.

Orthogonal transformations from both sides, all of them products of matrices, make R = P B Q^T with an upper triangular
B of few diagonals. A ridge then costs one QR decomposition of a band, and the singular value decomposition, which takes
three times as long, is not needed. Nothing is squared on the way: a ridge of 1e-34 of the largest squared singular
value is told from none.

Reference: L. Elden, BIT 17 (1977) 134-145, with bidiagonal B.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.linalg
import scipy.linalg.lapack
import scipy.sparse
import scipy.sparse.linalg

from recurra.reservoirs.pieces import in_pieces
from recurra.reservoirs.triangle import checked, tpqrt

WIDTH = 64  # diagonals of B above its main one
_PANEL = 32


@dataclass(frozen=True, eq=False)
class Reflection:
    """I - V T V^T: the product of as many Householder reflections as V has columns."""

    V: np.ndarray
    T: np.ndarray

    def transposed(self, X: np.ndarray) -> np.ndarray:
        """(I - V T V^T)^T X."""
        return X - self.V @ (self.T.T @ (self.V.T @ X))

    def apply(self, X: np.ndarray) -> np.ndarray:
        """(I - V T V^T) X."""
        return X - self.V @ (self.T @ (self.V.T @ X))


def _reflect(A: np.ndarray) -> tuple[Reflection, np.ndarray]:
    """The QR decomposition of a panel that is not wider than high: reflection and triangle."""
    width = A.shape[1]
    packed, T, info = scipy.linalg.lapack.dgeqrt(width, A)  # pyright: ignore[reportAttributeAccessIssue]
    checked("geqrt", info)
    V = np.tril(packed, -1)
    V[np.arange(width), np.arange(width)] = 1.0
    return Reflection(V, np.triu(T)), np.triu(packed[:width])


@dataclass(frozen=True, eq=False)
class Band:
    """R = P B Q^T, and what belongs to it.

    Args:
        blocks: of B: D on the diagonal and S beside it, both square or, at the end, as wide as what is left.
        right: the reflections of Q, each on the coordinates behind those of its block.
        rhs: P^T times the right-hand side (size, targets).
    """

    blocks: list[tuple[np.ndarray, np.ndarray]]
    right: list[Reflection]
    rhs: np.ndarray

    @property
    def size(self) -> int:
        """Of B."""
        return len(self.rhs)

    @staticmethod
    def of(R: np.ndarray, rhs: np.ndarray, width: int = WIDTH) -> "Band":
        """Reduce an upper triangular R (size, size) with its right-hand side (size, targets)."""
        size = len(R)
        A, rhs = np.array(R, order="C"), rhs.copy()
        work = np.empty(size * size)
        blocks, right = [], []
        for first in range(0, size, width):
            here = min(first + width, size)
            left, D = _reflect(A[first:, first:here])
            rhs[first:] = left.transposed(rhs[first:])
            rest = A[first:, here:]
            if rest.shape[1] == 0:
                blocks.append((D, rest[: here - first]))
                break
            _subtract(rest, left.V, left.T.T @ (left.V.T @ rest), work)
            wide = rest[: here - first].T
            if wide.shape[0] <= wide.shape[1]:  # the last block: nothing to gain from the right
                blocks.append((D, wide.T.copy()))
                continue
            other, S = _reflect(wide)
            blocks.append((D, S.T))
            right.append(other)
            below = A[here:, here:]
            _subtract(below, (below @ other.V) @ other.T, other.V.T, work)
        return Band(blocks, right, rhs)

    def solve(self, penalty: float) -> np.ndarray:
        """The z (size, targets) that minimises |B z - rhs|^2 + penalty |z|^2, penalty > 0."""
        steps, first = [], 0
        carried, targets = np.zeros((0, 0)), self.rhs.shape[1]
        for D, S in self.blocks:
            k, beside = S.shape
            A = np.zeros((k + beside + targets,) * 2, order="F")
            A[:k, :k], A[:k, k : k + beside], A[:k, k + beside :] = D, S, self.rhs[first : first + k]
            steps.append((A := _below(A, _damped(carried, k, targets, np.sqrt(penalty)), k), k, beside))
            carried, first = A[k:, k:], first + k
        z = np.empty_like(self.rhs)
        for A, k, beside in reversed(steps):
            first -= k
            known = A[:k, k + beside :] - A[:k, k : k + beside] @ z[first + k : first + k + beside]
            z[first : first + k] = scipy.linalg.solve_triangular(A[:k, :k], known, check_finite=False)
        return z

    def back(self, z: np.ndarray) -> np.ndarray:
        """Q z, the solution in the coordinates of R."""
        v = z.copy()
        for reflection in reversed(self.right):
            first = self.size - len(reflection.V)
            v[first:] = reflection.apply(v[first:])
        return v

    @cached_property
    def largest(self) -> float:
        """The largest squared singular value."""
        rows, columns, values, first = [], [], [], 0
        for D, S in self.blocks:
            both = np.concatenate([D, S], axis=1)
            i, j = np.nonzero(both)
            rows.append(first + i)
            columns.append(first + j)
            values.append(both[i, j])
            first += len(D)
        places = np.concatenate(rows), np.concatenate(columns)
        return largest_square(scipy.sparse.csr_array((np.concatenate(values), places), shape=(self.size, self.size)))


def largest_square(A: "np.ndarray | scipy.sparse.csr_array") -> float:
    """The largest squared singular value of a square matrix, by ARPACK from a fixed start; dense where it is small."""
    size = len(A) if isinstance(A, np.ndarray) else A.indptr.size - 1
    if size < 3 * _PANEL:
        whole = A if isinstance(A, np.ndarray) else A.toarray()
        return float(np.linalg.norm(whole, 2) ** 2) if size else 0.0
    scale = abs(A).max()
    if scale == 0:
        return 0.0
    A = A / scale
    product: Any = scipy.sparse.linalg.aslinearoperator(A)
    start = np.random.default_rng(0).standard_normal(size)
    found = scipy.sparse.linalg.eigsh(product.H @ product, k=1, v0=start, return_eigenvectors=False, maxiter=100 * size)
    return float(found[0] * scale**2)


def _damped(carried: np.ndarray, k: int, targets: int, root: float) -> np.ndarray:
    """What comes from the blocks above, with the penalty of these k unknowns: (k, k + targets), upper triangular."""
    A = np.zeros((k + targets, k + targets), order="F")
    A[: len(carried), : carried.shape[1]] = carried
    penalty = np.zeros((k, k + targets), order="F")
    penalty[np.arange(k), np.arange(k)] = root
    return _below(A, penalty, k)[:k]


def _below(A: np.ndarray, rows: np.ndarray, columns: int) -> np.ndarray:
    """The triangular factor of [A; rows]; A and the first columns of the rows are upper triangular."""
    if rows.shape[1] < len(A):  # the columns of the next block lie between
        wide = np.zeros((len(rows), len(A)), order="F")
        wide[:, :columns], wide[:, len(A) - (rows.shape[1] - columns) :] = rows[:, :columns], rows[:, columns:]
        rows = wide
    found, _, _ = tpqrt(len(rows), min(_PANEL, len(A)), A, rows, overwrite_a=True, overwrite_b=True)
    return np.triu(found)


def _subtract(A: np.ndarray, left: np.ndarray, right: np.ndarray, work: np.ndarray) -> None:
    """A -= left right, without new memory."""
    product = work[: A.size].reshape(A.shape)

    def part(first: int, last: int) -> None:
        np.matmul(left[first:last], right, out=product[first:last])
        np.subtract(A[first:last], product[first:last], out=A[first:last])

    in_pieces(len(A), part)
