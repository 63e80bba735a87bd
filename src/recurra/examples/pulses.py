"""One pulse or two: networks that read a noisy trace and say at its end how many pulses there were.

The heights are random, so neither the area of a trace nor its largest value tells for sure: the best threshold on the
area is right in 15 cases of 16. What is left takes counting.
"""

from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from recurra import tasks
from recurra.estimators.sequences import Sequences
from recurra.examples.outcome import NOWHERE, Outcome, Progress, counted, kept, median, tick
from recurra.examples.parts import Parts
from recurra.report import Section, Table, training_curve
from recurra.tasks import Problem

CELLS = {"rnn": "elman", "gru": "gru", "lstm": "lstm"}
SETTINGS: dict[str, Any] = {
    "units": 16,
    "epochs": 20,
    "batch_size": 32,
    "learning_rate": 0.01,
    "final_learning_rate": 0.0005,
    "validation": 0.1,
}
RNN = {"units": 32, "epochs": 60, "learning_rate": 0.003}  # more units and smaller steps, where no gate keeps a memory


def run(
    *, seeds: int, seed: int, progress: Progress | None = None, parts: Parts = NOWHERE, traces: int = 1000
) -> Outcome:
    """Train three kinds of networks on traces of 80 rows, and score them on as many others.

    Args:
        seeds: trainings of each kind, each on traces of its own.
        seed: the first of them.
        progress: called after every training.
        parts: where finished trainings are kept.
        traces: to train on, and to score on.
    """
    found, sections = [], []
    for k in range(seeds):
        entry: dict[str, Any] = {"seed": seed + k}
        for place, name in enumerate(CELLS):
            part = parts.get(f"{name}-{seed + k}", lambda name=name, k=k: _one(name, seed + k, traces, drawn=k == 0))
            entry[name] = part["score"]
            if "section" in part:
                sections.append(Section(**part["section"]))
            tick(progress, k * len(CELLS) + place + 1, seeds * len(CELLS))
        found.append({**entry, "baselines": _baselines(*both(seed + k, traces))})
    results = {
        "seeds": found,
        "median": {name: median(entry[name]["accuracy"] for entry in found) for name in CELLS},
        "lowest": {name: min(entry[name]["accuracy"] for entry in found) for name in CELLS},
        "baselines": {name: median(e["baselines"][name] for e in found) for name in found[0]["baselines"]},
        "protocol": {
            "trained": traces,
            "scored": traces,
            "length": 80,
            "width": 2,
            "noise": 0.02,
            "of_these_validate": 0.1,
        },
        "settings": {"all": SETTINGS, "rnn": RNN},
    }
    return Outcome(results, _table(results), sections)


def both(seed: int, traces: int) -> tuple[Problem, Problem]:
    """Traces to train on, and as many to score on."""
    train, test = (int(s) for s in np.random.SeedSequence(seed).generate_state(2))
    return tasks.pulses(traces, seed=train), tasks.pulses(traces, seed=test)


def _one(name: str, seed: int, traces: int, *, drawn: bool) -> dict[str, Any]:
    train, test = both(seed, traces)
    settings = {**SETTINGS, **(RNN if name == "rnn" else {})}
    model = Sequences(task=train.task, loss=train.loss, cell=CELLS[name], seed=seed, **settings)
    model.fit(train.inputs, train.targets)
    scores = model.score(test.inputs, test.targets)
    found: dict[str, Any] = {"score": {key: scores[key] for key in ("accuracy", "log_loss")}}
    if drawn:
        text = (
            f"The {name.upper()} has {model.units} units and reads all {len(train.inputs[0])} rows before it answers. "
            "A guess has the loss ln 2 = 0.69."
        )
        found["section"] = kept(Section(f"Training of the {name.upper()}", text, [training_curve(model.history_)]))
    return found


def _baselines(train: Problem, test: Problem) -> dict[str, float]:
    """Shares of the traces scored that are told right without a network."""
    (x, y), (z, truth) = ((np.stack(p.inputs)[:, :, 0], np.array(p.targets)) for p in (train, test))
    classes, counts = np.unique(y, return_counts=True)
    found = {"most frequent class": float(np.mean(truth == classes[counts.argmax()]))}
    for name, of in (
        ("threshold on the area", np.sum),
        ("threshold on the energy", _energy),
        ("threshold on the maximum", np.max),
    ):
        level = best_threshold(of(x, axis=1), y == 2)
        found[name] = float(np.mean((of(z, axis=1) > level) == (truth == 2)))
    weights = logistic_regression(x, y == 2)
    found["logistic regression on the trace"] = float(np.mean((_with_one(z) @ weights > 0) == (truth == 2)))
    return found


def _energy(x: np.ndarray, axis: int) -> np.ndarray:
    return np.sum(x**2, axis=axis)


def best_threshold(values: np.ndarray, positive: np.ndarray) -> float:
    """The level above which to say yes, with the fewest errors; halfway between two of the values."""
    order = np.argsort(values)
    ordered, truth = values[order], positive[order]
    # Errors with the lowest k said no: the positive ones among them, and the others above them.
    errors = np.concatenate([[0], np.cumsum(truth)]) + (~truth).sum() - np.concatenate([[0], np.cumsum(~truth)])
    levels = np.concatenate([[-np.inf], (ordered[1:] + ordered[:-1]) / 2, [np.inf]])
    return float(levels[errors.argmin()])


def logistic_regression(x: np.ndarray, positive: np.ndarray, ridge: float = 1e-3) -> np.ndarray:
    r"""Weights (features + 1,), the last the constant, of the least penalised mean loss.

    .. math:: \frac1n \sum_i \left[\ln(1 + e^{z_i}) - y_i z_i\right] + \frac{\lambda}{2} |w|^2, \quad z = w \cdot x + b
    """
    table, y = _with_one(x), positive.astype(float)
    free = np.append(np.ones(x.shape[1]), 0.0)  # the constant is not penalised

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        z = table @ w
        value = np.mean(np.logaddexp(0, z) - y * z) + ridge / 2 * np.sum(free * w**2)
        return float(value), table.T @ (expit(z) - y) / len(y) + ridge * free * w

    return minimize(loss, np.zeros(table.shape[1]), jac=True, method="L-BFGS-B", options={"gtol": 1e-8}).x


def _with_one(x: np.ndarray) -> np.ndarray:
    return np.column_stack([x, np.ones(len(x))])


def _table(results: dict[str, Any]) -> Table:
    count, protocol = counted(len(results["seeds"]), "seed"), results["protocol"]
    rows: list[list[Any]] = [
        [name.upper(), results["median"][name], results["lowest"][name]] for name in results["median"]
    ]
    rows += [
        [name, value, min(entry["baselines"][name] for entry in results["seeds"])]
        for name, value in results["baselines"].items()
    ]
    caption = (
        f"Share of {protocol['scored']} new traces told right, trained on {protocol['trained']}; {count}, each with "
        f"traces of its own: {protocol['length']} rows, one pulse or two of random heights, noise {protocol['noise']}. "
        "Thresholds were chosen on the traces trained on"
    )
    return Table(["learner", "median accuracy", "lowest accuracy"], rows, caption, ("", "higher", "higher"))
