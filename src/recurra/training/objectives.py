"""What a training minimises: a mean loss of forecasts over windows of the data."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from recurra.cells import Array
from recurra.errors import ConfigError
from recurra.models import Model, closed_loop
from recurra.training.losses import SQUARED, Loss
from recurra.training.wrappers import running, stepping


class Objective(ABC):
    """Interface: a loss over a batch of windows, picked from `data` by index. Hashable: it shapes the program.

    An objective that `carries` sees its windows in their order, and hands something over from one batch to the next.
    """

    carries: ClassVar[bool] = False

    @abstractmethod
    def count(self, data: Any) -> int:
        """How many windows there are."""

    @abstractmethod
    def length(self, data: Any) -> int:
        """Steps of each window."""

    @abstractmethod
    def loss(self, model: Any, data: Any, index: jax.Array, keys: Any = None) -> jax.Array:
        """Mean loss over the windows with these indices; `keys`: one for the dropout of each, None for none."""

    def size(self, data: Any, batch_size: int) -> int:
        """Windows of a batch."""
        return min(batch_size, self.count(data))

    def carried(self, model: Any, data: Any) -> Any:
        """What is handed to the first batch."""
        del model, data
        return ()

    def run(self, model: Any, data: Any, index: jax.Array, keys: Any, carried: Any) -> tuple[jax.Array, Any]:
        """The loss, and what is handed to the next batch."""
        return self.loss(model, data, index, keys), carried


@dataclass(frozen=True)
class NextSteps(Objective):
    r"""Forecast the next row at every step of a window, from the initial state.

    .. math:: L = \frac{1}{L C} \sum_{t=0}^{L-1} \sum_c \left(\frac{\hat y_{t+1,c} - y_{t+1,c}}{s_c}\right)^2

    The first `teacher_forced` steps see the true rows, the others the network's own output: training in the closed
    loop in which the network will run. The unit s is 1, or the scale of a model that learns increments. Another loss
    takes the place of the square.

    `data` is (values (rows, channels), drive (rows, drive), starts (windows,)): the rows of all series one after the
    other, and the first row of every window, none of which reaches over two series. Where values are missing there is
    a fourth, observed (rows, channels), True where a value was measured; the others hold what the network is to see,
    and as targets they count for nothing: the mean is over what was measured.

    Args:
        steps: steps of a window; it spans one row more.
        teacher_forced: steps that see the truth, at least 1; `steps` for all.
        error: the loss of one value.

    Reference: R. J. Williams, D. Zipser, Neural Computation 1 (1989) 270-280 (teacher forcing).
    """

    steps: int
    teacher_forced: int
    error: Loss = SQUARED

    def count(self, data: Any) -> int:
        return len(data[2])

    def length(self, data: Any) -> int:
        return self.steps

    def loss(self, model: Any, data: Any, index: jax.Array, keys: Any = None) -> jax.Array:
        return self.compared(self.outputs(model, data, index, keys), model, data, index)

    def outputs(self, model: Any, data: Any, index: jax.Array, keys: Any = None) -> jax.Array:
        """Forecasts of rows 1 ... steps of the windows with these indices (windows, steps, outputs)."""
        values, drive, starts, *_ = data
        rows = starts[index][:, None] + jnp.arange(self.steps + 1)
        return over_windows(self._forecast, model, keys, values[rows], drive[rows])

    def compared(self, outputs: jax.Array, model: Any, data: Any, index: jax.Array) -> jax.Array:
        """The mean loss of such forecasts."""
        values, _, starts, *observed = data
        rows = starts[index][:, None] + jnp.arange(self.steps + 1)
        seen = observed[0][rows][:, 1:] if observed else None
        return self.error.mean(outputs, values[rows][:, 1:], unit(model, self.error), seen)

    def _forecast(self, model: Any, values: Array, drive: Array) -> jax.Array:
        """Forecasts of rows 1 ... steps of a batch of windows."""
        forced, channels, step = self.teacher_forced, values.shape[2], stepping(model, self.error.spread)
        xs = jnp.concatenate([values[:, :-1], drive[:, 1:]], axis=2)
        state, first = running(model, self.error.spread)(model.initial_states(len(xs)), xs[:, :forced])
        if forced == self.steps:
            return first

        def free_step(state: Any, x: Array) -> tuple[Any, Array]:
            seen = jnp.concatenate([x[:channels], x[2 * channels :]]) if self.error.spread else x
            return step(state, seen)

        free = jax.vmap(lambda s, y, us: closed_loop(free_step, s, y, us)[1])(
            state, first[:, -1], drive[:, forced + 1 :]
        )
        return jnp.concatenate([first, free], axis=1)


@dataclass(frozen=True)
class LastStep(Objective):
    """Many to one: the output at the last step of every window against one target.

    `data` is (inputs (windows, steps, features), targets (windows, outputs)), and, where targets are missing, observed
    (windows, outputs) as of `NextSteps`.

    Args:
        error: the loss of one value.
    """

    error: Loss = SQUARED

    def count(self, data: Any) -> int:
        return len(data[0])

    def length(self, data: Any) -> int:
        return data[0].shape[1]

    def loss(self, model: Any, data: Any, index: jax.Array, keys: Any = None) -> jax.Array:
        inputs, targets, *observed = data

        def run(network: Any, xs: Array) -> jax.Array:
            return running(network, self.error.spread)(network.initial_states(len(xs)), xs)[1][:, -1]

        outputs = over_windows(run, model, keys, inputs[index])
        seen = observed[0][index] if observed else None
        return self.error.mean(outputs, targets[index], 1.0, seen)


def over_windows(run: Callable[..., Any], model: Any, keys: Any, *windows: Any) -> Any:
    """`run(model, *windows)` for a batch of windows; with a key for each, every window has its own dropout."""
    if keys is None:
        return run(model, *windows)

    def one(key: jax.Array, *window: Any) -> Any:
        alone = run(model.with_dropout(key), *jax.tree.map(lambda leaf: leaf[None], window))
        return jax.tree.map(lambda leaf: leaf[0], alone)

    return jax.vmap(one)(keys, *windows)


def unit(model: Model, error: Loss) -> Any:
    """The unit of the errors: 1, or the size of an increment."""
    if model.scale is None:
        return 1.0
    if error.name in ("binary", "categorical"):
        raise ConfigError(f"the loss {error.name!r} is for classes, and a model of increments has none: learn values")
    return jax.lax.stop_gradient(model.scale)
