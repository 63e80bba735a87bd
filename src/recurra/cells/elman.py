"""The vanilla recurrent network."""

import equinox as eqx
import jax
import numpy as np

from recurra.cells.activations import ACTIVATIONS, activation
from recurra.cells.cell import Array, Cell, Matrix
from recurra.cells.initial import glorot_uniform, orthogonal, zeros


class Elman(Cell):
    r"""The vanilla recurrent network.

    .. math:: h_t = \sigma(U x_t + W h_{t-1} + b)

    Args:
        U: input-hidden weights (units, inputs).
        W: hidden-hidden weights (units, units).
        b: bias (units,).
        activation: name of sigma, one of `recurra.cells.ACTIVATIONS`.

    Reference: J. L. Elman, Finding structure in time, Cognitive Science 14 (1990) 179-211.
    """

    U: Matrix
    W: Matrix
    b: Array
    activation: str = eqx.field(static=True, default="tanh")

    @staticmethod
    def draw(inputs: int, units: int, rng: np.random.Generator | None, activation: str = "tanh") -> "Elman":
        """Keras' SimpleRNN: units (inputs + units + 1) parameters."""
        return Elman(glorot_uniform(units, inputs, rng), orthogonal(units, units, rng), zeros(units, rng), activation)

    def __check_init__(self) -> None:
        activation(self.activation)

    def initial_state(self) -> Array:
        return np.zeros(self.b.shape, self.b.dtype)

    def __call__(self, state: Array, x: Array) -> jax.Array:
        return ACTIVATIONS[self.activation](self.U @ x + self.W @ state + self.b)
