"""Long short-term memory."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from recurra.cells.cell import Array, Cell, Matrix
from recurra.cells.initial import glorot_uniform, orthogonal, zeros


class LSTM(Cell):
    r"""Long short-term memory with a forget gate. The lecture's write, keep and read are i, f and o.

    .. math::
        (i, f, g, o) &= U x_t + W h_{t-1} + b \\
        c_t &= \sigma(f) \odot c_{t-1} + \sigma(i) \odot \tanh(g) \\
        h_t &= \sigma(o) \odot \tanh(c_t)

    Args:
        U: input-hidden weights (4 units, inputs): the rows of i, f, g, o in this order.
        W: hidden-hidden weights (4 units, units), the same rows.
        b: bias (4 units,).

    References: S. Hochreiter, J. Schmidhuber, Neural Computation 9 (1997) 1735-1780; the forget gate: F. A. Gers,
    J. Schmidhuber, F. Cummins, Neural Computation 12 (2000) 2451-2471.
    """

    gates: ClassVar[int] = 4

    U: Matrix
    W: Matrix
    b: Array

    @staticmethod
    def draw(inputs: int, units: int, rng: np.random.Generator | None) -> "LSTM":
        """Keras' LSTM: 4 units (inputs + units + 1) parameters, forget bias 1."""
        b = zeros(4 * units, rng)
        if rng is not None:
            b[units : 2 * units] = 1
        return LSTM(glorot_uniform(4 * units, inputs, rng), orthogonal(4 * units, units, rng), b)

    def initial_state(self) -> tuple[jax.Array, jax.Array]:
        start = jnp.zeros(self.W.shape[1], self.W.dtype)
        return start, start

    def __call__(self, state: tuple[Array, Array], x: Array) -> tuple[jax.Array, jax.Array]:
        h, c = state
        i, f, g, o = jnp.split(self.U @ x + self.W @ h + self.b, 4)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return jax.nn.sigmoid(o) * jnp.tanh(c), c
