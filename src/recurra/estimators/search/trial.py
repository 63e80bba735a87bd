"""A trial: one learner with one setting, fitted to the first rows and run on its own output over the held-out ones."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recurra._types import Forecaster
from recurra.errors import ConfigError, DataError, DivergenceError
from recurra.estimators.learners import LEARNERS
from recurra.estimators.training_set import TrainingSet
from recurra.forecasting import Origins, closed_loop_errors, forecast_origins, horizon_score

WORST = 10.0  # standard deviations: what a trial that gave no forecast is scored at


@dataclass(frozen=True, eq=False)
class Trial:
    """What was tried, and how well it forecast rows that it had not seen.

    Args:
        learner: a name of `LEARNERS`.
        settings: as they were asked for.
        chosen: what the learner itself chose on the held-out rows, such as the ridge: with both it is fitted again.
        rung: how much of its size or of its training it had: 0 is the least.
        score: `horizon_score` of its forecasts, lower is better.
        forecasts: closed loops over the held-out rows (origins, steps, channels), in standard deviations.
        seconds: of wall time.
        failure: why it has no forecasts, after the name of the error; empty where it has.
        network: what forecast them; None for a trial that was read from a file.
    """

    learner: str
    settings: dict[str, Any]
    chosen: dict[str, Any]
    rung: int
    score: float
    forecasts: np.ndarray
    seconds: float
    failure: str = ""
    network: Forecaster | None = None

    @property
    def final(self) -> dict[str, Any]:
        """The settings that it is fitted again with."""
        return {**self.settings, **self.chosen}

    def entry(self, number: int) -> dict[str, Any]:
        """A line for the history of the fit."""
        known = {"trial": number, "learner": self.learner, "rung": self.rung, "validation": self.score}
        failure = {"failure": self.failure} if self.failure else {}
        return {**self.final, **known, **failure}


def try_out(learner: str, settings: Mapping[str, Any], rung: int, head: TrainingSet, origins: Origins) -> Trial:
    """Fit a learner to the first rows and forecast from every origin in the held-out ones.

    A learner that chooses something itself (a ridge, an epoch) does so on the same held-out rows: `head` holds them.

    Args:
        learner, settings, rung: as of `Trial`.
        head: the rows before the cut, and those that validate.
        origins: the closed loops that are scored.

    Returns:
        The trial; one whose fit failed has the worst score and says why.
    """
    began = time.perf_counter()
    estimator = LEARNERS[learner].build(**settings)
    try:
        estimator.check()
        network, history = estimator._learn(head)
    except (ConfigError, DataError, DivergenceError) as error:
        nothing = np.full(origins.truth.shape, np.nan)
        failure = f"{type(error).__name__}: {error}"
        return Trial(learner, dict(settings), {}, rung, WORST, nothing, time.perf_counter() - began, failure)
    forecasts = forecast_origins(network, origins)
    score = float(horizon_score(closed_loop_errors(forecasts, origins.truth), WORST))
    seconds = time.perf_counter() - began
    chosen = _chosen(estimator, history)
    return Trial(learner, dict(settings), chosen, rung, score, forecasts, seconds, network=network)


def refuse_failures(trials: Sequence[Trial]) -> None:
    """Refuse a search without a forecast.

    Raises:
        ConfigError, DataError, DivergenceError: every trial failed; what the first one raised.
    """
    if any(not trial.failure for trial in trials):
        return
    name, _, text = trials[0].failure.partition(": ")
    kinds = {kind.__name__: kind for kind in (ConfigError, DataError, DivergenceError)}
    raise kinds[name](f"none of the {len(trials)} settings that were tried could be fitted; the first: {text}")


def _chosen(estimator: Any, history: list[dict[str, Any]]) -> dict[str, Any]:
    """What a learner chose itself: `chosen_`, or the parameters whose values stand in the best entry of its history."""
    known = estimator.get_params()
    if hasattr(estimator, "chosen_"):
        return {name: value for name, value in estimator.chosen_.items() if name in known}
    scored = [entry for entry in history if entry.get("validation") is not None]
    if not scored:
        return {}
    best = min(scored, key=lambda entry: entry["validation"])
    if "epoch" in best:  # of a training: as many epochs on all rows, none held out
        return {"epochs": int(best["epoch"]), "validation": 0.0, "patience": None}
    return {name: value for name, value in best.items() if name in known}
