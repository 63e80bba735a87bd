"""Scores of a fitted model on rows that it was not trained on, closed loop and one step apart, beside the baselines."""

from typing import Any

import numpy as np

from recurra import metrics
from recurra.errors import DataError
from recurra.estimators.frame import Frame
from recurra.estimators.running import Runner
from recurra.series import Series

Cut = tuple[Series, Series]  # the known rows and the rows to score


def cut_history(part: Series, before: Series | None, memory: int) -> Cut:
    """A series and the rows before it; without any, its own first `memory` rows are the history."""
    if before is not None:
        return before, part
    if len(part) <= memory:
        raise DataError(
            f"a series that does not follow the training rows needs {memory} rows of its own as history and more to "
            f"score, got {len(part)}: give longer series, or `history`"
        )
    return part[:memory], part[memory:]


def score_runners(runners: dict[str, Runner], cuts: list[Cut], threshold: float) -> dict[str, Any]:
    """The dictionary that `Estimator.score` returns: the first runner is the model, the others are its baselines."""
    tables = {name: _score(runner, cuts, threshold) for name, runner in runners.items()}
    model, *baselines = tables
    return {
        loop: {**tables[model][loop], "baselines": {name: tables[name][loop] for name in baselines}}
        for loop in ("closed_loop", "one_step")
    }


def _score(runner: Runner, cuts: list[Cut], threshold: float) -> dict[str, dict[str, Any]]:
    scale, dt = runner.frame.scaler.std, runner.frame.dt
    truths = [part.values for _, part in cuts]
    free = [runner.forecast(before, len(part), part.inputs).values for before, part in cuts]
    forced = [runner.one_step(part, before).values for before, part in cuts]
    times = [metrics.valid_prediction_time(y, f, threshold, scale, dt) for y, f in zip(truths, free, strict=True)]
    closed_loop = {
        **_pool(truths, free, runner.frame),
        "valid_time": float(np.median(times)),
        "threshold": threshold,
        "valid_to_end": sum(time >= len(y) * dt for time, y in zip(times, truths, strict=True)),
    }
    exponent = runner.frame.facts.get("lyapunov_exponent")
    if exponent:
        closed_loop["valid_lyapunov_times"] = closed_loop["valid_time"] * exponent
    return {"closed_loop": closed_loop, "one_step": _pool(truths, forced, runner.frame)}


def _pool(truths: list[np.ndarray], forecasts: list[np.ndarray], frame: Frame) -> dict[str, Any]:
    """Errors over all rows of all series."""
    truth, forecast = np.concatenate(truths), np.concatenate(forecasts)
    return {
        "rmse": metrics.rmse(truth, forecast),
        "nrmse": metrics.nrmse(truth, forecast, frame.scaler.std),
        "mae": metrics.mae(truth, forecast),
        "smape": metrics.smape(truth, forecast),
        "r2": metrics.r2(truth, forecast),
        "rows": len(truth),
        "by_channel": {
            name: {"rmse": metrics.rmse(truth[:, c], forecast[:, c]), "mae": metrics.mae(truth[:, c], forecast[:, c])}
            for c, name in enumerate(frame.channels)
        },
    }
