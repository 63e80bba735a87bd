"""Where a network that was told a parameter changes its behaviour, at values that it never saw.

python -m benchmarks.understanding.parameter_aware                  # every row that is not there yet, minutes
python -m benchmarks.understanding.parameter_aware --only logistic  # rows whose name begins so
"""

import argparse
from typing import Any

import numpy as np
from benchmarks.understanding.results import record

import recurra as rc
from recurra.diagnostics import lyapunov_spectrum
from recurra.diagnostics.orbits import continuation, family
from recurra.diagnostics.orbits.flat import settled
from recurra.diagnostics.step_maps import of_forecaster
from recurra.systems import LogisticMap, Lorenz63

SEEDS = 3
SEEN = {"rho": (26.0, 28.0, 30.0, 32.0), "r": (3.3, 3.5, 3.7, 3.9)}
HOPF = 470 / 19  # sigma (sigma + beta + 3) / (sigma - beta - 1) at sigma = 10, beta = 8 / 3
FLIPS = {"r of 2 -> 4": 1 + np.sqrt(6), "r of 4 -> 8": 3.5440903596, "r of period 3": 1 + np.sqrt(8)}


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="benchmarks.understanding.parameter_aware", description=__doc__)
    parser.add_argument("--only", default="", metavar="NAME", help="rows whose name begins so")
    parser.add_argument("--again", action="store_true", help="measure them anew")
    args = parser.parse_args()
    for kind, make in (("logistic", logistic), ("lorenz63", lorenz)):
        for seed in range(SEEDS):
            name = f"{kind} seed={seed}"
            if name.startswith(args.only):
                record("parameter_aware", name, lambda make=make, seed=seed: make(seed), again=args.again)


def _told(name: str, value: float, series: rc.Series) -> rc.Series:
    """The series with a parameter beside it as a drive that does not change."""
    drive = rc.Series(np.full((len(series), 1), value), dt=series.dt, channels=[name])
    return rc.Series(series.values, dt=series.dt, channels=series.channels, inputs=drive)


def lorenz(seed: int) -> dict[str, Any]:
    """Chaos at four values of rho; asked: where the two states of rest lose their stability, at a smaller rho."""
    settings = {"units": 100, "spectral_radius": 0.0, "input_scaling": 0.1, "seed": seed}
    rows = [_told("rho", rho, Lorenz63(rho=rho).simulate(4000, dt=0.02, seed=seed)) for rho in SEEN["rho"]]
    model = rc.ESN(**settings).fit(rows)
    low = 18.0
    loop = of_forecaster(model, inputs={"rho": low})
    branch = continuation(family(model, "rho"), settled(loop.step, loop.start, 20_000), (low, 28.0))
    found = [{"kind": each.kind, "rho": each.parameter} for each in branch.bifurcations]
    hopf = next((each["rho"] for each in found if each["kind"] != "fold"), None)
    exponents = []
    for rho in (20.0, 23.0, 25.0, 27.0, 29.0, 34.0):
        options: dict[str, Any] = {"steps": 50_000, "transient": 50_000, "count": 1}
        ours = lyapunov_spectrum(of_forecaster(model, inputs={"rho": rho}), **options).exponents[0]
        true = lyapunov_spectrum(Lorenz63(rho=rho), dt=0.02, **options).exponents[0]
        exponents.append({"rho": rho, "network": float(ours), "truth": float(true)})
    error = None if hopf is None else hopf / HOPF - 1
    return {
        "settings": settings,
        "seen": SEEN["rho"],
        "bifurcations": found,
        "hopf": hopf,
        "true": HOPF,
        "error": error,
        "largest exponents": exponents,
    }


def _period(model: Any, r: float, most: int = 16) -> int:
    """Of what it settles to after 4,000 steps, 0 for none of up to `most`."""
    rows = model.forecast(4000, history=model.recent_[-1:], inputs={"r": r}).values[-128:, 0]
    return next((p for p in range(1, most + 1) if np.abs(rows[p:] - rows[:-p]).max() < 1e-4), 0)


def _changes(model: Any, low: float, high: float, before: Any) -> float:
    """By bisection, the r from which the period is no longer one of `before`."""
    while high - low > 1e-5:
        middle = (low + high) / 2
        low, high = (middle, high) if _period(model, middle) in before else (low, middle)
    return (low + high) / 2


def logistic(seed: int) -> dict[str, Any]:
    """Short transients at four values of r; asked: two flips, and where the window of period 3 opens."""
    settings = {"units": 100, "spectral_radius": 0.0, "input_scaling": 0.1, "washout": 0, "ridge": 1e-25, "seed": seed}
    starts = np.random.default_rng(seed).uniform(0.02, 0.98, 8)
    rows = [_told("r", r, LogisticMap(r=r).simulate(30, initial=[float(x)])) for r in SEEN["r"] for x in starts]
    model = rc.ESN(**settings).fit(rows)
    found = {
        "r of 2 -> 4": _changes(model, 3.2, 3.5, (1, 2)),
        "r of 4 -> 8": _changes(model, 3.5, 3.56, (1, 2, 4)),
        "r of period 3": _opens(model),
    }
    errors = {name: None if value is None else value / FLIPS[name] - 1 for name, value in found.items()}
    return {"settings": settings, "seen": SEEN["r"], "found": found, "true": FLIPS, "errors": errors}


def _opens(model: Any) -> float | None:
    """The smallest r on a grid of a thousandth, within 3.75 ... 3.9, with the period 3; refined."""
    grid = np.arange(3.75, 3.9, 1e-3)
    first = next((float(r) for r in grid if _period(model, float(r)) == 3), None)
    if first is None:
        return None
    low, high = first - 1e-3, first
    while high - low > 1e-5:
        middle = (low + high) / 2
        low, high = (low, middle) if _period(model, middle) == 3 else (middle, high)
    return (low + high) / 2


if __name__ == "__main__":
    main()
