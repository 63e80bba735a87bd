"""The step map of what is diagnosed: all that is carried from one row to the next, and how."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from recurra.diagnostics.echo_model import EchoModel
from recurra.diagnostics.maps import DrivenMap, ForcedMap, StepMap
from recurra.diagnostics.subject import behind, inputs_of, network_of, rows_seen
from recurra.diagnostics.system_maps import of_system
from recurra.errors import ConfigError, DataError
from recurra.models import Model, in_precision
from recurra.reservoirs import EchoState, Reservoir
from recurra.systems.system import System


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
    if isinstance(subject, System):
        found = of_system(subject, dt, seed)
        start = np.asarray(start, np.float64) if isinstance(start, list) else start  # as `simulate` takes one
        return found if start is None else found._replace(start=start)
    if hasattr(subject, "fit"):
        found = of_forecaster(subject, start)
        return found if dt is None else found._replace(dt=dt)
    if isinstance(subject, StepMap):
        start, dt = subject.start if start is None else start, subject.dt if dt is None else dt
        return subject._replace(start=start, dt=dt)
    if not callable(subject):
        raise ConfigError(f"a step map is a function, state -> state in `jax.numpy`, not {subject!r}")
    if start is None:
        raise ConfigError("a step map needs a state to start from: give `start`")
    return StepMap(subject, start, 1.0 if dt is None else dt)


def forced_map(subject: Any, drive: Any, start: Any = None, dt: float | None = None) -> ForcedMap:
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
        found = _following(_network(subject), inputs_of(subject, drive)[0], subject.frame_.dt)
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
            found = ForcedMap(subject, start, xs, 1.0)
    found = found if start is None else found._replace(start=start)
    return found if dt is None else found._replace(dt=checked_dt(dt))


def _following(model: Model, xs: np.ndarray, dt: float) -> ForcedMap:
    with jax.enable_x64(True):
        start = jax.tree.map(np.asarray, model.initial_state())
    return ForcedMap(Partial(_seen, model), start, xs, dt)


def of_forecaster(model: Any, series: Any = None, inputs: Any = None) -> StepMap:
    """The closed loop of a fitted forecaster, in scaled units: its state, and the last row that it has given.

    Exponents are the same in all units of the channels. Of a learner with a filter before it (`Denoised`) it is the
    loop of the network behind: a filter has nothing to do where no rows come.

    Args:
        model: a fitted estimator of one network.
        series: what it follows before it is left to itself, in the units of the data; None for the last rows it was
            fitted to.
        inputs: of a network that is driven, a drive that does not change, in the units of the data:
            `{"rho": 28.0}`, or one row.

    Raises:
        ConfigError: an estimator that holds no network, or one that is driven and is given no constant drive.
        DataError: a series that the estimator was not made for, a drive that it does not know.
        NotFittedError: an estimator before its fit.
    """
    network, state, values, known = _opened(model, series)
    frame = model.frame_
    if not frame.inputs or inputs is not None:
        held = frame.scaled_drive(inputs, 1, known)[0]
        if not frame.inputs:
            return StepMap(Partial(_closed, network), (state, values), frame.dt, heard=True)
        return DrivenMap(Partial(_pushed, network), (state, values), frame.dt).held(held)
    raise ConfigError(
        f"this {type(model).__name__} is driven by {', '.join(frame.inputs)}, so that its state alone does not "
        "say the next one: fit it without `inputs`, hold the drive with `of_forecaster(model, inputs={"
        f"{frame.inputs[0]!r}: 0.0}})`, or give a step, state -> state, with the drive in it"
    )


def of_driven(model: Any, series: Any = None) -> DrivenMap:
    """The closed loop of a fitted forecaster that is driven, in scaled units: (state, drive) -> state.

    Args:
        model: a fitted estimator of one network.
        series: what it follows before it is left to itself, with its drive; None for the last rows it was fitted to.

    Raises:
        ConfigError: an estimator that holds no network, or one without a drive.
        DataError, NotFittedError: as `of_forecaster`.
    """
    network, state, values, _ = _opened(model, series)
    if not model.frame_.inputs:
        raise ConfigError(f"this {type(model).__name__} was fitted without `inputs`: nothing drives it")
    return DrivenMap(Partial(_pushed, network), (state, values), model.frame_.dt)


def _opened(model: Any, series: Any) -> tuple[Any, Any, np.ndarray, Any]:
    """The network for derivatives, its state and last row after a series, and the series."""
    network, frame = _network(model), model.frame_
    known = model.recent_ if series is None else frame.series_of(series)
    frame.check(known, "series")
    known = known.segments[-1]
    values, drive = rows_seen(model, frame.held(known))
    seen, forecaster = np.concatenate([values[:-1], drive[1:]], axis=1), behind(model.network_)
    state, _ = forecaster.run(forecaster.initial_state(1), seen[None])
    return network, jax.tree.map(lambda leaf: leaf[0], state), values[-1], known


def checked_dt(dt: Any) -> float:
    """A step in time units, or a `ConfigError`."""
    if not (np.isfinite(dt) and dt > 0):
        raise ConfigError(f"`dt` must be a positive, finite number of time units, got {dt!r}")
    return float(dt)


def _network(model: Any) -> Model:
    found = behind(getattr(model, "network_", None))
    return in_precision(EchoModel.of(found) if isinstance(found, EchoState) else network_of(model), "float64")


def _seen(model: Any, state: Any, x: Any) -> Any:
    return model.step(state, x)[0]


def _closed(model: Any, state: Any) -> Any:
    return model.step(*state)


def _pushed(model: Any, state: Any, drive: Any) -> Any:
    hidden, row = state
    return model.step(hidden, jnp.concatenate([row, drive]))
