"""The update rules: from the gradient to the step, with the rate and momentum of that update."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax


class Now(NamedTuple):
    """What an update rule takes from the schedules: traced, so that a new value compiles nothing.

    Args:
        rate: step length epsilon of this update.
        momentum, next_momentum: mu of this update, and of the one after it.
        weight_decay: lambda of every weight; zero where it is not to decay.
    """

    rate: Any
    momentum: Any
    next_momentum: Any
    weight_decay: Any


_ADAGRAD = 0.1  # where its sum of squares starts


def _by_rate(now: Now, *direction: optax.GradientTransformation) -> optax.GradientTransformation:
    """The step -epsilon d for the direction d that the transformations give."""
    step = optax.stateless(lambda d, _: jax.tree.map(lambda leaf: (-now.rate * leaf).astype(leaf.dtype), d))
    return optax.chain(*direction, step)


def _decay(weight_decay: Any) -> optax.GradientTransformation:
    """Adds lambda w to the direction."""
    return optax.stateless(lambda d, w: d + weight_decay * w)


def nesterov(now: Now) -> optax.GradientTransformation:
    r"""Nesterov's accelerated gradient; the weights w are those of the looking-ahead point.

    .. math:: v_{t+1} = \mu_t v_t - \epsilon g(w_t), \quad w_{t+1} = w_t + \mu_{t+1} v_{t+1} - \epsilon g(w_t)

    With w = theta + mu v it is the form of Sutskever et al., v <- mu v - epsilon g(theta + mu v), theta <- theta + v,
    also where mu and epsilon change; with a constant mu it is Keras' `SGD(nesterov=True)`.

    Reference: I. Sutskever, J. Martens, G. Dahl, G. Hinton, On the importance of initialization and momentum in deep
    learning, ICML 2013, equations 3 and 4.
    """

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        del params
        slope = jax.tree.map(lambda g: -now.rate * g, updates)
        velocity = jax.tree.map(lambda v, s: (now.momentum * v + s).astype(v.dtype), state, slope)
        step = jax.tree.map(lambda v, s: (now.next_momentum * v + s).astype(v.dtype), velocity, slope)
        return step, velocity

    return optax.GradientTransformation(lambda params: jax.tree.map(jnp.zeros_like, params), update)


def _adam() -> optax.GradientTransformation:
    return optax.scale_by_adam(b1=0.9, b2=0.999, eps=1e-7)


# With the constants that Keras documents. Adam is Algorithm 1 of Kingma and Ba (arXiv:1412.6980), AdamW decays the
# weights apart from it (Loshchilov and Hutter, arXiv:1711.05101), AdaGrad starts its sum at 0.1 (Duchi et al., JMLR 12,
# 2011); the velocity of "momentum" is a sum of gradients, before the rate.
OPTIMIZERS: dict[str, Callable[[Now], optax.GradientTransformation]] = {
    "adam": lambda now: _by_rate(now, _adam()),
    "adamw": lambda now: _by_rate(now, _adam(), _decay(now.weight_decay)),
    "rmsprop": lambda now: _by_rate(now, optax.scale_by_rms(decay=0.9, eps=1e-7, eps_in_sqrt=True)),
    "adagrad": lambda now: _by_rate(now, optax.scale_by_rss(initial_accumulator_value=_ADAGRAD, eps=1e-7)),
    "sgd": _by_rate,
    "momentum": lambda now: _by_rate(now, optax.trace(decay=now.momentum)),
    "nesterov": nesterov,
}


def first_state(optimizer: str, weights: Any) -> Any:
    """The state of an update rule before the first update, in NumPy: optax would compile a program for every zero.

    Args:
        optimizer: one of `OPTIMIZERS`.
        weights: the tree that is trained.
    """
    rule = OPTIMIZERS[optimizer](Now(0.0, 0.0, 0.0, 0.0))
    fill = _ADAGRAD if optimizer == "adagrad" else 0
    return jax.tree.map(lambda leaf: np.full(leaf.shape, fill, leaf.dtype), jax.eval_shape(rule.init, weights))
