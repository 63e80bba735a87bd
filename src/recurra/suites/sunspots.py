"""Sunspots: eleven years ahead, month by month, from 137 origins in the twentieth century."""

from typing import Any

import numpy as np

from recurra.series import Series
from recurra.suites.suite import Case, Entry, Measure, Suite

YEARS, EVERY = 11, 6  # of every forecast; months between two origins
TRAINED = (1930 - 1749) * 12  # months that are learnt
MEMBERS = 10

ESN: dict[str, Any] = {
    "units": 300,
    "spectral_radius": 0.887,
    "leak": 0.119,
    "input_scaling": 0.00505,
    "bias_scaling": 0.107,
    "lags": 0,
    "ridge": 3.2e-5,
    "teacher_noise": 0.2,
    "washout": 240,
}


def measure(case: Case) -> dict[str, Any]:
    """Fit once to the months before 1930; forecast eleven years from every origin, from the months up to it."""
    from recurra.data import datasets

    conditions, horizon = case.entry.conditions, 12 * YEARS
    series = datasets.load("sunspots")
    root = conditions["of"] == "root"
    seen = Series(np.sqrt(series.values), dt=1 / 12) if root else Series(series.values, dt=1 / 12)
    origins = list(range(TRAINED, len(series) - horizon, EVERY))
    members = conditions.get("members", 1)
    forecasts = []
    for k in range(members):
        model = Case(case.entry, members * case.seed + k).build().fit(seen[: TRAINED + 1])
        forecasts.append(model.backtest(seen, horizon, origins).forecasts[model.kind][..., 0])
    mean = np.mean(forecasts, axis=0)
    found = np.maximum(mean, 0) ** 2 if root else mean
    error = found - np.stack([series.values[r + 1 : r + 1 + horizon, 0] for r in origins])
    last = error[:, -12:].mean(axis=1)
    return {
        "rmse": np.sqrt(np.mean(error**2)),
        "mae": np.mean(np.abs(error)),
        "rmse_last": np.sqrt(np.mean(last**2)),
    }


def _baseline(name: str, learner: str, of: str, **settings: Any) -> Entry:
    return Entry(name, learner, settings, {"of": of}, seeded=False, baseline=True)


SUITE = Suite(
    name="sunspots",
    title="sunspots, the eleven years ahead, month by month",
    protocol=(
        "Monthly sunspot numbers since 1749; the months before 1930 are learnt, once. Every six months from January "
        "1930 on, as long as the truth is known, the next 132 months are forecast in closed loop from the months up to "
        "the origin. Errors are of the monthly numbers, over all months of all forecasts; the last measure is of the "
        "mean of the eleventh year. Settings were chosen on origins from 1875 to 1918, with the training rows ending "
        "in 1875. Networks learn the square root of the number, and the forecasts of ten are averaged; the "
        "autoregression is shown of both, with orders up to 233 months chosen by its own closed loop."
    ),
    source="recurra",
    measures=(
        Measure("rmse", "RMSE, all months", "lower"),
        Measure("mae", "MAE, all months", "lower"),
        Measure("rmse_last", "RMSE, mean of the eleventh year", "lower"),
    ),
    entries=(
        Entry("ten esn N=300, of the root", "esn", ESN, {"of": "root", "members": MEMBERS}),
        Entry("esn N=300, of the root", "esn", ESN, {"of": "root"}),
        _baseline("linear", "linear", "number", max_order=233, horizon=132),
        _baseline("linear, of the root", "linear", "root", max_order=233, horizon=132),
        _baseline("seasonal, eleven years", "seasonal", "number", period=132),
        _baseline("climatology", "climatology", "number"),
        _baseline("persistence", "persistence", "number"),
    ),
    published=(),
    measure=measure,
    seeds=5,
)
