"""Recurrent cells: `(state, x) -> state`, written for one datum; batches come from `jax.vmap` outside.

The lecture's letters: `U` input to hidden, `W` hidden to hidden, `b` the bias; `h` is the hidden state and `c` the
memory cell. Weights are drawn in NumPy from a `numpy.random.Generator`, with the defaults that Keras documents:
Glorot-uniform `U`, orthogonal `W`, zero `b`, and 1 for the bias of the LSTM's forget gate.
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from recurra.errors import ConfigError

Array = jax.Array | np.ndarray

ACTIVATIONS: dict[str, Callable[[jax.Array], jax.Array]] = {"tanh": jnp.tanh, "relu": jax.nn.relu}


class Cell(eqx.Module):
    """Interface of a recurrent cell; `weights` names its arrays, `gates` counts the rows of units in them."""

    gates: ClassVar[int]
    weights: ClassVar[tuple[str, ...]]

    @abstractmethod
    def initial_state(self) -> Any:
        """The state before any input: zeros."""

    @abstractmethod
    def __call__(self, state: Any, x: Array) -> Any:
        """The next state, from this state and the input x of shape (inputs,)."""

    @abstractmethod
    def output(self, state: Any) -> jax.Array:
        """What the layer above sees of a state: the hidden activity h of shape (units,)."""


class Elman(Cell):
    r"""The vanilla recurrent network.

    .. math:: h_t = \sigma(U x_t + W h_{t-1} + b)

    Args:
        U: input-hidden weights (units, inputs).
        W: hidden-hidden weights (units, units).
        b: bias (units,).
        activation: name of sigma, "tanh" or "relu".

    Reference: J. L. Elman, Finding structure in time, Cognitive Science 14 (1990) 179-211.
    """

    gates: ClassVar[int] = 1
    weights: ClassVar[tuple[str, ...]] = ("U", "W", "b")

    U: Array
    W: Array
    b: Array
    activation: str = eqx.field(static=True, default="tanh")

    @staticmethod
    def draw(inputs: int, units: int, rng: np.random.Generator, activation: str = "tanh") -> "Elman":
        """Keras' SimpleRNN: units (inputs + units + 1) parameters."""
        if activation not in ACTIVATIONS:
            raise ConfigError(f"`activation={activation!r}` is not one of {', '.join(ACTIVATIONS)}")
        U = glorot_uniform(units, inputs, rng)
        return Elman(U, orthogonal(units, units, rng), _zeros(units), activation)

    def initial_state(self) -> jax.Array:
        return jnp.zeros_like(self.b)

    def __call__(self, state: jax.Array, x: Array) -> jax.Array:
        return ACTIVATIONS[self.activation](jnp.asarray(self.U @ x + self.W @ state + self.b))

    def output(self, state: jax.Array) -> jax.Array:
        return state


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
    weights: ClassVar[tuple[str, ...]] = ("U", "W", "b")

    U: Array
    W: Array
    b: Array

    @staticmethod
    def draw(inputs: int, units: int, rng: np.random.Generator) -> "LSTM":
        """Keras' LSTM: 4 units (inputs + units + 1) parameters, forget bias 1."""
        b = np.array(_zeros(4 * units))
        b[units : 2 * units] = 1
        return LSTM(glorot_uniform(4 * units, inputs, rng), orthogonal(4 * units, units, rng), b)

    def initial_state(self) -> tuple[jax.Array, jax.Array]:
        zeros = jnp.zeros(self.W.shape[1], self.W.dtype)
        return zeros, zeros

    def __call__(self, state: tuple[jax.Array, jax.Array], x: Array) -> tuple[jax.Array, jax.Array]:
        h, c = state
        i, f, g, o = jnp.split(self.U @ x + self.W @ h + self.b, 4)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return jax.nn.sigmoid(o) * jnp.tanh(c), c

    def output(self, state: tuple[jax.Array, jax.Array]) -> jax.Array:
        return state[0]


class GRU(Cell):
    r"""Gated recurrent unit, the reset gate applied after the matrix product (Keras' default).

    .. math::
        z &= \sigma(U_z x_t + b_z + W_z h_{t-1} + d_z) \\
        r &= \sigma(U_r x_t + b_r + W_r h_{t-1} + d_r) \\
        n &= \tanh(U_n x_t + b_n + r \odot (W_n h_{t-1} + d_n)) \\
        h_t &= z \odot h_{t-1} + (1 - z) \odot n

    Args:
        U: input-hidden weights (3 units, inputs): the rows of z, r, n in this order.
        W: hidden-hidden weights (3 units, units), the same rows.
        b: bias of the input part (3 units,).
        d: bias of the recurrent part (3 units,).

    Reference: K. Cho et al., Learning phrase representations using RNN encoder-decoder, EMNLP 2014,
    arXiv:1406.1078 (version 1 for this order of reset and product).
    """

    gates: ClassVar[int] = 3
    weights: ClassVar[tuple[str, ...]] = ("U", "W", "b", "d")

    U: Array
    W: Array
    b: Array
    d: Array

    @staticmethod
    def draw(inputs: int, units: int, rng: np.random.Generator) -> "GRU":
        """Keras' GRU: 3 units (inputs + units + 2) parameters."""
        U = glorot_uniform(3 * units, inputs, rng)
        return GRU(U, orthogonal(3 * units, units, rng), _zeros(3 * units), _zeros(3 * units))

    def initial_state(self) -> jax.Array:
        return jnp.zeros(self.W.shape[1], self.W.dtype)

    def __call__(self, state: jax.Array, x: Array) -> jax.Array:
        from_input = jnp.split(self.U @ x + self.b, 3)
        from_state = jnp.split(self.W @ state + self.d, 3)
        z = jax.nn.sigmoid(from_input[0] + from_state[0])
        r = jax.nn.sigmoid(from_input[1] + from_state[1])
        n = jnp.tanh(from_input[2] + r * from_state[2])
        return z * state + (1 - z) * n

    def output(self, state: jax.Array) -> jax.Array:
        return state


def glorot_uniform(rows: int, columns: int, rng: np.random.Generator) -> Any:
    r"""Uniform on (-l, l) with l = sqrt(6 / (rows + columns)), as float32.

    Reference: X. Glorot, Y. Bengio, Understanding the difficulty of training deep feedforward networks, AISTATS 2010.
    """
    limit = np.sqrt(6 / (rows + columns))
    return rng.uniform(-limit, limit, (rows, columns)).astype(np.float32)


def orthogonal(rows: int, columns: int, rng: np.random.Generator) -> Any:
    """A matrix with orthonormal columns (rows >= columns), uniformly distributed, as float32.

    Reference: A. M. Saxe, J. L. McClelland, S. Ganguli, Exact solutions to the nonlinear dynamics of learning in deep
    linear neural networks, arXiv:1312.6120; the sign convention: F. Mezzadri, Notices AMS 54 (2007) 592-604.
    """
    Q, R = np.linalg.qr(rng.standard_normal((rows, columns)))
    return (Q * np.sign(np.diag(R))).astype(np.float32)


def _zeros(size: int) -> Any:
    return np.zeros(size, np.float32)
