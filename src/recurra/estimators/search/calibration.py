"""How far the joint forecast of a search was off in the held-out rows, from many origins: what its bands rest on."""

import numpy as np

from recurra._types import Forecaster
from recurra.estimators.learners import LEARNERS
from recurra.estimators.members import follow
from recurra.estimators.search.blend import Blend
from recurra.estimators.search.trial import Trial
from recurra.estimators.training_set import TrainingSet
from recurra.forecasting import Origins, forecast_origins


def calibration_errors(blend: Blend, head: TrainingSet, origins: Origins) -> np.ndarray:
    """Errors (origins, steps, channels) of the trials that forecast together, of which the held-out rows are unseen.

    Where values are missing, the errors of that step and channel are as many quantiles of those that are known.
    """
    forecasts = [forecast_origins(_network(trial, head), origins) for trial in blend.trials]
    errors = follow(np.stack(forecasts), np.array(blend.weights))[0] - origins.truth
    for step, channel in np.argwhere(np.isnan(errors).any(axis=0)):
        known = errors[~np.isnan(errors[:, step, channel]), step, channel]
        if len(known) == 0:
            return errors[:0]  # nothing is known of this step, and of a whole band nothing is said
        errors[:, step, channel] = np.quantile(known, np.linspace(0, 1, len(errors)), method="inverted_cdf")
    return errors


def _network(trial: Trial, head: TrainingSet) -> Forecaster:
    """The network of a trial; of one that was read from a file it is fitted again."""
    return trial.network or LEARNERS[trial.learner].build(**trial.final)._learn(head)[0]
