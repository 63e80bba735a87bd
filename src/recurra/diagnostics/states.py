"""The states of a network along a series or a given input: one door for reservoirs, models and fitted estimators."""

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from recurra._types import whole_number
from recurra.diagnostics.gradient_flow import states_along
from recurra.diagnostics.subject import behind, inner_model, inputs_of, subject
from recurra.errors import ConfigError, DataError, NotFittedError
from recurra.models import Model, Stack
from recurra.reservoirs import EchoState, Reservoir
from recurra.series import Series


@dataclass(frozen=True, eq=False)
class States:
    """What a network carries along a series.

    Args:
        values: after each step (steps, units), in float64.
        names: of the units: "h[3]", or "cells/0 c[3]" where there are several parts.
        seen: the latest row that each state has seen: of an estimator in the units of its data, of a bare network its
            inputs as they are.
    """

    values: np.ndarray
    names: tuple[str, ...]
    seen: Series


def states_of(network: Any, series: Any) -> States:
    """The states that a series leads a network through, from the initial one.

    Args:
        network: a fitted estimator of one network (an echo state network or one that is trained), a
            `recurra.models.Model`, or a `recurra.reservoirs.Reservoir` or `EchoState`.
        series: of an estimator a series in the units of its data, of which the longest unbroken segment is taken and
            missing values are held: step k sees row k and the drive of row k + 1, so that there is one step less than
            there are rows. Of anything else what it sees, (time, features).

    Raises:
        ConfigError: no such network, or one without a state.
        DataError: inputs of another shape, or not finite; a series that the estimator was not made for.
        DivergenceError: the states leave the finite numbers.
        NotFittedError: an estimator before its fit.

    Example:
        >>> from recurra.models import by_hand
        >>> found = states_of(by_hand.delay_line(3), np.arange(1.0, 6.0)[:, None])
        >>> found.values[-1].tolist(), found.names
        ([5.0, 4.0, 3.0], ('h[0]', 'h[1]', 'h[2]'))
    """
    reservoir = reservoir_of(network)
    if hasattr(network, "frame_"):
        xs, rows = inputs_of(network, series)
    else:
        xs = np.asarray(series.values if isinstance(series, Series) else series, np.float64)
        rows = series if isinstance(series, Series) else Series(xs)
    if reservoir is None:
        model, xs = subject(network, series)
        return States(states_along(model, xs)[1:], _names(model), rows)
    if xs.ndim != 2 or not len(xs) or xs.shape[1] != reservoir.features or not np.isfinite(xs).all():
        raise DataError(
            f"inputs of this reservoir are finite numbers (time, {reservoir.features}), got the shape {xs.shape}"
        )
    values = reservoir.harvest(np.zeros(reservoir.units), xs).astype(np.float64)
    return States(values, tuple(f"h[{i}]" for i in range(reservoir.units)), rows)


def reservoir_of(network: Any) -> Reservoir | None:
    """The reservoir of a network that has one: itself, or that of an `EchoState` or of a fitted estimator."""
    if hasattr(network, "fit") and not hasattr(network, "network_"):
        raise NotFittedError(f"this {type(network).__name__} is not fitted yet: call `fit(data)` first")
    held = behind(getattr(network, "network_", network))
    reservoir = held.reservoir if isinstance(held, EchoState) else held
    return reservoir if isinstance(reservoir, Reservoir) else None


def model_of(network: Any) -> Model:
    """The JAX model of a network: itself, or what a fitted estimator holds."""
    if isinstance(network, Model):
        return network
    model = getattr(behind(getattr(network, "network_", network)), "model", None)
    if not isinstance(model, Model):
        raise ConfigError(f"a capacity is that of a reservoir, a model or a fitted estimator, not of {network!r}")
    return model


def driven(network: Any, x: np.ndarray, feature: int | None = None) -> np.ndarray:
    """The states (time, units) that one input x (time,) leads a network through.

    Args:
        network: as of `states_of`.
        x: the input.
        feature: which input of a reservoir or a fitted estimator it is, the others zero; None for the only one.

    Raises:
        ConfigError: the network takes more inputs than one and none is chosen, has no such input, or is none.
    """
    held = reservoir_of(network) or model_of(network)
    width = inputs_count(network)
    if feature is not None:
        if width is None or not whole_number(feature) or not 0 <= feature < width:
            raise ConfigError(f"`feature` is one of the {width or 'unknown number of'} inputs, got {feature!r}")
        return states_of(held, x[:, None] * np.eye(width)[feature]).values
    if isinstance(held, Reservoir):
        if width != 1:
            raise ConfigError(f"a capacity is that of one input, and this reservoir has {width}: choose a `feature`")
    else:
        try:
            jax.eval_shape(held.step, held.initial_state(), np.zeros(1, held.dtype))
        except TypeError as error:
            raise ConfigError(
                f"a capacity is that of one input, and this model takes another number: {error}"
            ) from error
    return states_of(held, x[:, None]).values


def inputs_count(network: Any) -> int | None:
    """How many numbers a network sees in a step; None of a bare model, which does not say."""
    reservoir = reservoir_of(network)
    if reservoir is not None:
        return reservoir.features
    return network.frame_.features if hasattr(network, "frame_") else None


def _names(model: Model) -> tuple[str, ...]:
    """Of every number in the state, in the order of `states_along`."""
    inner, found = inner_model(model), []
    with jax.enable_x64(True):
        state = model.initial_state()
    layers = state if isinstance(inner, Stack) else (state,)
    for k, layer in enumerate(layers):
        parts = jax.tree.leaves(layer)
        letters = "hc" if len(parts) == 2 else "h" if len(parts) == 1 else [f"part{p}." for p in range(len(parts))]
        place = f"cells/{k} " if len(layers) > 1 else ""
        found += [f"{place}{l}[{i}]" for l, part in zip(letters, parts, strict=True) for i in range(np.size(part))]
    return tuple(found)
