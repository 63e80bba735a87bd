"""The compiled part of a training: some epochs of batches in one program."""

from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from recurra.models import Stack
from recurra.training.objectives import Objective
from recurra.training.settings import OPTIMIZERS


class Position(NamedTuple):
    """Where a training stands: everything that the next update depends on."""

    model: Stack
    optimizer: Any
    update: Any  # updates done, int32
    bad_update: Any  # the first update without finite loss, gradient and step, -1 for none: no update since
    gradient_norm: Any  # of the last finite gradient


class Rates(NamedTuple):
    """Traced settings: they change without a new compilation."""

    first: float
    last: float
    updates: int  # over which the rate falls from first to last
    clip_norm: float  # infinity for no limit


class Record(NamedTuple):
    """Means over each epoch of a stretch (stretch,): loss, gradient norm before clipping, share of clipped updates."""

    loss: Any
    gradient_norm: Any
    clipped: Any


def start(model: Stack, optimizer: str, momentum: float) -> Position:
    """The position before the first update."""
    transform = OPTIMIZERS[optimizer](momentum)
    state = jax.tree.map(np.asarray, transform.init(eqx.filter(model, eqx.is_inexact_array_like)))
    return Position(model, state, np.int32(0), np.int32(-1), np.float32(0))


def _rate(rates: Rates, update: jax.Array) -> jax.Array:
    """Half a cosine from the first rate to the last."""
    done = jnp.minimum(update / rates.updates, 1.0)
    return rates.last + (rates.first - rates.last) * 0.5 * (1 + jnp.cos(jnp.pi * done))


@partial(eqx.filter_jit, donate="none")
def run_stretch(
    static: tuple[str, float, int, int],
    objective: Objective,
    position: Position,
    data: Any,
    rates: Rates,
    key: jax.Array,
    first_epoch: Any,
    epochs: Any,
) -> tuple[Position, Record]:
    """Train for `epochs` epochs (at most the stretch), windows in a new order in each.

    The order of epoch e depends on the seed and e alone, so a resumed training sees the same batches.
    """
    optimizer, momentum, batch_size, stretch = static
    transform = OPTIMIZERS[optimizer](momentum)
    count = objective.count(data)
    size = min(batch_size, count)
    batches = count // size

    def update(position: Position, index: jax.Array) -> tuple[Position, Record]:
        loss, gradient = eqx.filter_value_and_grad(objective.loss)(position.model, data, index)
        norm = optax.tree.norm(gradient)
        clip = jnp.minimum(1.0, rates.clip_norm / jnp.maximum(norm, 1e-30))
        direction, state = transform.update(jax.tree.map(lambda g: g * clip, gradient), position.optimizer)
        rate = _rate(rates, position.update)
        step = jax.tree.map(lambda d: (-rate * d).astype(d.dtype), direction)
        finite = jnp.isfinite(loss) & jnp.isfinite(norm) & jnp.isfinite(rate * optax.tree.norm(direction))
        good = finite & (position.bad_update < 0)
        new = Position(
            eqx.apply_updates(position.model, step),
            state,
            position.update + 1,
            jnp.where(good | (position.bad_update >= 0), position.bad_update, position.update),
            norm.astype(jnp.float32),
        )
        stay = position._replace(bad_update=new.bad_update)
        chosen = jax.tree.map(lambda a, b: jnp.where(good, a, b) if eqx.is_array_like(a) else a, new, stay)
        return chosen, Record(loss, norm, (clip < 1).astype(loss.dtype))

    def epoch(e: jax.Array, carry: tuple[Position, Record]) -> tuple[Position, Record]:
        position, record = carry
        order = jax.random.permutation(jax.random.fold_in(key, first_epoch + e), count)
        position, each = jax.lax.scan(update, position, order[: batches * size].reshape(batches, size))
        return position, jax.tree.map(lambda kept, new: kept.at[e].set(new.mean()), record, each)

    empty = Record(*(jnp.zeros(stretch, position.model.readout[-1].c.dtype) for _ in Record._fields))
    return jax.lax.fori_loop(0, epochs, epoch, (position, empty))
