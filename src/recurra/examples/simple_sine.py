"""The lecture's simple example: x = sin(0.02 t) + 2 u, forecast from the four values before.

As lectured the four values are four features of one time step: the recurrent weights only ever multiply the zero
initial state and never change. The right form is four steps of one feature.
"""

import warnings
from typing import Any

import numpy as np

from recurra import metrics
from recurra.baselines import fit_linear
from recurra.data import windows
from recurra.errors import RecurraWarning
from recurra.examples.outcome import NOWHERE, Outcome, Progress, counted, kept, median, spread, tick
from recurra.examples.parts import Parts
from recurra.forecasting.compiled import Compiled
from recurra.models import Model, Stack
from recurra.report import Section, Table, forecast_figure, training_curve
from recurra.series import Series
from recurra.systems import NoisySine
from recurra.training import LastStep, Settings, train

ROWS, TRAINED, STEP = 1000, 800, 4
NOISE_FLOOR = 1 / 3  # variance of 2 u, u uniform on [0, 1): nothing can forecast it
SETTINGS = {
    "optimizer": "rmsprop",
    "learning_rate": 1e-3,
    "final_learning_rate": 1e-3,
    "epochs": 100,
    "batch_size": 16,
}


def run(
    *, seeds: int, seed: int, as_lectured: bool = False, progress: Progress | None = None, parts: Parts = NOWHERE
) -> Outcome:
    """Train the network of the lecture on fresh noise for every seed.

    Args:
        seeds: how many; each has its own noise and weights.
        seed: the first of them.
        as_lectured: the network and data exactly as in the lecture.
        progress: called after every seed.
        parts: where finished seeds are kept.
    """
    done = []
    for k in range(seeds):
        done.append(parts.get(f"seed-{seed + k}", lambda k=k: _one_seed(seed + k, as_lectured, drawn=k == 0)))
        tick(progress, k + 1, seeds)
    found = [part["entry"] for part in done]
    results: dict[str, Any] = {
        "form": "as lectured: 1 step of 4 features" if as_lectured else "4 steps of 1 feature",
        "noise_floor": NOISE_FLOOR,
        "seeds": found,
        "median": {part: {"mse": median(e[part]["mse"] for e in found)} for part in ("train", "test")},
    }
    if as_lectured:
        results["warning"] = _warn()
    return Outcome(results, _table(results), [Section(**done[0]["section"])], done[0]["data_hash"])


def _one_seed(seed: int, lectured: bool, *, drawn: bool) -> dict[str, Any]:
    """Train and score one network; its forecasts of the test rows are drawn where that is asked for."""
    series = NoisySine().simulate(steps=ROWS - 1, seed=seed)
    x = series.values[:, 0]
    (train_x, train_y), (test_x, test_y) = _pairs(x[:TRAINED], x[TRAINED:], lectured)
    model = Stack.draw("elman", train_x.shape[2], 1, units=32, hidden=(8,), activation="relu", seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RecurraWarning)  # said once, by `_warn`
        done = train(model, LastStep(), (train_x, train_y), Settings(**SETTINGS, stretch=100, seed=seed))  # type: ignore[arg-type]
    outputs = {name: _predict(done.best, inputs) for name, inputs in (("train", train_x), ("test", test_x))}
    moved = np.abs(np.asarray(done.best.cells[0].W) - np.asarray(model.cells[0].W))  # type: ignore[attr-defined]
    entry = {
        "seed": seed,
        "train": {"mse": float(np.mean((outputs["train"] - train_y) ** 2)), "pairs": len(train_y)},
        "test": {"mse": float(np.mean((outputs["test"] - test_y) ** 2)), "pairs": len(test_y)},
        "recurrent_weights_moved": float(moved.max()),
        "baselines": _baselines(x),
        "first_test_row_forecast": TRAINED + (STEP if lectured else 0),
    }
    truth = series[TRAINED:]
    if not drawn:
        return {"entry": entry}
    forecast = Series(outputs["test"], times=truth.times, channels=truth.channels, provenance=truth.provenance)
    before = Series(x[:TRAINED], times=series.times[:TRAINED], channels=truth.channels)
    shown = {"truth": truth, "rnn": forecast, "history": before}
    return {"entry": entry, "section": kept(_section(shown, done.history, lectured)), "data_hash": truth.sha256}


