"""What structural damping keeps from moving: the hidden activity of a layer, and what its nonlinearity is given."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from recurra.cells.cell import Array, Cell
from recurra.cells.elman import Elman
from recurra.cells.gru import GRU
from recurra.cells.lstm import LSTM


class Damped(NamedTuple):
    r"""A layer along a batch of sequences, in the three metrics: s and the weights D of its squared change s' D s.

    Args:
        post: h itself; D = 1.
        pre: a, what the nonlinearity of the hidden activity (LSTM, GRU: of the candidate) is given; D = 1. None for a
            cell of which it is not known.
        matched: the loss that fits the nonlinearity, D = d sigma / d a on a: 1 - tanh^2 for tanh, sigma (1 - sigma) for
            the logistic function. Where h = sigma(a) it is D = 1 / (d sigma / d a) on h, which needs no further
            product. None where there is no such loss.

    Each is (s, D), both (batch, steps, units) or D a number.
    """

    post: tuple[Any, Any]
    pre: tuple[Any, Any] | None = None
    matched: tuple[Any, Any] | None = None


_SLOPES = {"tanh": lambda h: 1 - h**2, "logistic": lambda h: h * (1 - h)}


def damped(cell: Cell, start: Any, xs: Array, hs: Array, present: Array | None = None) -> Damped:
    """What of a layer structural damping looks at, after it has run.

    Args:
        cell: of the layer.
        start: its state before, a leading batch axis on every array.
        xs: its inputs (batch, steps, inputs).
        hs: its outputs (batch, steps, units).
        present: (batch, steps), as of `run_cell`; what is at other steps is not looked at and has no weight.

    Reference: J. Martens, I. Sutskever, Learning recurrent neural networks with Hessian-free optimization, ICML 2011.
    """
    there = jnp.ones((*hs.shape[:2], 1), bool) if present is None else jnp.asarray(present)[..., None]
    xs = jnp.where(there, xs, 0.0)
    there = there.astype(hs.dtype)
    post = hs, there
    if not isinstance(cell, Elman | LSTM | GRU):
        return Damped(post)
    first = jax.vmap(cell.output)(start)
    before = jnp.concatenate([jnp.asarray(first)[:, None], hs[:, :-1]], axis=1)
    a = jax.vmap(jax.vmap(lambda h, x: _summed(cell, h, x)))(before, xs)
    if not isinstance(cell, Elman):
        return Damped(post, (a, there), (a, there * (1 - jnp.tanh(a) ** 2)))
    if cell.activation not in _SLOPES:
        return Damped(post, (a, there))
    slope = _SLOPES[cell.activation](hs)
    # of a unit that is saturated to the last bit no change is left: it needs no weight
    weight = jnp.where(slope > 0, 1 / jnp.where(slope > 0, slope, 1), 0.0)
    return Damped(post, (a, there), (hs, there * weight))


def _summed(cell: Elman | LSTM | GRU, h: Array, x: Array) -> jax.Array:
    """What the nonlinearity of the hidden activity is given, from the activity before."""
    if isinstance(cell, Elman):
        return jnp.asarray(cell.U @ x + cell.W @ h + cell.b)
    n = cell.W.shape[1]
    if isinstance(cell, LSTM):
        rows = slice(2 * n, 3 * n) if cell.forget_gate else slice(n, 2 * n)
        return jnp.asarray(cell.U[rows] @ x + cell.W[rows] @ h + cell.b[rows])
    r, rows = jax.nn.sigmoid, slice(n, 2 * n)
    if cell.d is None:
        reset = r(cell.U[rows] @ x + cell.b[rows] + cell.W[rows] @ h)
        return jnp.asarray(cell.U[2 * n :] @ x + cell.b[2 * n :] + cell.W[2 * n :] @ (reset * h))
    reset = r(cell.U[rows] @ x + cell.b[rows] + cell.W[rows] @ h + cell.d[rows])
    return jnp.asarray(cell.U[2 * n :] @ x + cell.b[2 * n :] + reset * (cell.W[2 * n :] @ h + cell.d[2 * n :]))
