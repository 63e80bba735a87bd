"""The step map of a system: what is carried from one row to the next, and how."""

from typing import Any

import jax
import numpy as np
from jax.tree_util import Partial

from recurra.diagnostics.maps import StepMap
from recurra.errors import ConfigError
from recurra.systems.integrators import rk4
from recurra.systems.maps import refuse_step
from recurra.systems.system import System, in_float64

# Of Runge and Kutta in each step. A row of the built-in systems is then wrong by 2e-10 standard deviations or less; of
# Rössler's by 4e-8, of Lorenz-96 by 3e-6.
_SUBSTEPS = 4


def of_system(system: System, dt: float | None = None, seed: int = 0) -> StepMap:
    """The step map of a map, of a vector field by four steps of Runge and Kutta, or what a system gives as its own.

    Where a force drives it, its state is (t, y): the time has an exponent of its own, which is zero. The state of a
    delay is a history over it, that of the Kuramoto-Sivashinsky equation its waves.

    Args:
        system: what to follow.
        dt: step in time units; None for that of the rows, of a delay for the delay.
        seed: of the start.

    Raises:
        ConfigError: a system without a state that says what follows; a step that it cannot have.
    """
    numbers, rng = in_float64(system), np.random.default_rng(seed)
    if hasattr(system, "step_map"):
        return StepMap(*numbers.step_map(None if dt is None else float(dt), rng))
    dt = system.default_dt if dt is None else float(dt)
    if hasattr(system, "map"):
        refuse_step(system.name, dt)
        return StepMap(Partial(_mapped, numbers), numbers.start(rng), dt)
    if not hasattr(system, "field"):
        raise ConfigError(
            f"{system.name} has no map from state to state: give its step, state -> state in `jax.numpy`, and a "
            "state to start from"
        )
    start = numbers.start(rng)
    following = numbers, np.float64(dt)  # arrays, which are not compiled in
    if numbers.drive is None:
        return StepMap(Partial(_followed, *following), start, dt)
    return StepMap(Partial(_driven, *following), (0.0, start), dt)


def _mapped(system: Any, y: Any) -> Any:
    return system.map(y)


def _followed(system: Any, dt: Any, y: Any) -> Any:
    return _driven(system, dt, (0.0, y))[1]


def _driven(system: Any, dt: Any, state: Any) -> Any:
    (t, y), h = state, dt / _SUBSTEPS
    # a loop that is compiled once: as four copies it takes twice as long to compile, and longer to run
    return t + dt, jax.lax.fori_loop(0, _SUBSTEPS, lambda k, y: rk4.step(system.field, t + k * h, y, h), y)
