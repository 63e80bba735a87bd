"""Echo state networks of recurra: harvest, closed loop, many reservoirs, whole fits."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.speed.reservoir_cases import DEGREE, FIRST, INPUTS, LEAK, checked, inputs, lorenz, write
from benchmarks.speed.worker import Entry, blas_threads, seconds


def _drawn(units: int, topology: str, degree: int, seed: int = 0) -> Any:
    from recurra.reservoirs import draw_reservoir

    options: dict[str, Any] = {"input_scaling": 1.0, "bias_scaling": 0.1, "leak": LEAK, "topology": topology}
    return draw_reservoir(units, INPUTS, spectral_radius=0.9, in_degree=degree, seed=seed, **options)


def harvest(
    *, units: int, rows: int, folder: str, topology: str, dense: bool, precision: str = "float64",
    store: str = "sparse", threads: int | None = None,
) -> Entry:  # fmt: skip
    """Seconds of one step of a harvest.

    Args:
        units, rows: N and T.
        topology: of the reservoir.
        dense: whether every unit sees all others.
        precision: "float64" or "float32".
        store: W as a "sparse" matrix or as an "array".
        threads: of BLAS.
    """
    drawn = _drawn(units, topology, units if dense else DEGREE)
    write(folder, drawn)
    if store == "array":
        drawn = dataclasses.replace(drawn, W=drawn.W.toarray())
    reservoir, data = drawn.astype(precision), inputs(rows).astype(precision)
    start = np.zeros(units, precision)

    def run() -> np.ndarray:
        with blas_threads(threads):
            return reservoir.harvest(start, data)

    states = run()
    if states.dtype != np.dtype(precision):
        raise TypeError(f"the states of a {precision} reservoir come as {states.dtype}")
    return Entry(lambda: seconds(run) / rows, checked(states))


def many(*, members: int, units: int, rows: int, folder: str, precision: str = "float64", block: int = 250) -> Entry:
    """Seconds of one step of all reservoirs, driven by the same inputs.

    Args:
        members, units, rows: how many reservoirs, N, T.
        precision: "float64" or "float32".
        block: rows whose states are held at a time, as for the sums of a readout.
    """
    from recurra.reservoirs import harvest_many

    drawn = [_drawn(units, "random", DEGREE, seed) for seed in range(members)]
    for k, reservoir in enumerate(drawn):
        write(folder, reservoir, f"reservoir-{k}")
    reservoirs, data = [each.astype(precision) for each in drawn], inputs(rows).astype(precision)
    held = np.empty((members, min(block, rows), units), precision)

    def run() -> np.ndarray:
        """The states of the first block."""
        state, first = np.zeros((members, units), precision), np.empty(0)
        for at in range(0, rows, block):
            part = data[at : at + block]
            whole = len(part) == held.shape[1]
            states = harvest_many(reservoirs, state, part, out=held if whole else None)
            state = states[:, -1].copy()
            if at == 0:
                first = states[-1, :FIRST].copy()
        return first

    return Entry(lambda: seconds(run) / rows, checked(run()))


def closed_loop(*, units: int, steps: int, folder: str, precision: str = "float64") -> Entry:
    """Seconds of one step of a public `forecast`, the warm-up of 100 rows included."""
    import recurra as rc

    options: dict[str, Any] = {"units": units, "lags": 0, "ridge": 1e-6, "leak": LEAK, "washout": 100, "seed": 0}
    options["precision"] = precision
    rows = lorenz(3000)
    model = rc.ESN(**options).fit(rows)
    if precision == "float64":  # what the other libraries take
        write(folder, model.network_.reservoir)
        np.savez(Path(folder) / "readout.npz", coefficients=model.network_.coefficients)
    found = (model.forecast(20).values - rows.mean(axis=0)) / rows.std(axis=0)
    return Entry(lambda: seconds(lambda: model.forecast(steps)) / steps, {"forecast": found.ravel().tolist()})


def fit(*, units: int, rows: int, folder: str, strengths: int) -> Entry:
    """Seconds of a public `fit` that draws the reservoir, harvests, and chooses among ridges in closed loop.

    Args:
        strengths: ridges that the peers try; recurra tries its own, about as many.
    """
    import recurra as rc

    del strengths
    data = lorenz(rows)
    options: dict[str, Any] = {"units": units, "lags": 0, "washout": 100, "seed": 0}
    fixed = rc.ESN(**options, ridge=1e-6).fit(data)
    write(folder, fixed.network_.reservoir)
    series = rc.Series(data)
    found = fixed.predict(series[-50:], history=series[:-50])
    check = {"one-step forecasts": scaled_by(found.values, data).ravel().tolist()}
    model = rc.ESN(**options)
    entry = Entry(lambda: seconds(lambda: model.fit(data)), check)
    entry.first = entry.time()
    entry.facts = {"ridges": len(model.history_)}
    return entry


def scaled_by(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Values in the scaled units of some rows."""
    return (values - rows.mean(axis=0)) / rows.std(axis=0)


def ridge(*, units: int, rows: int, folder: str, way: str, threads: int) -> Entry:
    """Seconds of a readout from blocks of 1,000 rows of features that lie ready.

    Args:
        way: "QR" (`TriangularFactor`, decomposed for every ridge) or "Gram" (`GramSum`, solved for one).
        threads: of BLAS.
    """
    from recurra.reservoirs.readout import GramSum, TriangularFactor

    del folder
    features, targets = readout_data(rows, units)
    start = (GramSum if way == "Gram" else TriangularFactor).empty(units, targets.shape[1])

    def added() -> Any:
        total = start
        for first in range(0, rows, 1000):
            total = total.add(features[first : first + 1000], targets[first : first + 1000])
        return total

    relative = RIDGE / added().path().s2.max()

    def run() -> np.ndarray:
        with blas_threads(threads):
            total = added()
            return (total.path() if way == "QR" else total).solve(relative)

    return Entry(lambda: seconds(run), {"coefficients": run()[:, :50].ravel().tolist()})


RIDGE = 1.0  # absolute: small beside the sums of squares, and far above rounding


def readout_data(rows: int, units: int) -> tuple[np.ndarray, np.ndarray]:
    """Features like states, and targets (rows, 3) that depend on them."""
    rng = np.random.default_rng(3)
    features = np.tanh(rng.standard_normal((rows, units)))
    return features, features @ rng.standard_normal((units, 3)) / np.sqrt(units) + rng.standard_normal((rows, 3))
