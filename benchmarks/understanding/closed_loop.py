"""Exponents of networks on their own output, beside those of what they learned.

python -m benchmarks.understanding.closed_loop                 # every row that is not there yet, an hour of one core
python -m benchmarks.understanding.closed_loop --only henon    # rows whose name begins so
"""

import argparse
import resource
import time
from typing import Any

import numpy as np
from benchmarks.understanding.results import put, read, record

import recurra as rc
from recurra.diagnostics import conditional_exponents, lyapunov_spectrum
from recurra.systems import DampedOscillator, HenonMap, KuramotoSivashinsky, Lorenz63, reference_exponents

SEEDS = 10


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="benchmarks.understanding.closed_loop", description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="NAME", help="rows whose name begins so")
    parser.add_argument("--again", action="store_true", help="measure them anew")
    parser.add_argument("--tables", action="store_true", help="nothing but the tables of README.md")
    args = parser.parse_args()
    rows: dict[str, Any] = {}
    for seed in range(SEEDS):
        rows[f"lorenz63 esn seed={seed}"] = lambda seed=seed: lorenz_esn(seed, 0.1)
    for cell in ("gru", "lstm"):
        for seed in range(3):
            rows[f"lorenz63 {cell} seed={seed}"] = lambda cell=cell, seed=seed: lorenz_trained(cell, seed)
    for seed in range(5):
        rows[f"henon rnn seed={seed}"] = lambda seed=seed: henon_rnn(seed)
    rows["oscillator lstm seed=0"] = lambda: oscillator_lstm(0)
    rows["size N=1000"] = lambda: size(1000, 1000, 10_000)
    rows["size N=3000"] = lambda: size(3000, 10, 10_000)
    for seed in range(4):
        rows[f"kuramoto-sivashinsky esn seed={seed}"] = lambda seed=seed: waves_esn(seed)
    for name, make in rows.items():
        if name.startswith(args.only) and not args.tables:
            record("closed_loop", name, make, again=args.again)
    write_tables()


_TARGETS = {"lorenz63": Lorenz63(), "henon": HenonMap(), "kuramoto-sivashinsky": KuramotoSivashinsky()}