def _pairs(first: np.ndarray, rest: np.ndarray, lectured: bool) -> list[tuple[np.ndarray, np.ndarray]]:
    """Windows and the values after them, float32; of the training part and of the test part.

    As lectured each part is lengthened by four copies of its last value, so that 4 of its targets are made up and
    the first 4 rows of the test part are never forecast. Put right, the test windows begin in the training rows.
    """
    if lectured:
        parts = [np.append(part, np.repeat(part[-1], STEP)) for part in (first, rest)]
    else:
        parts = [first, np.append(first[-STEP:], rest)]
    pairs = []
    for part in parts:
        inputs, targets = windows(part[:, None], STEP)
        inputs = inputs.transpose(0, 2, 1) if lectured else inputs
        pairs.append((inputs.astype(np.float32), targets.astype(np.float32)))
    return pairs


def _predict(model: Model, inputs: np.ndarray) -> np.ndarray:
    network = Compiled(model)
    return network.run(network.initial_state(len(inputs)), inputs.astype(np.float64))[1][:, -1]


def _baselines(x: np.ndarray) -> dict[str, float]:
    """Test MSE of what needs no network, on the 200 test rows."""
    inputs, targets = windows(x[TRAINED - STEP :, None], STEP)
    inputs, targets = inputs[:, :, 0], targets[:, 0]
    first = x[:TRAINED, None]
    linear = next(iter(fit_linear([(first[:-1], first[1:])], [STEP]).values())).coefficients[0]
    forecasts = {
        "persistence": inputs[:, -1],
        "climatology": np.full(len(targets), x[:TRAINED].mean()),
        "mean of 4": inputs.mean(axis=1),
        "linear": linear[0] + inputs[:, ::-1] @ linear[1:],
    }
    return {name: metrics.rmse(targets, forecast) ** 2 for name, forecast in forecasts.items()}


def _warn() -> str:
    message = (
        "sequence length 1: the recurrent weights are unused. The four values are four features of one step, so the "
        "hidden-hidden matrix only multiplies the zero initial state: its gradient is zero and it never changes"
    )
    warnings.warn(message, RecurraWarning, stacklevel=3)
    return message


def _table(results: dict[str, Any]) -> Table:
    found = results["seeds"]
    rows: list[list[Any]] = [["network, " + results["form"], *(_both(found, part) for part in ("train", "test"))]]
    rows += [[name, None, median(e["baselines"][name] for e in found)] for name in found[0]["baselines"]]
    rows.append(["noise floor", NOISE_FLOOR, NOISE_FLOOR])
    moved = [e["recurrent_weights_moved"] for e in found]
    caption = (
        f"Mean squared error, median of {counted(len(found), 'seed')}; training from "
        f"{spread(e['train']['mse'] for e in found)}, test from {spread(e['test']['mse'] for e in found)}; "
        f"largest change of a recurrent weight {max(moved):.3g}"
    )
    return Table(["model", "train MSE", "test MSE"], rows, caption)


def _both(found: list[dict[str, Any]], part: str) -> float:
    return median(entry[part]["mse"] for entry in found)


def _section(series: dict[str, Series], history: list[dict[str, Any]], lectured: bool) -> Section:
    text = "One step ahead, on the 200 rows after the training rows. " + (
        "As lectured, the curve stands four rows early: the forecast from rows 0 to 3 is drawn at row 0."
        if lectured
        else "Each forecast stands at the row that it is a forecast of."
    )
    figures = [
        forecast_figure(series["truth"], {"rnn": series["rnn"]}, series["history"]),
        training_curve(history),
    ]
    return Section("The noisy sine", text, figures)
