"""Step maps with a parameter, (state, p) -> state: of a system, of a network, of the closed loop of a forecaster."""

import dataclasses
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from recurra.cells import Array
from recurra.diagnostics.echo_model import EchoModel
from recurra.diagnostics.step_maps import of_driven, of_forecaster, step_map
from recurra.diagnostics.subject import behind, inner_model
from recurra.errors import ConfigError, unknown
from recurra.models import Model, Stack, in_precision
from recurra.reservoirs import Reservoir, spectral_radius
from recurra.threads import one_blas_thread


def family(of: Any, name: str, *, dt: float | None = None, direction: Any = None) -> Partial:
    r"""The step map of a system or a network with one number left open: (state, p) -> state.

    Args:
        of: a system that is a map or an undriven vector field; a `Stack` or a `recurra.reservoirs.Reservoir`, whose
            input is then constant; or a fitted forecaster of one network, on its own output, whose state is that of
            `recurra.diagnostics.step_maps.step_map`: (hidden, row), in scaled units.
        name: of a system a parameter; of a network "gain", by which its recurrent weights are multiplied, or, of a
            reservoir and an ESN, "spectral_radius", to which they are scaled. Beside them, of a `Stack` and a
            `Reservoir`, "input", the size of the constant input; of a forecaster a channel that drives it, held at p in
            the units of the data. Other channels that drive a forecaster are held at their mean.
        dt: step of a vector field; None for that of its rows.
        direction: (inputs,), the input of a `Stack` or a `Reservoir`; times p for "input". None for zeros, and for ones
            for "input".

    Raises:
        ConfigError: an unknown name, a driven system, recurrent weights without eigenvalues, something else.
        NotFittedError: a forecaster before its fit.

    Example:
        >>> from recurra.systems import LogisticMap
        >>> float(family(LogisticMap(), "r")(np.array([0.5]), 2.0)[0])
        0.5
    """
    if hasattr(of, "fit"):
        return _of_forecaster(of, name)
    if isinstance(of, Stack | Reservoir):
        return _of_network(of, name, direction)
    if not hasattr(of, "simulate"):
        raise ConfigError(
            f"a family of step maps is that of a system, a `Stack`, a `Reservoir` or a fitted forecaster, not of {of!r}"
        )
    return _of_system(of, name, dt)


def _of_network(of: Stack | Reservoir, name: str, direction: Any) -> Partial:
    if isinstance(of, Reservoir):
        model, inputs = in_precision(EchoModel.without_readout(of), "float64"), of.features
    else:
        first: Any = of.cells[0]
        model, inputs = of, first.U.shape[1]
    unit = 1.0 if name == "input" else _unit(of, name, ("input",))
    fallback = np.ones(inputs) if name == "input" else np.zeros(inputs)
    x = fallback if direction is None else np.asarray(direction, np.float64)
    if x.shape != (inputs,):
        raise ConfigError(f"`direction` must be {inputs} numbers, one for each input, got shape {x.shape}")
    if name == "input":
        return Partial(_pushed, model, x)
    return Partial(_turned, Partial(_hidden, model), unit, (x,))


def _of_forecaster(model: Any, name: str) -> Partial:
    loop = of_driven(model) if hasattr(model, "frame_") and model.frame_.inputs else of_forecaster(model)
    frame: Any = model.frame_
    if name in frame.inputs:
        one = np.eye(len(frame.inputs))[frame.inputs.index(name)]
        mean = frame.drive_scaler.unscale(np.zeros((1, len(one))))[0] * (1 - one)
        zero, step = frame.drive_scaler.scale(np.stack([mean, mean + one]))
        return Partial(_held_at, loop.step, zero, step - zero)
    unit = _unit(getattr(behind(model.network_), "reservoir", None), name, frame.inputs)
    held = (np.zeros(len(frame.inputs)),) if frame.inputs else ()
    return Partial(_turned, loop.step, unit, held)


def _unit(network: Any, name: str, others: tuple[str, ...]) -> float:
    """What p is counted in: recurrent weights are multiplied by p / unit."""
    names = ("gain", "spectral_radius") if isinstance(network, Reservoir) else ("gain",)
    if name not in names:
        raise ConfigError(unknown("parameter of a network", name, (*names, *others)))
    return 1.0 if name == "gain" else _radius(network)


def _radius(reservoir: Reservoir) -> float:
    with one_blas_thread():
        radius = spectral_radius(reservoir.W)
    if radius == 0:
        raise ConfigError('the recurrent weights have the spectral radius 0, and no factor gives another: take "gain"')
    return radius


def _of_system(of: Any, name: str, dt: float | None) -> Partial:
    if getattr(of, "drive", None) is not None:
        raise ConfigError(f"{of.name} is driven, so that it never rests: give a map (state, p) -> state of its own")
    found: Any = step_map(of, dt=dt).step
    system, *rest = found.args
    values = getattr(system, "values", None)
    known = values if isinstance(values, dict) else system.parameters
    if name not in known or isinstance(known[name], str):
        raise ConfigError(unknown(f"parameter of {of.name}", name, known))
    return Partial(_Varied(name, found.func, isinstance(values, dict)), system, *rest)


@dataclasses.dataclass(frozen=True)
class _Varied:
    """The step of a system with another value in one field."""

    name: str
    step: Any
    inside: bool

    def __call__(self, system: Any, *rest: Any) -> Any:
        *before, state, p = rest
        where = (lambda s: s.values[self.name]) if self.inside else (lambda s: getattr(s, self.name))
        return self.step(eqx.tree_at(where, system, p), *before, state)


def _recurrent(model: Model) -> list[Any]:
    """The recurrent weights of every layer, for `equinox.tree_at`."""
    inner: Any = inner_model(model)
    if isinstance(inner, EchoModel):
        return [inner.weights]
    found = [cell.W for cell in getattr(inner, "cells", getattr(inner, "nodes", ())) if hasattr(cell, "W")]
    if not found:
        raise ConfigError("this network has no recurrent weights W that a gain could multiply")
    return found


def _turned(step: Any, unit: Any, more: Any, state: Any, p: Any) -> Any:
    """A step, whose first argument is its network, with other recurrent weights."""
    network = step.args[0]
    network = eqx.tree_at(_recurrent, network, [p / unit * W for W in _recurrent(network)])
    return step.func(network, state, *more)


def _hidden(model: Any, state: Any, x: Any) -> Any:
    return model.step(state, x)[0]


def _pushed(model: Any, x: Array, state: Any, p: Any) -> Any:
    return _hidden(model, state, jnp.asarray(p * x))


def _held_at(step: Any, zero: Any, one: Any, state: Any, p: Any) -> Any:
    return step(state, zero + one * p)
