"""What a network trained by Hessian-free optimisation needs beside the parameters of all trainings."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from recurra._types import whole_number
from recurra.errors import ConfigError, unknown
from recurra.estimators.memory import usable_memory
from recurra.storage import plain
from recurra.training import HessianFree
from recurra.training.conjugate_gradient import saved
from recurra.training.settings import HESSIAN_FREE

_BATCH = 32  # windows of an update rule; Hessian-free takes all of them
_STRUCTURAL = 0.03  # mu of vanilla networks; gated ones need none
_SHARE = 8  # of the memory, for what a linearisation keeps
_KEPT = 1 / 6  # of that, where it is computed again: the states that structural damping looks at
_OPTIONS = tuple(field.name for field in fields(HessianFree))


def batch_of(owner: Any, windows: int) -> int:
    """Windows of a batch: what is asked for, or 32, and all of them for Hessian-free."""
    if owner.batch_size is not None:
        return int(owner.batch_size)
    return windows if owner.optimizer == HESSIAN_FREE else _BATCH


def hessian_free(owner: Any, vanilla: bool, bytes_each: float, steps: int, batch: int, damping: float) -> HessianFree:
    """Settings of the method; structural damping where it is defined, and pieces that an eighth of the memory holds.

    The pieces are windows or, where a single one is too long, segments of it.

    Args:
        owner: with the parameter `hessian_free`.
        vanilla: whether its hidden units are those of a vanilla network with a bounded activation.
        bytes_each: what backpropagation through one window holds.
        steps: of a window.
        batch: windows of a batch; where they fit together, the memory of the machine plays no part.
        damping: lambda at the start, unless the owner says it.
    """
    fit = usable_memory() / _SHARE / max(bytes_each, 1.0)
    defaults: dict[str, Any] = {"damping": damping, "structural_damping": _STRUCTURAL if vanilla else 0.0}
    defaults["chunk"] = None if fit >= batch else max(1, int(fit))
    defaults["segment"] = None if fit >= 1 else max(1, int(fit * steps))
    return HessianFree(**{**defaults, **plain(dict(owner.hessian_free or {}))})


def bytes_at_once(method: HessianFree, bytes_each: float, steps: int, batch: int) -> float:
    """What the windows of a batch hold that are taken together; arguments as of `hessian_free`."""
    windows, segment = min(batch, method.chunk or batch), min(steps, method.segment or steps)
    return bytes_each * windows * (1.0 if segment == steps else min(1.0, _KEPT + segment / steps))


def vectors(owner: Any, method: HessianFree) -> int:
    """How many times the weights are held, in units of what an update rule holds: saved iterates, and a few more."""
    return 1 + len(saved(method.cg_steps)) // 10 if owner.optimizer == HESSIAN_FREE else 1


def hessian_free_problems(owner: Any) -> list[str]:
    """What is wrong with the parameters `batch_size` and `hessian_free`."""
    table = owner.hessian_free
    if owner.optimizer == HESSIAN_FREE and owner.loss == "absolute":
        return ["`loss`: 'absolute' has no curvature for Hessian-free optimisation to go by, take 'huber' or 'squared'"]
    if table is None:
        return []
    if owner.optimizer != HESSIAN_FREE:
        return [f"`hessian_free` is for the optimizer {HESSIAN_FREE!r}, not {owner.optimizer!r}"]
    if not isinstance(table, Mapping):
        return [f"`hessian_free` must be a table of {', '.join(_OPTIONS)} or None, got {table!r}"]
    problems = ["`hessian_free`: " + unknown("setting", key, _OPTIONS) for key in table if key not in _OPTIONS]
    problems += [
        f"`hessian_free`: `{key}` must be {_kind(key)}, got {value!r}"
        for key, value in table.items()
        if key in _OPTIONS and not _fits(key, value)
    ]
    if problems:
        return problems
    try:
        HessianFree(**plain(dict(table)))
    except ConfigError as error:
        return [f"`hessian_free`: {error}"]
    return []


def _kind(key: str) -> str:
    """What a setting is, from its default."""
    default = getattr(HessianFree(), key)
    kinds = {bool: "true or false", int: "a whole number", float: "a number", str: "a name"}
    return kinds[type(default)] if default is not None else "a whole number or None"


def _fits(key: str, value: Any) -> bool:
    kind = _kind(key)
    if kind.startswith("a whole number"):
        return whole_number(value) or (value is None and kind.endswith("None"))
    if kind == "a number":
        return isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return isinstance(value, bool if kind == "true or false" else str)
