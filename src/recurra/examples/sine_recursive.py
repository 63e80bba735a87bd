"""A sine without noise continued recursively: 200 steps on the network's own output, after 20 known values.

A straight-line error in every forecast grows like the square of the number of steps, so 200 steps to a hundredth ask
for one step to about a millionth. A gradient method stops a thousand times above that. The method of Levenberg and
Marquardt, with the same kind of network and the same loss, gets there.
"""

from typing import Any

import jax
import numpy as np

from recurra import metrics
from recurra.data import Scaler, windows
from recurra.estimators import RNN, Climatology, Linear, Persistence
from recurra.examples.outcome import NOWHERE, Outcome, Progress, counted, kept, median, spread, tick
from recurra.examples.parts import Parts
from recurra.examples.small_network import drawn, forecasts, like
from recurra.forecasting.compiled import Compiled
from recurra.models import Stack
from recurra.report import Section, Table, error_growth_figure, forecast_figure, training_curve
from recurra.series import Series
from recurra.training import LastStep, Settings, train
from recurra.training.least_squares import least_squares

ROWS, TRAINED, KNOWN, LONGEST = 1000, 800, 20, 4 * np.pi
BAR = 0.01  # RMSE in closed loop that counts as a forecast of the sine
COURSE: dict[str, Any] = {"units": 64, "epochs": 100}
SMALL: dict[str, Any] = {"units": 8, "steps": 40, "stride": 20, "epochs": 2000, "evaluations": 200}
NAMES = {
    "course": "RNN, 64 units, Adam (course)",
    "adam": "RNN, 8 units, Adam",
    "least_squares": "RNN, 8 units, least squares",
}


def run(
    *,
    seeds: int,
    seed: int,
    progress: Progress | None = None,
    parts: Parts = NOWHERE,
    course: dict[str, Any] = COURSE,
    small: dict[str, Any] = SMALL,
) -> Outcome:
    """Train on 800 rows of a sine in three ways; forecast the other 200 recursively.

    Args:
        seeds: networks of each kind; the data are the same for all.
        seed: the first of them.
        progress: called after every seed.
        parts: where finished seeds are kept.
        course: units and epochs of the network of the course.
        small: units, steps and stride of windows, epochs and evaluations of the small one.
    """
    series = sine()
    done = []
    for k in range(seeds):
        work = lambda k=k: _one(series, seed + k, course, small, shown=k == 0)  # noqa: E731
        done.append(parts.get(f"seed-{seed + k}", work))
        tick(progress, k + 1, seeds)
    found = [{"seed": seed + k, **part["scores"]} for k, part in enumerate(done)]
    results = {
        "seeds": found,
        "median": {
            name: {kind: median(e[name][kind] for e in found) for kind in ("closed_loop", "one_step")} for name in NAMES
        },
        "below_bar": {name: sum(e[name]["closed_loop"] <= BAR for e in found) for name in NAMES},
        "baselines": _baselines(series),
        "protocol": {
            "rows": ROWS,
            "train": TRAINED,
            "test": ROWS - TRAINED,
            "known": KNOWN,
            "bar": BAR,
            "course": dict(course),
            "small": dict(small),
        },
    }
    return Outcome(results, _table(results), [Section(**done[0]["section"])], series.sha256)


def sine() -> Series:
    """sin t at 1,000 points of [0, 4 pi]."""
    t = np.linspace(0, LONGEST, ROWS)
    return Series(np.sin(t), times=t, channels=["sin t"])


def _one(series: Series, seed: int, course: dict[str, Any], small: dict[str, Any], *, shown: bool) -> dict[str, Any]:
    """The three networks of one seed, their scores and, where that is asked for, figures."""
    lectured, history = _as_in_course(series, seed, course)
    found = {
        "course": lectured,
        "adam": _adam(series, seed, small),
        "least_squares": _least_squares(series, seed, small),
    }
    truth = series[TRAINED:]
    scores = {name: {kind: metrics.rmse(truth, f) for kind, f in each.items()} for name, each in found.items()}
    part: dict[str, Any] = {"scores": scores}
    if shown:
        part["section"] = kept(_section(series, found, history))
    return part


def _as_in_course(series: Series, seed: int, course: dict[str, Any]) -> tuple[dict[str, Series], list[dict[str, Any]]]:
    """20 values in, the next one out; every forecast starts anew from the last 20 values, its own among them."""
    x = series.values.astype(np.float32)
    inputs, targets = windows(x[:TRAINED], KNOWN)
    model = Stack.draw("elman", 1, 1, units=course["units"], seed=seed)
    settings = Settings(epochs=course["epochs"], stretch=course["epochs"], seed=seed)
    done = train(model, LastStep(), (np.ascontiguousarray(inputs), targets.copy()), settings)
    network = Compiled(done.best)

    def last(rows: np.ndarray) -> np.ndarray:
        return network.run(network.initial_state(len(rows)), rows)[1][:, -1]

    past = series.values[TRAINED - KNOWN : TRAINED].copy()
    for _ in range(ROWS - TRAINED):
        past = np.concatenate([past, last(past[None, -KNOWN:])])
    one_step = last(windows(series.values[TRAINED - KNOWN :], KNOWN)[0])
    truth = series[TRAINED:]
    return {"closed_loop": like(truth, past[KNOWN:]), "one_step": like(truth, one_step)}, done.history


