"""`run_long_lag`: one learner on one task with a long lag, until it is solved as the paper says, or not."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from recurra.errors import ConfigError
from recurra.experiment.long_lag_settings import LEARNERS, MOST, settings_for
from recurra.tasks.long_lag import LongLag

Progress = Callable[[dict[str, Any]], None]


def run_long_lag(
    task: LongLag,
    learner: str,
    *,
    seed: int,
    budget: float | None = None,
    most: int | None = None,
    whole: bool = False,
    settings: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
) -> dict[str, Any]:
    """Train until the task is solved, the time is over, or as many sequences are seen.

    Every sequence is new. After each epoch the sequences of the next one are scored before they are trained on: where
    the rule of the task allows to stop, new sequences confirm it. A training that diverges is a result, not an error.

    Args:
        task: as of `recurra.tasks.long_lag`.
        learner: a key of `LEARNERS`.
        seed: of weights and sequences.
        budget: seconds after which to stop, at the end of an epoch; None for no limit.
        most: training sequences at most: it stops before the epoch that would exceed them; None for 5,000,000.
        whole: whether to go on to the last sequence though the task is solved before; solved is then whether it was at
            any time, and the scores are those of the end.
        settings: in the place of those that the learner has for this task.
        progress: called after every epoch with epoch, epochs, loss and validation.
        checkpoint: file written after every epoch; where it exists for this very training, it is resumed.

    Returns:
        solved; stop ("solved", "budget", "sequences", "diverged"); wrong_fraction, errors (wrong answers a sequence)
        and deviation (mean absolute error) on new sequences; sequences, seconds, epochs, updates of the training;
        gradient_passes (gradients of one sequence, a Hessian-free step counted as what it is worth); parameters that
        are trained; failure (message and cause of a divergence, or None); alarms; history, an entry an epoch; settings.

    Raises:
        ConfigError: an unknown learner or setting, a value that cannot be.
    """
    chosen = settings_for(task, learner, settings or {})
    limit = MOST if most is None else most
    if limit < 2:
        raise ConfigError(f"at least 2 training sequences are needed, got {limit}")
    if budget is not None and not budget > 0:
        raise ConfigError(f"the budget is {budget:g} s: give a positive number of seconds")
    if learner == "esn":
        found = _run_esn(task, chosen, seed=seed, budget=budget, most=limit, progress=progress)
    else:
        from recurra.experiment.long_lag_network import run_network

        limits: dict[str, Any] = {"seed": seed, "budget": budget, "most": limit, "whole": whole}
        found = run_network(task, LEARNERS[learner], chosen, **limits, progress=progress, checkpoint=checkpoint)
    return {"task": task.name, "length": task.length, "learner": learner, "seed": seed, **found, "settings": chosen}


def _run_esn(
    task: LongLag, settings: dict[str, Any], *, seed: int, budget: float | None, most: int, progress: Progress | None
) -> dict[str, Any]:
    """Fit the readout in one pass, and score it."""
    from recurra.experiment import long_lag_esn as leaky

    began, count = time.perf_counter(), min(settings["sequences_per_epoch"], most)

    def enough(seen: int) -> bool:
        if progress is not None:
            progress({"epoch": seen, "epochs": count, "loss": None, "validation": None})
        return budget is not None and time.perf_counter() - began >= budget

    reservoirs = leaky.draw_leaky(task.inputs, settings, task.length, seed)
    fitted = leaky.fit_leaky(reservoirs, task, seed, count, settings["readout_features"], enough)
    seconds = time.perf_counter() - began
    test = leaky.score(fitted.network, task, seed)
    met = task.solved.met(fitted.wrong, fitted.deviations)
    solved = (met or task.solved.on_tests) and task.solved.confirmed(test["wrong_fraction"])
    over = "budget" if fitted.sequences < count else "sequences"
    return {
        "solved": solved,
        "stop": "solved" if solved else over,
        **test,
        "sequences": fitted.sequences,
        "seconds": seconds,
        "epochs": 1,
        "updates": 1,
        "gradient_passes": 0,
        "parameters": fitted.network.coefficients.size,
        "failure": None,
        "alarms": [],
        "history": [],
        "ridge": fitted.network.ridge,
    }
