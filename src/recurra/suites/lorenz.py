"""Lorenz-63 without noise, from its three channels: for how many Lyapunov times does a forecast hold?"""

import time
from typing import Any

import numpy as np

from recurra.suites.suite import Case, Entry, Measure, Published, Suite

EXPONENT, THRESHOLD, STARTS = 0.9051, 0.4, 100
HORIZON, SPACING = 40.0, 5.0  # Lyapunov times: of every forecast, and between two starts
_SIZES = ((0.02, 5000), (0.02, 8000), (0.01, 10_000))


def _entry(learner: str, dt: float, steps: int) -> Entry:
    return Entry(f"{learner} dt={dt:g} steps={steps}", learner, {}, {"dt": dt, "steps": steps}, seeded=False)


def measure(case: Case) -> dict[str, Any]:
    """Fit once, forecast from 100 later points of the trajectory, and solve the equations twice from each of them."""
    from recurra.systems import Lorenz63, agreement_time

    dt, steps = case.entry.conditions["dt"], case.entry.conditions["steps"]
    horizon, spacing = (round(times / EXPONENT / dt) for times in (HORIZON, SPACING))
    series = Lorenz63().simulate(steps=steps + STARTS * spacing + horizon, dt=dt, seed=0)
    train = series[: steps + 1]
    used = time.process_time()
    model = case.build().fit(train)
    used = time.process_time() - used
    origins = [steps + spacing * k for k in range(STARTS)]
    times = EXPONENT * model.backtest(series, horizon, origins).valid_times(THRESHOLD)[model.kind]
    scale = train.values.std(axis=0)
    truth = [EXPONENT * agreement_time(series[r : r + horizon + 1], THRESHOLD, scale) for r in origins]
    return {
        "settings": getattr(model, "chosen_", model.get_params()),
        "cpu": round(used, 1),
        "valid_times": np.round(times, 2),
        "truth": np.round(truth, 2),
    }


SUITE = Suite(
    name="lorenz",
    title="Lorenz-63 without noise: for how many Lyapunov times a forecast holds",
    protocol=(
        "Three channels of one trajectory (solved with a local error of 1e-12); everything is chosen by the closed "
        "loop within the training rows. Forecasts start from 100 later points, five Lyapunov times apart (exponent "
        "0.9051), and are valid while the error stays below 0.4 standard deviations. Beside them, the time for which "
        "two solvers of the equations agree from the same points: beyond it no forecast can be shown to be right. "
        "Processor seconds are those of the fit."
    ),
    source="recurra; two solvers as in arXiv 2508.06730",
    measures=(
        Measure("valid_times", "valid prediction time, Lyapunov times", "higher"),
        Measure("truth", "two solvers agree, Lyapunov times"),
    ),
    entries=(
        *(_entry("ng-rc", dt, steps) for dt, steps in _SIZES),
        _entry("kernel-ridge", 0.02, 5000),
    ),
    published=(
        Published(
            "next-generation reservoir computing, Gauthier 2021",
            "valid_times",
            5.0,
            "Nature Communications 12, 5564: well out to about 5, no threshold stated",
        ),
        Published(
            "reservoirs with a careful ridge",
            "valid_times",
            30.0,
            "arXiv 2508.06730, abstract: more than 30, about 70 % of what one-step errors allow",
        ),
    ),
    measure=measure,
)
