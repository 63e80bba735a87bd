"""A hundred draws of 1 % noise on Lorenz-63: how often the 95 % intervals of `identify` hold the truth.

python benchmarks/identification/coverage.py > benchmarks/identification/coverage.json
"""

import json

import numpy as np

from recurra.estimators.identify import identify
from recurra.series import Series
from recurra.systems import Lorenz63

TRUTH = {"sigma": 10.0, "rho": 28.0, "beta": 8 / 3}
GUESS = Lorenz63(sigma=12.0, rho=22.4, beta=3.2)  # a fifth off
DRAWS = 100


def main() -> None:
    clean = Lorenz63().simulate(steps=999, dt=0.01, seed=0)
    scale = 0.01 * clean.values.std(axis=0)
    held, errors, said = dict.fromkeys(TRUTH, 0), {name: [] for name in TRUTH}, {name: [] for name in TRUTH}
    for seed in range(DRAWS):
        noise = np.random.default_rng(seed).standard_normal(clean.values.shape)
        rows = Series(clean.values + scale * noise, dt=clean.dt, channels=clean.channels)
        found = identify(GUESS, rows, list(TRUTH), window=2.0)
        for name, true in TRUTH.items():
            low, high = found.intervals[name]
            held[name] += int(low <= true <= high)
            errors[name].append(abs(found.estimates[name] / true - 1))
            said[name].append(found.standard_errors[name] / true)
    print(
        json.dumps(
            {
                "draws": DRAWS,
                "rows": len(clean),
                "window": 2.0,
                "intervals_that_hold_the_truth": held,
                "relative_error_worst": {name: max(each) for name, each in errors.items()},
                "relative_error_median": {name: float(np.median(each)) for name, each in errors.items()},
                "relative_standard_error_median": {name: float(np.median(each)) for name, each in said.items()},
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
