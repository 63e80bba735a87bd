"""`run_fit`: one experiment from data to scores, written so that it can stop anywhere and be resumed."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from recurra import __version__
from recurra.errors import DivergenceError
from recurra.experiment import run_directory as names
from recurra.experiment.config import Config, build_learner, config_hash
from recurra.experiment.cost import cost, cost_in_words
from recurra.experiment.environment import environment
from recurra.experiment.noise import noise_met
from recurra.experiment.pieces import Rows, cut
from recurra.experiment.run_directory import RunDirectory
from recurra.experiment.run_files import write_data, write_history
from recurra.experiment.table import series_csv
from recurra.series import Series
from recurra.storage import plain, write_atomic, write_json

VALID_THRESHOLD = 0.4  # of the valid prediction time, in training standard deviations
Progress = Callable[[dict[str, Any]], None]


def run_fit(
    config: Config,
    run: RunDirectory,
    series: Series,
    *,
    progress: Progress | None = None,
    stop: Callable[[], None] | None = None,
    gently: Callable[[], AbstractContextManager[None]] = nullcontext,
    command: Sequence[str] = (),
) -> dict[str, Any]:
    """Split in time, fit, forecast the rest, score it beside the baselines, write every file of the run.

    Args:
        config: resolved, with the hash of its data.
        run: the open directory; an earlier attempt's checkpoint in it is resumed from.
        series: the data that `config` names.
        progress: called by the training after each stretch and its checkpoint.
        stop: called between the stages; may raise `Interrupted`.
        gently: a context for the training, which may be left only where `progress` is called.
        command: the words that started the run, for its report.

    Returns:
        The `results` of `metrics.json`: the scores beside those of the baselines, sizes and hashes.
    """
    pause = stop or _never
    run.log(f"{'resumed' if run.resumed else 'started'} with recurra {__version__}")
    write_json(run.file(names.ENVIRONMENT), environment())
    trained, start = cut(series, config.split, config.split_by, config.gap)
    write_data(run.file(names.DATA), series)
    pause()
    estimator, began = build_learner(config), time.perf_counter()
    try:
        with gently():
            estimator.fit(series[:trained], checkpoint=run.file(names.CHECKPOINT), progress=progress)
    except DivergenceError as error:
        run.log(f"diverged: {error}")
        failure = {"kind": "diverged", "message": str(error), "cause": error.cause}
        write_json(run.file(names.METRICS), {"complete": False, "results": {"failure": plain(failure)}})
        raise
    spent = cost(estimator, time.perf_counter() - began, fresh=not run.resumed)
    write_json(run.file(names.ENVIRONMENT), {**environment(), "cost": spent})
    run.log(f"fitted {config.learner} on {trained} rows: {cost_in_words(spent)}")
    for alarm in estimator.alarms_:
        run.log(f"alarm, {alarm['kind']}: {alarm['message']}")
    pause()
    estimator.save(run.file(names.MODEL), overwrite=True)
    epochs = [entry for entry in estimator.history_ if "epoch" in entry]
    write_history(run.file(names.HISTORY), plain(epochs))
    rows = Rows.of(series, trained, start, estimator.memory)
    _write_forecasts(run, estimator, rows)
    pause()
    run.finish(_results(config, estimator, rows), command)
    return run.results


def score_test(estimator: Any, rows: Rows) -> dict[str, Any]:
    """Score the test part: a single piece after the rows before it, several with a history of their own."""
    if len(rows.pieces) == 1:
        known, truth = rows.shown.of(rows.series)
        return estimator.score(truth, history=known, threshold=VALID_THRESHOLD)
    whole = [rows.series[max(piece.before[0], rows.start) : piece.rows[1]] for piece in rows.pieces]
    return estimator.score(whole, threshold=VALID_THRESHOLD)


def _write_forecasts(run: RunDirectory, estimator: Any, rows: Rows) -> None:
    known, truth = rows.shown.of(rows.series)
    forecast = estimator.forecast(len(truth), known, truth.inputs)
    baselines = estimator.baseline_forecasts(len(truth), known, truth.inputs)
    write_atomic(run.file(names.FORECAST), series_csv(forecast, baselines).encode())


def _results(config: Config, estimator: Any, rows: Rows) -> dict[str, Any]:
    train, test, scale = rows.series[: rows.trained], rows.series[rows.start :], estimator.frame_.scaler.std
    score = score_test(estimator, rows)
    return plain(
        {
            "learner": config.learner,
            "data": config.data.source,
            "data_sha256": config.data.sha256,
            "config_sha256": config_hash(config.as_dict()),
            "rows": {"train": rows.trained, "gap": rows.start - rows.trained, "test": len(test)},
            "forecast": {"before": rows.shown.before, "rows": rows.shown.rows},
            "dt": train.dt,
            "channels": list(train.channels),
            "units": list(train.units),
            "time_unit": train.provenance.get("time_unit", ""),
            "lyapunov_exponent": train.provenance.get("lyapunov_exponent"),
            "training_std": scale,
            "candidates": [entry for entry in estimator.history_ if "epoch" not in entry],
            "alarms": estimator.alarms_,
            "noise": noise_met(estimator),
            "score": score,
            "seeds": [{"seed": config.seed, "train": _training_error(estimator, train), "test": _alone(score)}],
            "truth": _truth(test, scale),
        }
    )


def _training_error(estimator: Any, train: Series) -> dict[str, Any]:
    """One step ahead from the true rows that were trained on, in the units of the data, over all channels."""
    errors = []
    for part in (segment for segment in train.segments if len(segment) > 1):
        forecast = estimator.predict(part)
        errors.append((forecast.values - part.values[-len(forecast) :])[part.observed[-len(forecast) :]])
    mse = float((np.concatenate(errors) ** 2).mean())
    return {"one_step": {"mse": mse, "rmse": mse**0.5}}


def _alone(score: dict[str, Any]) -> dict[str, Any]:
    """A score without those of the baselines."""
    return {loop: {key: value for key, value in table.items() if key != "baselines"} for loop, table in score.items()}


def _truth(test: Series, scale: Any) -> dict[str, Any] | None:
    """How far simulated rows can be trusted themselves: no forecast can be shown to be valid for longer."""
    made = test.provenance
    if made.get("method") is None or len(test) < 2:
        return None
    from recurra.systems import agreement_time

    return {
        "method": made["method"],
        "internal_step": "adaptive" if made["tolerance"] is not None else test.dt,
        "local_error": made["tolerance"],
        "agreement_time": agreement_time(test, VALID_THRESHOLD, scale),
        "threshold": VALID_THRESHOLD,
    }


def _never() -> None:
    """What `stop` does where nobody can stop the run."""
