"""From the parameters of a trained network to what the training takes: settings, objective and data."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from recurra._types import whole_number
from recurra.data import window_starts
from recurra.data.gaps import hold
from recurra.errors import ConfigError, unknown
from recurra.estimators.frame import Frame
from recurra.estimators.parameters import Checks
from recurra.estimators.second_order import batch_of, hessian_free_problems
from recurra.estimators.training_set import Scaled, steps
from recurra.models import Model
from recurra.storage import plain
from recurra.training import (
    FEEDINGS,
    METHODS,
    MOMENTA,
    SCHEDULES,
    SHARES,
    Fed,
    Feeding,
    HessianFree,
    Loss,
    NextSteps,
    Objective,
    Penalty,
    Physics,
    Settings,
    Truncated,
    Windows,
    floss,
    streams,
)
from recurra.training.flossing import STEPS, TRANSIENT
from recurra.training.physics import Units, check_system
from recurra.training.settings import HESSIAN_FREE

LOSSES = ["squared", "absolute", "huber", "gaussian"]  # those for values; the others are for classes
_FLOSSED = 4  # windows along which the exponents are taken
_SAME = (  # a parameter of the estimator and of `Settings` by one name
    "optimizer",
    "learning_rate",
    "momentum",
    "momentum_schedule",
    "momentum_tail",
    "averaged_updates",
    "weight_decay",
    "schedule",
    "decay",
    "warmup_updates",
    "epochs",
    "clip_norm",
    "patience",
    "budget",
    "on_diverge",
    "seed",
)


def check_training(checks: Checks) -> None:
    """Every problem of the parameters of a training."""
    owner, before = checks.owner, len(checks.problems)
    checks.choice("optimizer", list(METHODS)).choice("loss", LOSSES).choice("schedule", list(SCHEDULES))
    checks.number("learning_rate", 0, open_low=True).number("final_learning_rate", 0, optional=True)
    checks.choice("momentum_schedule", list(MOMENTA)).number("momentum", 0, 1).whole("momentum_tail", 0)
    checks.whole("averaged_updates", 0)
    checks.number("weight_decay", 0).number("huber_delta", 0, open_low=True)
    checks.wholes("milestones", 1, optional=True).number("decay", 0, open_low=True).whole("warmup_updates", 0)
    checks.whole("epochs", 1).whole("batch_size", 1, optional=True).whole("bptt_length", 1).whole("stride", 1)
    checks.number("clip_norm", 0, open_low=True, optional=True).flag("increment").flag("stateful")
    checks.number("budget", 0, open_low=True, optional=True)
    checks.flag("learned_start").whole("patience", 1, optional=True).whole("seed", 0, 2**32 - 1)
    longest = owner.bptt_length if whole_number(owner.bptt_length) else 1
    checks.whole("teacher_forced", 1, longest, optional=True).whole("washout", 0, max(0, longest - 1))
    if not isinstance(owner.on_diverge, str):
        checks.problems.append(f"`on_diverge` must be 'stop' or 'backoff:n', got {owner.on_diverge!r}")
    for name in ("l1", "l2"):
        checks.problems += _penalty_problems(name, getattr(owner, name))
    checks.number("physics_weight", 0).problems += _physics_problems(owner)
    if owner.stateful is True and owner.teacher_forced is not None:
        checks.problems.append("`teacher_forced`: a stateful training sees the true rows at every step")
    if owner.stateful is True and owner.stride != 1:
        checks.problems.append("`stride`: the windows of a stateful training follow each other, without overlap")
    checks.problems += hessian_free_problems(owner)
    _check_feeding(checks)
    if owner.stateful is True and owner.optimizer == HESSIAN_FREE:
        checks.problems.append("`stateful`: Hessian-free optimisation needs windows that stand for themselves")
    if len(checks.problems) == before:
        try:
            settings(owner, 1)
        except ConfigError as error:
            checks.problems.append(str(error))


def settings(owner: Any, windows: int, method: HessianFree | None = None) -> Settings:
    """How to train.

    Args:
        owner: the parameters.
        windows: there are in all.
        method: the settings of Hessian-free optimisation, where that is the optimiser.
    """
    same: dict[str, Any] = plain({name: getattr(owner, name) for name in _SAME})
    final = same["learning_rate"] if owner.final_learning_rate is None else float(owner.final_learning_rate)
    milestones = tuple(int(epoch) for epoch in owner.milestones or ())
    penalties = {name: Penalty(**(getattr(owner, name) or {})) for name in ("l1", "l2")}
    same |= {"final_learning_rate": final, "milestones": milestones, "batch_size": batch_of(owner, windows)}
    if owner.optimizer == HESSIAN_FREE:  # a step is worth many updates, and finds its own length
        same |= {"stretch": 1, "hessian_free": method or HessianFree(), "clip_norm": None}
    return Settings(**penalties, **same)


def objective(owner: Any, least: int = 1) -> Objective:
    """What to minimise; with data at every step all of the window is teacher-forced.

    Args:
        owner: the parameters.
        least: steps that see the true rows in any case.
    """
    length, loss = int(owner.bptt_length), Loss(owner.loss, float(owner.huber_delta))
    if owner.stateful:
        return Truncated(length, int(owner.washout), loss)
    kind, forced = owner.feeding, owner.teacher_forced or length
    if kind != "own" and _shares(owner) == (1, 1):
        kind, forced = "own", length
    elif kind != "own":
        forced = owner.teacher_forced or max(least, length // 2)
    feeding = Feeding(kind, owner.share_schedule, noisy=bool(owner.input_noise))
    return NextSteps(length, int(forced), loss, feeding, int(owner.washout))


def _shares(owner: Any) -> tuple[float, float]:
    """The share of the data at the first update and at the last one."""
    return float(owner.data_share), float(owner.final_data_share)


def windows(owner: Any, parts: list[Scaled]) -> tuple[Any, ...]:
    """The rows of all series one after the other, the first row of every window, and what else the objective takes."""
    lengths = [len(values) for values, _ in parts]
    if max(lengths) <= owner.bptt_length:
        raise ConfigError(
            f"no window of {owner.bptt_length} steps fits the {max(lengths)} training rows of the longest series (it "
            f"spans {owner.bptt_length + 1}): set `bptt_length` to at most {max(lengths) - 1}"
        )
    held = [(hold(values), drive) for values, drive in parts]
    values, drive = (np.concatenate(tables).astype(owner.precision) for tables in zip(*held, strict=True))
    missing = np.isnan(np.concatenate([values for values, _ in parts]))
    observed = (~missing,) if missing.any() else ()
    if owner.stateful:
        return values, drive, *streams(lengths, int(owner.bptt_length), batch_of(owner, 0)), *observed
    starts = window_starts(lengths, owner.bptt_length + 1, owner.stride).astype(np.int32)
    if owner.feeding == "own" and not owner.input_noise:
        return values, drive, starts, *observed
    return Windows(values, drive, starts, *(observed or (None,)), _fed(owner, len(starts)))


def _fed(owner: Any, windows: int) -> Fed:
    """The numbers of its feeding."""
    each = windows // min(batch_of(owner, windows), windows)
    updates = int(owner.share_epochs or owner.epochs) * each
    return Fed.of(*_shares(owner), updates, float(owner.input_noise), int(owner.seed), owner.precision)


def flossed(owner: Any, model: Model, parts: list[Scaled]) -> Model:
    """The model after `owner.flossing` updates of gradient flossing along windows of the training rows."""
    if not owner.flossing:
        return model
    inputs = [steps(part)[0] for part in parts]
    length = min(TRANSIENT + STEPS, max(map(len, inputs)))
    starts = window_starts([len(rows) for rows in inputs], length, 1)
    chosen = starts[np.linspace(0, len(starts) - 1, min(_FLOSSED, len(starts))).round().astype(int)]
    rows = np.concatenate(inputs)
    return floss(model, np.stack([rows[at : at + length] for at in chosen]), epochs=owner.flossing, seed=owner.seed)[0]


def with_physics(owner: Any, data: Any, task: Objective, frame: Frame) -> tuple[Objective, Any]:
    """The objective and its data, with the equation added where there is one and it counts."""
    if owner.physics is None or not owner.physics_weight:
        return task, data
    if not isinstance(task, NextSteps):
        raise ConfigError(f"`physics` needs forecasts of rows that follow each other: {type(task).__name__} has none")
    from recurra.systems import make  # loaded only where there is an equation

    system = make(owner.physics) if isinstance(owner.physics, str) else owner.physics
    system = check_system(system, frame.channels, frame.inputs)
    scales = (frame.scaler.mean, frame.scaler.std, frame.drive_scaler.mean, frame.drive_scaler.std)
    units = Units(*(np.asarray(number, owner.precision) for number in (owner.physics_weight, frame.dt, *scales)))
    return Physics(task, system), (data, units)


def _check_feeding(checks: Checks) -> None:
    """What a window sees beside the data."""
    owner = checks.owner
    checks.choice("feeding", list(FEEDINGS)).choice("share_schedule", list(SHARES)).number("input_noise", 0)
    checks.number("data_share", 0, 1).number("final_data_share", 0, 1).whole("share_epochs", 1, optional=True)
    for name, nothing in (("feeding", "own"), ("input_noise", 0)):
        if owner.stateful is True and getattr(owner, name) != nothing:
            checks.problems.append(f"`{name}`: a stateful training sees the true rows at every step, as they are")


def _physics_problems(owner: Any) -> list[str]:
    if owner.physics is None:
        return []
    if not isinstance(owner.physics, str) and not hasattr(owner.physics, "field"):
        return [
            f"`physics` must be the name of a system, a system that is a vector field or None, got {owner.physics!r}"
        ]
    stateful = ["`physics`: the rows of a stateful training are not forecast window by window"]
    return stateful if owner.stateful is True else []


def increment_sizes(parts: list[Scaled]) -> np.ndarray:
    """The standard deviation of y[t+1] - y[t] in each channel, over the steps of which both ends were measured."""
    steps = np.concatenate([np.diff(values, axis=0) for values, _ in parts])
    return np.nanstd(steps, axis=0) if np.isnan(steps).any() else steps.std(axis=0)


def _penalty_problems(name: str, table: Any) -> list[str]:
    if table is None:
        return []
    kinds = [field.name for field in fields(Penalty)]
    if not isinstance(table, Mapping):
        return [f"`{name}` must be a table of strengths by weights ({', '.join(kinds)}) or None, got {table!r}"]
    problems = [f"`{name}`: " + unknown("weights", kind, kinds) for kind in table if kind not in kinds]
    numbers = {kind: value for kind, value in table.items() if kind in kinds}
    good = {k for k, v in numbers.items() if isinstance(v, int | float) and not isinstance(v, bool) and 0 <= v < np.inf}
    return problems + [
        f"`{name}`: {kind} must be a number of at least 0, got {numbers[kind]!r}"
        for kind in numbers
        if kind not in good
    ]
