"""Ridge readouts of the other libraries, from features that lie ready."""

from typing import Any

import numpy as np
from benchmarks.speed.reservoirs_recurra import RIDGE, readout_data
from benchmarks.speed.worker import Entry, blas_threads, seconds


def ridge(*, units: int, rows: int, folder: str, way: str, threads: int) -> Entry:
    """Seconds of a ridge regression with a constant that is not penalised.

    Args:
        way: "ReservoirPy", "PyRCN", "scikit-learn", or "SVD", of the centred features that are all stored.
        threads: of BLAS.
    """
    del folder
    features, targets = readout_data(rows, units)
    solve = {"ReservoirPy": _reservoirpy, "PyRCN": _pyrcn, "scikit-learn": _sklearn, "SVD": _svd}[way]

    def run() -> np.ndarray:
        with blas_threads(threads):
            return solve(features, targets)

    return Entry(lambda: seconds(run), {"coefficients": run()[:, :50].ravel().tolist()})


def _joined(constant: Any, weights: np.ndarray) -> np.ndarray:
    return np.concatenate([np.reshape(constant, (-1, 1)), weights], axis=1)


def _reservoirpy(features: np.ndarray, targets: np.ndarray) -> np.ndarray:
    from reservoirpy.nodes import Ridge

    node: Any = Ridge(ridge=RIDGE).fit(features, targets)
    return _joined(node.bias, node.Wout.T)


def _pyrcn(features: np.ndarray, targets: np.ndarray) -> np.ndarray:
    from pyrcn.linear_model import IncrementalRegression

    found = IncrementalRegression(alpha=RIDGE).fit(features, targets)
    return _joined(found.intercept_, found.coef_)


def _sklearn(features: np.ndarray, targets: np.ndarray) -> np.ndarray:
    from sklearn.linear_model import Ridge

    found = Ridge(RIDGE, solver="cholesky").fit(features, targets)
    return _joined(found.intercept_, found.coef_)


def _svd(features: np.ndarray, targets: np.ndarray) -> np.ndarray:
    import scipy.linalg

    means, wanted = features.mean(axis=0), targets.mean(axis=0)
    U, s, Vt = scipy.linalg.svd(features - means, full_matrices=False, check_finite=False, overwrite_a=True)
    V = (Vt.T @ ((s / (s**2 + RIDGE))[:, None] * (U.T @ (targets - wanted)))).T
    return _joined(wanted - V @ means, V)
