"""`Stack`: recurrent layers on top of each other, and a readout."""

import dataclasses
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from recurra.cells import GRU, LSTM, Array, Cell, Elman, activation, damped, run_cell
from recurra.errors import ConfigError, unknown
from recurra.models.dense import Dense
from recurra.models.model import Layers, Model
from recurra.models.tensors import in_precision

CELLS: dict[str, type[Elman] | type[GRU] | type[LSTM]] = {"elman": Elman, "gru": GRU, "lstm": LSTM}


class Stack(Model):
    r"""Recurrent layers on top of each other, and a readout of the topmost.

    .. math:: h^{(l)}_t = \mathrm{cell}_l(h^{(l)}_{t-1}, h^{(l-1)}_t), \quad h^{(0)}_t = x_t, \quad
        y_t = \mathrm{readout}(h^{(L)}_t)

    Args:
        cells: one cell a layer.
        readout: dense layers applied in turn.
        scale: as of `Model`.
        dropout: share of the inputs of every recurrent layer that is left out in a training sequence.
        recurrent_dropout: the same of the hidden activity that is fed back.
    """

    cells: tuple[Cell, ...]
    readout: tuple[Dense, ...]
    scale: Array | None = None  # pyright: ignore[reportIncompatibleMethodOverride]
    dropout: float = eqx.field(static=True, default=0.0)
    recurrent_dropout: float = eqx.field(static=True, default=0.0)

    @staticmethod
    def draw(
        cell: str | Any,
        inputs: int,
        outputs: int,
        *,
        units: int,
        layers: int = 1,
        hidden: Sequence[int] = (),
        hidden_activation: str = "relu",
        scale: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        precision: str = "float32",
        seed: int | None,
        **options: Any,
    ) -> "Stack":
        """A stack of `layers` cells of one kind, drawn from `seed`.

        Args:
            cell: "elman", "gru", "lstm", or a class with `draw(inputs, units, rng, **options)`.
            inputs, outputs: columns of x and y.
            units: hidden units of each layer.
            layers: number of cells.
            hidden: units of each hidden layer of the readout, the first first; the last layer is linear.
            hidden_activation: of those.
            scale, dropout, recurrent_dropout: of the model.
            precision: "float32" or "float64".
            seed: of the weights; None makes zeros that take no memory, for their names and shapes.
            options: of the cell, such as `activation` or `reset_after`.
        """
        if isinstance(cell, str) and cell not in CELLS:
            raise ConfigError(unknown("cell", cell, CELLS))
        kind = CELLS[cell] if isinstance(cell, str) else cell
        rng = None if seed is None else np.random.default_rng(seed)
        cells = tuple(kind.draw(inputs if l == 0 else units, units, rng, **options) for l in range(layers))
        readout = draw_readout((units, *hidden, outputs), hidden_activation, rng)
        return in_precision(Stack(cells, readout, scale, dropout, recurrent_dropout), precision)

    @property
    def drops(self) -> bool:
        return self.dropout > 0 or self.recurrent_dropout > 0

    def with_dropout(self, key: jax.Array) -> "Stack":
        cells = drop_cells(self.cells, key, self.dropout, self.recurrent_dropout)
        return dataclasses.replace(self, cells=cells, dropout=0.0, recurrent_dropout=0.0)

    def initial_state(self) -> tuple[Any, ...]:
        """The state of every layer before any input."""
        return tuple(cell.initial_state() for cell in self.cells)

    def run(
        self, state: Any, xs: Array, present: Array | None = None, *, forward_mode: bool = False
    ) -> tuple[Any, jax.Array]:
        new, outputs, _ = self._run(state, xs, present, forward_mode)
        return new, outputs

    def run_layers(self, state: Any, xs: Array, present: Array | None = None) -> tuple[Any, jax.Array, Layers]:
        new, outputs, ran = self._run(state, xs, present, False)
        return new, outputs, tuple(damped(cell, old, xs, hs, present) for cell, old, xs, hs in ran)

    def _run(self, state: Any, xs: Array, present: Array | None, forward_mode: bool) -> tuple[Any, jax.Array, Any]:
        """`run`, and of every layer its cell, state before, inputs and outputs."""
        h, states, ran = xs, [], []
        for cell, old in zip(self.cells, state, strict=True):
            seen = h
            new, h = run_cell(cell, old, seen, present, forward_mode=forward_mode)
            states.append(new)
            ran.append((cell, old, seen, h))
        for layer in self.readout:
            h = layer(h)
        return tuple(states), jnp.asarray(self._from(xs, h)), ran

    def step(self, state: tuple[Any, ...], x: Array) -> tuple[tuple[Any, ...], Array]:
        h, states = x, []
        for cell, old in zip(self.cells, state, strict=True):
            new = cell(old, h)
            h = cell.output(new)
            states.append(new)
        for layer in self.readout:
            h = layer(h)
        return tuple(states), self._from(x, h)


def draw_readout(sizes: Sequence[int], hidden: str, rng: np.random.Generator | None) -> tuple[Dense, ...]:
    """Dense layers from each of the sizes to the next, `hidden` the activation of all but the last."""
    last = len(sizes) - 2
    return tuple(Dense.draw(a, b, rng, hidden if l < last else "identity") for l, (a, b) in enumerate(pairwise(sizes)))


def drop_cells(cells: Sequence[Any], key: jax.Array, inputs: float, recurrent: float) -> tuple[Any, ...]:
    """Each cell with masks of its own."""
    keys = jax.random.split(key, len(cells))
    return tuple(cell.with_dropout(own, inputs, recurrent) for cell, own in zip(cells, keys, strict=True))


def with_output(model: Stack, name: str) -> Stack:
    """The model with an activation of its output, such as softmax or logistic: probabilities of a trained classifier.

    A loss for classes takes the linear outputs (logits) in training: their logarithm never overflows.
    """
    activation(name)
    last = dataclasses.replace(model.readout[-1], activation=name)
    return dataclasses.replace(model, readout=(*model.readout[:-1], last))
