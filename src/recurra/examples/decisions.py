"""Buy or sell: decisions on the next move of a random walk, in which there is no skill, and of a series that has some.

A stock that follows a random walk rises or falls as a coin falls. An autoregression x[t+1] = 0.9 x[t] + e pulls back to
its mean: theory says how often the best decision is right, 1/2 + arcsin(sqrt((1 - a) / 2)) / pi, and by how much the
best forecast beats persistence, 2 / (1 + a). What is learnt is measured against both, refitted as time goes on.
"""

from typing import Any

import numpy as np

from recurra.estimators.decisions import NAMES, Decisions, walk_forward
from recurra.examples.outcome import NOWHERE, Outcome, Progress, combined, counted, kept, median, spread, tick
from recurra.examples.parts import Parts
from recurra.report import Section, Table
from recurra.report.decisions import decisions_figure
from recurra.series import Series
from recurra.systems import Autoregressive

SERIES = {"random walk": 1.0, "autoregression": 0.9}
ROWS, FOLDS, HORIZON = 4000, 5, 400


def run(
    *, seeds: int, seed: int, progress: Progress | None = None, parts: Parts = NOWHERE, rows: int = ROWS
) -> Outcome:
    """Decide about the second half of each series, walking forward in five folds.

    Args:
        seeds: series of each kind, each with a network of its own.
        seed: the first of them.
        progress: called after every seed.
        parts: where finished seeds are kept.
        rows: of each series; half of them are decided about.
    """
    done = []
    for k in range(seeds):
        done.append(parts.get(f"seed-{seed + k}", lambda k=k: _one(seed + k, rows, drawn=k == 0)))
        tick(progress, k + 1, seeds)
    found = [part["entry"] for part in done]
    results = {
        "seeds": found,
        "median": {name: {"accuracy": median(e[name]["accuracy"] for e in found)} for name in SERIES},
        "skilled": {name: sum(e[name]["skill"] for e in found) for name in SERIES},
        "baselines": {
            name: {b: median(e[name]["baselines"][b] for e in found) for b in found[0][name]["baselines"]}
            for name in SERIES
        },
        "theory": {name: theory(a) for name, a in SERIES.items()},
        "protocol": {"rows": rows, "folds": FOLDS, "tested": rows // 2, "gap": 1, "coefficients": SERIES},
    }
    sections = [Section(**section) for section in done[0]["sections"]]
    return Outcome(results, _table(results), sections, done[0]["data_hash"])


def theory(coefficient: float) -> dict[str, float]:
    """What the best decision and the best forecast reach on an autoregression with this coefficient."""
    correlation = ((1 - coefficient) / 2) ** 0.5  # of the next move and the best forecast of it
    return {
        "accuracy": float(0.5 + np.arcsin(correlation) / np.pi),
        "persistence_ratio": 2 / (1 + coefficient),
    }


def _one(seed: int, rows: int, *, drawn: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {"seed": seed}
    sections, hashes = [], []
    for name, coefficient in SERIES.items():
        series = Autoregressive(coefficient=coefficient).simulate(steps=rows - 1, seed=seed)
        decisions = walk_forward(series, folds=FOLDS, horizon=rows // 2 // FOLDS, seed=seed)
        entry[name] = decisions.as_dict()
        hashes.append(series.sha256)
        if drawn:
            sections.append(kept(_section(name, series, decisions)))
    return {"entry": entry, "sections": sections, "data_hash": combined(hashes)}


def _section(name: str, series: Series, decisions: Decisions) -> Section:
    text = (
        f"The first seed. {decisions.verdict[0].upper()}{decisions.verdict[1:]}.\n\n"
        f"{_counts(decisions)} Each decision was made before its row came, by a network that had learned from earlier "
        "rows alone."
    )
    return Section(name.capitalize(), text, [decisions_figure(series, decisions)])


def _counts(decisions: Decisions) -> str:
    """The confusion table in a sentence."""
    parts = [
        f"{count} times {NAMES[given]} was decided where {NAMES[came]} was right"
        for came, row in zip(decisions.classes, decisions.confusion.tolist(), strict=True)
        for given, count in zip(decisions.classes, row, strict=True)
    ]
    return "; ".join(parts) + "."


def _table(results: dict[str, Any]) -> Table:
    found, rows = results["seeds"], []
    for name in SERIES:
        each, best = [entry[name] for entry in found], results["theory"][name]
        rows.append(
            [
                name,
                median(e["accuracy"] for e in each),
                spread(e["accuracy"] for e in each),
                median(e["standard_error"] for e in each),
                best["accuracy"],
                *(results["baselines"][name][b] for b in ("always hold", "persistence")),
                median(e["persistence_ratio"]["value"] for e in each),
                best["persistence_ratio"],
                f"{results['skilled'][name]} of {len(found)}",
            ]
        )
    caption = (
        f"Share of right decisions, up or down, about {results['protocol']['tested']} rows of each series, refitted in "
        f"{FOLDS} folds; median of {counted(len(found), 'seed')}. The ratio is the mean squared error of persistence "
        "over that of the network's forecast of the value. Skill is an accuracy more than two standard errors above "
        "chance and both baselines"
    )
    columns = ["series", "right", "all seeds", "standard error", "theory", "always hold", "persistence"]
    return Table([*columns, "error ratio", "theory, ratio", "skill"], rows, caption)
