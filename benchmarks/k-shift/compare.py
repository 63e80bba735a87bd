"""Does the k-shift topology cost accuracy? Random and k-shift reservoirs of the same settings, on seven tasks.

A k-shift reservoir, W[i, (i + s_j) mod N] = v_ij, differs from a random one of the same in-degree only in where its
entries lie. Each task gives one score for a seed of the reservoir; the data are the same for all.

    python benchmarks/k-shift/compare.py > benchmarks/k-shift/results.jsonl
    python benchmarks/k-shift/compare.py narma10 laser   # some of the tasks
    python benchmarks/k-shift/compare.py --table benchmarks/k-shift/results.jsonl
"""

import json
import sys
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

import recurra as rc
from recurra import metrics
from recurra.data import datasets
from recurra.diagnostics import measure_memory_capacity
from recurra.errors import RecurraWarning
from recurra.reservoirs import draw_reservoir
from recurra.systems import NARMA10, HenonMap, Lorenz63, MackeyGlass, Rossler

SEEDS, TOPOLOGIES = 16, ("random", "k-shift")
THRESHOLD = 0.4  # standard deviations, of valid times

FLOW = {"units": 300, "spectral_radius": 0.6, "input_scaling": 0.1, "washout": 100}


@cache
def series(name: str) -> rc.Series:
    """The data of a task."""
    if name == "laser":
        return datasets.load("santa-fe-laser")[:4000]
    if name == "narma10":
        return NARMA10().simulate(steps=4000, seed=1)
    systems: dict[str, Any] = {
        "lorenz63": (Lorenz63(), 9000, 0.02),
        "rossler": (Rossler(), 9000, 0.1),
        "mackey-glass-17": (MackeyGlass(), 7000, 1.0),
        "henon": (HenonMap(), 4000, 1.0),
    }
    system, steps, dt = systems[name]
    return system.simulate(steps=steps, dt=dt, seed=0)


def valid_time(name: str, trained: int, horizon: int, **settings: Any) -> Callable[[dict[str, Any]], float]:
    """Median over ten starts of the time for which a closed loop stays within the threshold, in rows."""

    def score(options: dict[str, Any]) -> float:
        data = series(name)
        model = rc.ESN(**{**FLOW, **settings, **options}).fit(data[: trained + 1])
        apart = (len(data) - trained - horizon - 2) // 10
        test = model.backtest(data, horizon, [trained + apart * (k + 1) for k in range(10)])
        return float(np.median(test.valid_times(THRESHOLD)["esn"]) / (data.dt or 1.0))

    return score


def one_step(name: str, trained: int, **settings: Any) -> Callable[[dict[str, Any]], float]:
    """Normalised error of the next value on the rows after those trained on."""

    def score(options: dict[str, Any]) -> float:
        data = series(name)
        model = rc.ESN(**{**settings, **options}).fit(data[:trained])
        test = data[trained:]
        return metrics.nrmse(test.values, model.predict(test).values)

    return score


def memory(options: dict[str, Any]) -> float:
    """Linear memory capacity for white noise."""
    scales = {"spectral_radius": 0.95, "input_scaling": 0.1, "bias_scaling": 0.0, "leak": 1.0, "in_degree": 10}
    reservoir = draw_reservoir(200, 1, **scales, topology=options["topology"], seed=options["seed"])  # type: ignore[arg-type]
    return float(measure_memory_capacity(reservoir, steps=8000, lags=300).total)


TASKS: dict[str, tuple[str, Callable[[dict[str, Any]], float]]] = {
    "lorenz63": ("valid rows, more is better", valid_time("lorenz63", 4000, 1500)),
    "rossler": ("valid rows, more is better", valid_time("rossler", 4000, 2500)),
    "mackey-glass-17": (
        "valid rows, more is better",
        valid_time("mackey-glass-17", 3000, 1500, input_scaling=0.3, bias_scaling=0.3, spectral_radius=0.9),
    ),
    "henon": ("valid rows, more is better", valid_time("henon", 2000, 60, spectral_radius=0.3, input_scaling=0.3)),
    "narma10": (
        "NRMSE of the next value, less is better",
        one_step(
            "narma10", 3000, units=300, spectral_radius=0.9, input_scaling=0.1, feedback_scaling=0.0, lags=0,
            bias_scaling=0.3, ridge=1e-9, washout=100,
        ),
    ),
    "laser": (
        "NRMSE of the next value, less is better",
        one_step(
            "laser", 1000, units=500, spectral_radius=0.45, input_scaling=0.3, bias_scaling=0.2, leak=0.8,
            readout_features="squares", ridge=1e-8, washout=20, warmup=100,
        ),
    ),
    "memory capacity": ("of 200 units, more is better", memory),
}  # fmt: skip


def measure(tasks: list[str]) -> None:
    """One line for each task, topology and seed."""
    for task in tasks:
        _, score = TASKS[task]
        for seed in range(SEEDS):
            for topology in TOPOLOGIES:
                found = score({"topology": topology, "seed": seed})
                print(json.dumps({"task": task, "topology": topology, "seed": seed, "score": found}), flush=True)


def table(path: str) -> None:
    """Medians, quartiles and a paired test of the seeds, as a table."""
    from scipy.stats import mannwhitneyu

    with open(path, encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    print("| task | score | random: median (quartiles) | k-shift: median (quartiles) | p of a difference |")
    print("|---|---|---|---|---|")
    for task, (what, _) in TASKS.items():
        scores = [[r["score"] for r in rows if (r["task"], r["topology"]) == (task, t)] for t in TOPOLOGIES]
        cells = ["{1:.4g} ({0:.4g} to {2:.4g})".format(*np.quantile(each, [0.25, 0.5, 0.75])) for each in scores]
        print(f"| {task} | {what} | {cells[0]} | {cells[1]} | {mannwhitneyu(*scores).pvalue:.2f} |")


if __name__ == "__main__":
    warnings.simplefilter("error", RecurraWarning)
    if sys.argv[1:2] == ["--table"]:
        table(sys.argv[2])
    else:
        measure(sys.argv[1:] or list(TASKS))
