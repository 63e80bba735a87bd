"""The gated recurrent unit, with the reset gate after or before the matrix product."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from recurra.cells.cell import Array, Cell, Matrix
from recurra.cells.initial import glorot_uniform, orthogonal, zeros


class GRU(Cell):
    r"""Gated recurrent unit.

    .. math::
        z &= \sigma(U_z x_t + b_z + W_z h_{t-1} + d_z) \\
        r &= \sigma(U_r x_t + b_r + W_r h_{t-1} + d_r) \\
        n &= \tanh(U_n x_t + b_n + r \odot (W_n h_{t-1} + d_n)) \\
        h_t &= z \odot h_{t-1} + (1 - z) \odot n

    With d = None the reset gate comes before the matrix product, and there is one bias:

    .. math:: n = \tanh(U_n x_t + b_n + W_n (r \odot h_{t-1}))

    Args:
        U: input-hidden weights (3 units, inputs): the rows of z, r, n in this order.
        W: hidden-hidden weights (3 units, units), the same rows.
        b: bias of the input part (3 units,).
        d: bias of the recurrent part (3 units,); None for the reset gate before the product.

    Reference: K. Cho et al., Learning phrase representations using RNN encoder-decoder, EMNLP 2014,
    arXiv:1406.1078: version 1 has the reset gate after the product (Keras' and PyTorch's default), version 3 before.
    """

    gates: ClassVar[int] = 3

    U: Matrix
    W: Matrix
    b: Array
    d: Array | None

    @staticmethod
    def draw(inputs: int, units: int, rng: np.random.Generator | None, reset_after: bool = True) -> "GRU":
        """Keras' GRU: 3 units (inputs + units + 2) parameters, or + 1 with the reset gate before the product."""
        U, d = glorot_uniform(3 * units, inputs, rng), zeros(3 * units, rng) if reset_after else None
        return GRU(U, orthogonal(3 * units, units, rng), zeros(3 * units, rng), d)

    @property
    def reset_after(self) -> bool:
        """Whether the reset gate comes after the matrix product."""
        return self.d is not None

    def initial_state(self) -> Array:
        return np.zeros(self.W.shape[1], self.W.dtype)

    def __call__(self, state: Array, x: Array) -> jax.Array:
        if self.d is None:
            return self._reset_before(state, x)
        from_input = jnp.split(self.U @ x + self.b, 3)
        from_state = jnp.split(self.W @ state + self.d, 3)
        z = jax.nn.sigmoid(from_input[0] + from_state[0])
        r = jax.nn.sigmoid(from_input[1] + from_state[1])
        n = jnp.tanh(from_input[2] + r * from_state[2])
        return z * state + (1 - z) * n

    def _reset_before(self, state: Array, x: Array) -> jax.Array:
        units = len(state)
        a = self.U @ x + self.b
        z, r = jnp.split(jax.nn.sigmoid(a[: 2 * units] + self.W[: 2 * units] @ state), 2)
        n = jnp.tanh(a[2 * units :] + self.W[2 * units :] @ (r * state))
        return z * state + (1 - z) * n
