"""The memory capacity of a linear network, from its weights alone: no sample is drawn, no covariance inverted."""

from typing import Any

import numpy as np
import scipy.linalg
import scipy.signal

from recurra.diagnostics.checks import check_whole
from recurra.errors import ConfigError, DataError
from recurra.threads import one_blas_thread

_LEFT = 1e-9  # of every unit: what may lie beyond the last lag where no number of lags is asked for
_MOST = 2**17  # lags, where none are asked for


def linear_memory(W: Any, w: Any, *, leak: float = 1.0, lags: int | None = None) -> tuple[np.ndarray, int]:
    r"""What a linear network knows of each of its past inputs, exactly, and the rank of what it can reach.

    .. math:: h_t = (1 - a) h_{t-1} + a (W h_{t-1} + w x_t) = A h_{t-1} + b x_t, \quad
        m_k = b^T (A^k)^T \Gamma^{-1} A^k b, \quad \Gamma = \sum_k A^k b b^T (A^k)^T

    The sum of m_k over all lags is the rank of [b, A b, A^2 b, ...]: n of almost every network. Neither Gamma, which
    float64 cannot invert beyond some 15 units, nor that matrix is formed. The space that the inputs reach is found by
    Arnoldi's method, vector by vector; in it m_k depends on the eigenvalues of A alone, since any (A, b) with the same
    ones is the same network in other coordinates. In coordinates where Gamma is the unit matrix the states are the
    outputs of a chain of all-pass filters, one for every eigenvalue, and m_k is the sum of their squared responses:

    .. math:: f_i(z) = \frac{\sqrt{1 - |\lambda_i|^2}}{1 - \lambda_i z^{-1}}
        \prod_{j < i} \frac{z^{-1} - \bar\lambda_j}{1 - \lambda_j z^{-1}}

    Args:
        W: recurrent weights (n, n), an array or sparse.
        w: input weights (n,).
        leak: a in (0, 1].
        lags: number of lags 0, 1, ..., lags - 1; None for as many as hold all but a billionth of the sum, at least
            2 n and at most 131072.

    Returns:
        m_k (lags,), and the rank.

    Raises:
        ConfigError: a spectral radius of A of 1 or more among what is reached: white noise leads such a network to no
            stationary state; `leak` or `lags` out of range.
        DataError: W and w that do not fit together or are not finite.

    References: H. Jaeger, Short term memory in echo state networks, GMD Report 152, 2001, propositions 2 and 3; G.
    Ballarin, L. Grigoryeva, J.-P. Ortega, Memory of recurrent networks: do we compute it right?, arXiv:2305.01457; the
    filters are those of S. Takenaka (1925) and F. Malmquist (1926).

    Example:
        >>> ring = 0.9 * np.roll(np.eye(3), 1, axis=0)
        >>> by_lag, rank = linear_memory(ring, [1.0, 2.0, -1.0])
        >>> by_lag[:4].round(4).tolist(), rank
        ([0.4686, 0.4686, 0.4686, 0.249], 3)
    """
    A, b = _matrices(W, w, leak)
    if lags is not None:
        check_whole(1, lags=lags)
    with one_blas_thread():
        reached = _reached(A, b)
        poles = np.linalg.eigvals(reached)
    radius = float(np.abs(poles).max(initial=0.0))
    if radius >= 1:
        raise ConfigError(
            f"the spectral radius of this linear network is {radius:.6g}, and white noise leads to a stationary state "
            "only below 1: scale its recurrent weights down"
        )
    poles = poles[np.argsort(np.abs(poles))]
    count = max(1, 2 * len(b)) if lags is None else lags
    found = _responses(poles, count)
    while lags is None and len(poles) - found.sum() > _LEFT * len(poles) and count < _MOST:
        count = min(2 * count, _MOST)
        found = _responses(poles, count)
    return found, len(poles)


def _matrices(W: Any, w: Any, leak: float) -> tuple[np.ndarray, np.ndarray]:
    if not 0 < leak <= 1:
        raise ConfigError(f"`leak` must lie in (0, 1], got {leak!r}")
    A, b = np.asarray(W.toarray() if hasattr(W, "toarray") else W, np.float64), np.asarray(w, np.float64)
    if b.ndim != 1 or not len(b) or A.shape != 2 * b.shape or not (np.isfinite(A).all() and np.isfinite(b).all()):
        raise DataError(f"W (units, units) and w (units,), all finite, have the shapes {A.shape} and {b.shape}")
    return (1 - leak) * np.eye(len(b)) + leak * A, leak * b


def _reached(A: np.ndarray, b: np.ndarray) -> np.ndarray:
    """A within the space of b, A b, A^2 b, ..., in an orthonormal basis of it."""
    n, size = len(b), np.linalg.norm(b)
    if size == 0:
        return np.zeros((0, 0))
    Q, H = np.zeros((n, n + 1)), np.zeros((n + 1, n))
    Q[:, 0] = b / size
    nothing = n * np.finfo(np.float64).eps * max(np.linalg.norm(A), np.finfo(np.float64).tiny)
    for j in range(n):
        v = A @ Q[:, j]
        for _ in range(2):  # the second time takes off what rounding has left
            part = Q[:, : j + 1].T @ v
            H[: j + 1, j] += part
            v = v - Q[:, : j + 1] @ part
        H[j + 1, j] = np.linalg.norm(v)
        if j + 1 == n or H[j + 1, j] <= nothing:
            return H[: j + 1, : j + 1]
        Q[:, j + 1] = v / H[j + 1, j]
    return H[:n, :n]


def _responses(poles: np.ndarray, count: int) -> np.ndarray:
    """The sum of the squared responses of the chain of filters (count,)."""
    wave, total = np.zeros(count, np.complex128), np.zeros(count)
    wave[0] = 1.0
    for pole in poles:
        out = scipy.signal.lfilter([1.0], [1.0, -pole], wave)
        total += (1 - abs(pole) ** 2) * np.abs(out) ** 2
        wave = np.concatenate([[0.0], out[:-1]]) - np.conj(pole) * out
    return total
