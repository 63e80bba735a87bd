"""What a network trained by Hessian-free optimisation needs beside the parameters of all trainings."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from recurra.errors import ConfigError, unknown
from recurra.estimators.memory import usable_memory
from recurra.training import HessianFree
from recurra.training.settings import HESSIAN_FREE

_BATCH = 32  # windows of an update rule; Hessian-free takes all of them
_STRUCTURAL = 0.03  # mu of vanilla networks; gated ones need none
_SHARE = 8  # of the memory, for what a linearisation keeps
_OPTIONS = tuple(field.name for field in fields(HessianFree) if field.name != "chunk")


def batch_of(owner: Any, windows: int) -> int:
    """Windows of a batch: what is asked for, or 32, and all of them for Hessian-free."""
    if owner.batch_size is not None:
        return int(owner.batch_size)
    return windows if owner.optimizer == HESSIAN_FREE else _BATCH


def hessian_free(owner: Any, vanilla: bool, bytes_each: float) -> HessianFree:
    """Settings of the method; structural damping where it is defined, chunks that an eighth of the memory holds.

    Args:
        owner: with the parameter `hessian_free`.
        vanilla: whether its hidden units are those of a vanilla network with a bounded activation.
        bytes_each: what backpropagation through one window holds.
    """
    chunk = max(1, int(usable_memory() / _SHARE / max(bytes_each, 1.0)))
    given = dict(owner.hessian_free or {})
    return HessianFree(**{"structural_damping": _STRUCTURAL if vanilla else 0.0, "chunk": chunk, **given})


def hessian_free_problems(owner: Any) -> list[str]:
    """What is wrong with the parameters `batch_size` and `hessian_free`."""
    table = owner.hessian_free
    if table is None:
        return []
    if owner.optimizer != HESSIAN_FREE:
        return [f"`hessian_free` is for the optimizer {HESSIAN_FREE!r}, not {owner.optimizer!r}"]
    if not isinstance(table, Mapping):
        return [f"`hessian_free` must be a table of {', '.join(_OPTIONS)} or None, got {table!r}"]
    problems = ["`hessian_free`: " + unknown("setting", key, _OPTIONS) for key in table if key not in _OPTIONS]
    if problems:
        return problems
    try:
        HessianFree(**table)
    except (ConfigError, TypeError) as error:
        return [f"`hessian_free`: {error}"]
    return []
