"""The compiled part of a training: some epochs of batches in one program."""

from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from recurra.models import Model
from recurra.training import hessian_free
from recurra.training.alarms import idle
from recurra.training.curvature import Curved
from recurra.training.flat import Flat
from recurra.training.objectives import Objective
from recurra.training.optimizers import OPTIMIZERS, Now, first_state
from recurra.training.penalties import penalty
from recurra.training.schedules import Rates, momentum, rate
from recurra.training.settings import Program, Settings

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
    average: Any  # the vector of the mean of the last weights; () where none is asked for

    @property
    def kept(self) -> Any:
        """The model that a training has come to: the average where there is one."""
        return self.model if isinstance(self.average, tuple) else Flat(self.model).model(self.average)


class Record(NamedTuple):
    """Means over each epoch of a stretch (stretch,): loss, gradient norm before clipping, share of clipped updates.

    And the share of updates that taught the recurrent weights nothing, for an alarm.
    """

    loss: Any
    gradient_norm: Any
    clipped: Any
    idle: Any
    facts: Any = ()  # what a method records beside


class _Task(NamedTuple):
    """What is the same for all updates of a stretch."""

    program: Program
    objective: Objective
    data: Any
    rates: Rates
    flat: Flat


class _Update(NamedTuple):
    """What an update makes of the weights; with what it was made from: loss and gradient."""

    weights: Any
    state: Any
    carried: Any
    loss: Any
    gradient: Any
    clipped: Any
    facts: Any = ()


def start(model: Model, objective: Objective, data: Any, settings: Settings) -> Position:
    """The position before the first update."""
    weights = np.zeros(Flat(model).size, model.dtype)
    if settings.static.hessian_free is None:
        state = first_state(settings.optimizer, weights)
    else:
        state = hessian_free.first_state(settings.hessian_free, weights)
    zero = np.zeros((), model.dtype)
    average = weights if settings.static.averages else ()
    carried = objective.carried(model, data)
    return Position(model, state, carried, np.int32(0), zero, np.int32(-1), zero, zero, average)


def _update(task: _Task, position: Position, index: Any, keys: Any) -> tuple[Position, Record]:
    """One batch: its gradient, the step, and the position after it; the same position from a bad update on."""
    task = task._replace(data=task.objective.at(task.data, position.update))
    made = (_by_rule if task.program.hessian_free is None else _by_curvature)(task, position, index, keys)
    norm = jnp.linalg.norm(made.gradient)
    first = jnp.where(position.update == 0, made.loss, position.first_loss)
    finite = jnp.isfinite(made.loss) & jnp.isfinite(norm) & jnp.isfinite(jnp.linalg.norm(made.weights))
    running = position.bad_update < 0
    good = finite & (made.loss <= EXPLODED * jnp.maximum(first, 1.0)) & running
    average = _average(task, position, made.weights) if task.program.averages else ()
    new = Position(made.weights, made.state, made.carried, position.update + 1, first, *position[5:7], norm, average)
    stay = position._replace(
        bad_update=jnp.where(running, position.update, position.bad_update),
        bad_loss=jnp.where(running, made.loss, position.bad_loss),
        first_loss=first,
    )
    chosen = jax.tree.map(lambda a, b: jnp.where(good, a, b), new, stay)
    taught = idle(task.flat.model(made.gradient)).astype(made.loss.dtype)
    return chosen, Record(made.loss, norm, made.clipped, taught, made.facts)


def _average(task: _Task, position: Position, weights: Any) -> Any:
    r"""The mean of the weights from the update f = `Rates.average` on; before it, the weights.

    .. math:: \bar w_k = \bar w_{k-1} + \frac{w_k - \bar w_{k-1}}{k - f + 1} \text{ for } k > f, \quad
        \bar w_k = w_k \text{ else}

    Reference: B. Polyak, A. Juditsky, Acceleration of stochastic approximation by averaging, SIAM J. Control Optim. 30,
    1992.
    """
    count = position.update - task.rates.average + 1
    mean = position.average + (weights - position.average) / count.astype(weights.dtype)
    return jnp.where(count > 1, mean, weights)


def _by_rule(task: _Task, position: Position, index: Any, keys: Any) -> _Update:
    """The step that an update rule makes of the gradient."""
    program, objective, data, rates, flat = task
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
        momentum(program.momentum_schedule, rates, position.update),
        momentum(program.momentum_schedule, rates, position.update + 1),
        rates.weight_decay * flat.matrices,
    )
    step, state = OPTIMIZERS[program.optimizer](now).update(gradient * clip, position.optimizer, weights)
    return _Update(weights + step, state, carried, loss, gradient, (clip < 1).astype(loss.dtype))


def _by_curvature(task: _Task, position: Position, index: Any, keys: Any) -> _Update:
    """A step of Hessian-free optimisation."""
    program, objective, data, rates, flat = task
    method, weights = program.hessian_free, position.model
    assert method is not None
    size = min(method.curvature_batch or len(index), len(index))
    penalties, pieces = (program.penalised, rates.penalties), {"chunk": method.chunk, "segment": method.segment}

    def over(windows: Any, keys: Any) -> Curved:
        return Curved(objective, data, flat, windows, keys, **pieces, penalties=penalties, metric=method.metric)

    whole = over(index, keys)
    curved = whole if size == len(index) else over(index[:size], None if keys is None else keys[:size])
    traced = hessian_free.Traced(*rates.hessian_free)
    new, state, loss, gradient, facts = hessian_free.take_step(
        method, traced, whole, curved, size / len(index), weights, position.optimizer
    )
    loss = loss.astype(weights.dtype)
    return _Update(new, state, position.carried, loss, gradient, jnp.zeros_like(loss), facts)


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
    task = _Task(program, objective, data, rates, flat)

    def epoch(e: jax.Array, carry: tuple[Position, Record]) -> tuple[Position, Record]:
        position, record = carry

        def key_of(window: jax.Array) -> jax.Array:
            key = jax.random.fold_in(jax.random.wrap_key_data(seed), first_epoch + e)
            return jax.random.fold_in(jax.random.fold_in(key, 1), window)

        def update(position: Position, index: jax.Array) -> tuple[Position, Record]:
            sequence = index % size if objective.carries else index  # a stream keeps its masks
            keys = jax.vmap(key_of)(sequence) if drops else None
            return _update(task, position, index, keys)

        position, each = jax.lax.scan(update, position, batches[e])
        return position, jax.tree.map(lambda kept, new: kept.at[e].set(new.mean().astype(kept.dtype)), record, each)

    columns, facts = len(Record._fields) - 1, () if program.hessian_free is None else hessian_free.no_facts()
    empty = Record(*(jnp.zeros(program.stretch, position.model.dtype) for _ in range(columns)))
    empty = empty._replace(facts=jax.tree.map(lambda fact: jnp.full(program.stretch, fact), facts))
    position = position._replace(model=flat.vector(position.model))
    position, record = jax.lax.fori_loop(0, epochs, epoch, (position, empty))
    return position._replace(model=flat.model(position.model)), record
