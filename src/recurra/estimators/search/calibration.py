"""How far the joint forecast of a search was off in the held-out rows, from many origins: what its bands rest on."""

import numpy as np

from recurra._types import Forecaster
from recurra.estimators.learners import LEARNERS
from recurra.estimators.members import Members, Past
from recurra.estimators.search.blend import Blend
from recurra.estimators.training_set import TrainingSet
from recurra.forecasting import Origins, forecast_origins


def calibration_errors(network: Forecaster, origins: Origins) -> np.ndarray:
    """Errors (origins, steps, channels) of a joint forecast that has not seen the held-out rows.

    Where values are missing, the errors of that step and channel are as many quantiles of those that are known.
    """
    errors = forecast_origins(network, origins) - origins.truth
    for step, channel in np.argwhere(np.isnan(errors).any(axis=0)):
        known = errors[~np.isnan(errors[:, step, channel]), step, channel]
        if len(known) == 0:
            return errors[:0]  # nothing is known of this step, and of a whole band nothing is said
        errors[:, step, channel] = np.quantile(known, np.linspace(0, 1, len(errors)), method="inverted_cdf")
    return errors


def together(blend: Blend, head: TrainingSet, past: Past | None) -> Members:
    """The trials of a blend side by side, fitted to the first rows; one that was read from a file is fitted again."""
    members = []
    for trial in blend.trials:
        members.append(LEARNERS[trial.learner].build(**trial.final))
        members[-1].network_ = trial.network or members[-1]._learn(head)[0]
    return Members(tuple(members), "trajectory", blend.weights, past)
