"""The training loop: compiled stretches of epochs, between them validation, checkpoint and progress."""

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np

from recurra.errors import ConfigError, DivergenceError
from recurra.models import Model
from recurra.training import alarms
from recurra.training.checkpoint import resume, write
from recurra.training.divergence import cause_of, diverged
from recurra.training.fresh import Fresh, arrays_of
from recurra.training.objectives import Objective
from recurra.training.penalties import check_penalties
from recurra.training.schedules import Rates
from recurra.training.settings import HESSIAN_FREE, Settings
from recurra.training.stretch import Position, Record, batches_of, run_stretch, start

_TOLD = ("epoch", "loss", "validation", "rho", "damping", "cg_steps")

Validate = Callable[[Model], float]
Progress = Callable[[dict[str, Any]], None]
Until = Callable[["Trained"], bool]


@dataclass
class Trained:
    """A training, finished or on its way.

    Args:
        position: where it stands.
        best: the model to keep: the one with the lowest validation score, or the latest where nothing validates; with
            `averaged_updates` their average.
        best_score, best_epoch: of that model.
        epoch: epochs done.
        history: one entry an epoch: epoch, loss (with the penalties), gradient_norm, clipped, validation (None between
            validations); with `on_diverge="backoff:n"` also backoffs, how often the rate was halved so far.
        backoffs: what went wrong before each of those: update, epoch, loss, gradient_norm, learning_rate.
        alarms: what else goes wrong, one entry a kind: kind, epoch, message and facts; see `recurra.training.alarms`.
    """

    position: Position
    best: Model
    best_score: float = math.inf
    best_epoch: int = 0
    epoch: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    backoffs: list[dict[str, Any]] = field(default_factory=list)
    alarms: list[dict[str, Any]] = field(default_factory=list)


def train(
    model: Model,
    objective: Objective,
    data: Any,
    settings: Settings,
    *,
    validate: Validate | None = None,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
    until: Until | None = None,
) -> Trained:
    """Minimise an objective over the weights of a model.

    Args:
        model: the start; it is not modified.
        objective: what to minimise.
        data: arrays as the objective describes them, in the precision of the model; or `Fresh` ones for every epoch.
        settings: optimiser, schedule, epochs.
        validate: score of a model, lower is better; called after every stretch, the best model is kept.
        checkpoint: file written after every stretch; where it exists for this very training, it is resumed.
        progress: called after every stretch (and its checkpoint) with epoch, epochs, loss, validation, and the seconds
            since it was called; of Hessian-free with rho, damping and cg_steps too.
        until: called before every stretch but the first; true ends the training.

    Warns:
        RecurraWarning: an alarm: a spike of the loss, units that are dead or saturated (in stacks of known cells, along
            windows of a series), recurrent weights that learn nothing. Each kind speaks once.

    Raises:
        ConfigError: a penalty on weights that the model does not have; the checkpoint of another training; fresh data
            for stretches of several epochs.
        DivergenceError: a loss or gradient was not finite, or a loss is a hundred million times the first; `cause`
            has the update, epoch, loss, rate and gradient norm. With `on_diverge="backoff:n"`, after n halvings.
    """
    check_penalties(model, settings.static.penalised)
    _check_fresh(data, settings)
    with _precision(model, settings):
        now, drawn = _placed(arrays_of(data, 0), model), 0
        data = data if isinstance(data, Fresh) else now
        trained = Trained(start(model, objective, now, settings), model)
        if checkpoint is not None:
            trained = resume(checkpoint, trained, objective, data, settings)
            _check_validation(trained, validate, checkpoint)
        alarms.check_length(trained.alarms, model, objective, now)
        began = time.monotonic()
        end = math.inf if settings.budget is None else began + settings.budget
        while trained.epoch < settings.epochs and not _out_of_patience(trained, settings):
            if trained.epoch and (time.monotonic() >= end or (until is not None and until(trained))):
                break
            if isinstance(data, Fresh) and drawn != trained.epoch:
                now, drawn = _placed(data.draw(trained.epoch), model), trained.epoch
            good = _advance(trained, objective, now, settings, validate)
            if checkpoint is not None:
                write(checkpoint, trained, objective, data, settings)
            if progress is not None and good:
                told = {k: v for k, v in trained.history[-1].items() if k in _TOLD}
                progress({"epochs": settings.epochs, "seconds": time.monotonic() - began, **told})
        trained.best = _plain(trained.best)
    return trained


def _precision(model: Model, settings: Settings) -> AbstractContextManager[None]:
    """float64 where the model has it; and for Hessian-free, whose decisions are made on small differences of sums."""
    return jax.enable_x64(model.dtype == np.float64 or settings.optimizer == HESSIAN_FREE)


def _placed(data: Any, model: Model) -> Any:
    """Arrays of JAX, in the precision of the model."""

    def cast(leaf: Any) -> Any:
        return np.asarray(leaf, model.dtype) if eqx.is_inexact_array_like(leaf) else leaf

    return jax.device_put(jax.tree.map(cast, data))


def _check_fresh(data: Any, settings: Settings) -> None:
    if isinstance(data, Fresh) and settings.stretch != 1:
        raise ConfigError(f"fresh data are drawn for every epoch: `stretch` is {settings.stretch} and must be 1")


