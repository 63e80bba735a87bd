"""Whether gradients vanish or explode on their way back through time: the norm of dh(T)/dh(k), measured."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import numpy as np
import scipy.linalg
from jax.flatten_util import ravel_pytree

from recurra._types import whole_number
from recurra.cells import GRU, LSTM, Convolution, Elman
from recurra.diagnostics.gradient_norms import GradientFlow, Recurrence
from recurra.diagnostics.subject import inner_model, subject
from recurra.errors import ConfigError, DataError, DivergenceError
from recurra.models import Dense, Model, Stack, in_precision, unroll
from recurra.models.activity import FLAT, activities
from recurra.threads import one_blas_thread

STEEPEST = {  # the largest slope of each activation
    **dict.fromkeys(("tanh", "relu", "identity", "leaky-relu", "elu", "softplus", "softsign"), 1.0),
    "logistic": 1 / 4,
    "hard-logistic": 1 / 6,
}
_WINDOWS = 10  # at most, each with an end point T of its own
_STATES = 256  # from here on fewer: the work grows with their third power
_FEWEST = 3  # steps: a line through two points has no error


def gradient_flow(model: Any, series: Any, *, length: int = 100) -> GradientFlow:
    r"""Measure how a gradient grows or shrinks on its way back along a series.

    .. math:: \left\| \frac{\partial h(T)}{\partial h(k)} \right\|_2
        = \left\| \prod_{i=k+1}^{T} \frac{\partial h(i)}{\partial h(i-1)} \right\|_2

    The Jacobians are those of the whole state of the model, from automatic differentiation in float64, along the
    states that the series leads through from the initial one. For a vanilla layer no product exceeds
    (gamma ||W||)^(T-k), gamma the largest slope of the activation.

    Args:
        model: a fitted estimator, or a `recurra.models.Model`.
        series: for an estimator a series like those it was fitted to, of which the longest unbroken segment is taken
            and missing values are held; for a model its inputs (time, features).
        length: the longest lag; shortened, with a note, where the series is shorter. At most the last 11 times as many
            steps are used, with up to 10 end points T.

    Raises:
        ConfigError: a length below 3; a model without a state, or an estimator without such a model.
        DataError: fewer than 3 steps, inputs that do not fit or are not finite.
        DivergenceError: the states leave the finite numbers.

    Example:
        >>> from recurra.models import Stack
        >>> flow = gradient_flow(Stack.draw("elman", 1, 1, units=4, seed=0), np.zeros((100, 1)))
        >>> flow.verdict, round(flow.norm_at(100), 3)
        ('stable', 1.0)

    References: R. Pascanu, T. Mikolov, Y. Bengio, ICML 2013, arXiv:1211.5063; S. Hochreiter, diploma thesis, TU
    Munich 1991.
    """
    if not whole_number(length) or length < _FEWEST:
        raise ConfigError(f"`length`, the longest lag, must be a whole number of at least {_FEWEST}, got {length!r}")
    network, xs = subject(model, series)
    notes = []
    if len(xs) < _FEWEST:
        raise DataError(f"the series has {len(xs)} steps, and a rate needs at least {_FEWEST}: give more rows")
    if len(xs) < length:
        notes.append(f"The series has {len(xs)} steps: lags reach to {len(xs)} and not to {length}.")
    length = min(int(length), len(xs))
    first = max(0, len(xs) - (_WINDOWS + 1) * length)
    network, xs = in_precision(network, "float64"), xs[first:]
    states = states_along(network, xs)
    most = max(1, int(_WINDOWS * min(1.0, _STATES / states.shape[1]) ** 3))
    count = min(most, len(xs) // length)
    ends = np.linspace(len(xs), length, count).round().astype(int)[::-1]
    norms = [log_norms(jacobians(network, states[end - length : end], xs[end - length : end])) for end in ends]
    layers, stack = _vanilla(network), inner_model(network)
    bound, why = _bound(stack, layers)
    flat, kind = _saturated(network, xs), _kind(stack)
    return GradientFlow(np.array(norms), ends + first, states.shape[1], layers, bound, why, flat, tuple(notes), kind)


def states_along(model: Model, xs: np.ndarray) -> np.ndarray:
    """The state before each step and after the last (steps + 1, states), as one vector each, in float64.

    Raises:
        ConfigError: the model carries no state.
        DivergenceError: they leave the finite numbers.
    """
    with jax.enable_x64(True):
        states = np.asarray(_states(in_precision(model, "float64"), xs))
    if states.shape[1] == 0:
        raise ConfigError("the model carries nothing from step to step: there is no gradient through time to look at")
    bad = np.flatnonzero(~np.isfinite(states).all(axis=1))
    if bad.size:
        raise DivergenceError(
            f"the state leaves the finite numbers in step {bad[0]} of {len(xs)}: an activation without bound with "
            "recurrent weights that grow. Take tanh, or smaller weights",
            cause={"update": int(bad[0])},
        )
    return states


def jacobians(model: Model, states: np.ndarray, xs: np.ndarray) -> np.ndarray:
    """J(i) = dh(i)/dh(i-1) for the steps from these states with these inputs (steps, states, states), in float64."""
    with jax.enable_x64(True):
        return np.asarray(_jacobians(in_precision(model, "float64"), states, xs))


def log_norms(chain: np.ndarray) -> np.ndarray:
    """The logarithm of the norm of J(T), J(T) J(T-1), ... back through a chain (steps,), however small or large.

    Args:
        chain: J(1) ... J(T), the first step first (steps, states, states).
    """
    product, log, found = np.eye(chain.shape[1]), 0.0, np.full(len(chain), -np.inf)
    with one_blas_thread():
        for k, jacobian in enumerate(chain[::-1]):
            product = product @ jacobian
            norm = _norm(product)
            if norm == 0:
                break
            product /= norm
            log += np.log(norm)
            found[k] = log
    return found


def _norm(matrix: np.ndarray) -> float:
    """The largest singular value, by way of A A^T: half the work of all singular values, and as exact for this one."""
    peak = float(np.abs(matrix).max())
    if peak == 0:
        return 0.0
    scaled, last = matrix / peak, len(matrix) - 1  # else the square of a small matrix would be zero
    return peak * float(scipy.linalg.eigvalsh(scaled @ scaled.T, subset_by_index=[last, last])[0]) ** 0.5


def _flat_step(model: Model) -> tuple[jax.Array, Any]:
    """The initial state as a vector, and the step of the model on such vectors."""
    start, rebuild = ravel_pytree(model.initial_state())

    def step(state: jax.Array, x: Any) -> jax.Array:
        return ravel_pytree(model.step(rebuild(state), x)[0])[0]

    return start, step


@eqx.filter_jit
def _states(model: Model, xs: Any) -> jax.Array:
    start, step = _flat_step(model)

    def record(state: jax.Array, x: Any) -> tuple[jax.Array, jax.Array]:
        return step(state, x), state

    last, states = unroll(record, start, xs)
    return jax.numpy.concatenate([states, last[None]])


@eqx.filter_jit
def _jacobians(model: Model, states: Any, xs: Any) -> jax.Array:
    step = _flat_step(model)[1]
    return jax.lax.map(lambda pair: jax.jacfwd(step)(*pair), (states, xs))


def _kind(network: Any) -> str:
    """Of which kind the cells are: the first that is there of gated, vanilla, other and finite."""
    cells = [part for part in getattr(network, "cells", getattr(network, "nodes", ())) if not isinstance(part, Dense)]
    if any(isinstance(cell, LSTM | GRU) for cell in cells):
        return "gated"
    if any(isinstance(cell, Elman) for cell in cells):
        return "vanilla"
    return "finite" if cells and all(isinstance(cell, Convolution) for cell in cells) else "other"


def _vanilla(model: Model) -> tuple[Recurrence, ...]:
    stack = inner_model(model)
    cells = stack.cells if isinstance(stack, Stack) else ()
    found = []
    for k, cell in enumerate(cells):
        if isinstance(cell, Elman):
            W = np.asarray(cell.W, np.float64)
            with one_blas_thread():
                radius, norm = float(np.abs(np.linalg.eigvals(W)).max()), _norm(W)
            found.append(Recurrence(f"cells/{k}", radius, norm, STEEPEST.get(cell.activation)))
    return tuple(found)


def _bound(stack: Any, layers: Sequence[Recurrence]) -> tuple[float | None, str]:
    """log(gamma ||W||), and why there is none."""
    if not layers or len(stack.cells) != len(layers):
        return (
            None,
            "The bound from the weights is known for a stack of vanilla layers alone, not where gates multiply what "
            "they let through, or for other cells.",
        )
    if len(layers) > 1:
        return None, "The bound from the weights is known for one vanilla layer: here a state of several is seen whole."
    layer = layers[0]
    if layer.steepest is None:
        return None, "The largest slope of this activation is not in the table of bounds."
    return (float(np.log(layer.steepest * layer.norm)) if layer.norm else -np.inf), ""


def _saturated(model: Model, xs: np.ndarray) -> dict[str, float]:
    """The share of slopes below 0.01 along the series, by layer and part."""
    stack = inner_model(model)
    if not isinstance(stack, Stack):
        return {}
    with jax.enable_x64(True):
        start = jax.tree.map(np.asarray, model.initial_state())
    found = {}
    for layer in activities(stack, xs[None], start):
        for part, slope in layer.slopes.items():
            found[layer.name if part == "units" else f"{layer.name} {part}"] = float((slope < FLAT).mean())
    return found
