"""How a cell runs over a batch of sequences: the one place that decides between the native kernels and the scan."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from recurra.cells.cell import Array, Cell, Dropped
from recurra.cells.elman import Elman
from recurra.cells.gru import GRU
from recurra.cells.lstm import LSTM, Clamp


def run_cell(
    cell: Cell, state: Any, xs: Array, present: Array | None = None, *, forward_mode: bool = False
) -> tuple[Any, jax.Array]:
    """Run a cell over a batch of sequences.

    Args:
        cell: of any kind. The vanilla network, GRU and LSTM run in the native kernels where these are there and know
            the form of the cell; everything else is scanned.
        state: of the cell, a leading batch axis on every array.
        xs: inputs (batch, steps, inputs).
        present: (batch, steps), False at steps that leave the state as it is, whatever x is there; None for all.
        forward_mode: the scan, whatever the cell: for second derivatives, which the kernels do not know, and for many
            tangents at once (`jax.jacfwd`), which they take one after the other. First derivatives of the kernels are
            there in both modes: `jax.grad`, `jax.jvp`, `jax.linearize` and `jax.linear_transpose` of that.

    Returns:
        The last state, and the outputs of the cell after every step (batch, steps, units).
    """
    if present is not None:
        xs = jnp.where(present[..., None], xs, 0.0)
    run = None if forward_mode else _native(cell)
    if run is not None:
        return run(state, jnp.asarray(xs), present)

    def step(state: Any, row: tuple[Any, Any]) -> tuple[Any, jax.Array]:
        x, there = row
        new = cell(state, x)
        if there is not None:
            new = jax.tree.map(lambda after, before: jnp.where(there, after, before), new, state)
        return new, jnp.asarray(cell.output(new))

    return jax.vmap(lambda s, x, p: jax.lax.scan(step, s, (x, p)))(state, xs, present)


def _native(cell: Any) -> Callable[[Any, jax.Array, Any], tuple[Any, jax.Array]] | None:
    """The kernel of a cell; None where there is none."""
    known = _KINDS.get(type(cell))
    if known is None or isinstance(cell.U, Dropped) or isinstance(cell.W, Dropped) or not known[1](cell):
        return None
    kind = known[0]
    from recurra.native import xla

    activation = getattr(cell, "activation", "tanh")
    if activation not in xla.sequences.ACTIVATIONS or not xla.available():
        return None
    layer = xla.Layer(kind, activation)

    def run(state: Any, xs: jax.Array, present: Any) -> tuple[Any, jax.Array]:
        dtype, lstm = cell.W.dtype, isinstance(cell, LSTM)
        none = np.zeros(0, dtype)
        h, c = state if lstm else (state, none)
        d = cell.d if isinstance(cell, GRU) else none
        mask = np.zeros(0, bool) if present is None else present
        found: Any = xla.run(layer, xs.astype(dtype), h, c, cell.U, cell.W, cell.b, d, mask)
        hs, h, c = found
        return (h, c) if lstm else h, hs

    return run


_KINDS: dict[Any, tuple[str, Callable[[Any], bool]]] = {  # and whether a cell has the form that the kernels know
    Elman: ("elman", lambda cell: True),
    GRU: ("gru", lambda cell: cell.d is not None),
    LSTM: ("lstm", lambda cell: cell.p is None and cell.forget_gate and cell.clamp == Clamp()),
}
