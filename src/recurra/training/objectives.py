"""What a training minimises: the mean squared error of forecasts over windows of the data."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from recurra.cells import Array
from recurra.models import Stack, closed_loop, unroll


class Objective(ABC):
    """Interface: a loss over a batch of windows, picked from `data` by index. Hashable: it shapes the program."""

    @abstractmethod
    def count(self, data: Any) -> int:
        """How many windows there are."""

    @abstractmethod
    def length(self, data: Any) -> int:
        """Steps of each window."""

    @abstractmethod
    def loss(self, model: Stack, data: Any, index: jax.Array) -> jax.Array:
        """Mean loss over the windows with these indices."""


@dataclass(frozen=True)
class NextSteps(Objective):
    r"""Forecast the next row at every step of a window, from the zero state.

    .. math:: L = \frac{1}{L C} \sum_{t=0}^{L-1} \sum_c \left(\frac{\hat y_{t+1,c} - y_{t+1,c}}{s_c}\right)^2

    The first `teacher_forced` steps see the true rows, the others the network's own output: training in the closed
    loop in which the network will run. The unit s is 1, or the scale of a model that learns increments.

    `data` is (values (rows, channels), drive (rows, drive), starts (windows,)): the rows of all series one after the
    other, and the first row of every window, none of which reaches over two series.

    Args:
        steps: steps of a window; it spans one row more.
        teacher_forced: steps that see the truth, at least 1; `steps` for all.

    Reference: R. J. Williams, D. Zipser, Neural Computation 1 (1989) 270-280 (teacher forcing).
    """

    steps: int
    teacher_forced: int

    def count(self, data: Any) -> int:
        return len(data[2])

    def length(self, data: Any) -> int:
        return self.steps

    def loss(self, model: Stack, data: Any, index: jax.Array) -> jax.Array:
        values, drive, starts = data
        rows = starts[index][:, None] + jnp.arange(self.steps + 1)
        unit = 1.0 if model.scale is None else jax.lax.stop_gradient(model.scale)
        errors = jax.vmap(lambda y, u: (self._forecast(model, y, u) - y[1:]) / unit)(values[rows], drive[rows])
        return jnp.mean(errors**2)

    def _forecast(self, model: Stack, values: Array, drive: Array) -> jax.Array:
        """Forecasts of rows 1 ... steps of one window."""
        forced = self.teacher_forced
        xs = jnp.concatenate([values[:-1], drive[1:]], axis=1)
        state, first = unroll(model.step, model.initial_state(), xs[:forced])
        if forced == self.steps:
            return first

        free = closed_loop(model.step, state, first[-1], drive[forced + 1 :])[1]
        return jnp.concatenate([first, free])


@dataclass(frozen=True)
class LastStep(Objective):
    """Many to one: the output at the last step of every window against one target.

    `data` is (inputs (windows, steps, features), targets (windows, outputs)).
    """

    def count(self, data: Any) -> int:
        return len(data[0])

    def length(self, data: Any) -> int:
        return data[0].shape[1]

    def loss(self, model: Stack, data: Any, index: jax.Array) -> jax.Array:
        inputs, targets = data
        outputs = jax.vmap(model)(inputs[index])[:, -1]
        return jnp.mean((outputs - targets[index]) ** 2)
