"""How the settings of `recurra example noisy-sine` for the network of two units were found: on other noise.

Each line is one draw of the noise, with seeds that the example does not use: mean squared error one step ahead of the
last 250 rows and its part above the noise, both over the floor. `--learned-start` fits the state before the first row
as well, on the training rows as one window of which all steps are compared.

    python benchmarks/noisy-sine/tune.py > benchmarks/noisy-sine/results.jsonl
"""

import json
import sys

import numpy as np

from recurra.data import Scaler
from recurra.examples.noisy_sine import FLOOR, TRAINED, WHOLE, LateErrors, fit_whole, noisy_sine
from recurra.examples.small_network import drawn, forecasts
from recurra.training.least_squares import least_squares

SEEDS = (1002, 1004, 1010, 1011, 1013)


def main() -> None:
    for seed in SEEDS:
        series = noisy_sine(seed)
        scaler = Scaler.fit([series.values[:TRAINED]])
        z = scaler.scale(series.values[:TRAINED])
        if "--learned-start" in sys.argv:
            start = drawn(WHOLE["units"], seed, learned_start=True)
            model = least_squares(LateErrors(0), start, z[None], evaluations=100).weights
        else:
            model = fit_whole(z, seed, WHOLE)
        step = forecasts(model, scaler, series, TRAINED)["one_step"].values
        truth, clean = series.values[TRAINED:], np.sin(series.times[TRAINED:])[:, None]
        over = {name: float(np.mean((step - y) ** 2) / FLOOR) for name, y in (("mse", truth), ("above", clean))}
        print(json.dumps({"noise": seed, "learned_start": "--learned-start" in sys.argv, **over}), flush=True)


if __name__ == "__main__":
    main()
