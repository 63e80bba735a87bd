"""The driven oscillator of a course, x'' + 0.4 x' + x = cos(0.5 t), and why its one-step score says nothing.

With rows every 0.001 time units a window of 100 rows spans 1.6 % of a natural period, the last value is a forecast
with R2 = 0.9999995 and a straight line through the last two is better still. Put right, the solution has rows every 0.1
and is followed for nearly five periods of the drive instead of one and a half; the first 60 % are learnt from, the rest
is run alone, the drive known. An autoregression with the drive is exact: the equation is linear, and what a cosine does
between two rows follows from its values at both.
"""

import warnings
from typing import Any

import numpy as np

from recurra import metrics
from recurra.errors import RecurraWarning
from recurra.estimators import GRU, LSTM, RNN, Climatology, Estimator, Linear, Persistence
from recurra.examples.outcome import NOWHERE, Outcome, Progress, combined, counted, kept, median, spread, tick
from recurra.examples.parts import Parts
from recurra.report import Section, Table, error_growth_figure, forecast_figure, phase_portrait, training_curve
from recurra.series import Series
from recurra.systems import DampedOscillator

FINE, STEPS, WINDOW, FIRST = 0.001, 20_000, 100, 15_000  # as the course has it, which tests on the last quarter
DT, ROWS, TRAINED = 0.1, 600, 0.6
KNOWN = 20
NATURAL_PERIOD = 2 * np.pi / np.sqrt(1 - 0.2**2)
NETWORKS: dict[str, Any] = {"lstm": LSTM, "gru": GRU, "rnn": RNN}
SETTINGS: dict[str, Any] = {
    "units": 16,
    "learning_rate": 1e-2,
    "final_learning_rate": 1e-5,
    "epochs": 200,
    "bptt_length": 50,
    "teacher_forced": 5,  # the rest of a window runs on the network's own output, as it will have to
    "increment": True,
    "validation": 0.0,
    "warmup": KNOWN - 1,
}


def run(
    *,
    seeds: int,
    seed: int,
    progress: Progress | None = None,
    parts: Parts = NOWHERE,
    epochs: int = SETTINGS["epochs"],
) -> Outcome:
    """Score what needs no network on the fine rows; train three kinds of network on the coarse ones.

    Args:
        seeds: networks of each kind; the data are the same for all.
        seed: the first of them.
        progress: called after every seed.
        parts: where finished seeds are kept.
        epochs: of each network.
    """
    fine = solution(STEPS, FINE, "rk4")
    coarse = solution(ROWS, DT, None)
    train, test = coarse.split(TRAINED)
    baselines = parts.get("baselines", lambda: _baselines(train, test))
    found, sections = [], []
    for k in range(seeds):
        part = parts.get(f"seed-{seed + k}", lambda k=k: _one(train, test, seed + k, epochs, drawn=k == 0))
        found.append({"seed": seed + k, **part["score"]})
        sections = sections or [Section(**part["section"])]
        tick(progress, k + 1, seeds)
    results = {
        "seeds": found,
        "median": {name: _median([entry[name] for entry in found]) for name in NETWORKS},
        "baselines": baselines,
        "fine": trap(fine.values[FIRST:, 0], FINE),
        "coarse": trap(test.values[:, 0], DT),
        "protocol": {
            "fine_dt": FINE,
            "dt": DT,
            "train": len(train),
            "test": len(test),
            "window_periods": {"fine": WINDOW * FINE / NATURAL_PERIOD, "coarse": KNOWN * DT / NATURAL_PERIOD},
        },
    }
    return Outcome(
        results,
        _table(results),
        [_trap_section(results), *sections],
        combined([fine.sha256, train.sha256, test.sha256]),
    )


def solution(rows: int, dt: float, method: str | None) -> Series:
    """The solution from x = 1 at rest, with the drive as input F."""
    system = DampedOscillator(damping=0.4, force="cosine", frequency=0.5)
    return system.simulate(steps=rows - 1, dt=dt, method=method, initial=[1.0, 0.0])


def trap(x: np.ndarray, dt: float) -> dict[str, float]:
    """What the last value and the straight line through the last two are worth, one step ahead.

    Args:
        x: the position on the rows that are tested (time,).
        dt: step.
    """
    truth, last, line = x[2:], x[1:-1], 2 * x[1:-1] - x[:-2]
    return {
        "dt": dt,
        "persistence_r2": metrics.r2(truth, last),
        "persistence_mse": metrics.rmse(truth, last) ** 2,
        "line_r2": metrics.r2(truth, line),
        "line_mse": metrics.rmse(truth, line) ** 2,
    }


def _one(train: Series, test: Series, seed: int, epochs: int, *, drawn: bool) -> dict[str, Any]:
    settings = {**SETTINGS, "epochs": epochs, "seed": seed}
    models: dict[str, Estimator] = {name: kind(**settings).fit(train) for name, kind in NETWORKS.items()}
    found: dict[str, Any] = {"score": {name: _score(model, test) for name, model in models.items()}}
    if drawn:
        found["section"] = kept(_section(models, train, test))
    return found


