"""Gradient flossing: weights moved, before training, to where signals neither vanish nor explode."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree

from recurra._types import whole_number
from recurra.errors import ConfigError, DataError, DivergenceError
from recurra.models import Model, in_precision, unroll

TRANSIENT = 16  # steps before the directions have turned to those of the largest exponents
STEPS = 39  # over which the exponents are averaged
_FEW = 32  # exponents where no number is asked for


def floss(
    model: Model,
    xs: Any,
    *,
    count: int | None = None,
    transient: int = TRANSIENT,
    epochs: int = 100,
    target: float = 0.0,
    learning_rate: float = 1e-3,
    seed: int = 0,
) -> tuple[Model, np.ndarray]:
    r"""Move the largest conditional Lyapunov exponents of a network along given inputs to a target.

    .. math:: \min_\theta \frac{1}{k} \sum_{i=1}^k (\lambda_i - \lambda^*)^2, \quad
        \frac{\partial h_t}{\partial h_{t-1}} Q_{t-1} = Q_t R_t, \quad
        \lambda_i = \frac{1}{T} \sum_t \ln |(R_t)_{ii}|

    by Adam, the derivative taken through the decompositions. With exponents near zero a gradient keeps its size on its
    way back, in k directions and not in the largest alone, so that what happened long before can be learned. In
    float64; the model keeps its precision. Time and memory grow with steps, states and k.

    Args:
        model: its readout, which has no part in the exponents, stays as it is.
        xs: inputs (sequences, steps, features) or (steps, features), the initial state before each.
        count: k; None for as many as there are states, at most 32.
        transient: steps of each sequence that are not counted.
        epochs: updates, each over all sequences.
        target: lambda*, per step.
        learning_rate: of Adam.
        seed: of the directions at the start.

    Returns:
        The model, and the exponents (epochs + 1, count), the mean over the sequences, before the first update and after
        each.

    Raises:
        ConfigError: numbers out of range, a model without so many states.
        DataError: inputs that are not finite or have no step after the transient.
        DivergenceError: an exponent leaves the finite numbers, as where a step forgets a direction altogether.

    Reference: R. Engelken, Gradient flossing: improving gradient descent through dynamic control of Jacobians, NeurIPS
    2023, arXiv:2312.17306. There k is 75 of 80 units, over 55 steps of which 16 are left out, in 500 epochs.
    """
    xs = np.asarray(xs, np.float64)
    xs = xs[None] if xs.ndim == 2 else xs
    for name, value, least in (("transient", transient, 0), ("epochs", epochs, 0), ("seed", seed, 0)):
        if not whole_number(value) or value < least:
            raise ConfigError(f"`{name}` must be a whole number of at least {least}, got {value!r}")
    if not (np.isfinite(learning_rate) and learning_rate > 0 and np.isfinite(target)):
        raise ConfigError(f"`learning_rate` must be positive and `target` finite, got {learning_rate!r}, {target!r}")
    if xs.ndim != 3 or not np.isfinite(xs).all() or not len(xs) or xs.shape[1] <= transient:
        raise DataError(
            f"inputs are finite numbers (sequences, steps, features) of more than {transient} steps, got the shape "
            f"{xs.shape}"
        )
    with jax.enable_x64(True):
        network = in_precision(model, "float64")
        size = ravel_pytree(network.initial_state())[0].size
        count = min(size, _FEW) if count is None else count
        if not whole_number(count) or not 1 <= count <= size:
            raise ConfigError(f"`count` must be a whole number within 1 ... {size}, the states of it, got {count!r}")
        directions = np.linalg.qr(np.random.default_rng(seed).standard_normal((size, count)))[0]
        numbers = np.float64(target), np.float64(learning_rate)
        moved, history = _floss(network, xs, directions, *numbers, int(transient), int(epochs))
        moved, history = jax.tree.map(lambda leaf: np.asarray(leaf) if eqx.is_array(leaf) else leaf, (moved, history))
    if not np.isfinite(history).all():
        raise DivergenceError(
            "a conditional exponent leaves the finite numbers while the weights are flossed: take fewer exponents "
            "(`count`) or a smaller `learning_rate`"
        )
    return in_precision(moved, str(model.dtype)), history


def exponents_along(model: Model, xs: Any, directions: Any, transient: int) -> jax.Array:
    """The largest conditional exponents (count,) per step, the mean over sequences; in `jax.numpy`, differentiable.

    Args:
        model: the network.
        xs: inputs (sequences, steps, features).
        directions: orthonormal columns (states, count).
        transient: steps that are not counted.
    """
    start, rebuild = ravel_pytree(model.initial_state())

    def forward(flat: jax.Array, x: jax.Array) -> jax.Array:
        return ravel_pytree(model.step(rebuild(flat), x)[0])[0]

    def advance(carry: tuple[jax.Array, jax.Array], x: jax.Array) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
        state, push = jax.linearize(lambda flat: forward(flat, x), carry[0])
        Q, R = jnp.linalg.qr(jax.vmap(push, in_axes=1, out_axes=1)(carry[1]))
        return (state, Q), jnp.log(jnp.abs(jnp.diagonal(R)))

    def along(sequence: jax.Array) -> jax.Array:
        return unroll(advance, (start, directions), sequence)[1][transient:].mean(axis=0)

    return jax.vmap(along)(xs).mean(axis=0)


@eqx.filter_jit
def _floss(
    model: Model, xs: Any, directions: Any, target: Any, learning_rate: Any, transient: int, epochs: int
) -> tuple[Model, jax.Array]:
    weights, rest = eqx.partition(model, eqx.is_inexact_array)
    adam = optax.scale_by_adam()

    def loss(weights: Any) -> tuple[jax.Array, jax.Array]:
        exponents = exponents_along(eqx.combine(weights, rest), xs, directions, transient)
        return ((exponents - target) ** 2).mean(), exponents

    def update(carry: tuple[Any, Any], _: Any) -> tuple[tuple[Any, Any], jax.Array]:
        weights, memory = carry
        gradient, exponents = jax.grad(loss, has_aux=True)(weights)
        step, memory = adam.update(gradient, memory)
        return (jax.tree.map(lambda w, s: w - learning_rate * s, weights, step), memory), exponents

    weights = jax.tree.map(jnp.asarray, weights)
    (weights, _), history = jax.lax.scan(update, (weights, adam.init(weights)), length=epochs)
    last = loss(weights)[1]
    return eqx.combine(weights, rest), jnp.concatenate([history.reshape(epochs, len(last)), last[None]])
