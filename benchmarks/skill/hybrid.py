"""Lorenz-63 with an equation whose rho is 5 % wrong: the equation alone, a network alone, and both together.

python -m benchmarks.skill.hybrid                   # every row that is not there yet
python -m benchmarks.skill.hybrid --tables          # nothing but the table in README.md
"""

import argparse
from typing import Any

import numpy as np
from benchmarks.skill.results import append, put, read, stamp

from recurra.estimators import ESN, Hybrid
from recurra.series import Series
from recurra.systems import Lorenz63

EXPONENT, THRESHOLD, DT, WRONG = 0.9051, 0.4, 0.02, 29.4
SEEDS, STARTS, TRAINED = 5, 20, 5000
HORIZON, SPACING = 1500, 250  # rows: of every forecast, and between two starts
ROWS = {  # name -> (units, steps that are learnt, standard deviation of the noise in those of the channels)
    "units=50 steps=200": (50, 200, 0.0),
    "units=50 steps=500": (50, 500, 0.0),
    "units=50 steps=1000": (50, 1000, 0.0),
    "units=50 steps=5000": (50, 5000, 0.0),
    "units=100 steps=500": (100, 500, 0.0),
    "units=500 steps=200": (500, 200, 0.0),
    "units=500 steps=1000": (500, 1000, 0.0),
    "units=500 steps=5000": (500, 5000, 0.0),
    "units=500 steps=5000 noise=0.001": (500, 5000, 1e-3),
    "units=500 steps=5000 noise=0.01": (500, 5000, 1e-2),
}


def main() -> None:
    """Measure what is not there yet."""
    parser = argparse.ArgumentParser(prog="benchmarks.skill.hybrid", description=__doc__.splitlines()[0])
    parser.add_argument("--tables", action="store_true", help="nothing but the table of README.md")
    args = parser.parse_args()
    done = {row["name"] for row in read("hybrid")}
    for name, case in ROWS.items():
        if name not in done and not args.tables:
            row = {"name": name, **measure(*case), **stamp("hybrid")}
            append("hybrid", row)
            print(name, row["median"], flush=True)
    write_table()


def measure(units: int, steps: int, noise: float) -> dict[str, Any]:
    """Valid times over the same starts, in Lyapunov times, against the truth without noise."""
    truth = Lorenz63().simulate(steps=TRAINED + STARTS * SPACING + HORIZON, dt=DT, seed=0)
    scale = truth.values[: TRAINED + 1].std(axis=0)
    values = truth.values + noise * scale * np.random.default_rng(0).standard_normal(truth.values.shape)
    series = Series(values, dt=DT, channels=truth.channels)
    train = series[TRAINED - steps : TRAINED + 1]
    origins = [TRAINED + SPACING * k for k in range(STARTS)]
    after = np.stack([truth.values[r + 1 : r + 1 + HORIZON] for r in origins])
    found: dict[str, list[float]] = {"equation": _times(after, _equation(values[origins]), scale)}
    for seed in range(SEEDS):
        settings = {"units": units, "seed": seed}
        equation = {"system": "lorenz63", "parameters": {"rho": WRONG}}
        for model in (ESN(**settings), Hybrid(**equation, settings=settings)):
            forecasts = model.fit(train).backtest(series, HORIZON, origins).forecasts[model.kind]
            found.setdefault(model.kind, []).extend(_times(after, forecasts, scale))
    return {
        "rho": WRONG,
        "dt": DT,
        "seeds": SEEDS,
        "starts": STARTS,
        "median": {name: float(np.median(times)) for name, times in found.items()},
        "tenth_percentile": {name: float(np.quantile(times, 0.1)) for name, times in found.items()},
        "valid_times": {name: np.round(times, 2).tolist() for name, times in found.items()},
    }


def _equation(starts: np.ndarray) -> np.ndarray:
    """Forecasts (starts, rows, channels) of the wrong equation from the last known rows."""
    wrong = Lorenz63(rho=WRONG)
    return np.stack([wrong.simulate(steps=HORIZON, dt=DT, initial=start).values[1:] for start in starts])


def _times(truth: np.ndarray, forecasts: np.ndarray, scale: np.ndarray) -> list[float]:
    """Lyapunov times until the error is above the threshold; the whole horizon where it never is."""
    errors = np.sqrt(np.mean(((forecasts - truth) / scale) ** 2, axis=2))
    beyond = np.concatenate([errors > THRESHOLD, np.ones((len(errors), 1), bool)], axis=1)
    return (EXPONENT * DT * beyond.argmax(axis=1)).tolist()


def write_table() -> None:
    """One line a row."""
    lines = [
        "",
        "| row | equation alone | network alone | hybrid | over the better one | tenth percentile: network | hybrid |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in read("hybrid"):
        median, tenth = row["median"], row["tenth_percentile"]
        ratio = median["hybrid"] / max(median["equation"], median["esn"])
        shown = (*(median[name] for name in ("equation", "esn", "hybrid")), ratio, tenth["esn"], tenth["hybrid"])
        lines.append(f"| {row['name']} | " + " | ".join(f"{each:.1f}" for each in shown) + " |")
    put("hybrid", lines)


if __name__ == "__main__":
    import warnings

    from recurra.errors import RecurraWarning

    warnings.simplefilter("ignore", RecurraWarning)  # a closed loop that runs away is a score like any other
    main()
