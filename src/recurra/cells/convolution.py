"""The causal convolution: a layer with a finite memory."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from recurra.cells.activations import ACTIVATIONS, activation
from recurra.cells.cell import Array, Cell, Matrix
from recurra.cells.initial import glorot_uniform, zeros


class Convolution(Cell):
    r"""A causal, dilated convolution in time; with one tap a dense layer, with k taps one on a window of k rows.

    .. math:: h_t = \sigma\left(\sum_{j=0}^{k-1} U_j x_{t-jd} + b\right)

    The state is the inputs that this and later outputs need: the last (k - 1) d + 1 of them (rows, inputs), the oldest
    first, zeros before the first one. Nothing is fed back.

    Args:
        U: weights (units, k inputs), [U_0, U_1, ...]: the columns of the newest input first.
        b: bias (units,).
        kernel: k, the number of taps.
        dilation: d, steps from one tap to the next.
        activation: name of sigma, one of `recurra.cells.ACTIVATIONS`.

    Reference: A. Waibel et al., Phoneme recognition using time-delay neural networks, IEEE Trans. ASSP 37 (1989)
    328-339; F. Yu, V. Koltun, Multi-scale context aggregation by dilated convolutions, ICLR 2016, arXiv:1511.07122.
    """

    U: Matrix
    b: Array
    kernel: int = eqx.field(static=True)
    dilation: int = eqx.field(static=True, default=1)
    activation: str = eqx.field(static=True, default="tanh")

    @staticmethod
    def draw(
        inputs: int,
        units: int,
        rng: np.random.Generator | None,
        kernel: int = 3,
        dilation: int = 1,
        activation: str = "tanh",
    ) -> "Convolution":
        """Glorot-uniform weights, zero bias: units (k inputs + 1) parameters."""
        U = glorot_uniform(units, kernel * inputs, rng)
        return Convolution(U, zeros(units, rng), kernel, dilation, activation)

    def __check_init__(self) -> None:
        activation(self.activation)

    @property
    def rows(self) -> int:
        """Inputs that an output depends on, and those between the taps: (k - 1) d + 1."""
        return (self.kernel - 1) * self.dilation + 1

    def initial_state(self) -> np.ndarray:
        return np.zeros((self.rows, self.U.shape[1] // self.kernel), self.b.dtype)

    def __call__(self, state: Array, x: Array) -> jax.Array:
        return jnp.concatenate([state[1:], x[None]])

    def output(self, state: Array) -> jax.Array:
        taps = state[:: -self.dilation]  # newest first
        return ACTIVATIONS[self.activation](self.U @ taps.reshape(-1) + self.b)


def receptive_field(layers: list[Convolution]) -> int:
    """Inputs that an output of convolutions on top of each other depends on: 1 + sum over layers of (k - 1) d."""
    return 1 + sum(layer.rows - 1 for layer in layers)
