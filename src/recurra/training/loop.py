"""The training loop: compiled stretches of epochs, between them validation, checkpoint and progress."""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np

from recurra.errors import ConfigError, DivergenceError, RecurraWarning
from recurra.models import Stack
from recurra.training.checkpoint import resume, write
from recurra.training.objectives import Objective
from recurra.training.settings import Settings
from recurra.training.stretch import Position, Rates, Record, run_stretch, start

Validate = Callable[[Stack], float]
Progress = Callable[[dict[str, Any]], None]


@dataclass
class Trained:
    """A training, finished or on its way.

    Args:
        position: where it stands.
        best: the model to keep: the one with the lowest validation score, or the latest where nothing validates.
        best_score, best_epoch: of that model.
        epoch: epochs done.
        history: one entry an epoch: epoch, loss, gradient_norm, clipped, validation (None between validations).
    """

    position: Position
    best: Stack
    best_score: float = math.inf
    best_epoch: int = 0
    epoch: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)


def train(
    model: Stack,
    objective: Objective,
    data: Any,
    settings: Settings,
    *,
    validate: Validate | None = None,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Minimise an objective over the weights of a model.

    Args:
        model: the start; it is not modified.
        objective: what to minimise.
        data: arrays as the objective describes them, in the precision of the model.
        settings: optimiser, schedule, epochs.
        validate: score of a model, lower is better; called after every stretch, the best model is kept.
        checkpoint: file written after every stretch; where it exists for this very training, it is resumed.
        progress: called after every stretch (and its checkpoint) with epoch, epochs, loss, validation.

    Raises:
        DivergenceError: a loss or gradient was not finite; `cause` has the update, epoch, rate and gradient norm.
    """
    if objective.length(data) == 1:
        warnings.warn(
            "sequence length 1: the recurrent weights are unused, they only ever multiply the zero initial state. "
            "Arrange the window as steps, not as features",
            RecurraWarning,
            stacklevel=2,
        )
    precision = np.dtype(model.readout[-1].c.dtype)
    with jax.enable_x64(precision == np.float64):
        data = jax.tree.map(jax.numpy.asarray, data)
        trained = Trained(start(model, settings.optimizer, settings.momentum), model)
        if checkpoint is not None:
            trained = resume(checkpoint, trained, objective, data, settings)
            _check_validation(trained, validate, checkpoint)
        while trained.epoch < settings.epochs and not _out_of_patience(trained, settings):
            _advance(trained, objective, data, settings, validate)
            if checkpoint is not None:
                write(checkpoint, trained, objective, data, settings)
            if progress is not None:
                entry = trained.history[-1]
                progress({"epochs": settings.epochs, **{k: entry[k] for k in ("epoch", "loss", "validation")}})
        trained.best = _plain(trained.best)
    return trained


def _advance(trained: Trained, objective: Objective, data: Any, settings: Settings, validate: Validate | None) -> None:
    """One stretch of epochs, and its validation."""
    epochs = min(settings.stretch, settings.epochs - trained.epoch)
    position, record = run_stretch(
        settings.static,
        objective,
        trained.position,
        data,
        _rates(objective, data, settings),
        jax.random.key(settings.seed),
        np.int32(trained.epoch),
        np.int32(epochs),
    )
    _check_finite(position, objective, data, settings)
    trained.position = _plain(position)
    trained.history += _entries(record, trained.epoch, epochs)
    trained.epoch += epochs
    model = trained.position.model
    score = trained.best_score if validate is None else _score(validate, model, trained.epoch)
    if validate is None or score < trained.best_score:
        trained.best, trained.best_score, trained.best_epoch = model, score, trained.epoch
    trained.history[-1]["validation"] = None if validate is None else score


def _score(validate: Validate, model: Stack, epoch: int) -> float:
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


def _rates(objective: Objective, data: Any, settings: Settings) -> Rates:
    clip = math.inf if settings.clip_norm is None else settings.clip_norm
    updates = max(1, settings.epochs * batches(objective, data, settings))
    numbers = (settings.learning_rate, settings.final_learning_rate, updates, clip)
    return Rates(*(np.float32(number) for number in numbers))  # pyright: ignore[reportArgumentType]


def batches(objective: Objective, data: Any, settings: Settings) -> int:
    """Updates in one epoch."""
    count = objective.count(data)
    return count // min(settings.batch_size, count)


def _check_finite(position: Position, objective: Objective, data: Any, settings: Settings) -> None:
    bad = int(position.bad_update)
    if bad < 0:
        return
    epoch = bad // batches(objective, data, settings)
    norm = float(position.gradient_norm)
    before = f" and a gradient of norm {norm:.3g} just before" if bad else ""
    limit = "set `clip_norm=1.0`" if settings.clip_norm is None else f"lower `clip_norm` from {settings.clip_norm:g}"
    raise DivergenceError(
        f"training left the finite numbers at update {bad + 1} (epoch {epoch + 1}), with learning rate "
        f"{settings.learning_rate:g}{before}: try a learning rate of "
        f"{min(settings.learning_rate / 10, 1e-3):g}, or {limit}",
        cause={
            "update": bad + 1,
            "epoch": epoch + 1,
            "gradient_norm": norm,
            "learning_rate": settings.learning_rate,
        },
    )


def _entries(record: Record, done: int, epochs: int) -> list[dict[str, Any]]:
    columns = {name: np.asarray(column, np.float64) for name, column in record._asdict().items()}
    return [
        {
            "epoch": done + e + 1,
            **{name: float(column[e]) for name, column in columns.items()},
            "validation": None,
        }
        for e in range(epochs)
    ]


def _out_of_patience(trained: Trained, settings: Settings) -> bool:
    return settings.patience is not None and trained.epoch - trained.best_epoch >= settings.patience


def _plain(tree: Any) -> Any:
    """The tree with NumPy arrays: JAX arrays of float64 would turn into float32 outside the context."""
    return jax.tree.map(lambda leaf: np.asarray(leaf) if eqx.is_array_like(leaf) else leaf, tree)