def _advance(trained: Trained, objective: Objective, data: Any, settings: Settings, validate: Validate | None) -> bool:
    """One stretch of epochs, and its validation; False where it diverged and the rate is halved instead."""
    epochs = min(settings.stretch, settings.epochs - trained.epoch)
    halving = 0.5 ** len(trained.backoffs)
    position, record = run_stretch(
        settings.static,
        objective,
        trained.position,
        data,
        _rates(objective, data, settings, halving, trained.position.model.dtype),
        batches_of(objective, data, settings.batch_size, settings.stretch, settings.seed, trained.epoch, epochs),
        np.array([0, settings.seed % 2**32], np.uint32),
        np.int32(trained.epoch),
        np.int32(epochs),
    )
    cause = cause_of(position, settings.learning_rate * halving, batches(objective, data, settings))
    if cause is not None:
        if len(trained.backoffs) == settings.backoffs:
            raise diverged(cause, settings)
        trained.backoffs.append(cause)
        what = f"training diverged at update {cause['update']} (epoch {cause['epoch']}): its rate is halved"
        alarms.record(trained.alarms, alarms.DIVERGED, cause["epoch"], what)
        return False
    trained.position = _plain(position)
    trained.history += _entries(record, trained, epochs, settings)
    trained.epoch += epochs
    model = trained.position.kept
    score = trained.best_score if validate is None else _score(validate, model, trained.epoch)
    if validate is None or score < trained.best_score:
        trained.best, trained.best_score, trained.best_epoch = model, score, trained.epoch
    trained.history[-1]["validation"] = None if validate is None else score
    _look(trained, np.asarray(record.idle)[:epochs], objective, data, settings)
    return True


def _look(trained: Trained, idle: np.ndarray, objective: Objective, data: Any, settings: Settings) -> None:
    """Sound the alarms of a stretch; its units are looked at after the first one and at the end."""
    rate = settings.learning_rate * 0.5 ** len(trained.backoffs)
    if settings.optimizer == HESSIAN_FREE:
        alarms.check_steps(trained.alarms, trained.history, trained.epoch)
    else:
        alarms.check_loss(trained.alarms, trained.history, len(idle), rate)
    alarms.check_recurrence(trained.alarms, idle, trained.epoch)
    last = trained.epoch == settings.epochs or _out_of_patience(trained, settings)
    if last or trained.epoch == len(idle):
        alarms.check_units(trained.alarms, trained.position.model, objective, data, trained.epoch)


def _score(validate: Validate, model: Model, epoch: int) -> float:
    score = float(validate(model))
    if not math.isfinite(score):
        raise DivergenceError(f"the validation score after epoch {epoch} is {score}", cause={"epoch": epoch})
    return score


def _check_validation(trained: Trained, validate: Validate | None, checkpoint: Path) -> None:
    """A resumed training goes on with the validation it began with: the best model has the score it had."""
    if (
        trained.epoch
        and validate is not None
        and _score(validate, trained.best, trained.best_epoch) != trained.best_score
    ):
        raise ConfigError(f"{checkpoint} belongs to a training with other validation rows: remove it to start anew")


def _rates(objective: Objective, data: Any, settings: Settings, halving: float, precision: Any) -> Rates:
    """The traced settings in the precision of the model; `halving` multiplies the rates."""
    each = batches(objective, data, settings)
    total = settings.epochs * each
    numbers = Rates(
        first=settings.learning_rate * halving,
        last=settings.final_learning_rate * halving,
        updates=max(1, total - settings.warmup_updates),
        clip_norm=math.inf if settings.clip_norm is None else settings.clip_norm,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
        tail=total - settings.momentum_tail if settings.momentum_tail else math.inf,
        average=max(0, total - settings.averaged_updates) if settings.averaged_updates else math.inf,
        warmup=settings.warmup_updates,
        milestones=[epoch * each - settings.warmup_updates for epoch in settings.milestones],
        decay=settings.decay,
        penalties=[getattr(getattr(settings, norm), part) for norm, part in settings.static.penalised],
        hessian_free=(settings.hessian_free.structural_damping, settings.hessian_free.warm_start),
    )
    return Rates(*(np.asarray(number, precision) for number in numbers))


def batches(objective: Objective, data: Any, settings: Settings) -> int:
    """Updates in one epoch."""
    return objective.count(data) // objective.size(data, settings.batch_size)


def _entries(record: Record, trained: Trained, epochs: int, settings: Settings) -> list[dict[str, Any]]:
    shown = ("loss", "gradient_norm", "clipped")
    columns = {name: np.asarray(getattr(record, name), np.float64) for name in shown}
    halved = {"backoffs": len(trained.backoffs)} if settings.backoffs else {}
    return [
        {
            "epoch": trained.epoch + e + 1,
            **{name: float(column[e]) for name, column in columns.items()},
            **_facts(record.facts, e),
            **halved,
            "validation": None,
        }
        for e in range(epochs)
    ]


def _facts(facts: Any, e: int) -> dict[str, float | None]:
    """What a method records of an epoch beside; None for what is not finite."""
    if facts == ():
        return {}
    found = {name: float(column[e]) for name, column in facts._asdict().items()}
    return {name: number if math.isfinite(number) else None for name, number in found.items()}


def _out_of_patience(trained: Trained, settings: Settings) -> bool:
    return settings.patience is not None and trained.epoch - trained.best_epoch >= settings.patience


def _plain(tree: Any) -> Any:
    """The tree with NumPy arrays: JAX arrays of float64 would turn into float32 outside the context."""
    return jax.tree.map(lambda leaf: np.asarray(leaf) if eqx.is_array_like(leaf) else leaf, tree)