def write_tables() -> None:
    """Put the table of exponents between its marks in README.md: medians over seeds beside the reference."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in read("closed_loop"):
        groups.setdefault(row["name"].partition(" seed=")[0], []).append(row)
    lines = [
        "| learned by | seeds | exponents, median | reference | largest conditional | trusted |",
        "|---|---|---|---|---|---|",
    ]
    for name, rows in groups.items():
        target = reference_exponents(_TARGETS[name.split()[0]]) if name.split()[0] in _TARGETS else None
        if target is None:
            continue
        known = target.exponents[: len(rows[0]["exponents"])]
        found = np.median([row["exponents"][: len(known)] for row in rows], axis=0)
        conditional = np.median([row["conditional"] for row in rows])
        trusted = ", ".join("yes" if value > conditional else "no" for value in known)
        shown = [", ".join(f"{value:.4g}" for value in values) for values in (found, known)]
        lines.append(f"| {name} | {len(rows)} | {shown[0]} | {shown[1]} | {conditional:.3g} | {trusted} |")
    put("closed-loop", lines)


def _measured(model: Any, series: Any, steps: int, count: int, **options: Any) -> dict[str, Any]:
    found = lyapunov_spectrum(model, steps=steps, count=count, **options)
    driven = conditional_exponents(model, series, count=1)
    return {
        "exponents": found.exponents.tolist(),
        "errors": found.errors.tolist(),
        "time": found.time,
        "size": found.size,
        "conditional": driven.largest,
    }


def lorenz_esn(seed: int, radius: float) -> dict[str, Any]:
    """An echo state network of 300 units on 10,000 rows of Lorenz-63, 4,000 time units of its own."""
    series = Lorenz63().simulate(10_000, dt=0.02, seed=seed)
    settings = {"units": 300, "spectral_radius": radius, "seed": seed}
    model = rc.ESN(**settings).fit(series)
    return {"settings": settings, **_measured(model, series, 200_000, 3)}


def lorenz_trained(cell: str, seed: int) -> dict[str, Any]:
    """64 gated units, trained by gradients; 1,000 time units."""
    series = Lorenz63().simulate(10_000, dt=0.02, seed=seed)
    settings = {"units": 64, "epochs": 100, "stride": 5, "seed": seed}
    settings |= {"learning_rate": 5e-3, "final_learning_rate": 1e-5}
    model = {"gru": rc.GRU, "lstm": rc.LSTM}[cell](increment=True, **settings).fit(series)
    return {"settings": settings, **_measured(model, series, 50_000, 4)}


def henon_rnn(seed: int) -> dict[str, Any]:
    """Eight tanh units learn the Hénon map by Hessian-free optimisation."""
    series = HenonMap().simulate(1500, seed=seed)
    settings = {"units": 8, "optimizer": "hessian-free", "epochs": 300, "bptt_length": 3, "seed": seed}
    settings |= {"l2": {"W": 1e-5}}  # the rows are the whole state: no memory needed; chosen on seeds 0 and 1
    model = rc.RNN(precision="float64", **settings).fit(series)
    return {"settings": settings, **_measured(model, series, 50_000, 3)}


def oscillator_lstm(seed: int) -> dict[str, Any]:
    """A damped oscillator: the multipliers of the point it comes to are damping and frequency."""
    from recurra.diagnostics import fixed_points

    damping, dt = 0.2, 0.1
    series = [
        DampedOscillator(damping=damping, force="none").simulate(300, dt=dt, initial=[float(a), float(b)])
        for a, b in np.random.default_rng(seed).uniform(-1, 1, (10, 2))
    ]
    settings = {"units": 16, "epochs": 300, "learning_rate": 5e-3, "final_learning_rate": 1e-5, "seed": seed}
    model = rc.LSTM(**settings).fit(series)
    found = fixed_points(model, dt=dt)
    rates = [np.log(m[np.argsort(-np.abs(m))[:2]]) / dt for m in np.asarray(found.multipliers)]
    return {
        "settings": settings,
        "kinds": list(found.kinds),
        "rates": [[[float(r.real), float(r.imag)] for r in pair] for pair in rates],
        "exact": [-damping / 2, float(np.sqrt(1 - damping**2 / 4))],
    }


def waves_esn(seed: int) -> dict[str, Any]:
    """Kuramoto-Sivashinsky at L = 22: ten runs of 4,000 rows of 0.25, 60,000 time units of the network's own."""
    runs = [KuramotoSivashinsky(points=32).simulate(4000, seed=10 * seed + run) for run in range(10)]
    # scaling, noise and features by the validation of seed 0, which holds two of its runs out
    settings = {"units": 980, "spectral_radius": 0.1, "input_scaling": 0.025, "teacher_noise": 3e-5, "seed": seed}
    settings |= {"readout_features": "squares"}
    model = rc.ESN(**settings).fit(runs)
    return {"settings": settings, **_measured(model, runs[0], 240_000, 6, qr_every=4)}


def size(units: int, count: int, steps: int) -> dict[str, Any]:
    """So many exponents of a large network: how long it takes, and in what memory."""
    series = Lorenz63().simulate(6000, dt=0.02, seed=0)
    model = rc.ESN(units=units, spectral_radius=0.9, ridge=1e-8, seed=0).fit(series)
    began = time.perf_counter()
    found = lyapunov_spectrum(model, steps=steps, transient=500, count=count, qr_every=1 if count < 100 else 10)
    return {
        "settings": {"units": units, "spectral_radius": 0.9, "count": count, "steps": steps},
        "exponents": found.exponents[:: max(1, count // 10)].tolist(),
        "wall": time.perf_counter() - began,
        "peak_memory_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


if __name__ == "__main__":
    main()
