"""The step map of a system, or of a fitted network on its own output: all that is carried from one row to the next."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.tree_util import Partial

from recurra.diagnostics.echo_model import EchoModel
from recurra.diagnostics.subject import network_of
from recurra.errors import ConfigError
from recurra.reservoirs import EchoState
from recurra.systems.integrators import rk4
from recurra.systems.maps import refuse_step
from recurra.systems.system import System, in_float64

# Of Runge and Kutta in each step. A row of the built-in systems is then wrong by 2e-10 standard deviations or less; of
# Rössler's by 4e-8, of Lorenz-96 by 3e-6.
_SUBSTEPS = 4


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
        ConfigError: a system that is neither, a step for a map.
    """
    numbers, dt = in_float64(system), system.default_dt if dt is None else float(dt)
    if hasattr(system, "map"):
        refuse_step(system.name, dt)
        return StepMap(Partial(_mapped, numbers), numbers.start(np.random.default_rng(seed)), dt)
    if not hasattr(system, "field"):
        raise ConfigError(
            f"{system.name} is neither a map nor a vector field: give its step, state -> state in `jax.numpy`, and a "
            "state to start from"
        )
    start = numbers.start(np.random.default_rng(seed))
    following = numbers, np.float64(dt)  # arrays, which are not compiled in
    if numbers.drive is None:
        return StepMap(Partial(_followed, *following), start, dt)
    return StepMap(Partial(_driven, *following), (0.0, start), dt)


def of_forecaster(model: Any, series: Any = None) -> StepMap:
    """The closed loop of a fitted forecaster, in scaled units: its state, and the last row that it has given.

    Exponents are the same in all units of the channels.

    Args:
        model: a fitted estimator of one network.
        series: what it follows before it is left to itself, in the units of the data; None for the last rows it was
            fitted to.

    Raises:
        ConfigError: an estimator that holds no network, or one that is driven from outside.
        DataError: a series that the estimator was not made for.
        NotFittedError: an estimator before its fit.
    """
    echo = isinstance(getattr(model, "network_", None), EchoState)
    network = EchoModel.of(model.network_) if echo else network_of(model)
    frame = model.frame_
    known = model.recent_ if series is None else frame.series_of(series)
    frame.check(known, "series")
    values, drive = frame.scaled(frame.held(known.segments[-1]))
    if drive.shape[1]:
        raise ConfigError(
            f"this {type(model).__name__} is driven by {', '.join(frame.inputs)}, so that its state alone does not "
            "say the next one: fit it without `inputs`, or give a step, state -> state, with the drive in it"
        )
    state, _ = model.network_.run(model.network_.initial_state(1), values[None, :-1])
    return StepMap(Partial(_closed, network), (jax.tree.map(lambda leaf: leaf[0], state), values[-1]), frame.dt)


def _closed(model: Any, state: Any) -> Any:
    return model.step(*state)


def _mapped(system: Any, y: Any) -> Any:
    return system.map(y)


def _followed(system: Any, dt: Any, y: Any) -> Any:
    return _driven(system, dt, (0.0, y))[1]


def _driven(system: Any, dt: Any, state: Any) -> Any:
    (t, y), h = state, dt / _SUBSTEPS
    for k in range(_SUBSTEPS):
        y = rk4.step(system.field, t + k * h, y, h)
    return t + dt, y
