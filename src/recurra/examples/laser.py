"""A chaotic laser (Santa Fe competition, data set A): one step ahead of 5,000 rows, and the competition's 100 steps.

The network learns the amplitude of the field, the square root of the measured intensity: in it the low pulses after a
collapse, on which the next ones depend, are not small. Errors are those of the intensity. The settings were found on
the 1,000 training rows alone: those for one step by leave-a-block-out validation (`benchmarks/laser/tune.py`), those
for the closed loop by forecasts inside these rows (`benchmarks/laser/tune_closed_loop.py`). They hold three collapses,
from which the next one is to be foreseen: hence the spread between reservoirs.
"""

from typing import Any

import numpy as np

from recurra import metrics
from recurra.data import datasets
from recurra.estimators import ESN, Climatology, Linear, Nearest, Persistence
from recurra.examples.outcome import NOWHERE, Outcome, Progress, counted, kept, median, tick
from recurra.examples.parts import Parts
from recurra.report import Section, Table, error_growth_figure, forecast_figure
from recurra.series import Series
from recurra.suites.santa_fe_laser import ESN as NETWORK

TRAINED, TESTED, AHEAD = 1000, 5000, 100
ROUNDING = 1 / 12  # variance of what is lost in whole numbers
ONE_STEP: dict[str, Any] = {**NETWORK, "washout": 20}
CLOSED_LOOP: dict[str, Any] = {
    "units": 500,
    "spectral_radius": 0.8,
    "input_scaling": 0.1,
    "leak": 0.8,
    "lags": 0,
    "teacher_noise": 0.05,
    "ridge": 1e-8,
    "washout": 20,
    "warmup": 100,
}


def run(*, seeds: int, seed: int, progress: Progress | None = None, parts: Parts = NOWHERE) -> Outcome:
    """Train on the first 1,000 rows; forecast the next 5,000 one step ahead, and the next 100 in closed loop.

    Args:
        seeds: reservoirs.
        seed: the first of them.
        progress: called after every seed.
        parts: where finished seeds are kept.
    """
    series = datasets.load("santa-fe-laser")[: TRAINED + TESTED]
    baselines = parts.get("baselines", lambda: _baselines(series))
    tick(progress, 1, seeds + 1)
    found, sections = [], []
    for k in range(seeds):
        part = parts.get(f"seed-{seed + k}", lambda k=k: _one(series, seed + k, drawn=k == 0))
        found.append({"seed": seed + k, **part["score"]})
        sections = sections or [Section(**part["section"])]
        tick(progress, k + 2, seeds + 1)
    test = series.values[TRAINED:]
    results = {
        "seeds": found,
        "median": {
            "one_step": {m: median(e["one_step"][m] for e in found) for m in ("r2", "nmse")},
            "closed_loop": {"nmse": median(e["closed_loop"]["nmse"] for e in found)},
        },
        "best": {
            "one_step": {"r2": max(e["one_step"]["r2"] for e in found)},
            "closed_loop": {"nmse": min(e["closed_loop"]["nmse"] for e in found)},
        },
        "baselines": baselines,
        "rounding_nmse": float(ROUNDING / test.var()),
        "rows": {"trained": TRAINED, "one_step": TESTED, "closed_loop": AHEAD},
        "settings": {"one_step": ONE_STEP, "closed_loop": CLOSED_LOOP},
        "sha256": series.sha256,
    }
    return Outcome(results, _table(results), sections, series.sha256)


def _root(series: Series) -> Series:
    return Series(np.sqrt(series.values), dt=series.dt, times=series.times, channels=["amplitude"])


def _square(series: Series) -> Series:
    return Series(series.values**2, dt=series.dt, times=series.times, channels=["intensity"])


def _one(series: Series, seed: int, *, drawn: bool) -> dict[str, Any]:
    """Two networks, one for the next step and one for the closed loop."""
    train, test = _root(series[:TRAINED]), series[TRAINED:]
    step, loop = (ESN(**settings, seed=seed).fit(train) for settings in (ONE_STEP, CLOSED_LOOP))
    predicted, free = _square(step.predict(_root(test))), _square(loop.forecast(AHEAD))
    found: dict[str, Any] = {"score": _score(test, predicted, free)}
    if drawn:
        found["section"] = kept(_section(series, predicted, free))
    return found


def _score(test: Series, predicted: Series, free: Series) -> dict[str, Any]:
    """Squared errors over the variance of the rows that are scored; R2 = 1 - NMSE."""
    one_step, closed_loop = (
        metrics.rmse(test.values[: len(f)], f.values) ** 2 / test.values[: len(f)].var() for f in (predicted, free)
    )
    return {
        "one_step": {"r2": float(1 - one_step), "nmse": float(one_step)},
        "closed_loop": {"nmse": float(closed_loop)},
    }


def _baselines(series: Series) -> dict[str, dict[str, Any]]:
    """What needs no network: the same rows, the same scores; where it can matter, of the amplitude too."""
    train, test = series[:TRAINED], series[TRAINED:]
    found = {}
    for kind in (Climatology, Persistence, Linear, Nearest):
        model = kind().fit(train)
        found[kind.kind] = _score(test, model.predict(test), model.forecast(AHEAD))
    for kind in (Linear, Nearest):
        model = kind().fit(_root(train))
        scored = _square(model.predict(_root(test))), _square(model.forecast(AHEAD))
        found[f"{kind.kind}, of the amplitude"] = _score(test, *scored)
    return found


def _table(results: dict[str, Any]) -> Table:
    count, rounding = counted(len(results["seeds"]), "seed"), results["rounding_nmse"]
    middle, best = results["median"], results["best"]
    rows: list[list[Any]] = [
        [
            f"echo state network, median of {count}",
            middle["one_step"]["r2"],
            middle["one_step"]["nmse"],
            middle["closed_loop"]["nmse"],
        ],
        [
            f"echo state network, best of {count}",
            best["one_step"]["r2"],
            1 - best["one_step"]["r2"],
            best["closed_loop"]["nmse"],
        ],
    ]
    rows += [
        [name, score["one_step"]["r2"], score["one_step"]["nmse"], score["closed_loop"]["nmse"]]
        for name, score in results["baselines"].items()
    ]
    rows.append(["rounding to whole numbers, the floor", 1 - rounding, rounding, None])
    caption = (
        f"Intensity of the laser, trained on rows 0 to {TRAINED - 1}: one step ahead of the next {TESTED}, and {AHEAD} "
        f"steps in closed loop; NMSE is the squared error over the variance of the rows scored. Data SHA-256 "
        f"{results['sha256'][:16]}"
    )
    columns = ["learner", "R2, one step", "NMSE, one step", f"NMSE, {AHEAD} steps"]
    return Table(columns, rows, caption, ("", "higher", "lower", "lower"))


def _section(series: Series, predicted: Series, free: Series) -> Section:
    history, truth = series[:TRAINED], series[TRAINED : TRAINED + AHEAD]
    linear = Linear().fit(history).forecast(AHEAD)
    figures = [
        forecast_figure(truth, {"esn": free, "linear": linear}, history),
        error_growth_figure(truth, {"esn": free, "linear": linear}, history.values.std(axis=0), 0.4),
        forecast_figure(series[TRAINED : TRAINED + 300], {"esn": predicted[:300]}),
    ]
    text = (
        f"The first seed. Above, the {AHEAD} steps of the competition on its own output, and how the error grows; "
        "below, the same rows and two hundred more, each forecast from the true ones before it."
    )
    return Section("A laser and its collapses", text, figures)
