"""The fixed random weights of a reservoir, and the exact spectral radius."""

import numpy as np
import scipy.linalg
import scipy.sparse
import scipy.sparse.linalg

from recurra.reservoirs.reservoir import Reservoir

_DENSE = 200  # below this size all eigenvalues are found directly


def draw_reservoir(
    units: int,
    features: int,
    *,
    spectral_radius: float,
    in_degree: int,
    input_scaling: float,
    bias_scaling: float,
    leak: float,
    seed: int,
) -> Reservoir:
    """A sparse random reservoir: `in_degree` entries in each row of W, uniform on (-1, 1), scaled to the radius.

    Args:
        units: number of units N.
        features: number of input features.
        spectral_radius: largest modulus of the eigenvalues of W, met to rounding.
        in_degree: nonzero entries in each row of W; capped at N.
        input_scaling: entries of the input weights are uniform on (-s, s).
        bias_scaling: entries of the bias are uniform on (-s, s).
        leak: leaking rate a in (0, 1].
        seed: of the weights; the same seed gives the same bits.
    """
    rng = np.random.default_rng(seed)
    degree = min(in_degree, units)
    columns = np.stack([rng.choice(units, degree, replace=False) for _ in range(units)])
    columns.sort(axis=1)
    data = rng.uniform(-1, 1, units * degree)
    rows = np.arange(0, units * degree + 1, degree)
    W = scipy.sparse.csr_array((data, columns.ravel().astype(np.int32), rows.astype(np.int32)), shape=(units, units))
    radius = _radius(W)
    W = W * (spectral_radius / radius)
    W_in = rng.uniform(-input_scaling, input_scaling, (units, features))
    return Reservoir(W, W_in, rng.uniform(-bias_scaling, bias_scaling, units), leak)


def spectral_radius(W: "scipy.sparse.csr_array | np.ndarray") -> float:
    """The largest modulus of the eigenvalues of a square matrix: ARPACK with a fixed start, dense as the fallback."""
    return _radius(scipy.sparse.csr_array(W))


def _radius(W: scipy.sparse.csr_array) -> float:
    size = W.indptr.size - 1
    if size > _DENSE:
        start = np.random.default_rng(0).standard_normal(size)
        try:
            found = scipy.sparse.linalg.eigs(W, k=6, v0=start, tol=0, return_eigenvectors=False, maxiter=40 * size)
            return float(np.abs(found).max())
        except scipy.sparse.linalg.ArpackNoConvergence:
            pass  # eigenvalues of almost equal modulus: the dense way always ends
    return float(np.abs(scipy.linalg.eigvals(W.toarray())).max())
