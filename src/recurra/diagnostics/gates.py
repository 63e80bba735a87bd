"""The gates of an LSTM by the lecture's names, write, keep and read: looked at along a sequence, or held by hand."""

from typing import Any

import equinox as eqx
import jax
import numpy as np

from recurra.cells import LSTM, Array, Cell, Gates
from recurra.diagnostics.subject import subject
from recurra.errors import ConfigError
from recurra.models import Model, unroll


def gates(model: Any, xs: Any) -> dict[str, Gates]:
    r"""How far the gates of every LSTM layer are open along a sequence, and what the layer holds.

    .. math:: c_t = \mathrm{keep}_t \odot c_{t-1} + \mathrm{write}_t \odot \tanh(g_t), \quad
        h_t = \mathrm{read}_t \odot \tanh(c_t)

    Args:
        model: a `recurra.models.Model`, run from its initial state, or a fitted estimator that holds one.
        xs: what the model sees, (time, features); of an estimator, a series in the units of its data: step k sees
            row k and the drive of row k + 1, so that there is one step less than rows.

    Returns:
        By the name of the layer, such as "cells/0": h, c, write, keep and read, each (time, units).

    Raises:
        ConfigError: the model has no LSTM layer.
        DataError: inputs of another shape, or not finite; a series that the estimator was not made for.
        NotFittedError: an estimator before its fit.

    Example:
        >>> from recurra.models import Stack
        >>> found = gates(Stack.draw("lstm", 2, 1, units=3, seed=0), np.zeros((10, 2)))
        >>> found["cells/0"].keep.shape
        (10, 3)
    """
    network, inputs = subject(model, xs)
    names = [name for name, _ in _layers(network)]
    if not names:
        raise ConfigError("write, keep and read are the gates of LSTM layers, and this model has none")
    with jax.enable_x64(network.dtype == np.float64):
        found = jax.tree.map(np.asarray, _record(network, inputs.astype(network.dtype)))
    return dict(zip(names, found, strict=True))


def clamp(model: Any, layer: int = 0, *, write: Any = None, keep: Any = None, read: Any = None) -> Any:
    """The model with gates of one LSTM layer held by hand, in forward runs and in training.

    Args:
        model: a `recurra.models.Model`; it is not modified.
        layer: which of its LSTM layers, counted from the input.
        write, keep, read: as of `recurra.cells.LSTM.clamped`: a number, one a unit with None where the gate stays
            free, or None for a free gate.

    Raises:
        ConfigError: there is no such layer, or a value that cannot be.

    Example:
        >>> from recurra.models import Stack
        >>> held = clamp(Stack.draw("lstm", 1, 1, units=2, seed=0), keep=1.0, write=[0.0, None])
        >>> gates(held, np.ones((3, 1)))["cells/0"].write[:, 0].tolist()
        [0.0, 0.0, 0.0]
    """
    found = _layers(model)
    if not 0 <= layer < len(found):
        raise ConfigError(f"there is no LSTM layer {layer} in this model: it has {len(found)}, counted from 0")
    held = found[layer][1].clamped(write=write, keep=keep, read=read)
    return eqx.tree_at(lambda m: _layers(m)[layer][1], model, held)


class _Recording(Cell):
    """An LSTM whose next state shows its gates."""

    cell: LSTM

    def initial_state(self) -> Any:
        return self.cell.initial_state()

    def __call__(self, state: Any, x: Array) -> Gates:
        return self.cell.opened(state, x)


@eqx.filter_jit
def _record(model: Model, xs: Any) -> list[Gates]:
    recording = jax.tree.map(lambda part: _Recording(part) if _is_lstm(part) else part, model, is_leaf=_is_lstm)

    def step(state: Any, x: Any) -> tuple[Any, list[Gates]]:
        new, _ = recording.step(state, x)
        seen = [part for part in jax.tree.leaves(new, is_leaf=_is_gates) if _is_gates(part)]
        return jax.tree.map(lambda part: (part.h, part.c) if _is_gates(part) else part, new, is_leaf=_is_gates), seen

    return unroll(step, model.initial_state(), xs)[1]


def _layers(model: Any) -> list[tuple[str, LSTM]]:
    """The LSTM layers and their names."""
    parts = jax.tree_util.tree_flatten_with_path(model, is_leaf=_is_lstm)[0]
    return [(jax.tree_util.keystr(path, simple=True, separator="/"), part) for path, part in parts if _is_lstm(part)]


def _is_lstm(part: Any) -> bool:
    return isinstance(part, LSTM)


def _is_gates(part: Any) -> bool:
    return isinstance(part, Gates)
