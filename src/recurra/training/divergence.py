"""A training that leaves the finite numbers or explodes: what happened, and the error that says so."""

from typing import Any

import numpy as np

from recurra.errors import DivergenceError
from recurra.training.settings import HESSIAN_FREE, Settings
from recurra.training.stretch import Position


def cause_of(position: Position, learning_rate: float, batches: int) -> dict[str, Any] | None:
    """The first bad update of a stretch, counted from 1, its epoch and loss, the rate and gradient; None for none."""
    bad = int(position.bad_update)
    if bad < 0:
        return None
    return {
        "update": bad + 1,
        "epoch": bad // batches + 1,
        "loss": float(position.bad_loss),
        "first_loss": float(position.first_loss),
        "gradient_norm": float(position.gradient_norm),
        "learning_rate": learning_rate,
    }


def diverged(cause: dict[str, Any], settings: Settings) -> DivergenceError:
    """The error for a bad update, with what to do about it."""
    rate = cause["learning_rate"]
    finite = np.isfinite(cause["loss"]) and cause["loss"] > cause["first_loss"]
    how = f"exploded (loss {cause['loss']:.3g}, at the start {cause['first_loss']:.3g})" if finite else ""
    before = f" and a gradient of norm {cause['gradient_norm']:.3g} just before" if cause["update"] > 1 else ""
    halved = f", halved {settings.backoffs} times" if settings.backoffs else ""
    limit = "set `clip_norm=1.0`" if settings.clip_norm is None else f"lower `clip_norm` from {settings.clip_norm:g}"
    where = f"training {how or 'left the finite numbers'} at update {cause['update']} (epoch {cause['epoch']})"
    if settings.optimizer == HESSIAN_FREE:
        return DivergenceError(
            f"{where}{before}: no step of Hessian-free optimisation raises the loss of its own batch, so look at the "
            "data and the scale of the initial weights, or take more windows a batch",
            cause=cause,
        )
    return DivergenceError(
        f"{where}, with "
        f"learning rate {rate:g}{halved}{before}: try a learning rate of {min(rate / 10, 1e-3):g}, or {limit}",
        cause=cause,
    )
