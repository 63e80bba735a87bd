"""How the settings of the closed loop in `recurra example laser` were found: on the 1,000 training rows alone.

Leave-a-third-out: the readout is fitted on two thirds of the training rows, and runs alone for 100 steps from origins
in the other third. The score is the measure of the competition, the squared error of the intensity over its variance,
at most 10 for one origin, so that a network that runs away once in ten times loses to the mean; averaged over
origins, thirds and reservoirs. The last line printed is the choice.

    python benchmarks/laser/tune_closed_loop.py > benchmarks/laser/results-closed-loop.jsonl
"""

import json
from itertools import product
from typing import Any

import numpy as np

from recurra.data import datasets
from recurra.forecasting import Origins
from recurra.reservoirs import EchoState, TriangularFactor, draw_reservoir
from recurra.reservoirs.harvest import Harvest

TRAINED, AHEAD, THIRDS, SEEDS, WASHOUT, EVERY = 1000, 100, 3, 6, 20, 10
MOST = 10.0
FIXED: dict[str, Any] = {"units": 500, "in_degree": 10, "bias_scaling": 1.0, "leak": 0.8}
GRID: dict[str, list[Any]] = {
    "spectral_radius": [0.8, 1.2],
    "input_scaling": [0.1, 0.3],
    "teacher_noise": [0.02, 0.05, 0.1],
}
RIDGES = [1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2]


def errors(settings: dict[str, Any], intensity: np.ndarray, seed: int) -> np.ndarray:
    """Mean NMSE over all origins in all thirds, for every ridge."""
    root = np.sqrt(intensity)
    centre, scale = root.mean(), root.std()
    y = ((root - centre) / scale)[:, None]
    drawn = {name: value for name, value in settings.items() if name != "teacher_noise"}
    reservoir = draw_reservoir(features=1, seed=seed, **FIXED, **drawn)
    noise = settings["teacher_noise"] * np.random.default_rng([seed, 0, 1]).standard_normal((len(y) - 1, 1))
    harvest = Harvest(reservoir, 0, False, WASHOUT)
    ((H, Y, _),) = harvest.blocks(y[:-1] + noise, y[1:], range(len(y) - 1), np.zeros(reservoir.units))
    found = []
    for third in np.array_split(np.arange(len(H)), THIRDS):
        kept = np.setdiff1d(np.arange(len(H)), third)
        path = TriangularFactor.empty(reservoir.units, 1).add(H[kept], Y[kept]).path()
        network = EchoState(reservoir, np.stack([path.solve(ridge) for ridge in RIDGES]), lags=0)
        rows = WASHOUT + third[WASHOUT : -AHEAD - 1 : EVERY]
        origins = Origins.cut(y, np.zeros((len(y), 0)), rows.tolist(), 2 * WASHOUT, AHEAD)
        warm = network.warm(network.initial_state(len(rows)), origins.warm)
        many = [np.concatenate([part] * len(RIDGES)) for part in (warm, origins.last, origins.drive)]
        free = network.free_run(*many)[1].reshape(len(RIDGES), len(rows), AHEAD)
        truth = np.stack([intensity[r + 1 : r + 1 + AHEAD] for r in rows])
        squares = (np.minimum((centre + scale * free) ** 2, 1e6) - truth) ** 2
        found.append(np.minimum(squares.mean(axis=2) / truth.var(axis=1), MOST).mean(axis=1))
    return np.mean(found, axis=0)


def main() -> None:
    intensity = datasets.load("santa-fe-laser").values[:TRAINED, 0]
    found = []
    for values in product(*GRID.values()):
        settings = dict(zip(GRID, values, strict=True))
        paths = np.mean([errors(settings, intensity, seed) for seed in range(SEEDS)], axis=0)
        found += [
            {"nmse": round(float(nmse), 3), "ridge": ridge, **settings}
            for ridge, nmse in zip(RIDGES, paths, strict=True)
        ]
    for entry in sorted(found, key=lambda entry: -entry["nmse"]):
        print(json.dumps(entry))


if __name__ == "__main__":
    main()