def _baselines(train: Series, test: Series) -> dict[str, Any]:
    models = {
        "ARX, 2 lags": (Linear(order=2), train, test),
        "no drive, 2 lags": (Linear(order=2), _undriven(train), _undriven(test)),
        "climatology": (Climatology(), train, test),
        "persistence": (Persistence(), train, test),
    }
    return {name: _score(model.fit(seen), unseen) for name, (model, seen, unseen) in models.items()}


def _undriven(series: Series) -> Series:
    return Series(series.values, dt=series.dt, times=series.times, channels=series.channels)


def _score(model: Estimator, test: Series) -> dict[str, Any]:
    """One step ahead and in closed loop, of the rows after the training rows; position and velocity."""
    scale = model.frame_.scaler.std
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RecurraWarning)  # a loop that runs away has an error that says so
        forecasts = {"one_step": model.predict(test), "closed_loop": model.forecast(len(test), inputs=test.inputs)}
    return {
        name: {"r2": metrics.r2(test.values, f.values), "nrmse": metrics.nrmse(test.values, f.values, scale)}
        for name, f in forecasts.items()
    }


def _median(scores: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        loop: {name: median(score[loop][name] for score in scores) for name in ("r2", "nrmse")}
        for loop in ("one_step", "closed_loop")
    }


_TITLES = {"lstm": "LSTM", "gru": "GRU", "rnn": "vanilla RNN"}


def _table(results: dict[str, Any]) -> Table:
    scores = {**{_TITLES[name]: score for name, score in results["median"].items()}, **results["baselines"]}
    rows = [
        [name, *(score[loop][which] for loop in ("one_step", "closed_loop") for which in ("r2", "nrmse"))]
        for name, score in scores.items()
    ]
    protocol, closed = results["protocol"], [entry["lstm"]["closed_loop"]["nrmse"] for entry in results["seeds"]]
    caption = (
        f"x'' + 0.4 x' + x = cos(0.5 t), rows every {protocol['dt']:g}: {protocol['train']} to learn from, the next "
        f"{protocol['test']} scored, one step ahead and in closed loop with the drive known; NRMSE in standard "
        f"deviations of the training rows. Median of {counted(len(closed), 'seed')}; LSTM in closed loop "
        f"{spread(closed)}"
    )
    columns = ["learner", "R2, step", "NRMSE, step", "R2, loop", "NRMSE, loop"]
    return Table(columns, rows, caption, ("", "higher", "lower", "higher", "lower"))


def _trap_section(results: dict[str, Any]) -> Section:
    rows = []
    for name in ("fine", "coarse"):
        found = results[name]
        rows.append([f"{found['dt']:g}", f"{found['persistence_r2']:.7f}", found["persistence_mse"], found["line_mse"]])
    caption = (
        "One step ahead on the rows that are tested, position x: the last value, and the line through the last two"
    )
    table = Table(["step", "R2, last value", "MSE, last value", "MSE, line"], rows, caption)
    spans = results["protocol"]["window_periods"]
    text = (
        f"With a step of {FINE:g} the last value explains all but {1 - results['fine']['persistence_r2']:.1g} of the "
        "variance of the next one, and a straight line is a million times closer still. Whatever a network scores one "
        f"step ahead, it has not shown that it knows the equation; its window of {WINDOW} rows spans "
        f"{100 * spans['fine']:.2g} % of a natural period.\n\n"
        f"With a step of {DT:g} there are 64 rows a natural period, enough to follow it, and {KNOWN} known rows span "
        f"{100 * spans['coarse']:.0f} % of it. The first 60 % of the 20 time units that the course follows hold one "
        "period of the drive, so that nothing in them repeats; here there are 60. What is asked for is the motion "
        "itself, from the last training row on: by then it has settled, and is periodic."
    )
    return Section("A score that says nothing", text, tables=[table])


def _section(models: dict[str, Estimator], train: Series, test: Series) -> Section:
    forecasts = {name: model.forecast(len(test), inputs=test.inputs) for name, model in models.items()}
    forecasts["linear"] = models["lstm"].baseline_forecasts(len(test), inputs=test.inputs)["linear"]
    figures = [
        forecast_figure(test, forecasts, train),
        error_growth_figure(test, forecasts, models["lstm"].frame_.scaler.std),
        phase_portrait(test, {name: forecasts[name] for name in ("lstm", "rnn")}),
        training_curve(models["lstm"].history_),
    ]
    text = (
        "The first seed: from the last training row on every model runs on its own output, the drive known. An "
        "autoregression with two lags is exact to rounding with the drive and nearly so without it, since a cosine is "
        "itself the solution of a linear equation: no network can beat it. The networks show how well an equation is "
        "learnt that they are not told."
    )
    return Section("The rest of the motion", text, figures)
