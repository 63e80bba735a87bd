"""Lorenz-63 without noise, from its three channels: for how many Lyapunov times does a forecast hold?

python -m benchmarks.skill.lorenz                   # every row that is not there yet
python -m benchmarks.skill.lorenz --only ng-rc      # rows whose name begins so
python -m benchmarks.skill.lorenz --tables          # nothing but the table in README.md
"""

import argparse
import time
from typing import Any

import numpy as np
from benchmarks.skill.results import append, put, read, stamp

from recurra.estimators import LEARNERS
from recurra.systems import Lorenz63, agreement_time

EXPONENT, THRESHOLD, STARTS = 0.9051, 0.4, 100
HORIZON, SPACING = 40.0, 5.0  # Lyapunov times: of every forecast, and between two starts
ROWS = {  # name -> (learner, dt, steps that are learnt)
    "ng-rc dt=0.02 steps=5000": ("ng-rc", 0.02, 5000),
    "ng-rc dt=0.02 steps=8000": ("ng-rc", 0.02, 8000),
    "ng-rc dt=0.01 steps=10000": ("ng-rc", 0.01, 10_000),
    "kernel-ridge dt=0.02 steps=5000": ("kernel-ridge", 0.02, 5000),
}


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="benchmarks.skill.lorenz", description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="NAME", help="rows whose name begins so")
    parser.add_argument("--tables", action="store_true", help="nothing but the table of README.md")
    args = parser.parse_args()
    done = {row["name"] for row in read("lorenz")}
    for name, case in ROWS.items():
        if name.startswith(args.only) and name not in done and not args.tables:
            row = {"name": name, **measure(*case), **stamp("lorenz")}
            append("lorenz", row)
            print(name, {key: row[key] for key in ("settings", "median", "truth_median")}, flush=True)
    write_table()


def measure(learner: str, dt: float, steps: int, seed: int = 0) -> dict[str, Any]:
    """Fit once, forecast from 100 later points of the trajectory, and solve the equations twice from each of them."""
    horizon, spacing = (round(times / EXPONENT / dt) for times in (HORIZON, SPACING))
    series = Lorenz63().simulate(steps=steps + STARTS * spacing + horizon, dt=dt, seed=seed)
    train = series[: steps + 1]
    used = time.process_time()
    model = LEARNERS[learner].build().fit(train)
    used = time.process_time() - used
    origins = [steps + spacing * k for k in range(STARTS)]
    times = EXPONENT * model.backtest(series, horizon, origins).valid_times(THRESHOLD)[learner]
    scale = train.values.std(axis=0)
    truth = [EXPONENT * agreement_time(series[r : r + horizon + 1], THRESHOLD, scale) for r in origins]
    return {
        "settings": model.chosen_,
        "seed": seed,
        "fit_cpu": round(used, 1),
        "median": float(np.median(times)),
        "tenth_percentile": float(np.quantile(times, 0.1)),
        "least": float(np.min(times)),
        "truth_median": float(np.median(truth)),
        "truth_least": float(np.min(truth)),
        "valid_times": np.round(times, 2).tolist(),
    }


def write_table() -> None:
    """One line a row."""
    lines = [
        "",
        "| row | chosen | median | tenth percentile | least | two solvers: median | least | fit, processor seconds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in read("lorenz"):
        shown = ("median", "tenth_percentile", "least", "truth_median", "truth_least", "fit_cpu")
        chosen = ", ".join(f"{name} {value:.4g}" for name, value in row["settings"].items())
        lines.append(f"| {row['name']} | {chosen} | " + " | ".join(f"{row[name]:.1f}" for name in shown) + " |")
    put("lorenz", lines)


if __name__ == "__main__":
    main()
