"""Scores on trajectories that were never trained on: each gives its first rows as history, the rest is scored."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from recurra import metrics
from recurra.estimators import Estimator
from recurra.series import Series


def one_step_mse(model: Estimator, parts: Sequence[Series], known: int) -> float:
    """Mean squared error one step ahead, in units of the variance of the training rows, mean over channels.

    Args:
        model: fitted.
        parts: unseen trajectories.
        known: rows at the beginning of each that warm the model up and are not scored.
    """
    predicted = np.concatenate([model.predict(part[known:], history=part[:known]).values for part in parts])
    truth = np.concatenate([part.values[known:] for part in parts])
    return metrics.nrmse(truth, predicted, model.frame_.scaler.std) ** 2


def closed_loops(model: Estimator, parts: Sequence[Series], known: int) -> list[Series]:
    """Each trajectory from its first `known` rows on, by the model's own output."""
    return [
        model.forecast(len(part) - known, part[:known], None if part.inputs is None else part[known:].inputs)
        for part in parts
    ]


def valid_times(model: Estimator, parts: Sequence[Series], known: int, threshold: float) -> list[float]:
    """Valid prediction time of each trajectory, in time units; at most its own length."""
    forecasts = closed_loops(model, parts, known)
    scale: Any = model.frame_.scaler.std
    return [
        metrics.valid_prediction_time(part[known:], forecast, threshold, scale)
        for part, forecast in zip(parts, forecasts, strict=True)
    ]
