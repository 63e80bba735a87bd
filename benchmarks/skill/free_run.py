"""Lorenz-63 with networks trained for the free run: for how many Lyapunov times do their forecasts hold?

python -m benchmarks.skill.free_run                 # every row that is not there yet
python -m benchmarks.skill.free_run --only gru      # rows whose name begins so
python -m benchmarks.skill.free_run --tables        # nothing but the table in README.md
"""

import argparse
import time
from collections.abc import Iterable
from functools import cache
from itertools import product
from typing import Any

import numpy as np
from benchmarks.skill.results import append, put, read, stamp

from recurra.estimators import LEARNERS
from recurra.series import Series
from recurra.systems import Lorenz63

EXPONENT, THRESHOLD, STARTS, DT, STEPS = 0.9051, 0.4, 50, 0.02, 3000
HORIZON, SPACING = 15.0, 1.0  # Lyapunov times: of every forecast, and between two starts
SEEDS = (0, 1, 2)
SAME = {  # of every row; 20 warm rows, the rest of a window is what the ways differ in
    "units": 32,
    "learning_rate": 0.01,
    "final_learning_rate": 1e-5,
    "epochs": 60,
    "stride": 5,
    "bptt_length": 40,
    "increment": True,
    "validation": 0.0,
}
LEARNER = ("lstm", "gru", "rnn")
WAYS = {
    "one step": {},
    "mixed": {"teacher_forced": 20, "feeding": "mixed"},
    "leading": {"teacher_forced": 20, "feeding": "leading"},
    "sampled": {"teacher_forced": 20, "feeding": "sampled"},
    "own output": {"teacher_forced": 20},
}


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="benchmarks.skill.free_run", description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="NAME", help="rows whose name begins so")
    parser.add_argument("--tables", action="store_true", help="nothing but the table of README.md")
    args = parser.parse_args()
    done = {row["name"] for row in read("free-run")}
    for way, learner, seed in product(WAYS, LEARNER, SEEDS):
        name = f"{learner} {way} seed={seed}"
        if name.startswith(args.only) and name not in done and not args.tables:
            row = {"name": name, "learner": learner, "way": way, "seed": seed, **measure(learner, way, seed)}
            append("free-run", {**row, **stamp("free_run")})
            print(name, {key: row[key] for key in ("median", "mean", "fit_cpu")}, flush=True)
    write_table()


def measure(learner: str, way: str, seed: int) -> dict[str, Any]:
    """Fit, and forecast from 50 later points of the trajectory; the same ones for every row of a seed."""
    horizon, spacing = (round(times / EXPONENT / DT) for times in (HORIZON, SPACING))
    series = _trajectory(STEPS + STARTS * spacing + horizon, seed)
    used = time.process_time()
    model = LEARNERS[learner].build(**SAME, **WAYS[way], seed=seed).fit(series[: STEPS + 1])
    used = time.process_time() - used
    origins = [STEPS + spacing * k for k in range(STARTS)]
    times = EXPONENT * model.backtest(series, horizon, origins).valid_times(THRESHOLD)[learner]
    return {
        "settings": {**SAME, **WAYS[way]},
        "fit_cpu": round(used, 1),
        "median": float(np.median(times)),
        "mean": float(np.mean(times)),
        "valid_times": np.round(times, 2).tolist(),
    }


@cache
def _trajectory(steps: int, seed: int) -> Series:
    return Lorenz63().simulate(steps=steps, dt=DT, seed=seed)


def write_table() -> None:
    """Median valid times of every seed, and how often a way is better than one step with the same seed."""
    rows = {(row["learner"], row["way"], row["seed"]): row["median"] for row in read("free-run")}
    lines = [
        "",
        "| network | way | seed 0 | seed 1 | seed 2 | mean | better than one step |",
        "|---|---|---|---|---|---|---|",
    ]
    for learner, way in product(LEARNER, WAYS):
        found = [rows[learner, way, seed] for seed in SEEDS if (learner, way, seed) in rows]
        if len(found) == len(SEEDS):
            lines.append(
                f"| {learner} | {way} | {_numbers([*found, np.mean(found)])} | {_better(rows, learner, way)} |"
            )
    put("free-run", lines)


def _numbers(values: Iterable[float]) -> str:
    return " | ".join(f"{each:.2f}" for each in values)


def _better(rows: dict[tuple[str, str, int], float], learner: str, way: str) -> str:
    if way == "one step":
        return ""
    wins = sum(rows[learner, way, seed] > rows[learner, "one step", seed] for seed in SEEDS)
    return f"{wins} of {len(SEEDS)}"


if __name__ == "__main__":
    main()
