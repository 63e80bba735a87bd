"""The step map of a system: everything that it carries from one row to the next, in and out."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
from jax.tree_util import Partial

from recurra.errors import ConfigError
from recurra.systems.integrators import rk4
from recurra.systems.system import System

_SUBSTEPS = 4  # of Runge and Kutta in each step: for the rows of the built-in systems, errors of 1e-8 a step and below


class StepMap(NamedTuple):
    """A map from state to state.

    Args:
        step: the map.
        start: a state from which it comes to what is typical.
        dt: time units of one step.
    """

    step: Callable[[Any], Any]
    start: Any
    dt: float


def of_system(system: System, dt: float | None = None, seed: int = 0) -> StepMap:
    """The step map of a map, or of a vector field by four steps of Runge and Kutta.

    Where a force drives it, its state is (t, y): the time has an exponent of its own, which is zero.

    Args:
        system: a map or a vector field.
        dt: step of a vector field in time units; None for that of its rows.
        seed: of the start.

    Raises:
        ConfigError: a system that is neither.
    """
    numbers = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64) if eqx.is_array_like(leaf) else leaf, system)
    given: Any = numbers
    if hasattr(system, "map"):
        return StepMap(Partial(_mapped, numbers), given.start(np.random.default_rng(seed)), 1.0)
    if not hasattr(system, "field"):
        raise ConfigError(
            f"{system.name} is neither a map nor a vector field: give its step, state -> state in `jax.numpy`, and a "
            "state to start from"
        )
    dt = system.default_dt if dt is None else float(dt)
    start = given.start(np.random.default_rng(seed))
    if given.drive is None:
        return StepMap(Partial(_followed, numbers, np.float64(dt)), start, dt)
    return StepMap(Partial(_driven, numbers, np.float64(dt)), (np.float64(0.0), start), dt)


def _mapped(system: Any, y: Any) -> Any:
    return system.map(y)


def _followed(system: Any, dt: Any, y: Any) -> Any:
    for _ in range(_SUBSTEPS):
        y = rk4.step(system.field, 0.0, y, dt / _SUBSTEPS)  # type: ignore[arg-type]
    return y


def _driven(system: Any, dt: Any, state: Any) -> Any:
    t, y = state
    for k in range(_SUBSTEPS):
        y = rk4.step(system.field, t + k * dt / _SUBSTEPS, y, dt / _SUBSTEPS)
    return t + dt, y
