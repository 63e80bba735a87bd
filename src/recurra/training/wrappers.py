"""Models around a model, with something more to train: the spread of its forecasts, or the state it starts from."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from recurra.cells import Array
from recurra.errors import ConfigError
from recurra.models import Layers, Model


class Around(eqx.Module):
    """What models around a model share: it is the one inside that drops, begins, and learns increments or values.

    Args:
        model: the one inside.
    """

    model: Any

    @property
    def scale(self) -> Array | None:
        """That of the model inside."""
        return self.model.scale

    @property
    def drops(self) -> bool:
        """Whether the model inside does."""
        return self.model.drops

    def with_dropout(self, key: jax.Array) -> Any:
        """The same around the model inside with its masks drawn."""
        return dataclasses.replace(self, model=self.model.with_dropout(key))

    def initial_state(self) -> Any:
        """That of the model inside."""
        return self.model.initial_state()

    def step(self, state: Any, x: Array) -> tuple[Any, Array]:
        """That of the model inside."""
        return self.model.step(state, x)


class Gaussian(Around, Model):
    r"""A model of a normal distribution for every channel; `step` gives its means.

    .. math:: y_t \sim \mathcal N(\mu_t, s^2 e^{a_t})

    So the closed loop, forecasts and scores run on the means, and `distribution` gives both.

    Args:
        model: with two outputs a channel: all means, then all logarithms a of variances; its own `scale` is None.
        scale: s, as of `Model`: the means are increments to the inputs then, and so is the unit of the spread.

    Raises:
        ConfigError: `model` learns increments by itself.

    Example:
        >>> from recurra.models import Stack
        >>> inner = Stack.draw("gru", 3, 4, units=5, seed=0)
        >>> Gaussian(inner)(np.zeros((10, 3), np.float32)).shape
        (10, 2)
    """

    scale: Array | None = None  # pyright: ignore[reportIncompatibleMethodOverride]

    def __check_init__(self) -> None:
        if self.model.scale is not None:
            raise ConfigError("the scale of increments belongs to the Gaussian model, not to the model inside it")

    def step(self, state: Any, x: Array) -> tuple[Any, Array]:
        state, both = self.distribution(state, x)
        return state, both[: len(both) // 2]

    def run(
        self, state: Any, xs: Array, present: Array | None = None, *, forward_mode: bool = False
    ) -> tuple[Any, jax.Array]:
        state, output = self.model.run(state, xs, present, forward_mode=forward_mode)
        return state, jnp.asarray(self._from(xs, jnp.split(output, 2, axis=-1)[0]))

    def run_distribution(self, state: Any, xs: Array, present: Array | None = None) -> tuple[Any, jax.Array, Layers]:
        """`run_layers`, with what `distribution` gives at every step."""
        state, output, layers = self.model.run_layers(state, xs, present)
        mean, spread = jnp.split(output, 2, axis=-1)
        return state, jnp.concatenate([self._from(xs, mean), spread], axis=-1), layers

    def distribution(self, state: Any, x: Array) -> tuple[Any, jax.Array]:
        """The next state, and (2 channels,): all means, then all logarithms of variances in the unit of `scale`."""
        state, output = self.model.step(state, x)
        mean, spread = jnp.split(jnp.asarray(output), 2)
        return state, jnp.concatenate([self._from(x, mean), spread])


class LearnedStart(Around, Model):
    """A model whose state before any input is trained with its weights, for all units or some of them.

    Args:
        model: the model itself. To learn a spread too, put the `Gaussian` outside.
        start: the initial state, of the structure of the model's own.
        units: where it is trained: True and False in that structure; elsewhere the model's own state stays. None for
            everywhere.

    Example:
        >>> from recurra.models import Stack
        >>> LearnedStart.of(Stack.draw("lstm", 1, 1, units=3, seed=0)).start[0][0].shape
        (3,)
    """

    start: Any
    units: Any = None

    @staticmethod
    def of(model: Model, units: Any = None) -> "LearnedStart":
        """The model that begins to learn from its own initial state.

        Raises:
            ConfigError: `units` has not the structure and shapes of the state.
        """
        with jax.enable_x64(model.dtype == np.float64):
            start = jax.tree.map(np.asarray, model.initial_state())
        if units is not None:
            units = jax.tree.map(lambda leaf: np.asarray(leaf, bool), units)
            given, needed = ((jax.tree.structure(t), [a.shape for a in jax.tree.leaves(t)]) for t in (units, start))
            if given != needed:
                raise ConfigError(f"`units` of a learned start have shapes {given[1]}, the state has {needed[1]}")
        return LearnedStart(model, start, units)

    def initial_state(self) -> Any:
        if self.units is None:
            return self.start
        return jax.tree.map(_where, self.units, self.start, self.model.initial_state())

    def run(
        self, state: Any, xs: Array, present: Array | None = None, *, forward_mode: bool = False
    ) -> tuple[Any, jax.Array]:
        return self.model.run(state, xs, present, forward_mode=forward_mode)

    def run_layers(self, state: Any, xs: Array, present: Array | None = None) -> tuple[Any, jax.Array, Layers]:
        return self.model.run_layers(state, xs, present)


def _where(units: Any, learned: Any, fixed: Any) -> Any:
    """`learned` at those units, in NumPy where it is NumPy: a model that is not being trained compiles nothing."""
    return (np if isinstance(learned, np.ndarray) else jnp).where(units, learned, fixed)


def stepping(model: Any, spread: bool) -> Any:
    """The step of a model whose outputs a loss compares: with the spread beside the means where it asks for it.

    Raises:
        ConfigError: the model has no spread.
    """
    if not spread:
        return model.step
    if not hasattr(model, "distribution"):
        raise ConfigError("the loss 'gaussian' needs a spread beside every mean: a `recurra.training.Gaussian` model")
    return model.distribution


def running(model: Any, spread: bool) -> Any:
    """`stepping` for a batch of sequences: `run_layers`, with the spread where a loss asks for it."""
    stepping(model, spread)
    return model.run_distribution if spread else model.run_layers
