"""A motif of six letters anywhere in two hundred: order without time.

The index of a letter is its place; no column of times is needed, and to add one helps nothing. Networks are trained
on short sequences, which say soonest what to look for, and scored on others of twice the longest length.
"""

from typing import Any

import numpy as np
from scipy.stats import rankdata

from recurra import tasks
from recurra.data import to_one_hot
from recurra.data.symbols import DNA
from recurra.estimators.sequences import Sequences
from recurra.examples.outcome import NOWHERE, Outcome, Progress, counted, kept, median, tick
from recurra.examples.parts import Parts
from recurra.examples.pulses import logistic_regression
from recurra.report import Section, Table, training_curve

MOTIF, LENGTHS, SCORED = "TATAAT", (16, 32, 96), 200
SETTINGS: dict[str, Any] = {
    "cell": "gru",
    "units": 32,
    "epochs": 20,
    "batch_size": 64,
    "learning_rate": 0.01,
    "final_learning_rate": 0.0005,
}
WAYS = ("letters alone", "with a column of times")


def run(
    *,
    seeds: int,
    seed: int,
    progress: Progress | None = None,
    parts: Parts = NOWHERE,
    each: int = 1000,
    scored: int = 1000,
    epochs: int = SETTINGS["epochs"],
) -> Outcome:
    """Train networks to find the motif, from the letters alone and with a column of times beside them.

    Args:
        seeds: trainings of both ways, each on sequences of its own.
        seed: the first of them.
        progress: called after every training.
        parts: where finished trainings are kept.
        each: training sequences of each length.
        scored: new sequences of 200 letters.
        epochs: of a training.
    """
    found, sections = [], []
    for k in range(seeds):
        part = parts.get(f"seed-{seed + k}", lambda k=k: _one(seed + k, each, scored, epochs, drawn=k == 0))
        found.append({"seed": seed + k, **part["score"]})
        sections = sections or [Section(**part["section"])]
        tick(progress, k + 1, seeds)
    results = {
        "seeds": found,
        "median": {way: {s: median(e[way][s] for e in found) for s in ("auc", "accuracy")} for way in WAYS},
        "lowest": {way: {s: min(e[way][s] for e in found) for s in ("auc", "accuracy")} for way in WAYS},
        "baselines": {
            name: {s: median(e["baselines"][name][s] for e in found) for s in ("auc", "accuracy")}
            for name in found[0]["baselines"]
        },
        "protocol": {
            "motif": MOTIF,
            "lengths": list(LENGTHS),
            "scored_length": SCORED,
            "each": each,
            "scored": scored,
            "epochs": epochs,
        },
        "settings": SETTINGS,
    }
    return Outcome(results, _table(results), sections)


def _one(seed: int, each: int, scored: int, epochs: int, *, drawn: bool) -> dict[str, Any]:
    train, test = sequences(seed, each, scored)
    truth = np.array(test[1]) == "with"
    score: dict[str, Any] = {"baselines": _baselines(train, test)}
    found: dict[str, Any] = {"score": score}
    for way in WAYS:
        tables = [[_table_of(text, way) for text in texts] for texts, _ in (train, test)]
        model = Sequences(loss="categorical", seed=seed, **{**SETTINGS, "epochs": epochs}).fit(tables[0], train[1])
        p = model.predict(tables[1])[:, model.classes_.index("with")]
        score[way] = {"auc": area_under_curve(p, truth), "accuracy": float(np.mean((p > 0.5) == truth))}
        if drawn and way == WAYS[0]:
            text = (
                f"A GRU with {SETTINGS['units']} units reads one letter after the other and says at the end whether "
                f"{MOTIF} was there. Its loss stays at ln 2, that of a guess, until it has found the motif."
            )
            found["section"] = kept(Section("Finding the motif", text, [training_curve(model.history_)]))
    return found


def sequences(seed: int, each: int, scored: int) -> tuple[tuple[list[str], list[str]], tuple[list[str], list[str]]]:
    """Texts and classes to train on, of all lengths, and to score on, longer than these."""
    seeds = np.random.SeedSequence(seed).generate_state(len(LENGTHS) + 1)
    problems = [tasks.dna_motif(each, length=n, motif=MOTIF, seed=int(s)) for n, s in zip(LENGTHS, seeds, strict=False)]
    test = tasks.dna_motif(scored, length=SCORED, motif=MOTIF, seed=int(seeds[-1]))
    train = [x for p in problems for x in p.inputs], [y for p in problems for y in p.targets]
    return train, (test.inputs, test.targets)


def _table_of(text: str, way: str) -> Any:
    if way == WAYS[0]:
        return text
    return np.column_stack([to_one_hot(text, DNA), np.arange(len(text))])


def area_under_curve(score: np.ndarray, positive: np.ndarray) -> float:
    """The probability that a sequence with the motif scores higher than one without, ties for one half."""
    ranks, yes = rankdata(score), int(positive.sum())
    return float((ranks[positive].sum() - yes * (yes + 1) / 2) / (yes * (len(score) - yes)))


def _baselines(train: Any, test: Any) -> dict[str, dict[str, float]]:
    """Letters without their order, pairs of letters without theirs, and the search for the motif itself."""
    truth = np.array(test[1]) == "with"
    found = {}
    for name, size in (("frequencies of letters", 1), ("frequencies of pairs", 2)):
        x, z = (np.array([_frequencies(text, size) for text in texts]) for texts, _ in (train, test))
        mean, std = x.mean(axis=0), x.std(axis=0)
        weights = logistic_regression((x - mean) / std, np.array(train[1]) == "with")
        logits = (z - mean) / std @ weights[:-1] + weights[-1]
        found[name] = {"auc": area_under_curve(logits, truth), "accuracy": float(np.mean((logits > 0) == truth))}
    exact = np.array([float(MOTIF in text) for text in test[0]])
    found["search for the motif"] = {"auc": area_under_curve(exact, truth), "accuracy": float(np.mean(exact == truth))}
    return found


def _frequencies(text: str, size: int) -> np.ndarray:
    """Shares of all words of one letter or two."""
    code = to_one_hot(text, DNA).argmax(axis=1)
    words = code if size == 1 else 4 * code[:-1] + code[1:]
    return np.bincount(words, minlength=4**size) / len(words)


def _table(results: dict[str, Any]) -> Table:
    count, protocol = counted(len(results["seeds"]), "seed"), results["protocol"]
    rows: list[list[Any]] = [
        [
            f"GRU, {way}",
            results["median"][way]["auc"],
            results["lowest"][way]["auc"],
            results["median"][way]["accuracy"],
        ]
        for way in WAYS
    ]
    rows += [
        [name, score["auc"], min(e["baselines"][name]["auc"] for e in results["seeds"]), score["accuracy"]]
        for name, score in results["baselines"].items()
    ]
    lengths = ", ".join(map(str, protocol["lengths"]))
    caption = (
        f"Is {protocol['motif']} in a sequence of {protocol['scored_length']} letters? Area under the curve (1 is "
        f"perfect, 1/2 a guess) and share told right, of {protocol['scored']} new sequences, half with the motif; "
        f"{count}, trained on {protocol['each']} sequences each of {lengths} letters. Sequences without the motif have "
        "its letters in another order"
    )
    columns = ["learner", "median AUC", "lowest AUC", "median accuracy"]
    return Table(columns, rows, caption, ("", "higher", "higher", "higher"))