def _adam(series: Series, seed: int, small: dict[str, Any]) -> dict[str, Series]:
    """The small network by a gradient method, with the next row as the target at every step of a window."""
    model = RNN(
        units=small["units"],
        precision="float64",
        learning_rate=1e-2,
        final_learning_rate=1e-5,
        epochs=small["epochs"],
        bptt_length=small["steps"],
        stride=small["stride"],
        warmup=KNOWN - 1,
        validation=0.0,
        seed=seed,
    ).fit(series[:TRAINED])
    return {"closed_loop": model.forecast(ROWS - TRAINED), "one_step": model.predict(series[TRAINED:])}


def _least_squares(series: Series, seed: int, small: dict[str, Any]) -> dict[str, Series]:
    """The small network by least squares, on windows of the training rows."""
    scaler = Scaler.fit([series.values[:TRAINED]])
    z = scaler.scale(series.values[:TRAINED])
    starts = np.arange(0, TRAINED - small["steps"], small["stride"])
    data = np.stack([z[at : at + small["steps"] + 1] for at in starts])
    fitted = least_squares(one_step_errors, drawn(small["units"], seed), data, evaluations=small["evaluations"])
    return forecasts(fitted.weights, scaler, series, TRAINED, first=TRAINED - KNOWN)


def one_step_errors(model: Any, data: Any) -> jax.Array:
    """Errors of the next row at every step of windows (windows, steps + 1, 1), once 20 rows are known."""
    outputs = jax.vmap(model)(data[:, :-1])
    return (outputs - data[:, 1:])[:, KNOWN - 1 :].ravel()


def _baselines(series: Series) -> dict[str, dict[str, float]]:
    train, test = series[:TRAINED], series[TRAINED:]
    models = {model.kind: model.fit(train) for model in (Climatology(), Persistence(), Linear(order=2))}
    return {
        name: {
            "closed_loop": metrics.rmse(test, model.forecast(len(test))),
            "one_step": metrics.rmse(test, model.predict(test)),
        }
        for name, model in models.items()
    }


def _table(results: dict[str, Any]) -> Table:
    found, middle = results["seeds"], results["median"]
    rows: list[list[Any]] = [
        [
            title,
            middle[name]["closed_loop"],
            spread(e[name]["closed_loop"] for e in found),
            middle[name]["one_step"],
            f"{results['below_bar'][name]}/{len(found)}",
        ]
        for name, title in NAMES.items()
    ]
    titles = {"linear": "linear, 2 lags: exact"}
    rows += [
        [titles.get(name, name), score["closed_loop"], "", score["one_step"], ""]
        for name, score in results["baselines"].items()
    ]
    caption = (
        f"RMSE over the {ROWS - TRAINED} held-out rows of sin t (standard deviation 0.71), recursively from the last "
        f"{KNOWN} training rows and one step ahead; networks: median of {counted(len(found), 'seed')}, and how many of "
        f"them are at most {BAR} in closed loop"
    )
    columns = ["learner", "closed loop", "all seeds", "one step", f"≤ {BAR}"]
    return Table(columns, rows, caption, ("", "lower", "", "lower", ""))


def _section(series: Series, found: dict[str, dict[str, Series]], history: list[dict[str, Any]]) -> Section:
    known, truth = series[:TRAINED], series[TRAINED:]
    shown = {
        "rnn": found["least_squares"]["closed_loop"],
        "RNN, Adam": found["adam"]["closed_loop"],
        "RNN, as in the course": found["course"]["closed_loop"],
    }
    text = (
        "The first seed. No row after the line is shown to a network: each runs on its own output. The losses of the "
        "three are small (one step ahead they miss by a hundredth and less), and only the closed loop tells them "
        "apart: an error of a forecast that keeps its sign adds up as the square of the steps.\n\n"
        "What makes the difference is the method that minimises, not the network. Fewer units, float64 and a falling "
        "rate leave Adam where it was; least squares over the same windows, with the exact Jacobian of the unrolled "
        "network, ends a thousand times lower (Levenberg-Marquardt). From some starts it ends in a poor minimum all "
        "the same: the table says from how many it does not. y[t+1] = 2 cos(dt) y[t] - y[t-1] is exact for a sine: a "
        "linear autoregression of two lags needs no network and beats every one of them here.\n\n"
        "Below, how the error grows, and the training loss of the network of the course."
    )
    figures = [
        forecast_figure(truth, shown, known),
        error_growth_figure(truth, shown, known.values.std(axis=0)),
        training_curve(history),
    ]
    return Section("A sine, continued", text, figures)
