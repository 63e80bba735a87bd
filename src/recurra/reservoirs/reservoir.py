"""The reservoir: a leaky, randomly connected network that is never trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse

from recurra.errors import DataError
from recurra.native import echo
from recurra.reservoirs.running import native


@dataclass(frozen=True, eq=False)
class Reservoir:
    r"""A leaky-integrator reservoir.

    .. math:: h_t = (1 - a) h_{t-1} + a \tanh(W h_{t-1} + W_{in} x_t + b)

    Args:
        W: recurrent weights (units, units), sparse or an array; float64, or float32 for states in float32.
        W_in: input weights (units, features).
        b: bias (units,).
        leak: leaking rate a.

    The states are computed by the native kernels where `recurra.native.status` says so, and else by NumPy and SciPy.

    Reference: H. Jaeger, M. Lukosevicius, D. Popovici, U. Siewert, Neural Networks 20 (2007) 335-352.
    """

    W: scipy.sparse.csr_array | np.ndarray
    W_in: np.ndarray
    b: np.ndarray
    leak: float

    @property
    def units(self) -> int:
        """The number of units N."""
        return len(self.b)

    @property
    def features(self) -> int:
        """The number of input features."""
        return self.W_in.shape[1]

    @property
    def dtype(self) -> np.dtype:
        """The precision of the states."""
        return self.b.dtype

    def astype(self, dtype: Any) -> Reservoir:
        """The reservoir with its weights, and so its states, in float32 or float64."""
        if self.dtype == dtype:
            return self
        return replace(self, W=self.W.astype(dtype), W_in=self.W_in.astype(dtype), b=self.b.astype(dtype))

    def step(self, state: np.ndarray, x: np.ndarray) -> np.ndarray:
        """One step of a batch: state (batch, units), x (batch, features) -> state."""
        kernel = native(self)
        if kernel is not None:
            return echo.run(kernel, None, state, state[:, :0], x[:, None]).h
        drive = x.astype(self.dtype, copy=False) @ self.W_in.T + self.b
        return self._advance(state.astype(self.dtype, copy=False), drive)

    def harvest(self, state: np.ndarray, inputs: np.ndarray) -> np.ndarray:
        """The states (rows, units) that one sequence of inputs (rows, features) leads through from a state (units,)."""
        kernel = native(self)
        if kernel is not None:
            return echo.harvest([kernel], state[None], inputs[None])[0][0]
        states, state = (
            inputs.astype(self.dtype, copy=False) @ self.W_in.T + self.b,
            state.astype(self.dtype, copy=False),
        )
        for t in range(len(states)):
            state = self._advance(state, states[t])
            states[t] = state
        return states

    def _advance(self, state: np.ndarray, drive: np.ndarray) -> np.ndarray:
        leak = self.dtype.type(self.leak)
        new = np.tanh((self.W @ state.T).T + drive)
        if leak == 1:
            return new
        return (1 - leak) * state + leak * new


def harvest_many(
    reservoirs: Sequence[Reservoir], states: np.ndarray, inputs: np.ndarray, out: np.ndarray | None = None
) -> np.ndarray:
    """The states of several reservoirs at once: of as many units and features each, in one precision.

    Args:
        reservoirs: what is driven; each may run on a thread of its own.
        states: before the first row (reservoirs, units).
        inputs: (reservoirs, rows, features), or (rows, features) for all of them.
        out: where the result is to go; fresh memory costs as much as the states themselves.

    Returns:
        States after every row (reservoirs, rows, units), what `Reservoir.harvest` gives for each.

    Raises:
        DataError: reservoirs that differ in units, features or precision.

    Example:
        >>> from recurra.reservoirs import draw_reservoir
        >>> options = {"spectral_radius": 0.9, "in_degree": 3, "input_scaling": 1.0, "bias_scaling": 0.1, "leak": 0.5}
        >>> pair = [draw_reservoir(20, 1, seed=seed, **options) for seed in (0, 1)]
        >>> harvest_many(pair, np.zeros((2, 20)), np.ones((7, 1))).shape
        (2, 7, 20)
    """
    kinds = {(each.units, each.features, each.dtype) for each in reservoirs}
    if len(kinds) != 1:
        raise DataError(f"reservoirs that run together have as many units and features each, in one precision: {kinds}")
    each = np.broadcast_to(inputs, (len(reservoirs), *inputs.shape[-2:]))
    kernels = [native(reservoir) for reservoir in reservoirs]
    packed = [kernel for kernel in kernels if kernel is not None]
    if packed:
        return echo.harvest(packed, states, inputs if inputs.ndim == 3 else inputs[None], out=out)[0]
    found = [one.harvest(h, x) for one, h, x in zip(reservoirs, states, each, strict=True)]
    return np.stack(found, out=out)
