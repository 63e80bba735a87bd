"""`tune=` of an estimator: the parameters that were left at their defaults are chosen by a search."""

import dataclasses
from typing import TYPE_CHECKING, Any

from recurra.estimators.search.ground import Ground
from recurra.estimators.search.hunt import Hunt
from recurra.estimators.search.record import run_search
from recurra.estimators.search.spaces import SEARCHED
from recurra.estimators.search.trial import refuse_failures
from recurra.estimators.training_set import TrainingSet

if TYPE_CHECKING:
    from recurra.estimators.base import Estimator

HELD_OUT = 0.3  # of the rows, where the estimator itself holds out less


def tuned(estimator: Any, training: TrainingSet) -> tuple["Estimator", list[dict[str, Any]]]:
    """The estimator with the best settings that a search of `tune` seconds found, not fitted yet, and its trials.

    A parameter that has another value than its default is kept.
    """
    given = {
        field.name: value
        for field in dataclasses.fields(estimator)
        if field.name != "tune" and (value := getattr(estimator, field.name)) != field.default
    }
    ground = Ground.of(
        training,
        validation=max(HELD_OUT, estimator.validation),
        washout=estimator._warmup_rows(),
        horizon=estimator.horizon,
        origins=estimator.origins,
        seconds=estimator.tune,
    )
    searched = SEARCHED[estimator.kind](ground.rows).keeping(given)
    hunt = Hunt({estimator.kind: searched}, ground, estimator.seed)
    run_search(hunt, training, estimator._saved(), seconds=estimator.tune, most=None, again=1)
    refuse_failures(hunt.trials)
    best = min(hunt.trials, key=lambda trial: trial.score)
    chosen = type(estimator)(**best.final)
    chosen.check()
    return chosen, [trial.entry(number) for number, trial in enumerate(hunt.trials)]
