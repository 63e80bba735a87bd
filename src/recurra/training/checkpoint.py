"""The state of an unfinished training on disk: exact, so that a resumed training ends with the same bits."""

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np

from recurra.errors import ConfigError
from recurra.storage import canonical, plain, read_checkpoint, write_checkpoint
from recurra.training.fresh import Fresh
from recurra.training.objectives import Objective
from recurra.training.settings import Settings


def write(path: Path, trained: Any, objective: Objective, data: Any, settings: Settings) -> None:
    """Write where a training stands."""
    document = {
        "identity": _identity(trained.position.model, objective, data, settings),
        "best_score": repr(trained.best_score),  # infinity before the first validation
        "best_epoch": trained.best_epoch,
        "epoch": trained.epoch,
        "history": trained.history,
        "backoffs": [_written(cause) for cause in trained.backoffs],
        "alarms": trained.alarms,
    }
    leaves = jax.tree.leaves(eqx.filter((trained.position, trained.best), eqx.is_array_like))
    write_checkpoint(path, {f"leaf/{i:04d}": np.asarray(leaf) for i, leaf in enumerate(leaves)}, document)


def resume(path: Path, fresh: Any, objective: Objective, data: Any, settings: Settings) -> Any:
    """The training as the checkpoint left it; `fresh` where there is none.

    Raises:
        ConfigError: the checkpoint is of another training.
    """
    found = read_checkpoint(path)
    if found is None:
        return fresh
    document, tensors = found
    if document["identity"] != _identity(fresh.position.model, objective, data, settings):
        raise ConfigError(f"{path} belongs to a training with other data or settings: remove it to start anew")
    arrays, rest = eqx.partition((fresh.position, fresh.best), eqx.is_array_like)
    leaves = [tensors[name] for name in sorted(tensors)]
    position, best = eqx.combine(jax.tree.unflatten(jax.tree.structure(arrays), leaves), rest)
    return type(fresh)(
        position,
        best,
        best_score=float(document["best_score"]),
        best_epoch=document["best_epoch"],
        epoch=document["epoch"],
        history=document["history"],
        backoffs=[_read(cause) for cause in document["backoffs"]],
        alarms=document.get("alarms", []),  # the first checkpoints had none
    )


def _written(cause: dict[str, Any]) -> dict[str, Any]:
    """As JSON, which has no infinity."""
    return {name: repr(number) if isinstance(number, float) else number for name, number in cause.items()}


def _read(cause: dict[str, Any]) -> dict[str, Any]:
    return {name: float(number) if isinstance(number, str) else number for name, number in cause.items()}


def _identity(model: Any, objective: Objective, data: Any, settings: Settings) -> str:
    """A hash of everything that determines a training but the weights, which change.

    The structure of the model names its cells and their static fields: the activation of a layer, for one.
    """
    decisive = {name: value for name, value in asdict(settings).items() if name != "budget"}  # it may go on with more
    digest = hashlib.sha256(canonical(plain([repr(objective), decisive])).encode())
    shapes = [[list(leaf.shape), str(leaf.dtype)] for leaf in jax.tree.leaves(model) if eqx.is_array_like(leaf)]
    digest.update(canonical([shapes, str(jax.tree.structure(model))]).encode())
    if isinstance(data, Fresh):
        digest.update(data.identity.encode())
        return digest.hexdigest()
    for leaf in jax.tree.leaves(data):
        digest.update(np.ascontiguousarray(leaf).tobytes())
    return digest.hexdigest()
