"""Echo state networks of ReservoirPy and PyRCN, with the weights that recurra has drawn."""

from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.speed.reservoir_cases import DEGREE, checked, inputs, lorenz, read, scaled
from benchmarks.speed.worker import Entry, blas_threads, seconds


def _node(weights: Any, precision: str = "float64") -> Any:
    from reservoirpy.nodes import Reservoir

    W, W_in, b = (part.astype(precision) for part in (weights.W, weights.W_in, weights.b))
    return Reservoir(W=W, Win=W_in, bias=b, lr=weights.leak, dtype=np.dtype(precision).type)


def harvest(
    *, units: int, rows: int, folder: str, topology: str, dense: bool, precision: str = "float64",
    threads: int | None = None,
) -> Entry:  # fmt: skip
    """Seconds of one step of `Reservoir.run` of ReservoirPy."""
    del units, topology
    node, data = _node(read(folder, dense=dense), precision), inputs(rows).astype(precision)

    def run() -> np.ndarray:
        node.reset()
        with blas_threads(threads):
            return node.run(data)

    node.run(data[:1])
    return Entry(lambda: seconds(run) / rows, checked(run()))


def harvest_pyrcn(
    *, units: int, rows: int, folder: str, topology: str, dense: bool, threads: int | None = None
) -> Entry:
    """Seconds of one step of `NodeToNode.transform` of PyRCN, the input weights multiplied before."""
    from pyrcn.base.blocks import NodeToNode

    del topology
    weights = read(folder, dense=dense)
    W = np.ascontiguousarray(weights.W.T) if dense else weights.W.T.tocsr()
    node = NodeToNode(
        hidden_layer_size=units, leakage=weights.leak, spectral_radius=1.0, predefined_recurrent_weights=W
    )
    data = inputs(rows)
    node.fit(data @ weights.W_in.T)

    def run() -> np.ndarray:
        with blas_threads(threads):
            return node.transform(data @ weights.W_in.T + weights.b)

    return Entry(lambda: seconds(run) / rows, checked(run()))


def many(*, members: int, units: int, rows: int, folder: str) -> Entry:
    """Seconds of one step of all reservoirs of ReservoirPy, one after the other."""
    del units
    nodes, data = [_node(read(folder, f"reservoir-{k}")) for k in range(members)], inputs(rows)

    def run() -> np.ndarray:
        states = None
        for node in nodes:
            states = node.run(data)
        assert states is not None
        return states

    nodes[-1].run(data[:1])
    nodes[-1].reset()
    return Entry(lambda: seconds(run) / rows, checked(run()))


def closed_loop(*, units: int, steps: int, folder: str, way: str) -> Entry:
    """Seconds of one step of a loop that feeds the output back, the warm-up of 100 rows included.

    Args:
        way: "model" calls `(reservoir >> readout).step`, "nodes" the `step` of each.
    """
    from reservoirpy.nodes import Ridge

    del units
    data = scaled(lorenz(3000))
    reservoir, readout = _node(read(folder)), Ridge(ridge=1e-6)
    model = reservoir >> readout
    model.fit(data[:200], data[1:201])
    with np.load(Path(folder) / "readout.npz") as arrays:
        coefficients = arrays["coefficients"]
    readout.Wout, readout.bias = np.ascontiguousarray(coefficients[:, 1:].T), coefficients[:, 0].copy()

    def run(count: int) -> np.ndarray:
        reservoir.reset()
        readout.reset()
        reservoir.run(data[-101:-1])
        y, found = data[-1], np.empty((count, 3))
        for k in range(count):
            y = found[k] = model.step(y) if way == "model" else readout.step(reservoir.step(y))
        return found

    return Entry(lambda: seconds(lambda: run(steps)) / steps, {"forecast": run(20).ravel().tolist()})


def fit(*, units: int, rows: int, folder: str, strengths: int) -> Entry:
    """Seconds of a reservoir, its harvest, so many ridges compared one step ahead on held-out rows, and the refit."""
    import scipy.linalg
    from reservoirpy.nodes import Reservoir, Ridge

    data = scaled(lorenz(rows))
    x, y, cut = data[:-1], data[1:], int(0.8 * rows)

    def run() -> Any:
        node = Reservoir(
            units, lr=1.0, sr=0.9, rc_connectivity=DEGREE / units, input_connectivity=1.0, input_scaling=0.1, seed=0
        )
        states = node.run(x)
        errors = {}
        for ridge in np.logspace(-10, 1, strengths):
            readout = Ridge(ridge=ridge).fit(states[100:cut], y[100:cut])
            errors[ridge] = float(np.mean((readout.run(states[cut:]) - y[cut:]) ** 2))
        return Ridge(ridge=min(errors, key=errors.__getitem__)).fit(states[100:], y[100:])

    states = _node(read(folder)).run(x)
    kept = states[100:-50] - states[100:-50].mean(axis=0)
    largest = scipy.linalg.eigvalsh(kept.T @ kept, subset_by_index=[units - 1, units - 1])[0]
    checking = Ridge(ridge=1e-6 * largest).fit(states[100:], y[100:])
    return Entry(lambda: seconds(run), {"one-step forecasts": np.asarray(checking.run(states[-50:])).ravel().tolist()})
