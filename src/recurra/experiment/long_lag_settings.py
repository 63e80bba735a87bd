"""The learners of the tasks with long lags: what they are, and their settings for each task, in one table."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from recurra.errors import ConfigError, unknown
from recurra.experiment.checks import mistyped, refuse
from recurra.reservoirs import READOUT_FEATURES
from recurra.tasks.long_lag import LongLag

INITIALISATIONS = ("default", "echo-state")
MOMENTUM_SCHEDULES = ("constant", "delayed", "increasing")  # the keys of recurra.training.MOMENTA, which would load JAX
MOST = 5_000_000  # training sequences, as Sutskever et al. 2013 and Pascanu et al. 2013 take them

_VALUES = ("adding", "adding-mean", "multiplication", "adding-1997", "multiplication-1997")
_RATES = {"learning_rate": 1e-3, "final_learning_rate": None, "clip_norm": 1.0}
_RATES |= {"warmup_updates": 0, "averaged_updates": 0}
_EPOCH = {"batch_size": 100, "sequences_per_epoch": 5000}
_GATED = {"units": 32, "batch_size": 20, "sequences_per_epoch": 2000, **_RATES, "learning_rate": 1e-2, "memory": 1.0}
_RESERVOIR = {
    "init": "echo-state",
    "radius": 1.1,
    "connections": 15,
    "input_scale": 0.1,
    "output_scale": 0.1,
    "centred": True,
    "draws": 1,
}
# Sutskever et al. 2013, table 4: input weights of 0.001 for the tasks on values, 0.1 for those of memory.
_SMALL = {name: {"input_scale": 0.001} for name in _VALUES}

# To say symbols again takes a reservoir that echoes them: no leak, and a spectral radius of 1.
_ECHOES = {"units": 800, "leaks": [1e6], "spectral_radius": 1.0, "input_scaling": 0.1, "bias_scaling": 0.0}
_ECHOES |= {"sequences_per_epoch": 3000}

# The types of settings whose defaults do not say them.
_TYPES: dict[str, Any] = {
    "clip_norm": float | None,
    "final_learning_rate": float | None,
    "structural_damping": float,
    "chunk": int | None,
    "leaks": list[float],
}
# The names that a setting may have.
_NAMES: dict[str, tuple[str, Collection[str]]] = {
    "init": ("initialisation", INITIALISATIONS),
    "momentum_schedule": ("momentum schedule", MOMENTUM_SCHEDULES),
    "readout_features": ("readout features", READOUT_FEATURES),
}
# From where on a number makes sense; above 0 for all others.
_FROM_ZERO = {
    "memory",
    "momentum",
    "momentum_tail",
    "warmup_updates",
    "averaged_updates",
    "final_learning_rate",
    "input_scaling",
    "bias_scaling",
    "spectral_radius",
    "radius",
}
_FROM_ZERO |= {"input_scale", "output_scale", "structural_damping"}


@dataclass(frozen=True)
class Learner:
    """A way to learn a task with a long lag.

    Args:
        title: what it is, in a line.
        settings: the defaults.
        by_task: what differs from them, by the name of a task.
        cell: of the network, a key of `recurra.models.CELLS`; "" for the reservoirs.
        optimizer: of `recurra.training.Settings`.
    """

    title: str
    settings: Mapping[str, Any]
    by_task: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    cell: str = ""
    optimizer: str = ""


LEARNERS: dict[str, Learner] = {
    "rnn": Learner(
        "vanilla network of tanh units with orthogonal recurrent weights; Adam with clipped gradients",
        {"units": 100, **_EPOCH, **_RATES},
        {},
        "elman",
        "adam",
    ),
    "gru": Learner(
        "gated recurrent units that keep for the length of the task at first; Adam with clipped gradients",
        _GATED,
        {},
        "gru",
        "adam",
    ),
    "lstm": Learner(
        "long short-term memory that keeps for the length of the task at first; Adam with clipped gradients",
        {**_GATED, "forget_gate": True},
        {},
        "lstm",
        "adam",
    ),
    "momentum": Learner(
        "vanilla network initialised as an echo state network; Nesterov's accelerated gradient",
        {"units": 100, **_EPOCH, **_RATES, "clip_norm": None, **_RESERVOIR}
        | {"momentum": 0.98, "momentum_schedule": "delayed", "momentum_tail": 1000},
        _SMALL,
        "elman",
        "nesterov",
    ),
    "hessian-free": Learner(
        "vanilla network initialised as an echo state network; Hessian-free, a step on new sequences each epoch",
        {
            "units": 100,
            "sequences_per_epoch": 4000,
            "curvature_batch": 1000,
            "chunk": 1000,
            "cg_steps": 150,
            **_RESERVOIR,
        }
        | {"input_scale": 0.3, "damping": 0.1, "structural_damping": 1 / 30},
        {},
        "elman",
        "hessian-free",
    ),
    "sgd": Learner(
        "the network of `momentum`; plain stochastic gradient descent",
        {"units": 100, **_EPOCH, **_RATES, "clip_norm": None, **_RESERVOIR},
        _SMALL,
        "elman",
        "sgd",
    ),
    "esn": Learner(
        "leaky reservoirs that are not trained; a linear readout fitted in one pass",
        {
            "units": 100,
            "sequences_per_epoch": 5000,
            "leaks": [0.1],
            "spectral_radius": 0.1,
            "in_degree": 10,
            "input_scaling": 0.3,
            "bias_scaling": 1.0,
            "readout_features": "squares",
        },
        dict.fromkeys(("5-bit-memory", "20-bit-memory", "copy"), _ECHOES),
    ),
}


def settings_for(task: LongLag, learner: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a learner for a task, with those that are given in the place of its own.

    A network with fewer units than its own settings have connections for has as many connections as units.

    Raises:
        ConfigError: an unknown learner or setting (says the nearest), a value that cannot be; all problems at once.
    """
    if learner not in LEARNERS:
        raise ConfigError(unknown("learner", learner, LEARNERS))
    known = {**LEARNERS[learner].settings, **LEARNERS[learner].by_task.get(task.name, {})}
    problems = [unknown(f"setting of {learner}", key, known) for key in given if key not in known]
    for key, value in given.items():
        if key in known:
            wrong = mistyped(key, value, _TYPES.get(key, type(known[key])))
            problems += wrong or _outside(key, value)
    refuse(problems, "settings")
    chosen = {**known, **given}
    if "connections" in chosen and "connections" not in given:
        chosen["connections"] = min(chosen["connections"], chosen["units"])
    refuse(_together(chosen), "settings")
    return chosen


def _together(chosen: Mapping[str, Any]) -> list[str]:
    """The problems of settings that do not fit each other."""
    units, problems = chosen["units"], []
    if len(chosen.get("leaks", [])) > units:
        problems.append(f"units = {units} are too few for {len(chosen['leaks'])} leaks: each needs at least one unit")
    if chosen.get("connections", 0) > units:
        problems.append(f"connections = {chosen['connections']} must be at most units = {units}")
    return problems


def _outside(key: str, value: Any) -> list[str]:
    """The problem of a name that is not known or a number that makes no sense, if it is one."""
    if key in _NAMES and value not in _NAMES[key][1]:
        what, names = _NAMES[key]
        return [unknown(what, value, names)]
    if key == "momentum" and value > 1:
        return [f"momentum = {value!r} must be a number from 0 to 1"]
    numbers = value if isinstance(value, list) else [value]
    if value == []:
        return [f"{key} = []: at least one is needed"]
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int | float):
            continue
        if number < 0 or (number == 0 and key not in _FROM_ZERO):
            return [f"{key} = {value!r} must be a number {'from 0 on' if key in _FROM_ZERO else 'above 0'}"]
    return []
