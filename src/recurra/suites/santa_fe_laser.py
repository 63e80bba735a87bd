"""The Santa Fe laser: one step ahead of a hundred rows after two thousand, and two hundred steps alone."""

from typing import Any

import numpy as np

from recurra.series import Series
from recurra.suites.suite import Case, Entry, Measure, Published, Suite

TRAINED, TESTED, ALONE, LONG = 2000, 100, 200, 5000

ESN: dict[str, Any] = {
    "units": 1000,
    "spectral_radius": 0.45,
    "input_scaling": 0.08,
    "bias_scaling": 0.2,
    "leak": 0.8,
    "readout_features": "squares",
    "ridge": 1e-12,
    "warmup": 100,
}


def measure(case: Case) -> dict[str, Any]:
    """Fit to the rows after the washout; forecast the rows after those one step ahead, and in closed loop."""
    from recurra.data import datasets

    conditions = case.entry.conditions
    rows = conditions["washout"] + TRAINED
    series = datasets.load("santa-fe-laser")[: rows + LONG]
    forward, back = (np.sqrt, np.square) if conditions["of"] == "amplitude" else (np.array, np.array)
    seen = Series(forward(series.values), dt=1.0, channels=[conditions["of"]])
    washout = {"washout": conditions["washout"]} if case.entry.learner == "esn" else {}
    model = case.build(**washout).fit(seen[:rows])
    truth = series.values[rows:]
    predicted = back(model.predict(seen[rows:]).values)
    alone = back(model.forecast(ALONE).values)
    return {
        "r2": _r2(truth[:TESTED], predicted[:TESTED]),
        "r2_long": _r2(truth, predicted),
        "nrmse_alone": np.sqrt(np.mean((alone - truth[:ALONE]) ** 2)) / series.values[:rows].std(),
    }


def _r2(truth: np.ndarray, forecast: np.ndarray) -> float:
    return float(1 - np.mean((forecast - truth) ** 2) / truth.var())


def _baseline(learner: str, of: str = "intensity") -> Entry:
    name = learner if of == "intensity" else f"{learner}, of the amplitude"
    return Entry(name, learner, {}, {"washout": 300, "of": of}, seeded=False, baseline=True)


SUITE = Suite(
    name="santa-fe-laser",
    title="Santa Fe laser: one step ahead, and 200 steps alone",
    protocol=(
        "Rows 300 to 2,299 are learnt after 300 that warm up (or 2,000 after 74), and the next 100 forecast one step "
        "ahead from the true rows; R2 is of the intensity. The next 5,000 rows, which hold more collapses, are scored "
        "beside them, and 200 steps in closed loop (NRMSE: by the standard deviation of the training rows). The "
        "network learns the amplitude, the square root of the intensity; its settings were found on rows 0 to 999."
    ),
    source="public code of doi 10.1016/j.neucom.2022.11.044 (100 seeds)",
    measures=(
        Measure("r2", "R2, one step, 100 rows", "higher"),
        Measure("r2_long", "R2, one step, 5,000 rows", "higher"),
        Measure("nrmse_alone", "NRMSE, 200 steps alone", "lower"),
    ),
    entries=(
        Entry("esn N=1000, washout 300", "esn", ESN, {"washout": 300, "of": "amplitude"}),
        Entry("esn N=1000, washout 74", "esn", ESN, {"washout": 74, "of": "amplitude"}),
        _baseline("persistence"),
        _baseline("linear"),
        _baseline("nearest"),
        _baseline("linear", "amplitude"),
    ),
    published=(
        Published("echo state network N=1024, washout 300, best of 100", "r2", 0.9991, "results of the public code"),
        Published("the same, median", "r2", 0.9935, "results of the public code"),
        Published("echo state network N=1024, washout 74, best of 100", "r2", 0.9998, "results of the public code"),
        Published("the same, median", "r2", 0.9981, "results of the public code"),
    ),
    measure=measure,
    seeds=20,
)
