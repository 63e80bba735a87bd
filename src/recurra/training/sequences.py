"""Sequences of any lengths in one batch, padded and masked; and a network that sees its own last output."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from recurra.cells import ACTIVATIONS, Array, activation
from recurra.models import Layers, Model
from recurra.training.losses import SQUARED, Loss
from recurra.training.objectives import Objective, over_windows
from recurra.training.wrappers import Around, running


@eqx.filter_jit
def masked_outputs(model: Model, inputs: Array, present: Array) -> jax.Array:
    """The outputs (sequences, steps, outputs) on padded sequences, from the state before any input."""
    return model.run(model.initial_states(len(inputs)), inputs, present)[1]


@dataclass(frozen=True)
class MaskedSteps(Objective):
    r"""The outputs at chosen steps of many sequences, each padded to the same number of steps.

    .. math:: L = \frac{1}{|S|} \sum_{(i, t, c) \in S} w_{itc}\, \ell(\hat y_{itc}, y_{itc}),
        \quad S = \{(i, t, c) : w_{itc} > 0\}

    `data` is (inputs (sequences, steps, features), present (sequences, steps), targets (sequences, steps, outputs),
    weights (sequences, steps, terms)), with as many terms as the loss has: one for each output, or one for all
    classes. Where a step is not present the state is held and the input is not looked at; where a weight is zero the
    target is not. So the mean is over what is compared, and weights enter it in a straight line.

    All kinds of tasks are of this form: many to one compares at the last step that is present, one to many and
    many to many at every step, a delayed answer after the input.

    Args:
        error: the loss of one value.
    """

    error: Loss = SQUARED

    def count(self, data: Any) -> int:
        return len(data[0])

    def length(self, data: Any) -> int:
        return data[0].shape[1]

    def outputs(self, model: Any, data: Any, index: jax.Array, keys: Any = None) -> tuple[jax.Array, Layers]:
        def run(network: Any, xs: Array, there: Array) -> tuple[jax.Array, Layers]:
            return running(network, self.error.spread)(network.initial_states(len(xs)), xs, there)[1:]

        return over_windows(run, model, keys, data[0][index], data[1][index])

    def compared(self, outputs: Any, model: Any, data: Any, index: jax.Array) -> jax.Array:
        targets, weights = (array[index] for array in data[2:])
        compared = weights > 0
        # NaN times zero is NaN, also in a gradient: what is not compared must not enter the terms at all
        terms = self.error.terms(outputs, jnp.where(compared, targets, 0.0))
        total = jnp.sum(jnp.where(compared, weights * terms, 0.0))
        return total / jnp.maximum(jnp.sum(compared), 1).astype(terms.dtype)

    def terms(self, data: Any, index: jax.Array) -> Any:
        return jnp.sum(data[3][index] > 0)

    def matched(self) -> "MaskedSteps":
        return dataclasses.replace(self, error=self.error.matched())


class Feedback(Around, Model):
    r"""A model that sees, beside its input, what it gave one step before: zeros at the first.

    .. math:: (s_t, y_t) = \mathrm{step}(s_{t-1}, [x_t, \sigma_y(y_{t-1})])

    Args:
        model: its inputs are those of x and then one for each output.
        outputs: how many.
        activation: sigma_y; "softmax" where the outputs are logits of classes, so that it sees probabilities.

    Example:
        >>> from recurra.models import Stack
        >>> Feedback(Stack.draw("gru", 1 + 2, 2, units=4, seed=0), 2)(jnp.zeros((5, 1))).shape
        (5, 2)
    """

    outputs: int = eqx.field(static=True)
    activation: str = eqx.field(static=True, default="identity")

    def __check_init__(self) -> None:
        activation(self.activation)

    def initial_state(self) -> Any:
        return self.model.initial_state(), jnp.zeros(self.outputs, self.dtype)

    def step(self, state: Any, x: Array) -> tuple[Any, Array]:
        inner, last = state
        inner, y = self.model.step(inner, jnp.concatenate([x, last]))
        return (inner, ACTIVATIONS[self.activation](y)), y
