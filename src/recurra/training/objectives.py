"""What a training minimises: a mean loss of forecasts over windows of the data."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from recurra.cells import Array
from recurra.errors import ConfigError
from recurra.models import Layers, Model, closed_loop
from recurra.training.feeding import OWN, Fed, Feeding
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

    def outputs(self, model: Any, data: Any, index: jax.Array, keys: Any = None) -> tuple[Any, Layers]:
        """What the model gives for the windows with these indices, and its layers along them.

        Args:
            model, data: as the objective describes them.
            index: of the windows.
            keys: one for the dropout of each; None for none.
        """
        raise self._no_curvature()

    def compared(self, outputs: Any, model: Any, data: Any, index: jax.Array) -> jax.Array:
        """The mean loss of such outputs; of the model it takes what is not trained. Convex in the outputs."""
        raise self._no_curvature()

    def terms(self, data: Any, index: jax.Array) -> Any:
        """How many numbers that mean is over."""
        raise self._no_curvature()

    def share(self, outputs: Any, model: Any, data: Any, index: jax.Array, terms: Any, windows: int) -> jax.Array:
        """What some windows add to the mean loss of many; see `compared`.

        Args:
            outputs, model, data, index: of these windows.
            terms, windows: of all of them.
        """
        del windows
        return self.compared(outputs, model, data, index) * (self.terms(data, index) / terms)

    def matched(self) -> "Objective":
        """The objective whose loss has the curvature in the outputs that a Gauss-Newton matrix takes."""
        raise self._no_curvature()

    def loss(self, model: Any, data: Any, index: jax.Array, keys: Any = None) -> jax.Array:
        """Mean loss over the windows with these indices; `keys`: one for the dropout of each, None for none."""
        return self.compared(self.outputs(model, data, index, keys)[0], model, data, index)

    def _no_curvature(self) -> ConfigError:
        return ConfigError(
            f"{type(self).__name__} does not say its outputs and their loss apart (`outputs`, `compared`, `terms`, "
            "`matched`), each window for itself, and Hessian-free optimisation needs that; a stateful training hands "
            "its state on. Take an update rule such as 'adam', for which `loss` is enough"
        )

    def at(self, data: Any, update: Any) -> Any:
        """The data as they are at an update (0 for the first): the same at all of them, but for what is fed."""
        del update
        return data

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


class Windows(NamedTuple):
    """The data of `NextSteps`; a plain tuple of the first three or four will do.

    Args:
        values: (rows, channels) of all series one after the other.
        drive: (rows, drive).
        starts: the first row of every window (windows,); none reaches over two series.
        observed: (rows, channels), True where a value was measured; None for everywhere. The others hold what the
            network is to see, and as targets they count for nothing: the mean is over what was measured.
        fed: the numbers of a feeding that takes some.
    """

    values: Any
    drive: Any
    starts: Any
    observed: Any = None
    fed: Fed | None = None


@dataclass(frozen=True)
class NextSteps(Objective):
    r"""Forecast the next row at every step of a window, from the initial state.

    .. math:: L = \frac{1}{(T - w) C} \sum_{t=w}^{T-1} \sum_c \left(\frac{\hat y_{t+1,c} - y_{t+1,c}}{s_c}\right)^2

    The first `teacher_forced` steps see the true rows, the others the network's own output: training in the closed
    loop in which the network will run; or what lies between the two, as a `Feeding` says. The unit s is 1, or the
    scale of a model that learns increments. Another loss takes the place of the square.

    `data` is (values, drive, starts), with missing values (values, drive, starts, observed), and with a feeding that
    takes numbers all of `Windows`.

    In the first steps of a window little is known of the past, and their errors, which no weights make small, can be
    most of the loss: a washout leaves them out where a forecast warms up on as many rows.

    Args:
        steps: T, steps of a window; it spans one row more.
        teacher_forced: steps that see the truth, at least 1; `steps` for all.
        error: the loss of one value.
        feeding: what the other steps see, and whether what is true has noise.
        washout: w, steps at the beginning of a window that are not compared, less than `steps`.

    Raises:
        ConfigError: a washout that leaves nothing of a window.

    Reference: R. J. Williams, D. Zipser, Neural Computation 1 (1989) 270-280 (teacher forcing).
    """

    steps: int
    teacher_forced: int
    error: Loss = SQUARED
    feeding: Feeding = OWN
    washout: int = 0

    def __post_init__(self) -> None:
        check_washout(self.washout, self.steps)

    def count(self, data: Any) -> int:
        return len(data[2])

    def length(self, data: Any) -> int:
        return self.steps

    def outputs(self, model: Any, data: Any, index: jax.Array, keys: Any = None) -> tuple[jax.Array, Layers]:
        """Forecasts of rows 1 ... steps (windows, steps, outputs), and the layers along the teacher-forced steps."""
        windows = Windows(*data)
        rows = windows.starts[index][:, None] + jnp.arange(self.steps + 1)
        values, drive = windows.values[rows], windows.drive[rows]
        if self.feeding.plain:
            return over_windows(self._forecast, model, keys, values, drive)
        if windows.fed is None:
            raise ConfigError(f"{self.feeding} takes numbers: give them as `Windows(..., fed=Fed.of(...))`")
        values = self.feeding.noised(windows.fed, index, values)
        later = self.steps - self.teacher_forced
        if self.feeding.kind == "own" or not later:
            return over_windows(self._forecast, model, keys, values, drive)
        share = self.feeding.coefficients(windows.fed, index, later)
        return over_windows(self._forecast, model, keys, values, drive, share)

    def compared(self, outputs: Any, model: Any, data: Any, index: jax.Array) -> jax.Array:
        targets, seen = self._targets(data, index)
        return self.error.mean(outputs[:, self.washout :], targets, unit(model, self.error), seen)

    def terms(self, data: Any, index: jax.Array) -> Any:
        return self.error.terms_in(*self._targets(data, index))

    def matched(self) -> "NextSteps":
        return dataclasses.replace(self, error=self.error.matched())

    def _targets(self, data: Any, index: jax.Array) -> tuple[Any, Any]:
        windows = Windows(*data)
        rows = windows.starts[index][:, None] + jnp.arange(1 + self.washout, self.steps + 1)
        return windows.values[rows], None if windows.observed is None else windows.observed[rows]

    def at(self, data: Any, update: Any) -> Any:
        windows = Windows(*data)
        return data if windows.fed is None else windows._replace(fed=windows.fed._replace(update=update))

    def _forecast(
        self, model: Any, values: Array, drive: Array, share: Array | None = None
    ) -> tuple[jax.Array, Layers]:
        """`outputs` of a batch of windows; `share` is a_t at the later steps (windows, steps), None for the loop."""
        forced, channels, step = self.teacher_forced, values.shape[2], stepping(model, self.error.spread)
        xs = jnp.concatenate([values[:, :-1], drive[:, 1:]], axis=2)
        state, first, layers = running(model, self.error.spread)(model.initial_states(len(xs)), xs[:, :forced])
        if forced == self.steps:
            return first, layers

        outputs, beside = first.shape[2], drive[:, forced + 1 :]
        if share is not None:
            beside = jnp.concatenate([beside, values[:, forced:-1], share[:, :, None]], axis=2)

        def free_step(state: Any, x: Array) -> tuple[Any, Array]:
            own, rest = x[:channels], x[outputs:]
            if share is not None:
                rest, true, a = jnp.split(rest, [drive.shape[2], drive.shape[2] + channels])
                own = a * true + (1 - a) * own
            return step(state, jnp.concatenate([own, rest]))

        free = jax.vmap(lambda s, y, us: closed_loop(free_step, s, y, us)[1])(state, first[:, -1], beside)
        return jnp.concatenate([first, free], axis=1), layers


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

    def outputs(self, model: Any, data: Any, index: jax.Array, keys: Any = None) -> tuple[jax.Array, Layers]:
        def run(network: Any, xs: Array) -> tuple[jax.Array, Layers]:
            _, ys, layers = running(network, self.error.spread)(network.initial_states(len(xs)), xs)
            return ys[:, -1], layers

        return over_windows(run, model, keys, data[0][index])

    def compared(self, outputs: Any, model: Any, data: Any, index: jax.Array) -> jax.Array:
        targets, seen = self._targets(data, index)
        return self.error.mean(outputs, targets, 1.0, seen)

    def terms(self, data: Any, index: jax.Array) -> Any:
        return self.error.terms_in(*self._targets(data, index))

    def matched(self) -> "LastStep":
        return dataclasses.replace(self, error=self.error.matched())

    def _targets(self, data: Any, index: jax.Array) -> tuple[Any, Any]:
        _, targets, *observed = data
        return targets[index], observed[0][index] if observed else None


def check_washout(washout: int, steps: int) -> None:
    """ConfigError for a washout that leaves nothing of a window."""
    if not 0 <= washout < steps:
        raise ConfigError(f"`washout` is {washout}: it is from 0 to {steps - 1}, less than a window")


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
