"""The step map of what is diagnosed: all that is carried from one row to the next, and how."""

from typing import Any

import jax
import numpy as np
from jax.tree_util import Partial

from recurra.diagnostics.echo_model import EchoModel
from recurra.diagnostics.maps import DrivenMap, StepMap
from recurra.diagnostics.subject import inputs_of, network_of
from recurra.errors import ConfigError, DataError
from recurra.models import Model, in_precision
from recurra.reservoirs import EchoState, Reservoir


def step_map(subject: Any, start: Any = None, dt: float | None = None, seed: int = 0) -> StepMap:
    """The step map of a fitted forecaster, a system, or a map that is one already.

    Args:
        subject: a forecaster, which runs on its own output; a system; or a map, state -> state, in `jax.numpy`.
        start: the state to start from; None for one that a system draws; of a forecaster the series that it follows
            first, None for the last rows that it was fitted to.
        dt: time units of one step; None for that of the rows of a forecaster or a system, and for 1.
        seed: of the start that a system draws.

    Raises:
        ConfigError: a step that is no positive number, a map without a start; as `of_forecaster` and `of_system`.
    """
    dt = None if dt is None else checked_dt(dt)
    if hasattr(subject, "simulate"):
        from recurra.diagnostics.system_maps import of_system  # a network is loaded without systems

        found = of_system(subject, dt, seed)
        return found if start is None else found._replace(start=start)
    if hasattr(subject, "fit"):
        found = of_forecaster(subject, start)
        return found if dt is None else found._replace(dt=dt)
    if start is None:
        raise ConfigError("a step map needs a state to start from: give `start`")
    return StepMap(subject, start, 1.0 if dt is None else dt)


def driven_map(subject: Any, drive: Any, start: Any = None, dt: float | None = None) -> DrivenMap:
    """A network that follows what is given to it, not its own output.

    Args:
        subject: a fitted forecaster; a `recurra.models.Model`; a `recurra.reservoirs.Reservoir`; or a map, (state, x)
            -> state, in `jax.numpy`.
        drive: of a forecaster the series that it follows, in the units of the data, of which the longest segment is
            taken; of anything else the inputs (steps, features).
        start: the state to start from; None for the initial one of a network.
        dt: time units of one step; None for that of the rows of a forecaster, and for 1.

    Raises:
        ConfigError: a map without a start, or something that is no network.
        DataError: inputs of another shape, or not finite; a series that the forecaster was not made for.
        NotFittedError: an estimator before its fit.
    """
    if hasattr(subject, "fit"):
        found = _following(_network(subject), inputs_of(subject, drive), subject.frame_.dt)
    else:
        xs = np.asarray(drive, np.float64)
        if xs.ndim != 2 or not len(xs) or not np.isfinite(xs).all():
            raise DataError(f"the inputs of a network are finite numbers (time, features), got a shape {xs.shape}")
        if isinstance(subject, Reservoir):
            subject = EchoModel.without_readout(subject)
        if isinstance(subject, Model):
            found = _following(in_precision(subject, "float64"), xs, 1.0)
        elif start is None:
            raise ConfigError("a map, (state, x) -> state, needs a state to start from: give `start`")
        else:
            found = DrivenMap(subject, start, xs, 1.0)
    found = found if start is None else found._replace(start=start)
    return found if dt is None else found._replace(dt=checked_dt(dt))


def _following(model: Model, xs: np.ndarray, dt: float) -> DrivenMap:
    with jax.enable_x64(True):
        start = jax.tree.map(np.asarray, model.initial_state())
    return DrivenMap(Partial(_seen, model), start, xs, dt)


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
    network = _network(model)
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


def checked_dt(dt: Any) -> float:
    """A step in time units, or a `ConfigError`."""
    if not (np.isfinite(dt) and dt > 0):
        raise ConfigError(f"`dt` must be a positive, finite number of time units, got {dt!r}")
    return float(dt)


def _network(model: Any) -> Model:
    echo = isinstance(getattr(model, "network_", None), EchoState)
    return in_precision(EchoModel.of(model.network_) if echo else network_of(model), "float64")


def _seen(model: Any, state: Any, x: Any) -> Any:
    return model.step(state, x)[0]


def _closed(model: Any, state: Any) -> Any:
    return model.step(*state)
