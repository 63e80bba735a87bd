"""The trials of a search on disk, so that one that was stopped goes on where it was."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recurra.errors import ConfigError
from recurra.estimators.search.hunt import Hunt
from recurra.estimators.search.trial import Trial
from recurra.estimators.training_set import TrainingSet
from recurra.storage import canonical, plain, read_checkpoint, write_checkpoint

KEPT = 2.0  # seconds from one writing of the trials to the next
_PLAIN = ("learner", "settings", "chosen", "rung", "score", "seconds", "failure")


def identity(training: TrainingSet, params: Mapping[str, Any]) -> str:
    """A hash of all that decides a search but its length: the rows, and the parameters of the search."""
    decisive = {name: value for name, value in params.items() if name not in ("budget", "trials", "members", "tune")}
    digest = hashlib.sha256(canonical(plain(decisive)).encode())
    for values, drive in [*training.parts, *(training.held or [])]:
        for array in (values, drive):
            digest.update(canonical(list(array.shape)).encode())
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def write_trials(path: Path, identity: str, trials: Sequence[Trial]) -> None:
    """Write all trials of a search; the last two writings are kept."""
    entries = [{name: getattr(trial, name) for name in _PLAIN} for trial in trials]
    forecasts = {f"{k:05d}": trial.forecasts for k, trial in enumerate(trials)}
    write_checkpoint(path, forecasts, {"identity": identity, "trials": plain(entries)})


def read_trials(path: Path, identity: str) -> list[Trial]:
    """The trials of a search that was stopped; none where there is no file.

    Raises:
        ConfigError: they are of another search.
    """
    found = read_checkpoint(path)
    if found is None:
        return []
    document, forecasts = found
    if document.get("identity") != identity:
        raise ConfigError(f"{path} belongs to a search over other rows or settings: remove it to start anew")
    return [Trial(**entry, forecasts=forecasts[f"{k:05d}"]) for k, entry in enumerate(document["trials"])]


def run_search(
    hunt: Hunt, training: TrainingSet, params: Mapping[str, Any], *, seconds: float | None, most: int | None, again: int
) -> None:
    """Make the trials; those of a search that was stopped are read, and are written when this one is.

    Args:
        hunt: the search; its trials are added to.
        training: all rows, with the file beside which the trials are kept, and what is told of the progress.
        params: of the estimator that searches, as a model file holds them.
        seconds, most, again: as of `Hunt.run`.
    """
    path, mark, written = None, "", time.monotonic()
    if training.checkpoint is not None:  # a training after the search has a file of its own
        path = training.checkpoint.with_name(f"{training.checkpoint.stem}-search{training.checkpoint.suffix}")
        mark = identity(training, params)
        hunt.trials += read_trials(path, mark)

    def keep() -> None:
        nonlocal written
        if path is not None and time.monotonic() > written + KEPT:
            write_trials(path, mark, hunt.trials)
            written = time.monotonic()
        if training.progress is not None:
            best = min(trial.score for trial in hunt.trials)
            training.progress({"stage": "searching", "trial": len(hunt.trials), "validation": best})

    try:
        hunt.run(seconds, most, again, keep)
    finally:
        if path is not None:
            write_trials(path, mark, hunt.trials)
