"""How the step length changes over the updates of a training; all numbers traced."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp


class Rates(NamedTuple):
    """Traced settings: they change without a new compilation. In the precision of the model.

    Args:
        first, last: rates between which a schedule runs.
        updates: over which it does, those of the warm-up not counted.
        clip_norm: longest gradient, infinity for no limit.
        momentum, weight_decay: of the optimisers that have one.
        warmup: updates of the linear warm-up.
        milestones: updates after the warm-up (k,) at which "step" multiplies the rate by `decay`.
        decay: that factor.
        penalties: strengths, one for each of the penalties of the program.
    """

    first: Any
    last: Any
    updates: Any
    clip_norm: Any
    momentum: Any
    weight_decay: Any
    warmup: Any
    milestones: Any
    decay: Any
    penalties: Any


def _constant(rates: Rates, update: jax.Array) -> jax.Array:
    del update
    return jnp.asarray(rates.first)


def _cosine(rates: Rates, update: jax.Array) -> jax.Array:
    """Half a cosine from the first rate to the last."""
    done = jnp.minimum(update / rates.updates, 1.0)
    return rates.last + (rates.first - rates.last) * 0.5 * (1 + jnp.cos(jnp.pi * done))


def _exponential(rates: Rates, update: jax.Array) -> jax.Array:
    """The same factor at every update, from the first rate to the last."""
    done = jnp.minimum(update / rates.updates, 1.0)
    return rates.first * (rates.last / rates.first) ** done


def _step(rates: Rates, update: jax.Array) -> jax.Array:
    """The first rate, multiplied by `decay` at every milestone."""
    return rates.first * rates.decay ** jnp.sum(update >= rates.milestones)


# The rate of an update, counted from the end of the warm-up.
SCHEDULES: dict[str, Callable[[Rates, jax.Array], jax.Array]] = {
    "constant": _constant,
    "cosine": _cosine,
    "exponential": _exponential,
    "step": _step,
}


def rate(schedule: str, warms_up: bool, rates: Rates, update: jax.Array) -> jax.Array:
    r"""The step length of an update (0 for the first).

    .. math:: \epsilon_k = \epsilon_0 \frac{k + 1}{w + 1} \text{ for } k < w, \quad
        \epsilon_k = \text{schedule}(k - w) \text{ for } k \ge w
    """
    if not warms_up:
        return SCHEDULES[schedule](rates, update)
    rising = rates.first * (update + 1) / (rates.warmup + 1)
    return jnp.where(update < rates.warmup, rising, SCHEDULES[schedule](rates, jnp.maximum(update - rates.warmup, 0)))


def momentum(rates: Rates, update: jax.Array) -> jax.Array:
    """The momentum of an update: constant."""
    del update
    return jnp.asarray(rates.momentum)
