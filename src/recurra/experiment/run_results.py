"""`metrics.json` of a finished fit, checked: what tables and reports show is there, and of its type."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recurra.errors import RunDirectoryError
from recurra.experiment.run_directory import METRICS, read_metrics

_NUMBER = (int, float)
_MAYBE = (int, float, type(None))
_SHAPE: dict[str, Any] = {
    "command": list,
    "results.learner": str,
    "results.data": str,
    "results.data_sha256": str,
    "results.time_unit": str,
    "results.rows.train": int,
    "results.rows.gap": int,
    "results.rows.test": int,
    "results.forecast.before": list,
    "results.forecast.rows": list,
    "results.lyapunov_exponent": _MAYBE,
    "results.truth": (dict, type(None)),
    "results.score.closed_loop.threshold": _NUMBER,
    "results.score.closed_loop.baselines": dict,
    "results.score.one_step.baselines": dict,
}
_NOTHING = object()


def checked_metrics(path: Path) -> dict[str, Any]:
    """The command and the results of a finished fit.

    Raises:
        RunDirectoryError: `metrics.json` lacks what every fit writes, or holds something else in its place.
    """
    metrics = read_metrics(path)
    problems = _misfits(metrics, _SHAPE)
    if not problems:
        results = metrics["results"]
        problems = _truth_problems(results["truth"]) + _score_problems(results["score"]) + _alarm_problems(results)
    if problems:
        raise RunDirectoryError(
            f"the run in {path} is damaged: {METRICS} has no valid {', '.join(problems[:5])}. "
            "Repeat its command with --force"
        )
    return metrics


def no_numbers(table: Mapping[str, Any], prefix: str = "") -> list[str]:
    """The dotted keys of what is neither a number nor null nor a table of them."""
    problems = []
    for key, value in table.items():
        if isinstance(value, Mapping):
            problems += no_numbers(value, f"{prefix}{key}.")
        elif not isinstance(value, _MAYBE):
            problems.append(prefix + key)
    return problems


def _misfits(table: Mapping[str, Any], shape: Mapping[str, Any]) -> list[str]:
    """The dotted keys of `shape` that the table lacks, or holds with another type."""
    problems = []
    for key, kind in shape.items():
        value: Any = table
        for name in key.split("."):
            value = value.get(name, _NOTHING) if isinstance(value, Mapping) else _NOTHING
        if not isinstance(value, kind):
            problems.append(key)
    return problems


def _truth_problems(truth: Mapping[str, Any] | None) -> list[str]:
    if not truth:
        return []
    step = _NUMBER if truth.get("local_error") is None else str
    shape = {"method": str, "local_error": _MAYBE, "internal_step": step, "agreement_time": _NUMBER}
    return [f"results.truth.{key}" for key in _misfits(truth, shape)]


def _alarm_problems(results: Mapping[str, Any]) -> list[str]:
    alarms = results.get("alarms", [])  # the first runs kept none
    good = isinstance(alarms, list) and not any(_misfits(each, {"kind": str, "message": str}) for each in alarms)
    return [] if good else ["results.alarms"]


def _score_problems(score: Mapping[str, Any]) -> list[str]:
    closed, step = score["closed_loop"]["baselines"], score["one_step"]["baselines"]
    tables = [*closed.values(), *step.values()]
    if closed.keys() != step.keys() or not all(isinstance(table, Mapping) for table in tables):
        return ["results.score"]
    notes = score["one_step"].get("notes", [])  # sentences, where there is something to bear in mind
    if not isinstance(notes, list) or not all(isinstance(note, str) for note in notes):
        return ["results.score.one_step.notes"]
    numbers = {key: value for key, value in score["one_step"].items() if key != "notes"}
    return no_numbers({**score, "one_step": numbers}, "results.score.")
