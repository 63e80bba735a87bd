"""The compiled part of a training: some epochs of batches in one program."""

from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from recurra.models import Model
from recurra.training.alarms import idle
from recurra.training.flat import Flat
from recurra.training.objectives import Objective
from recurra.training.optimizers import OPTIMIZERS, Now, first_state
from recurra.training.penalties import penalty
from recurra.training.schedules import Rates, momentum, rate
from recurra.training.settings import Program

EXPLODED = 1e8  # times the first loss, or 1 where that is less: ten thousand standard deviations of scaled data


class Position(NamedTuple):
    """Where a training stands: everything that the next update depends on."""

    model: Any  # a `Model`; within the program the vector of its weights
    optimizer: Any  # the state of its update rule, for that vector
    carried: Any  # what the objective hands from batch to batch
    update: Any  # updates done, int32
    first_loss: Any  # of the first update
    bad_update: Any  # the first update without finite loss, gradient and step, -1 for none: no update since
    bad_loss: Any  # its loss
    gradient_norm: Any  # of the last good gradient


class Record(NamedTuple):
    """Means over each epoch of a stretch (stretch,): loss, gradient norm before clipping, share of clipped updates.

    And the share of updates that taught the recurrent weights nothing, for an alarm.
    """

    loss: Any
    gradient_norm: Any
    clipped: Any
    idle: Any


def start(model: Model, objective: Objective, data: Any, optimizer: str) -> Position:
    """The position before the first update."""
    state = first_state(optimizer, np.zeros(Flat(model).size, model.dtype))
    zero = np.zeros((), model.dtype)
    return Position(model, state, objective.carried(model, data), np.int32(0), zero, np.int32(-1), zero, zero)


def _update(
    program: Program,
    objective: Objective,
    data: Any,
    rates: Rates,
    flat: Flat,
    position: Position,
    index: Any,
    keys: Any,
) -> tuple[Position, Record]:
    """One batch: its gradient, the step, and the position after it; the same position from a bad update on."""
    weights = position.model

    def total(model: Model) -> tuple[jax.Array, Any]:
        loss, carried = objective.run(model, data, index, keys, position.carried)
        if program.penalised:
            loss += penalty(model, program.penalised, rates.penalties)
        return loss, carried

    (loss, carried), gradients = eqx.filter_value_and_grad(total, has_aux=True)(flat.model(weights))
    gradient = flat.vector(gradients)
    norm = jnp.linalg.norm(gradient)
    clip = jnp.minimum(1.0, rates.clip_norm / jnp.maximum(norm, 1e-30))
    now = Now(
        rate(program.schedule, program.warms_up, rates, position.update),
        momentum(rates, position.update),
        momentum(rates, position.update + 1),
        rates.weight_decay * flat.matrices,
    )
    step, state = OPTIMIZERS[program.optimizer](now).update(gradient * clip, position.optimizer, weights)
    first = jnp.where(position.update == 0, loss, position.first_loss)
    finite = jnp.isfinite(loss) & jnp.isfinite(norm) & jnp.isfinite(jnp.linalg.norm(step))
    running = position.bad_update < 0
    good = finite & (loss <= EXPLODED * jnp.maximum(first, 1.0)) & running
    new = Position(weights + step, state, carried, position.update + 1, first, *position[5:7], norm)
    stay = position._replace(
        bad_update=jnp.where(running, position.update, position.bad_update),
        bad_loss=jnp.where(running, loss, position.bad_loss),
        first_loss=first,
    )
    chosen = jax.tree.map(lambda a, b: jnp.where(good, a, b), new, stay)
    return chosen, Record(loss, norm, (clip < 1).astype(loss.dtype), idle(gradients).astype(loss.dtype))


def batches_of(
    objective: Objective, data: Any, batch_size: int, stretch: int, seed: int, first_epoch: int, epochs: int
) -> np.ndarray:
    """The windows of every update (stretch, updates, windows): in a new order in each epoch, unless they carry.

    The order of an epoch depends on the seed and the epoch alone, so that a resumed training sees the same batches. It
    is drawn here and not in the compiled program, which takes a fifth less time to compile without the sort.
    """
    count, size = objective.count(data), objective.size(data, batch_size)
    kept = count // size * size
    found = np.zeros((stretch, kept // size, size), np.int32)
    for e in range(epochs):
        rng = np.random.default_rng([seed, first_epoch + e])
        order = np.arange(count) if objective.carries else rng.permutation(count)
        found[e] = order[:kept].reshape(-1, size)
    return found


@partial(eqx.filter_jit, donate="none")
def run_stretch(
    program: Program,
    objective: Objective,
    position: Position,
    data: Any,
    rates: Rates,
    batches: Any,
    seed: Any,
    first_epoch: Any,
    epochs: Any,
) -> tuple[Position, Record]:
    """Train for `epochs` epochs (at most the stretch).

    Args:
        batches: the windows of every update, as of `batches_of`.
        seed: the two words of the key of the dropout: that of a window depends on seed, epoch and window alone.
        first_epoch: epochs done before.
    """
    drops, size, flat = position.model.drops, batches.shape[-1], Flat(position.model)

    def epoch(e: jax.Array, carry: tuple[Position, Record]) -> tuple[Position, Record]:
        position, record = carry

        def key_of(window: jax.Array) -> jax.Array:
            key = jax.random.fold_in(jax.random.wrap_key_data(seed), first_epoch + e)
            return jax.random.fold_in(jax.random.fold_in(key, 1), window)

        def update(position: Position, index: jax.Array) -> tuple[Position, Record]:
            sequence = index % size if objective.carries else index  # a stream keeps its masks
            keys = jax.vmap(key_of)(sequence) if drops else None
            return _update(program, objective, data, rates, flat, position, index, keys)

        position, each = jax.lax.scan(update, position, batches[e])
        return position, jax.tree.map(lambda kept, new: kept.at[e].set(new.mean()), record, each)

    empty = Record(*(jnp.zeros(program.stretch, position.model.dtype) for _ in Record._fields))
    position = position._replace(model=flat.vector(position.model))
    position, record = jax.lax.fori_loop(0, epochs, epoch, (position, empty))
    return position._replace(model=flat.model(position.model)), record
