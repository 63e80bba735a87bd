"""`Dense`: a layer without memory."""

import equinox as eqx
import jax
import numpy as np

from recurra.cells import ACTIVATIONS, Array, activation, glorot_uniform, zeros


class Dense(eqx.Module):
    r"""One layer of a readout.

    .. math:: y = \sigma(V h + c)

    Args:
        V: weights (outputs, units).
        c: bias (outputs,).
        activation: name of sigma, one of `recurra.cells.ACTIVATIONS`.
    """

    V: Array
    c: Array
    activation: str = eqx.field(static=True, default="identity")

    @staticmethod
    def draw(inputs: int, outputs: int, rng: np.random.Generator | None, activation: str = "identity") -> "Dense":
        """Glorot-uniform weights, zero bias: outputs (inputs + 1) parameters."""
        return Dense(glorot_uniform(outputs, inputs, rng), zeros(outputs, rng), activation)

    def __check_init__(self) -> None:
        activation(self.activation)

    def __call__(self, h: Array) -> jax.Array:
        """y (..., outputs) of h (..., units)."""
        return ACTIVATIONS[self.activation](h @ self.V.T + self.c)
