"""Models: a stack of cells and a readout, `step(state, x) -> (state, y)`; all else goes through `step`."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from recurra._types import LOST
from recurra.cells import GRU, LSTM, Array, Cell, Elman, glorot_uniform
from recurra.errors import ConfigError

CELLS: dict[str, type[Elman] | type[GRU] | type[LSTM]] = {"elman": Elman, "gru": GRU, "lstm": LSTM}


class Dense(eqx.Module):
    """One layer of a readout: y = sigma(V h + c), sigma the identity unless `relu` is set.

    Args:
        V: weights (outputs, units).
        c: bias (outputs,).
        relu: apply max(0, .) to the result.
    """

    weights: ClassVar[tuple[str, ...]] = ("V", "c")

    V: Array
    c: Array
    relu: bool = eqx.field(static=True, default=False)

    @staticmethod
    def draw(inputs: int, outputs: int, rng: np.random.Generator, relu: bool = False) -> "Dense":
        """Glorot-uniform weights, zero bias: outputs (inputs + 1) parameters."""
        return Dense(glorot_uniform(outputs, inputs, rng), np.zeros(outputs, np.float32), relu)

    def __call__(self, h: Array) -> jax.Array:
        y = jnp.asarray(self.V @ h + self.c)
        return jax.nn.relu(y) if self.relu else y


class Stack(eqx.Module):
    r"""Recurrent layers on top of each other, and a readout of the topmost.

    .. math:: h^{(l)}_t = \mathrm{cell}_l(h^{(l)}_{t-1}, h^{(l-1)}_t), \quad h^{(0)}_t = x_t, \quad
        y_t = \mathrm{readout}(h^{(L)}_t)

    A model that learns increments has a scale s, the size of y[t+1] - y[t] in each channel, and gives
    y_t = x_t[:channels] + s readout(h_t) instead.

    Args:
        cells: one cell a layer.
        readout: dense layers applied in turn.
        scale: s (channels,), not trained; None for a model that learns values.
    """

    cells: tuple[Cell, ...]
    readout: tuple[Dense, ...]
    scale: Array | None = None

    @staticmethod
    def draw(
        cell: str,
        inputs: int,
        outputs: int,
        *,
        units: int,
        layers: int = 1,
        hidden: Sequence[int] = (),
        scale: Any = None,
        seed: int,
        **options: Any,
    ) -> "Stack":
        """A stack of `layers` cells of the named kind, drawn from `seed`; `hidden` are ReLU layers in the readout."""
        if cell not in CELLS:
            raise ConfigError(f"`cell={cell!r}` is not one of {', '.join(CELLS)}")
        rng = np.random.default_rng(seed)
        cells = tuple(CELLS[cell].draw(inputs if l == 0 else units, units, rng, **options) for l in range(layers))
        sizes = (units, *hidden, outputs)
        last = len(sizes) - 2
        readout = tuple(Dense.draw(a, b, rng, relu=l < last) for l, (a, b) in enumerate(pairwise(sizes)))
        return Stack(cells, readout, scale)

    def initial_state(self) -> tuple[Any, ...]:
        """The state of every layer before any input."""
        return tuple(cell.initial_state() for cell in self.cells)

    def step(self, state: tuple[Any, ...], x: Array) -> tuple[tuple[Any, ...], Array]:
        """One step for one datum: x (inputs,) -> y (outputs,)."""
        h, states = x, []
        for cell, old in zip(self.cells, state, strict=True):
            new = cell(old, h)
            h = cell.output(new)
            states.append(new)
        for layer in self.readout:
            h = layer(h)
        if self.scale is not None:
            h = x[: h.shape[0]] + jax.lax.stop_gradient(self.scale) * h
        return tuple(states), h

    def __call__(self, xs: Array) -> jax.Array:
        """The outputs (time, outputs) for a sequence xs (time, inputs), from the initial state."""
        return unroll(self.step, self.initial_state(), xs)[1]


def unroll(step: Callable[[Any, Any], tuple[Any, Any]], state: Any, xs: Any) -> tuple[Any, Any]:
    """Run a step map over a sequence: the last state and every output. The one place that decides how."""
    return jax.lax.scan(lambda carry, x: step(carry, x), state, xs)


def closed_loop(
    step: Callable[[Any, Any], tuple[Any, Any]], state: Any, last: Array, drive: Array
) -> tuple[Any, jax.Array]:
    """Run a step map on its own output: y[0] = step(last), y[k+1] = step(y[k]), with row k of `drive` beside y[k-1].

    An output that runs away is held at LOST standard deviations.

    Args:
        step: `(state, x) -> (state, y)` with x = [y, drive].
        state: the state after all rows before `last`.
        last: the last true row (channels,).
        drive: (steps, drive) exogenous inputs; zero columns for none. Its length sets the number of steps.

    Returns:
        The last state, and the outputs (steps, channels).
    """

    def body(carry: tuple[Any, jax.Array], u: jax.Array) -> tuple[tuple[Any, jax.Array], jax.Array]:
        state, y = carry
        state, y = step(state, jnp.concatenate([y, u]))
        y = jnp.clip(y, -LOST, LOST)
        return (state, y), y

    (state, _), ys = unroll(body, (state, last), drive)
    return state, ys


def parameter_count(model: Stack) -> int:
    """The number of trainable numbers in a model: all weights, not the scale of the increments."""
    return sum(array.size for name, array in to_tensors(model).items() if name != "scale")


def to_tensors(model: Stack) -> dict[str, np.ndarray]:
    """The arrays of a model by their place in it, as "cells/0/W" and "readout/0/V"."""
    layers = [(f"cells/{l}", cell) for l, cell in enumerate(model.cells)]
    layers += [(f"readout/{l}", dense) for l, dense in enumerate(model.readout)]
    tensors = {f"{place}/{name}": np.asarray(getattr(part, name)) for place, part in layers for name in part.weights}
    return tensors if model.scale is None else {**tensors, "scale": np.asarray(model.scale)}


def from_tensors(cell: str, layers: int, tensors: dict[str, np.ndarray], options: dict[str, Any]) -> Stack:
    """The model of `to_tensors`, with one linear layer as readout."""
    kind = CELLS[cell]
    cells = tuple(kind(**{n: tensors[f"cells/{l}/{n}"] for n in kind.weights}, **options) for l in range(layers))
    return Stack(cells, (Dense(tensors["readout/0/V"], tensors["readout/0/c"]),), tensors.get("scale"))


def stack_shapes(cell: str, inputs: int, outputs: int, units: int, layers: int) -> dict[str, tuple[int, ...]]:
    """The shape of every weight of a stack with one linear layer as readout, without making it."""
    rows = CELLS[cell].gates * units
    shapes: dict[str, tuple[int, ...]] = {}
    for l in range(layers):
        sizes = {"U": (rows, inputs if l == 0 else units), "W": (rows, units), "b": (rows,), "d": (rows,)}
        shapes |= {f"cells/{l}/{name}": sizes[name] for name in CELLS[cell].weights}
    return {**shapes, "readout/0/V": (outputs, units), "readout/0/c": (outputs,)}
