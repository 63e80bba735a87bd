"""Fields without noise: for how many Lyapunov times does a forecast of a whole ring of sites hold?

python -m benchmarks.skill.fields                   # every row that is not there yet
python -m benchmarks.skill.fields --only NAME       # rows whose name begins so
python -m benchmarks.skill.fields --tables          # nothing but the table in README.md
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from benchmarks.skill.results import append, put, read, stamp

from recurra import Series
from recurra.estimators import LEARNERS
from recurra.systems import KuramotoSivashinsky, Lorenz96

THRESHOLD = 0.5  # of sqrt(mean over sites of ((forecast - truth) / standard deviation in training)^2)


@dataclass(frozen=True)
class Field:
    """A system with its protocol.

    Args:
        simulate: a number of rows of it.
        exponent: the first one, by which times are counted.
        learnt: rows before the part that is forecast.
        starts: first and last row, after those, at which forecasts may start, and how many do.
        horizon: steps of each forecast.
    """

    simulate: Callable[[int], Series]
    exponent: float
    learnt: int
    starts: tuple[int, int, int]
    horizon: int

    def origins(self) -> list[int]:
        """The last known row of each forecast, drawn by a fixed seed."""
        first, last, count = self.starts
        drawn = np.random.default_rng(0).choice(np.arange(first, last), count, replace=False)
        return (self.learnt + np.sort(drawn)).tolist()


def lorenz96(forcing: float, exponent: float) -> Field:
    """40 sites, one Runge-Kutta step of 0.01 a row, 1,000 time units dropped, 100,000 rows to learn from.

    Protocol and exponents: P. R. Vlachas et al., Neural Networks 126 (2020) 191-217, and their code.
    """

    def simulate(rows: int) -> Series:
        start = forcing + 0.01 * np.random.RandomState(100).standard_normal(40)
        system, dropped = Lorenz96(sites=40, forcing=forcing), 100_000
        found = system.simulate(steps=dropped + rows, dt=0.01, method="rk4", initial=start)
        return Series(found.values[dropped:], dt=0.01, channels=found.channels)

    return Field(simulate, exponent, 100_000, (20_000, 80_000, 100), 1200)


def kuramoto_sivashinsky(length: float, points: int, exponent: float, learnt: int, horizon: int) -> Field:
    """Rows 0.25 apart, as J. Pathak et al., Phys. Rev. Lett. 120 (2018) 024102; four steps of ETDRK4 a row."""

    def simulate(rows: int) -> Series:
        system = KuramotoSivashinsky(length=length, points=points, substep=1 / 16)
        return system.simulate(steps=rows, dt=0.25, seed=1)

    return Field(simulate, exponent, learnt, (100, 9000, 12), horizon)


FIELDS = {
    "lorenz96 F=8": lorenz96(8.0, 1.68),
    "lorenz96 F=10": lorenz96(10.0, 2.27),
    "ks L=22": kuramoto_sivashinsky(22.0, 64, 0.0477, 20_000, 1200),
    "ks L=100": kuramoto_sivashinsky(100.0, 256, 0.0910, 10_000, 500),
    "ks L=200": kuramoto_sivashinsky(200.0, 512, 0.0933, 10_000, 500),
}
CHOICE = {"horizon": 300, "origins": 3}
SINGLE = {"units": 1950, "increment": True, "input_scaling": 0.001, "spectral_radius": 0.1, "in_degree": 3}
LOCAL = {"units": 600, "increment": True, "input_scaling": 0.02, "spectral_radius": 0.1}
SMOOTH = {  # the waves die out far above the spacing of the sites: a readout that is not held small would make new ones
    "units": 1000,
    "input_scaling": 0.2,
    "spectral_radius": 0.1,
    "shared": True,
    "group": 4,
    "halo": 8,
    "teacher_noise": 3e-5,
    "ridge": 1e-12,
}
CASES: dict[str, tuple[str, int, dict[str, Any]]] = {  # name -> (learner, rows that are learnt, settings)
    "polynomials, 8 rows": ("local-ng-rc", 5000, {"shared": True, "degree": 2, "lags": 8, "halo": 2}),
    "polynomials, 2 rows": ("local-ng-rc", 5000, {"shared": True, "degree": 3, "lags": 2, "halo": 4}),
    "local, one readout": ("local-esn", 3000, {**LOCAL, "shared": True, "halo": 4}),
    "local, a readout each": ("local-esn", 20_000, {**LOCAL, "units": 300, "group": 2, "halo": 4}),
    "one reservoir": ("esn", 40_000, {**SINGLE, "horizon": 200}),
}
ROWS = {
    **{f"lorenz96 F=8, {name}": ("lorenz96 F=8", *case) for name, case in CASES.items()},
    **{f"lorenz96 F=10, {name}": ("lorenz96 F=10", *case) for name, case in CASES.items()},
    "ks L=200, local, one readout": ("ks L=200", "local-esn", 1400, SMOOTH),
    "ks L=100, local, one readout": ("ks L=100", "local-esn", 2800, SMOOTH),
    "ks L=22, local, one readout": ("ks L=22", "local-esn", 5000, {**SMOOTH, "teacher_noise": 1e-4, "ridge": None}),
}


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="benchmarks.skill.fields", description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="NAME", help="rows whose name begins so")
    parser.add_argument("--tables", action="store_true", help="nothing but the table of README.md")
    args = parser.parse_args()
    done = {row["name"] for row in read("fields")}
    for name, (field, *case) in ROWS.items():
        if name.startswith(args.only) and name not in done and not args.tables:
            row = {"name": name, **measure(FIELDS[field], *case), **stamp("fields")}
            append("fields", row)
            shown = ("settings", "mean", "median", "least", "fit_cpu", "forecast_cpu")
            print(name, {key: row[key] for key in shown}, flush=True)
    write_table()


def measure(field: Field, learner: str, rows: int, settings: dict[str, Any]) -> dict[str, Any]:
    """Fit to the last rows before the part that is forecast, and forecast from starts in that part."""
    origins = field.origins()
    series = field.simulate(max(origins) + field.horizon + 1)
    used = time.process_time()
    model = LEARNERS[learner].build(**{**CHOICE, **settings}).fit(series[field.learnt - rows : field.learnt])
    fit = time.process_time() - used
    backtest = model.backtest(series, field.horizon, origins)
    forecast = time.process_time() - used - fit
    times = {name: field.exponent * found for name, found in backtest.valid_times(THRESHOLD).items()}
    own = times.pop(learner)
    tried = sorted(model.history_, key=lambda entry: entry["validation"])
    return {
        "learner": learner,
        "learnt": rows,
        "settings": {**settings, **({"ridge": tried[0]["ridge"]} if tried else {})},
        "seed": 0,
        "exponent": field.exponent,
        "starts": len(own),
        "mean": float(own.mean()),
        "deviation": float(own.std()),
        "median": float(np.median(own)),
        "least": float(own.min()),
        "most": float(own.max()),
        "to_end": int(np.count_nonzero(own >= 0.999 * field.exponent * field.horizon * series.dt)),
        "baselines": {name: round(float(found.mean()), 3) for name, found in times.items()},
        "fit_cpu": round(fit, 1),
        "forecast_cpu": round(forecast, 1),
        "valid_times": np.round(own, 2).tolist(),
    }


def write_table() -> None:
    """One line a row."""
    lines = [
        "",
        "| row | learnt | mean | median | deviation | least | best baseline, mean | fit, core-seconds | forecasts |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in read("fields"):
        numbers = " | ".join(f"{row[name]:.2f}" for name in ("mean", "median", "deviation", "least"))
        best = max(row["baselines"], key=row["baselines"].__getitem__)
        ends = f"{best} {row['baselines'][best]:.2f} | {row['fit_cpu']:.0f} | {row['forecast_cpu']:.0f}"
        lines.append(f"| {row['name']} | {row['learnt']:,} | {numbers} | {ends} |")
    put("fields", lines)


if __name__ == "__main__":
    main()
