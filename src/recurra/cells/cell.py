"""`Cell`: `(state, x) -> state` for one datum, and dropout that is constant over a sequence."""

from abc import abstractmethod
from typing import Any, ClassVar

import equinox as eqx
import jax
import numpy as np

from recurra.errors import ConfigError

Array = jax.Array | np.ndarray


class Dropped(eqx.Module):
    """A matrix A that sees some of what it multiplies: A @ v is A (m v), m the mask.

    Args:
        matrix: A (rows, columns).
        mask: m (columns,), zero or 1 / (share that is kept).
    """

    matrix: Array
    mask: Array

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        return self.matrix.shape

    @property
    def dtype(self) -> Any:
        """float32 or float64."""
        return self.matrix.dtype

    def __getitem__(self, rows: slice) -> "Dropped":
        return Dropped(self.matrix[rows], self.mask)

    def __matmul__(self, v: Array) -> jax.Array:
        return jax.numpy.asarray(self.matrix @ (self.mask * v))


Matrix = jax.Array | np.ndarray | Dropped


class Cell(eqx.Module):
    """Interface of a recurrent cell; `gates` counts the rows of units in its matrices.

    A cell of one's own is such a class, or any `equinox.Module` with `initial_state` and `__call__`. Its arrays are
    the weights; numbers of Python are constants.
    """

    gates: ClassVar[int] = 1

    @abstractmethod
    def initial_state(self) -> Any:
        """The state before any input: zeros."""

    @abstractmethod
    def __call__(self, state: Any, x: Array) -> Any:
        """The next state, from this state and the input x of shape (inputs,)."""

    def output(self, state: Any) -> Array:
        """What the layer above sees of a state: the hidden activity h of shape (units,).

        Unless a cell says otherwise, the state itself, or the first of several.
        """
        return state[0] if isinstance(state, tuple) else state

    def with_dropout(self, key: jax.Array, inputs: float, recurrent: float) -> "Cell":
        r"""The cell for one training sequence, with some of its connections left out.

        .. math:: U x_t \to U (m_x \odot x_t), \quad W h_t \to W (m_h \odot h_t)

        The entries of a mask are 0 with the probability p, and 1 / (1 - p) otherwise: the mean is 1. They are drawn
        once and stay the same over all steps of the sequence.

        Args:
            key: of the masks.
            inputs: p of the entries of x.
            recurrent: p of the entries of h, where a matrix multiplies it; no memory is dropped.

        Raises:
            ConfigError: the cell has no matrices `U` and `W`.

        Reference: Y. Gal, Z. Ghahramani, A theoretically grounded application of dropout in recurrent neural
        networks, NeurIPS 2016, arXiv:1512.05287.
        """
        return with_dropout(self, key, inputs, recurrent)


def with_dropout(cell: Any, key: jax.Array, inputs: float, recurrent: float) -> Any:
    """`Cell.with_dropout` for any module with matrices U, which multiplies x, and W, which multiplies h."""
    keys = jax.random.split(key)
    for name, each, rate in (("U", keys[0], inputs), ("W", keys[1], recurrent)):
        if rate == 0:
            continue
        matrix: Any = getattr(cell, name, None)
        if np.ndim(matrix) != 2:
            raise ConfigError(
                f"dropout masks what the matrices `U` and `W` of a cell multiply, and {type(cell).__name__} has no "
                f"matrix `{name}`: name them so, or give the cell a method `with_dropout(key, inputs, recurrent)`"
            )
        kept = jax.random.bernoulli(each, 1 - rate, matrix.shape[1:])
        mask = (kept / (1 - rate)).astype(matrix.dtype)
        cell = eqx.tree_at(lambda c, name=name: getattr(c, name), cell, Dropped(matrix, mask))
    return cell
