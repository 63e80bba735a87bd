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
        tail: the first of the updates at the end whose momentum is at most 0.9; infinity for none.
        average: the first of the updates at the end whose weights are averaged; infinity for none.
        warmup: updates of the linear warm-up.
        milestones: updates after the warm-up (k,) at which "step" multiplies the rate by `decay`.
        decay: that factor.
        penalties: strengths, one for each of the penalties of the program.
        hessian_free: numbers of that method, `recurra.training.hessian_free.Traced`.
    """

    first: Any
    last: Any
    updates: Any
    clip_norm: Any
    momentum: Any
    weight_decay: Any
    tail: Any
    average: Any
    warmup: Any
    milestones: Any
    decay: Any
    penalties: Any
    hessian_free: Any


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


# The momentum of an update, counted from 0.
_FIRST = _LAST = 0.9
_DELAY = 1000  # updates
_PERIOD = 250


def _delayed(rates: Rates, update: jax.Array) -> jax.Array:
    """0.9 in the first 1000 updates, then the momentum that was asked for."""
    return jnp.where(update < _DELAY, jnp.asarray(_FIRST, jnp.asarray(rates.momentum).dtype), rates.momentum)


def _increasing(rates: Rates, update: jax.Array) -> jax.Array:
    r"""min(1 - 2^{-1 - log_2(floor(t / 250) + 1)}, mu), and 2^{-log_2 n} is 1 / n."""
    return jnp.minimum(1 - 0.5 / (update // _PERIOD + 1).astype(jnp.asarray(rates.momentum).dtype), rates.momentum)


MOMENTA: dict[str, Callable[[Rates, jax.Array], jax.Array]] = {
    "constant": lambda rates, update: jnp.asarray(rates.momentum),
    "delayed": _delayed,
    "increasing": _increasing,
}


def momentum(schedule: str, rates: Rates, update: jax.Array) -> jax.Array:
    r"""The momentum mu_t of an update t (0 for the first), for the momentum mu that was asked for.

    .. math::
        \text{constant} &: \mu_t = \mu \\
        \text{delayed} &: \mu_t = 0.9 \text{ for } t < 1000, \; \mu \text{ from then on} \\
        \text{increasing} &: \mu_t = \min\left(1 - 2^{-1 - \log_2(\lfloor t / 250 \rfloor + 1)}, \mu\right)

    and from `rates.tail` on min(mu_t, 0.9): steps that are shorter by the factor (1 - mu) / 0.1 reach the floor of the
    valley along which momentum has come.

    Reference: I. Sutskever, J. Martens, G. Dahl, G. Hinton, On the importance of initialization and momentum in deep
    learning, ICML 2013: "delayed" is that of its recurrent networks, "increasing" equation 5, the tail its table 2.
    """
    found = MOMENTA[schedule](rates, update)
    return jnp.where(update >= rates.tail, jnp.minimum(found, _LAST), found)
