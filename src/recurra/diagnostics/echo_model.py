"""An echo state network as a JAX model: for derivatives, which the kernels and NumPy do not have."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import scipy.sparse

from recurra.cells import Array
from recurra.models import Model
from recurra.reservoirs import EchoState, Reservoir
from recurra.reservoirs.features import expand


class EchoModel(Model):
    """The network of `EchoState`, one step for one datum.

    Args:
        columns, weights: of every unit the units that it hears, and how loud (units, most connections of a unit),
            padded with zeros. A reservoir that is an array has no `columns`, and `weights` are all of it.
        W_in, b, leak: of the reservoir.
        coefficients: of the readout.
        lags, increment, readout_features: as of `EchoState`.
        known: what is known of the next row, for one datum, in `jax.numpy`; None for nothing.
    """

    columns: np.ndarray | None
    weights: Any
    W_in: Any
    b: Any
    leak: Any
    coefficients: Any
    lags: int = eqx.field(static=True)
    increment: bool = eqx.field(static=True)
    readout_features: str = eqx.field(static=True)
    known: Any = None
    scale: Array | None = None  # pyright: ignore[reportIncompatibleMethodOverride]

    @staticmethod
    def of(network: EchoState) -> "EchoModel":
        """The model with the arrays of a fitted network."""
        reservoir = network.reservoir
        columns, weights = _padded(reservoir.W)
        arrays = reservoir.W_in, reservoir.b, np.asarray(reservoir.leak, reservoir.dtype), network.coefficients
        known = None if network.known is None else network.known.step  # pyright: ignore[reportFunctionMemberAccess]
        return EchoModel(columns, weights, *arrays, network.lags, network.increment, network.readout_features, known)

    @staticmethod
    def without_readout(reservoir: Reservoir) -> "EchoModel":
        """The model of a reservoir that nothing is read from: its outputs are empty."""
        return EchoModel.of(EchoState(reservoir, np.zeros((0, 1 + reservoir.units)), lags=0))

    def initial_state(self) -> Any:
        units, features = self.W_in.shape
        return jnp.zeros(units + max(0, self.lags - 1) * features, self.b.dtype)

    def step(self, state: Any, x: Array) -> tuple[Any, Array]:
        units, features = self.W_in.shape
        h, recent = state[:units], jnp.concatenate([x, state[units:]])
        heard = self.weights @ h if self.columns is None else jnp.sum(self.weights * h[self.columns], axis=1)
        h = (1 - self.leak) * h + self.leak * jnp.tanh(heard + self.W_in @ x + self.b)
        seen = jnp.concatenate([recent[: self.lags * features], expand(h, self.readout_features)])
        y = self.coefficients[:, 0] + self.coefficients[:, 1:] @ seen
        if self.known is not None:
            y = y + self.known(x)[: len(y)]
        new = jnp.concatenate([h, recent[: len(state) - units]])
        return new, x[: len(y)] + y if self.increment else y


def _padded(W: scipy.sparse.csr_array | np.ndarray) -> tuple[np.ndarray | None, np.ndarray]:
    if isinstance(W, np.ndarray):
        return None, W
    counts = np.diff(W.indptr)
    most = max(1, int(counts.max(initial=0)))
    there = np.arange(most) < counts[:, None]
    columns, weights = np.zeros(there.shape, np.int64), np.zeros(there.shape, W.dtype)
    columns[there], weights[there] = W.indices, W.data
    return columns, weights
