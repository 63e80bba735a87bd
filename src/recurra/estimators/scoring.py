"""Scores of a fitted model on rows that it was not trained on, closed loop and one step apart, beside the baselines."""

from typing import Any

import numpy as np

from recurra import metrics
from recurra.data.check import warn
from recurra.errors import DataError
from recurra.estimators.frame import Frame
from recurra.estimators.running import Runner
from recurra.series import Series

SMOOTH = 0.999  # R2 of persistence, one step ahead, from which on that of a model says nothing
Cut = tuple[Series, Series]  # the known rows and the rows to score


def cut_history(series: Series, before: Series | None, memory: int) -> list[Cut]:
    """Every segment of a series and the rows before it; without any, its own first `memory` rows are the history."""
    first, *others = series.segments
    pairs = [(first, before), *((part, None) for part in others)]
    long = [(part, known) for part, known in pairs if known is not None or len(part) > memory]
    if not long:
        longest = f"at most {max(map(len, series.segments))} in each of {len(pairs)} segments" if others else len(first)
        raise DataError(
            f"a series that does not follow the training rows needs {memory} rows of its own as history and more to "
            f"score, got {longest}: give longer series, or `history`"
        )
    if len(long) < len(pairs):
        warn(
            f"{len(pairs) - len(long)} of {len(pairs)} segments are not scored: they have at most the {memory} rows "
            "that each needs as history"
        )
    return [(known, part) if known is not None else (part[:memory], part[memory:]) for part, known in long]


def score_runners(runners: dict[str, Runner], cuts: list[Cut], threshold: float) -> dict[str, Any]:
    """The dictionary that `Estimator.score` returns: the first runner is the model, the others are its baselines."""
    tables = {name: _score(runner, cuts, threshold) for name, runner in runners.items()}
    model, *baselines = tables
    scores = {
        loop: {**tables[model][loop], "baselines": {name: tables[name][loop] for name in baselines}}
        for loop in ("closed_loop", "one_step")
    }
    if notes := _notes(tables["persistence"]["one_step"]["r2"]):
        scores["one_step"]["notes"] = notes
    return scores


def _notes(persistence: float | None) -> list[str]:
    """What to bear in mind about one-step scores: nothing, unless persistence explains nearly all of the series."""
    if persistence is None or persistence <= SMOOTH:
        return []
    return [
        f"Persistence alone has R2 = {persistence:.10g}, so a one-step R2 says nothing about this series: judge the "
        "closed loop, or sample more coarsely."
    ]


def _score(runner: Runner, cuts: list[Cut], threshold: float) -> dict[str, dict[str, Any]]:
    scale, dt = runner.frame.scaler.std, runner.frame.dt
    truths = [_bare(part) for _, part in cuts]
    forecasts = [runner.forecast(before, len(part), part.inputs) for before, part in cuts]
    free = [forecast.values for forecast in forecasts]
    forced = [runner.one_step(part, before).values for before, part in cuts]
    times = [
        metrics.valid_prediction_time(y, f, threshold, scale, dt) if y.observed.any() else 0.0
        for y, f in zip(truths, free, strict=True)
    ]
    kept = [max(1, forecast.provenance.get("lost_after", len(forecast))) for forecast in forecasts]
    lost = sum(map(len, free)) - sum(kept)
    good = [(y[:k], f[:k]) for y, f, k in zip(truths, free, kept, strict=True)]
    closed_loop = {
        **_pool([y for y, _ in good], [f for _, f in good], runner.frame),
        **({"lost_rows": lost} if lost else {}),
        "valid_time": float(np.median(times)),
        "threshold": threshold,
        "valid_to_end": sum(time >= len(y) * dt for time, y in zip(times, truths, strict=True)),
    }
    exponent = runner.frame.facts.get("lyapunov_exponent")
    if exponent and exponent > 0:
        closed_loop["valid_lyapunov_times"] = closed_loop["valid_time"] * exponent
    return {"closed_loop": closed_loop, "one_step": _pool(truths, forced, runner.frame)}


def _bare(part: Series) -> Series:
    """Values and mask alone: rows are compared by their order, not by their times."""
    return Series(part.values, mask=part.mask)


def _pool(truths: list[Series], forecasts: list[np.ndarray], frame: Frame) -> dict[str, Any]:
    """Errors over all rows of all series; what is missing is left out, and counted."""
    observed = np.concatenate([part.observed for part in truths])
    truth, forecast = Series(np.concatenate([part.values for part in truths]), mask=observed), np.concatenate(forecasts)
    missing = int(observed.size - np.count_nonzero(observed))
    return {
        "rmse": metrics.rmse(truth, forecast),
        "nrmse": metrics.nrmse(truth, forecast, frame.scaler.std),
        "mae": metrics.mae(truth, forecast),
        "smape": metrics.smape(truth, forecast),
        "r2": metrics.r2(truth, forecast) if len(truth) > 1 else None,
        "rows": len(truth),
        **({"missing": missing} if missing else {}),
        "by_channel": {
            name: _alone(truth.values[:, c], forecast[:, c], observed[:, c]) for c, name in enumerate(frame.channels)
        },
    }


def _alone(truth: np.ndarray, forecast: np.ndarray, observed: np.ndarray) -> dict[str, float | None]:
    """Errors of one channel; None where nothing of it was measured."""
    if not observed.any():
        return {"rmse": None, "mae": None}
    y, y_hat = truth[observed], forecast[observed]
    return {"rmse": metrics.rmse(y, y_hat), "mae": metrics.mae(y, y_hat)}
