"""The reservoirs and data of the echo state cases, handed from recurra to the other libraries."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse

INPUTS, LEAK, DEGREE = 3, 0.3, 10
CHECKED = slice(None, None, 7)  # columns of the states that are compared
FIRST = 100  # rows of them


@dataclass(frozen=True)
class Weights:
    """W (units, units) sparse or dense, W_in (units, inputs), b (units,), leaking rate."""

    W: Any
    W_in: np.ndarray
    b: np.ndarray
    leak: float


def write(folder: str, reservoir: Any, name: str = "reservoir") -> None:
    """Keep the weights of a reservoir of recurra, in float64."""
    W = scipy.sparse.csr_array(reservoir.W)
    parts = {"data": W.data, "indices": W.indices, "indptr": W.indptr, "W_in": reservoir.W_in, "b": reservoir.b}
    np.savez(Path(folder) / f"{name}.npz", leak=reservoir.leak, **parts)


def read(folder: str, name: str = "reservoir", *, dense: bool = False) -> Weights:
    """The weights of `write`; W as SciPy's CSR matrix, or as an array."""
    with np.load(Path(folder) / f"{name}.npz") as arrays:
        units = len(arrays["b"])
        parts = arrays["data"], arrays["indices"], arrays["indptr"]
        W = scipy.sparse.csr_matrix(parts, shape=(units, units))
        return Weights(W.toarray() if dense else W, arrays["W_in"], arrays["b"], float(arrays["leak"]))


def inputs(rows: int) -> np.ndarray:
    """Random inputs (rows, 3)."""
    return np.random.default_rng(2).standard_normal((rows, INPUTS))


def checked(states: np.ndarray) -> dict[str, list[float]]:
    """Some of the states, for the comparison."""
    return {"states": np.asarray(states, np.float64)[:FIRST, CHECKED].ravel().tolist()}


def lorenz(rows: int) -> np.ndarray:
    """Rows (rows, 3) of Lorenz-63 on its attractor, every 0.02 time units, by Runge-Kutta steps of 0.01."""

    def field(v: np.ndarray) -> np.ndarray:
        x, y, z = v
        return np.array([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z])

    v, found, dt = np.array([1.0, 1.0, 20.0]), [], 0.01
    for step in range(-2000, 2 * rows):
        a = field(v)
        b = field(v + dt / 2 * a)
        c = field(v + dt / 2 * b)
        v = v + dt / 6 * (a + 2 * b + 2 * c + field(v + dt * c))
        if step >= 0 and step % 2 == 0:
            found.append(v)
    return np.array(found)


def scaled(rows: np.ndarray) -> np.ndarray:
    """The rows as an estimator scales them."""
    return (rows - rows.mean(axis=0)) / rows.std(axis=0)
