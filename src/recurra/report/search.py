"""What a search tried: its best trials, and which of them forecast together."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from recurra.report.formatting import clean, number
from recurra.report.page import Section, Table
from recurra.report.palette import ink

_SHOWN = 12
_FACTS = ("trial", "learner", "rung", "validation", "weight", "failure", "horizon", "origins")


def search_section(trials: Sequence[Mapping[str, Any]]) -> Section:
    """A table of the best trials, those that forecast together first.

    Args:
        trials: entries with "trial" of the history of an estimator that searched.
    """
    counts = Counter(ink(trial["learner"]).title for trial in trials)
    tried = ", ".join(f"{count} of {clean(name)}" for name, count in counts.most_common())
    weights = [trial["weight"] for trial in trials if "weight" in trial]
    together, copied = sum(weight > 0 for weight in weights), " the nearest past segment, and at last" * (0 in weights)
    failed = sum("failure" in trial for trial in trials)
    words = [f"{len(trials)} settings were tried on held-out rows of the training part: {tried}."]
    if together:
        words.append(
            "The best one forecasts."
            if together == 1
            else f"The forecast is the median of {together} of them while they agree, then{copied} one."
        )
    if failed:
        words.append(f"{failed} of them failed.")
    ranked = sorted(trials, key=lambda trial: ("weight" not in trial, trial["validation"]))[:_SHOWN]
    table = Table(
        ["Learner", "Score", "Weight", "Settings"],
        [
            [clean(ink(trial["learner"]).title), trial["validation"], trial.get("weight"), _settings(trial)]
            for trial in ranked
        ],
        "The best trials. The score is the geometric mean of the error of the closed loop, in standard deviations.",
    )
    return Section("What was tried?", " ".join(words), tables=[table])


def _settings(trial: Mapping[str, Any]) -> str:
    given = {name: value for name, value in trial.items() if name not in _FACTS and value is not None}
    if "failure" in trial:
        return clean(trial["failure"])
    return ", ".join(
        f"{clean(name)} {number(value, 2) if isinstance(value, float) else clean(value)}"
        for name, value in given.items()
    )
