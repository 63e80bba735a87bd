"""The network of a `Sequences`: how it is drawn, what its training needs, and its loss on held-out sequences."""

from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from recurra.estimators.memory import refuse_beyond_memory, training_bytes
from recurra.estimators.second_order import batch_of, bytes_at_once, hessian_free, vectors
from recurra.models import CELLS, Model, Stack, tensor_layout, with_output
from recurra.training import Feedback, LearnedStart, MaskedSteps, Settings, echo_state
from recurra.training.loop import Validate
from recurra.training.settings import HESSIAN_FREE

if TYPE_CHECKING:
    from recurra.estimators.sequences import Sequences

_DAMPING = 0.1  # lambda of Hessian-free at the start
_SEES = {"binary": "logistic", "categorical": "softmax"}  # what a network that sees its answers makes of them


def draw_network(owner: "Sequences", inputs: int, outputs: int, seed: int | None) -> Model:
    """The network before training; without a seed, zeros that take no memory.

    Args:
        owner: the parameters.
        inputs, outputs: columns of coded inputs and targets.
        seed: of the weights.
    """
    options: dict[str, Any] = {"activation": owner.activation} if owner.cell == "elman" else {}
    model = Stack.draw(
        owner.cell,
        inputs + (owner.task == "delayed") + (outputs if owner.feedback else 0),
        outputs,
        units=owner.units,
        layers=owner.layers,
        precision=owner.precision,
        seed=seed,
        **options,
    )
    if owner.output != "identity":
        model = with_output(model, owner.output)
    if owner.init == "echo-state" and seed is not None:
        model = echo_state(model, input_scale=float(owner.input_scale), seed=seed)
    whole = LearnedStart.of(model) if owner.learned_start else model
    return Feedback(whole, outputs, _SEES.get(owner.loss, "identity")) if owner.feedback else whole


def settings(owner: "Sequences", blank: Model, sequences: int, steps: int) -> Settings:
    """How to train; refuses what does not fit this machine."""
    final = owner.learning_rate if owner.final_learning_rate is None else owner.final_learning_rate
    names = ("optimizer", "learning_rate", "momentum", "momentum_schedule", "momentum_tail", "averaged_updates")
    given = {name: getattr(owner, name) for name in (*names, "weight_decay", "epochs", "clip_norm", "patience", "seed")}
    given |= {"final_learning_rate": final, "batch_size": batch_of(owner, sequences)}
    shapes, wide = [shape for _, shape in tensor_layout(blank).values()], blank.dtype.itemsize / 4
    size = owner.units, CELLS[owner.cell].gates, owner.layers
    each, at_once = wide * training_bytes([], *size, steps), min(sequences, given["batch_size"])
    held = each * at_once
    if owner.optimizer == HESSIAN_FREE:
        # what answers are fed back, or run on without an input, is not seen by structural damping
        vanilla = owner.cell == "elman" and owner.activation in ("tanh", "logistic") and not owner.feedback
        method = hessian_free(owner, vanilla, each, steps, at_once, _DAMPING)
        shapes, held = shapes * vectors(owner, method), bytes_at_once(method, each, steps, at_once)
        given |= {"stretch": 1, "hessian_free": method, "clip_norm": None}
    need = wide * training_bytes(shapes, *size, 0) + held
    advice = "take fewer `units` or `layers`, a smaller `batch_size` or shorter sequences"
    what = f"training {owner.layers} layers of {owner.units} units on sequences of {steps} steps"
    refuse_beyond_memory(need, what, advice)
    return Settings(**given)


def held_out(objective: MaskedSteps, data: Any) -> Validate:
    """The loss of a model on sequences that are not trained on."""

    def score(model: Model) -> float:
        with jax.enable_x64(model.dtype == np.float64):
            return float(_loss(objective, model, data))

    return score


@eqx.filter_jit
def _loss(objective: MaskedSteps, model: Model, data: Any) -> jax.Array:
    return objective.loss(model, data, jnp.arange(objective.count(data)))
