"""The echo state network: a reservoir and its readout, as a forecaster."""

from dataclasses import dataclass

import numpy as np

from recurra._types import LOST, Batch, BatchDrive, BatchInputs, Known, Row
from recurra.reservoirs.features import expand
from recurra.reservoirs.reservoir import Reservoir
from recurra.reservoirs.running import native, native_free_run, native_run


@dataclass(frozen=True, eq=False)
class EchoState:
    r"""An echo state network; only the readout [c, V] is trained.

    .. math:: h_t = \mathrm{reservoir}(h_{t-1}, x_t), \qquad
        y_{t+1} = c + V [x_t; x_{t-1}; \ldots; x_{t-l+1}; \phi(h_t)] \; [+ \; y_t]

    Args:
        reservoir: the fixed recurrent part.
        coefficients: [c, V], shape (channels, 1 + l features + size of phi); a stack (candidates, ...) in validation,
            where the batch is a whole number of blocks, one a candidate.
        lags: inputs l that the readout sees directly, the latest first; 0 for none.
        increment: the readout gives y[t+1] - y[t].
        readout_features: phi, a key of `READOUT_FEATURES`.
        known: the readout gives what is left of y[t+1] beside known(x_t), an equation's step; not with `increment`.

    The state is [h_t, x_t, ..., x_{t-l+2}] side by side.

    Reference: H. Jaeger, The "echo state" approach to analysing and training recurrent neural networks,
    GMD Report 148, 2001.
    """

    reservoir: Reservoir
    coefficients: np.ndarray
    lags: int = 1
    increment: bool = False
    readout_features: str = "states"
    known: Known | None = None

    @property
    def channels(self) -> int:
        """The number of forecast channels."""
        return self.coefficients.shape[-2]

    def initial_state(self, batch: int) -> np.ndarray:
        width = self.reservoir.units + max(0, self.lags - 1) * self.reservoir.features
        return np.zeros((batch, width), self.reservoir.dtype)

    def warm(self, state: np.ndarray, inputs: BatchInputs) -> np.ndarray:
        """The state that a batch of input sequences (batch, rows, features) leads to."""
        kernel = native(self.reservoir)
        if kernel is not None:
            return native_run(self, kernel, state, inputs, read=False)[0]
        for t in range(inputs.shape[1]):
            state, _ = self.step(state, inputs[:, t])
        return state

    def run(self, state: np.ndarray, inputs: BatchInputs) -> tuple[np.ndarray, Batch]:
        kernel = native(self.reservoir)
        if kernel is not None:
            state, forecasts = native_run(self, kernel, state, inputs)
        else:
            forecasts = np.empty((*inputs.shape[:2], self.channels))
            for t in range(inputs.shape[1]):
                state, seen = self.step(state, inputs[:, t])
                forecasts[:, t] = self.read(seen, inputs[:, t])
        if self.known is not None:
            forecasts = forecasts + self.known(inputs.reshape(-1, inputs.shape[2])).reshape(forecasts.shape)
        return state, forecasts

    def free_run(self, state: np.ndarray, last: Row, drive: BatchDrive) -> tuple[np.ndarray, Batch]:
        kernel = native(self.reservoir)
        if kernel is not None and self.known is None:
            return native_free_run(self, kernel, state, last, drive)
        forecasts = np.empty((len(last), drive.shape[1], self.channels))
        y = last
        for k in range(drive.shape[1]):
            state, found = self.run(state, np.concatenate([y, drive[:, k]], axis=1)[:, None])
            y = forecasts[:, k] = np.clip(found[:, 0], -LOST, LOST)
        return state, forecasts

    def step(self, state: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The next state, and what the readout sees of it."""
        units = self.reservoir.units
        h = self.reservoir.step(state[:, :units], x)
        recent = np.concatenate([x, state[:, units:]], axis=1)
        kept = state.shape[1] - units
        seen = recent[:, : self.lags * x.shape[1]]
        observed = np.concatenate([seen, expand(h, self.readout_features)], axis=1)
        return np.concatenate([h, recent[:, :kept]], axis=1), observed

    def read(self, seen: np.ndarray, x: np.ndarray) -> np.ndarray:
        """The forecast from what the readout sees and the input of that step."""
        stack = self.coefficients[None] if self.coefficients.ndim == 2 else self.coefficients
        blocks = seen.reshape(len(stack), -1, seen.shape[1])
        y = stack[:, None, :, 0] + blocks @ stack[:, :, 1:].transpose(0, 2, 1)
        y = y.reshape(len(seen), -1)
        return x[:, : self.channels] + y if self.increment else y
