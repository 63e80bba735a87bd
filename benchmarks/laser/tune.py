"""How the settings of `recurra example laser` were found: on the 1,000 training rows alone.

The network learns the square root of the intensity, the amplitude of the field; errors are those of the intensity.
Random settings are judged one step ahead by leave-a-block-out validation inside the training rows: the readout is
fitted on the rest of them, ten rows away from the block, for a path of ridges. Halving: all candidates on one
reservoir, the best third on three, the best tenth on ten; the last line printed is the choice. With `--intensity` the
network learns the intensity itself.

    python benchmarks/laser/tune.py > benchmarks/laser/results.jsonl
"""

import json
import sys

import numpy as np
import scipy.linalg

from recurra.data import datasets
from recurra.reservoirs import draw_reservoir
from recurra.reservoirs.harvest import Harvest

TRAINED, WASHOUT, BLOCKS, GAP = 1000, 20, 10, 10
CANDIDATES, ROUNDS = 150, ((1.0, 1), (1 / 3, 3), (1 / 10, 10))  # share of the candidates, reservoirs of each
RIDGES = 10.0 ** np.arange(-12, -2)


def candidate(rng: np.random.Generator) -> dict:
    """Random settings of a network."""
    return {
        "units": int(rng.choice([500, 1000, 2000])),
        "spectral_radius": round(rng.uniform(0.2, 1.2), 2),
        "in_degree": int(rng.choice([3, 10])),
        "input_scaling": round(10 ** rng.uniform(-1.3, 0.0), 2),
        "bias_scaling": float(rng.choice([0.2, 0.5, 1.0])),
        "leak": float(rng.choice([1.0, 1.0, 0.8])),
        "lags": int(rng.choice([1, 2, 4, 8])),
        "readout_features": str(rng.choice(["states", "squared-half", "squares"])),
    }


def errors(settings: dict, values: np.ndarray, power: int, seed: int) -> np.ndarray:
    """Squared one-step errors of values^power over its variance, for every ridge."""
    centre, scale = values.mean(), values.std()
    y = (values - centre) / scale
    drawn = {k: v for k, v in settings.items() if k not in ("units", "lags", "readout_features")}
    reservoir = draw_reservoir(settings["units"], 1, seed=seed, **drawn)
    harvest = Harvest(reservoir, settings["lags"], False, WASHOUT, settings["readout_features"])
    start = np.zeros(settings["units"])
    ((H, Y, _),) = harvest.blocks(y[:-1, None], y[1:, None], range(len(y) - 1), start)
    rows, total = np.arange(len(H)), np.zeros(len(RIDGES))
    for block in np.array_split(rows, BLOCKS):
        kept = (rows < block[0] - GAP) | (rows > block[-1] + GAP)
        mean, offset = H[kept].mean(axis=0), Y[kept].mean()
        centred = H[kept] - mean
        s2, U = scipy.linalg.eigh(centred @ centred.T)  # fewer rows than features: the dual problem
        across, wanted = (H[block] - mean) @ centred.T @ U, U.T @ (Y[kept, 0] - offset)
        for k, ridge in enumerate(RIDGES):
            forecast = offset + across @ (wanted / (np.maximum(s2, 0) + ridge * s2[-1]))
            truth, forecast = ((centre + scale * z) ** power for z in (Y[block, 0], forecast))
            total[k] += np.sum((forecast - truth) ** 2)
    return total / len(H) / np.var(values**power)


def main() -> None:
    values = datasets.load("santa-fe-laser").values[:TRAINED, 0]
    power = 1 if "--intensity" in sys.argv else 2
    rng = np.random.default_rng(0)
    found = [{"settings": candidate(rng), "seeds": []} for _ in range(CANDIDATES)]
    for share, seeds in ROUNDS:
        found = found[: round(share * CANDIDATES)]
        for entry in found:
            for seed in range(len(entry["seeds"]), seeds):
                entry["seeds"].append(errors(entry["settings"], values ** (1 / power), power, seed).tolist())
            path = np.median(entry["seeds"], axis=0)
            entry["nmse"], entry["ridge"] = float(path.min()), float(RIDGES[path.argmin()])
        found.sort(key=lambda entry: entry["nmse"])
        for entry in found[:10][::-1]:
            line = {"reservoirs": seeds, "nmse": round(entry["nmse"], 5), "ridge": entry["ridge"]}
            print(json.dumps({**line, **entry["settings"]}), flush=True)


if __name__ == "__main__":
    main()
