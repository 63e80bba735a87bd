"""Learners side by side on the same data, or the same task: every learner and seed a run of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from recurra.errors import ConfigError, DataError, DivergenceError, RunDirectoryError
from recurra.estimators import LEARNERS
from recurra.experiment import RunDirectory, make_config
from recurra.experiment.cost import peak_memory
from recurra.experiment.run_directory import CHECKPOINT, ENVIRONMENT, HISTORY, is_finished, read_results
from recurra.storage import loads_strict, plain, write_json
from recurra.sweeps.clock import Clock, read_clock
from recurra.sweeps.rows import fit_row
from recurra.sweeps.task import Pause, Task, first_here

BASELINES = ("persistence", "linear")
CLOCK, PEAK = "clock.json", "peak.json"
ON_DATA = (  # what is told of every run
    *("valid_time", "closed_loop_nrmse", "one_step_nrmse", "seconds", "parameters", "gradient_passes"),
    "peak_memory_bytes",
)
ON_TASK = (*("solved", "wrong_fraction", "sequences", "seconds", "parameters", "gradient_passes", "peak_memory_bytes"),)
_NO_END = 100_000  # epochs, where the wall time ends a training
_ENTRY = "recurra.sweeps.comparison"


@dataclass(frozen=True)
class Contender:
    """One run of a comparison.

    Args:
        learner: its name.
        seed: of the run; None where nothing is random.
        task: the run.
        path: its directory.
    """

    learner: str
    seed: int | None
    task: Task
    path: Path


def on_data(
    base: Mapping[str, Any],
    learners: Sequence[str],
    seeds: Sequence[int],
    *,
    home: Path,
    budget: float | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    force: bool = False,
) -> list[Contender]:
    """The runs of a comparison on data: the same rows, split and score for every learner, the baselines among them.

    Args:
        base: a configuration without learner, seed and parameters.
        learners: names of `LEARNERS`.
        seeds: of every learner in which something is random; the others run once.
        home: directory for the runs.
        budget: seconds of wall time of every training that can be stopped after a time. It alone ends the training
            then, unless `settings` give `epochs`.
        settings: parameters of the learners, by learner.
        force: whether finished runs are done again.

    Raises:
        ConfigError: an unknown learner, parameters that cannot work.
    """
    given, found = settings or {}, {}
    for learner in dict.fromkeys([*learners, *BASELINES]):
        timed = learner in LEARNERS and "budget" in LEARNERS[learner].build().get_params()
        limits = {"budget": float(budget), "epochs": _NO_END} if timed and budget is not None else {}
        parameters = {**limits, **given.get(learner, {})}
        for seed in seeds:
            config = make_config(table={**base, "learner": learner, "seed": seed, "parameters": parameters})
            name = learner if config.seed is None else f"{learner}-seed-{seed}"
            arguments = {"config": config.as_dict(), "path": str(home / name), "force": force}
            found[name] = Contender(learner, config.seed, Task(name, f"{_ENTRY}:compared_fit", arguments), home / name)
    return list(found.values())


def on_task(
    task: str,
    length: int,
    learners: Sequence[str],
    seeds: Sequence[int],
    *,
    home: Path,
    budget: float | None = None,
    most: int | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    force: bool = False,
) -> list[Contender]:
    """The runs of a comparison on a published task with a long lag.

    Args:
        task, length: as of `recurra.tasks.long_lag`.
        learners: those of `recurra task`.
        seeds: of every learner.
        home: directory for the runs.
        budget: seconds of wall time of every training.
        most: training sequences.
        settings: of the learners, by learner.
        force: whether finished runs are done again.

    Raises:
        ConfigError: an unknown task, learner or setting.
    """
    from recurra.experiment.long_lag_settings import settings_for
    from recurra.tasks.long_lag import long_lag

    given, found = settings or {}, []
    for learner in dict.fromkeys(learners):
        settings_for(long_lag(task, length), learner, given.get(learner, {}))
        for seed in seeds:
            name = f"{learner}-seed-{seed}"
            limits = {"budget": budget, "most": most}
            chosen = {"task": task, "length": length, "learner": learner, "seed": seed, **limits}
            arguments = {**chosen, "settings": dict(given.get(learner, {})), "path": str(home / name), "force": force}
            found.append(Contender(learner, seed, Task(name, f"{_ENTRY}:compared_task", arguments), home / name))
    return found


def compared_fit(arguments: Mapping[str, Any], pause: Pause) -> str:
    """`fit_row` without a report, and the memory of the process that did it; arguments as there."""
    path = Path(arguments["path"])
    done = not arguments["force"] and is_finished(path)
    fit_row(arguments, pause, report=False, progress=Clock(path / CLOCK).tell)
    if not done:
        write_json(path / PEAK, {"peak_memory_bytes": own_peak()})
    return str(path)


def own_peak() -> int | None:
    """Peak memory of this process; None where it has done other tasks before, to which the peak may belong."""
    return peak_memory() if first_here() else None


def compared_task(arguments: Mapping[str, Any], pause: Pause) -> str:
    """A learner on a task in a run directory of its own; what is finished there is left as it is.

    Args:
        arguments: `task`, `length`, `learner`, `seed`, `budget`, `most` and `settings` of `run_long_lag`; `path` of the
            run directory; `force` to start anew.
        pause: may stop it after a checkpoint; the same run resumes from there.

    Returns:
        The path.
    """
    from recurra.experiment.long_lag import run_long_lag
    from recurra.tasks.long_lag import long_lag

    chosen = {name: value for name, value in arguments.items() if name not in ("path", "force")}
    path, task = Path(arguments["path"]), long_lag(chosen["task"], chosen["length"])
    config = {name: value for name, value in chosen.items() if value is not None}
    with RunDirectory(path, {"compared": config}, force=bool(arguments["force"])) as directory:
        if directory.finished:
            return str(path)
        limits = {name: chosen[name] for name in ("seed", "budget", "most", "settings")}
        limits |= {"progress": lambda event: pause(), "checkpoint": directory.file(CHECKPOINT)}
        try:
            found = run_long_lag(task, chosen["learner"], **limits)
        except (ConfigError, DataError):
            if not directory.resumed:
                directory.discard()
            raise
        directory.finish(plain({**found, "peak_memory_bytes": own_peak()}))
    return str(path)


def told_of_fit(one: Contender, reason: str) -> dict[str, Any]:
    """One run on data as a row: its numbers, None where it failed for this reason."""
    numbers = dict.fromkeys(ON_DATA)
    if not reason:
        try:
            score, cost = read_results(one.path)["score"], _json(one.path / ENVIRONMENT)["cost"]
            passes = [point["passes"] for point in curve_of(one.path)]
            numbers = {
                "valid_time": score["closed_loop"].get("valid_time"),
                "closed_loop_nrmse": score["closed_loop"]["nrmse"],
                "one_step_nrmse": score["one_step"]["nrmse"],
                "seconds": cost["seconds"],
                "parameters": cost["parameters"],
                "gradient_passes": passes[-1] if passes else None,
                "peak_memory_bytes": _json(one.path / PEAK)["peak_memory_bytes"]
                if (one.path / PEAK).exists()
                else None,
            }
        except (RunDirectoryError, KeyError, TypeError) as error:
            reason = f"its results cannot be read: {error}"
    return {"learner": one.learner, "seed": one.seed, "run": one.path.name, "reason": reason, **numbers}


def told_of_task(one: Contender, reason: str) -> dict[str, Any]:
    """One run on a task as a row: its numbers, None where it failed for this reason."""
    numbers = dict.fromkeys(ON_TASK)
    if not reason:
        try:
            found = read_results(one.path)
            if found["stop"] == "diverged":  # its scores are those of no network
                reason = f"{DivergenceError.__name__}: {found['failure']['message']}"
            else:
                numbers = {name: found[name] for name in ON_TASK}
                numbers["gradient_passes"] = numbers["gradient_passes"] or None  # solved in one step
        except (RunDirectoryError, KeyError, TypeError) as error:
            reason = f"its results cannot be read: {error}"
    return {"learner": one.learner, "seed": one.seed, "run": one.path.name, "reason": reason, **numbers}


def summary(rows: Sequence[Mapping[str, Any]], metrics: Sequence[str]) -> list[dict[str, Any]]:
    """One row a learner: median, lowest and highest of every number over its seeds that did not fail.

    Of what is true or false, all three are the share of seeds for which it is true.

    Args:
        rows: of runs.
        metrics: names of their numbers.

    >>> runs = [{"learner": "esn", "reason": "", "seconds": s} for s in (1.0, 4.0, 2.0)]
    >>> summary(runs, ["seconds"])[0]["seconds"]
    {'median': 2.0, 'low': 1.0, 'high': 4.0}
    """
    found = []
    for learner in dict.fromkeys(row["learner"] for row in rows):
        mine = [row for row in rows if row["learner"] == learner]
        good = [row for row in mine if not row["reason"]]
        spread = {name: _spread([row[name] for row in good if row[name] is not None]) for name in metrics}
        found.append({"learner": learner, "runs": len(mine), "failed": len(mine) - len(good), **spread})
    return found


def _spread(values: Sequence[float]) -> dict[str, float] | None:
    if not values:
        return None
    if all(isinstance(value, bool) for value in values):
        return dict.fromkeys(("median", "low", "high"), sum(values) / len(values))
    return {"median": float(median(values)), "low": float(min(values)), "high": float(max(values))}


def curve_of(path: Path) -> list[dict[str, Any]]:
    """The learning curve of a run: after every epoch the seconds and passes so far, loss and validation.

    On data a pass is what one gradient over all training windows costs; an epoch of a first-order method is one. On a
    task it is the gradient of one sequence, as in the results of the run.
    """
    if not (path / HISTORY).exists():
        found = read_results(path)
        points = curve_points(found.get("history", []))
        if not points or not found.get("gradient_passes"):
            return []
        each = found["gradient_passes"] / points[-1]["passes"]
        return [{**point, "passes": each * point["passes"]} for point in points]
    history = [_parsed(line, path / HISTORY) for line in (path / HISTORY).read_bytes().splitlines() if line]
    times = read_clock(path / CLOCK)
    return curve_points([{**entry, "seconds": times.get(entry["epoch"])} for entry in history if "epoch" in entry])


def curve_points(history: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The points of a learning curve, from the entries of a history.

    >>> curve_points([{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0, "passes": 3.5}])[-1]
    {'seconds': None, 'passes': 4.5, 'loss': 1.0, 'validation': None}
    """
    total, points = 0.0, []
    for entry in history:
        if "epoch" not in entry:
            continue
        total += float(entry.get("passes") or 1.0)
        told = {name: entry.get(name) for name in ("loss", "validation")}
        points.append({"seconds": entry.get("seconds"), "passes": total, **told})
    return points


def split_settings(given: Mapping[str, Any], learners: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Settings such as `esn.units`, by learner.

    Raises:
        ConfigError: one that does not say whose it is.
    """
    found: dict[str, dict[str, Any]] = {}
    for learner, table in given.items():
        if learner not in learners or not isinstance(table, Mapping):
            raise ConfigError(
                f"the setting {learner!r} belongs to no learner that is compared: write --set LEARNER.PARAMETER=VALUE, "
                f"as in --set {learners[0]}.units=100; the learners are {', '.join(learners)}"
            )
        found[learner] = dict(table)
    return found


def _json(path: Path) -> dict[str, Any]:
    try:
        return _parsed(path.read_bytes(), path)
    except OSError as error:
        raise RunDirectoryError(f"cannot read {path}: {error.strerror}") from error


def _parsed(raw: bytes, path: Path) -> dict[str, Any]:
    found = loads_strict(raw, what=str(path))
    if not isinstance(found, dict):
        raise RunDirectoryError(f"{path} holds no table. Start anew with --force")
    return found
