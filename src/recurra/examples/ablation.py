"""Initialisation and momentum, each with and without: a vanilla network on the adding problem.

Sutskever et al. found that neither alone is enough: weights that carry what was seen over many steps give a gradient
that reaches back, and momentum follows the long flat valley along which it points. Four trainings that differ in
nothing else put that to the test. The other initialisation here is orthogonal, which carries far too, so that momentum
alone is a serious opponent: which of the two is ahead depends on the seed.
"""

from typing import Any

from recurra.examples.outcome import NOWHERE, Outcome, Progress, median, spread, tick
from recurra.examples.parts import Parts
from recurra.experiment.long_lag import run_long_lag
from recurra.report import Section, Table
from recurra.report.comparison import learning_curves
from recurra.tasks.long_lag import long_lag

TASK, LENGTH = "adding-mean", 40
CELLS = {  # what differs
    "neither": {"init": "default", "momentum": 0.0},
    "momentum alone": {"init": "default", "momentum": 0.99},
    "initialisation alone": {"init": "echo-state", "momentum": 0.0},
    "both": {"init": "echo-state", "momentum": 0.99},
}
SHARED: dict[str, Any] = {
    "momentum_schedule": "constant",
    "momentum_tail": 0,
    "learning_rate": 3e-3,
    "input_scale": 0.1,
    "sequences_per_epoch": 5000,
}
SEQUENCES = 1_000_000


def run(
    *, seeds: int, seed: int, progress: Progress | None = None, parts: Parts = NOWHERE, sequences: int = SEQUENCES
) -> Outcome:
    """Train all four on the same sequences, and score them on as many new ones.

    Args:
        seeds: trainings of each.
        seed: the first of them.
        progress: called after every training.
        parts: where finished trainings are kept.
        sequences: of each training, in batches of 100.
    """
    task, found = long_lag(TASK, LENGTH), []
    for k in range(seeds):
        entry: dict[str, Any] = {"seed": seed + k}
        for place, (name, differs) in enumerate(CELLS.items()):
            settings = {**SHARED, **differs}
            entry[name] = parts.get(
                f"{name.replace(' ', '-')}-{seed + k}",
                lambda settings=settings, k=k: _one(task, settings, seed + k, sequences),
            )
            tick(progress, k * len(CELLS) + place + 1, seeds * len(CELLS))
        found.append(entry)
    results = {
        "seeds": found,
        "median": {name: median(entry[name]["wrong_fraction"] for entry in found) for name in CELLS},
        "chance": task.chance,
        "protocol": {"task": TASK, "length": LENGTH, "sequences": sequences, "scored": task.solved.tests},
        "settings": {"all": SHARED, **CELLS},
    }
    return Outcome(results, _table(results), [_learning(found)])


def _one(task: Any, settings: dict[str, Any], seed: int, sequences: int) -> dict[str, Any]:
    found = run_long_lag(task, "momentum", seed=seed, most=sequences, whole=True, settings=settings)
    points = [
        {"seconds": entry["seconds"], "passes": entry["epoch"], "loss": entry["loss"]} for entry in found["history"]
    ]
    return {name: found[name] for name in ("wrong_fraction", "deviation", "stop", "seconds")} | {"learning": points}


def _table(results: dict[str, Any]) -> Table:
    rows = []
    for name, differs in CELLS.items():
        wrong = [entry[name]["wrong_fraction"] for entry in results["seeds"]]
        words = "like a reservoir" if differs["init"] == "echo-state" else "orthogonal"
        rows.append([words, differs["momentum"], results["median"][name], spread(wrong)])
    columns = ["initial weights", "momentum", "wrong, median", "from least to most"]
    caption = (
        f"Share of new sequences answered wrong after {results['protocol']['sequences']:,}; an answer that ignores the "
        f"input has {results['chance']:.3g}"
    )
    return Table(columns, rows, caption)


def _learning(found: list[dict[str, Any]]) -> Section:
    """The loss along the trainings of the first seed."""
    figure = learning_curves({name: [found[0][name]["learning"]] for name in CELLS}, "passes")
    text = "The loss of the first seed; a pass is a gradient over 5,000 sequences, new ones each time."
    return Section("Learning", text, [figure] if figure else [])
