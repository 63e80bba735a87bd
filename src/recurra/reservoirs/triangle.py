"""Rows below a triangular factor: the update of a QR decomposition."""

from typing import Any

import numpy as np
import scipy.linalg
import scipy.linalg.blas
import scipy.linalg.lapack

from recurra.reservoirs.pieces import in_pieces

PANEL = 64  # columns that are eliminated at once
WIDE = 1500  # columns from which on the others are updated in pieces
_INNER = 16
_dgemm: Any = scipy.linalg.blas.dgemm  # pyright: ignore[reportAttributeAccessIssue]


def tpqrt(height: int, panel: int, A: np.ndarray, B: np.ndarray, **overwrite: bool) -> tuple[Any, Any, Any]:
    """LAPACK's QR decomposition of [A; B], A upper triangular, the last `height` rows of B upper trapezoidal."""
    R, V, T, info = scipy.linalg.lapack.dtpqrt(  # pyright: ignore[reportAttributeAccessIssue]
        height, panel, A, B, **overwrite
    )
    checked("tpqrt", info)
    return R, V, T


def with_rows(R: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The triangular factor of [R; rows], as `tpqrt` finds it, on several threads; the rows are used up.

    Args:
        R: upper triangular (size, size).
        rows: (count, size), in Fortran order.
    """
    R, size = np.array(R, order="F"), len(R)
    for first in range(0, size, PANEL):
        last = min(first + PANEL, size)
        width = last - first
        inner = min(_INNER, width)
        panel = np.asfortranarray(R[first:last, first:last])
        R[first:last, first:last], V, T = tpqrt(0, inner, panel, rows[:, first:last], overwrite_b=True)
        if last < size:
            _update(R[first:last, last:], rows[:, last:], V, _joined(V, T, inner))
    return R


def _joined(V: np.ndarray, T: np.ndarray, inner: int) -> np.ndarray:
    """The factor of all reflections of a panel from those of its parts: T^-1 + T^-T = V^T V, with diagonal tau."""
    at = np.arange(V.shape[1])
    tau = T[at % inner, at]
    above = np.triu(_dgemm(1.0, V, V, trans_a=True), 1)
    system = np.eye(len(tau)) + tau[:, None] * above
    return scipy.linalg.solve_triangular(system, np.diag(tau), unit_diagonal=True, check_finite=False)


def _update(top: np.ndarray, rows: np.ndarray, V: np.ndarray, T: np.ndarray) -> None:
    """Apply the reflections I - [I; V] T [I; V]^T, transposed, to the other columns."""

    def part(first: int, last: int) -> None:
        if first == last:
            return
        below = rows[:, first:last]  # whole columns: contiguous, and updated in place
        start = np.asfortranarray(top[:, first:last])
        sums = _dgemm(1.0, T, _dgemm(1.0, V, below, 1.0, start, trans_a=True), trans_a=True)
        top[:, first:last] -= sums
        _dgemm(-1.0, V, sums, 1.0, below, overwrite_c=True)

    in_pieces(rows.shape[1], part)


def checked(name: str, info: int) -> None:
    """Refuse a failure of LAPACK, which an illegal argument alone can cause."""
    if info != 0:
        raise AssertionError(f"LAPACK {name}: argument {-info} is illegal")
