"""How far the joint forecast of a search was off in the held-out rows, from many origins: what its bands rest on."""

import numpy as np

from recurra._types import Forecaster
from recurra.estimators.learners import LEARNERS
from recurra.estimators.members import weighted_median
from recurra.estimators.search.blend import Blend
from recurra.estimators.search.trial import Trial
from recurra.estimators.training_set import TrainingSet
from recurra.forecasting import Origins, forecast_origins


def calibration_errors(blend: Blend, head: TrainingSet, origins: Origins) -> np.ndarray:
    """Errors (origins, steps, channels) of the trials that forecast together, of which the held-out rows are unseen.

    Origins after which a value is missing are left out.
    """
    whole = origins.take(np.flatnonzero(np.isfinite(origins.truth).all(axis=(1, 2))))
    if len(whole) == 0:
        return np.zeros((0, *origins.truth.shape[1:]))
    forecasts = [forecast_origins(_network(trial, head), whole) for trial in blend.trials]
    return weighted_median(np.stack(forecasts), np.array(blend.weights)) - whole.truth


def _network(trial: Trial, head: TrainingSet) -> Forecaster:
    """The network of a trial; of one that was read from a file it is fitted again."""
    return trial.network or LEARNERS[trial.learner].build(**trial.final)._learn(head)[0]
