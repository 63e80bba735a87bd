"""A step map on delayed rows: functions of the last rows and a linear readout of them, as a forecaster."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from recurra._types import LOST, Batch, BatchDrive, BatchInputs, Known, Row
from recurra.native import delays
from recurra.reservoirs.running import native_basis

BLOCK = 2**21  # values of the basis functions that are held at a time


@runtime_checkable
class Basis(Protocol):
    """Functions of a delay vector."""

    @property
    def size(self) -> int:
        """How many."""
        ...

    def __call__(self, z: np.ndarray) -> np.ndarray:
        """Their values (size, rows) for delay vectors (variables, rows)."""
        ...


class Delays:
    """What maps on delayed rows share: the state is the last (lags - 1) stride rows, oldest first."""

    features: int
    lags: int
    stride: int

    @property
    def order(self) -> int:
        """Rows that a forecast looks back on."""
        return 1 + (self.lags - 1) * self.stride

    def initial_state(self, batch: int) -> np.ndarray:
        return np.zeros((batch, self.order - 1, self.features))

    def warm(self, state: np.ndarray, inputs: BatchInputs) -> np.ndarray:
        """The state that a batch of input sequences (batch, rows, features) leads to."""
        known = np.concatenate([state, inputs], axis=1)
        return known[:, known.shape[1] - self.order + 1 :]


@dataclass(frozen=True, eq=False)
class DelayMap(Delays):
    r"""Forecast the next row from functions of the last rows, taken at a distance; only the readout is trained.

    .. math:: y_{t+1} = c + V \phi(z_t) \; [+ \; y_t], \qquad
        z_t = [x_t; x_{t-s}; \ldots; x_{t-(l-1)s}], \qquad x_t = [y_t; u_{t+1}]

    Args:
        basis: phi.
        coefficients: [c, V], shape (channels, 1 + size of phi); a stack (candidates, ...) in validation, where the
            batch is a whole number of blocks, one a candidate.
        features: size of x.
        lags: l.
        stride: s.
        increment: the readout gives y[t+1] - y[t].
        known: the readout gives what is left of y[t+1] beside known(x_t), an equation's step; not with `increment`.

    The state is the last (l - 1) s inputs x, oldest first; before any data they are the mean, zero.
    """

    basis: Basis
    coefficients: np.ndarray
    features: int
    lags: int = 1
    stride: int = 1
    increment: bool = False
    known: Known | None = None

    @property
    def channels(self) -> int:
        """The number of forecast channels."""
        return self.coefficients.shape[-2]

    def run(self, state: np.ndarray, inputs: BatchInputs) -> tuple[np.ndarray, Batch]:
        batch, rows, _ = inputs.shape
        known = np.concatenate([state, inputs], axis=1)
        forecasts = np.empty((batch, rows, self.channels))
        for some in blocks(batch if rows else 0, rows * self.basis.size):  # sequences at once
            vectors = self._vectors(known[some])
            found = np.empty((self.channels, vectors.shape[1]))
            for block in blocks(vectors.shape[1], self.basis.size):
                found[:, block] = self._read(vectors[:, block])
            forecasts[some] = found.T.reshape(-1, rows, self.channels)
        return known[:, rows:], forecasts

    def free_run(self, state: np.ndarray, last: Row, drive: BatchDrive) -> tuple[np.ndarray, Batch]:
        native = native_basis(self.basis) if self.known is None else None
        if native is not None:
            return self._native_run(native, state, last, drive)
        batch, steps, _ = drive.shape
        past, channels = self.order - 1, self.channels
        known = np.empty((past + steps + 1, self.features, batch))  # the batch last: what one step sees is contiguous
        known[:past] = state.transpose(1, 2, 0)
        known[past, :channels] = last.T
        known[past : past + steps, channels:] = drive.transpose(1, 2, 0)
        seen = past - self.stride * np.arange(self.lags)
        for k in range(steps):
            y = self._read(known[seen + k].reshape(-1, batch))
            np.clip(y, -LOST, LOST, out=known[past + k + 1, :channels])
        forecasts = known[past + 1 :, :channels].transpose(2, 0, 1)
        return known[steps : past + steps].transpose(2, 0, 1), np.ascontiguousarray(forecasts)

    def _native_run(
        self, basis: delays.Basis, state: np.ndarray, last: Row, drive: BatchDrive
    ) -> tuple[np.ndarray, Batch]:
        """`free_run` by the kernels."""
        stack = self.coefficients[None] if self.coefficients.ndim == 2 else self.coefficients
        options = {"lags": self.lags, "stride": self.stride, "increment": self.increment, "bound": LOST}
        forecasts = delays.free_run(basis, stack, state, last, drive, **options)
        fed_back = np.concatenate([last[:, None], forecasts], axis=1)[:, : drive.shape[1]]
        return self.warm(state, np.concatenate([fed_back, drive], axis=2)), forecasts

    def _vectors(self, known: np.ndarray) -> np.ndarray:
        """The delay vectors (variables, batch rows) of sequences (batch, rows, features), one after the other."""
        seen = np.stack(taps(known.transpose(1, 0, 2), self.lags, self.stride))  # (lags, rows, batch, features)
        return seen.transpose(0, 3, 2, 1).reshape(self.lags * self.features, -1)

    def _read(self, vectors: Float[np.ndarray, "variables rows"]) -> Float[np.ndarray, "channels rows"]:
        """The forecasts of delay vectors; the columns are in blocks, one for each candidate."""
        seen = self.basis(vectors)
        stack = self.coefficients[None] if self.coefficients.ndim == 2 else self.coefficients
        parts = seen.reshape(len(seen), len(stack), -1).transpose(1, 0, 2)
        y = (stack[:, :, 1:] @ parts + stack[:, :, :1]).transpose(1, 0, 2).reshape(self.channels, -1)
        if self.known is not None:
            return y + self.known(vectors[: self.features].T).T
        return vectors[: self.channels] + y if self.increment else y


def delay_vectors(
    inputs: Float[np.ndarray, "time features"], lags: int, stride: int
) -> Float[np.ndarray, "variables rows"]:
    """Columns [x_t; x_{t-s}; ...; x_{t-(l-1)s}] for every t that has them all, as a view: (lags features, rows).

    >>> delay_vectors(np.arange(6.0)[:, None], lags=3, stride=2).tolist()
    [[4.0, 5.0], [2.0, 3.0], [0.0, 1.0]]
    """
    return np.concatenate(taps(inputs, lags, stride), axis=1).T


def taps(rows: np.ndarray, lags: int, stride: int) -> list[np.ndarray]:
    """Rows t, t - s, ..., t - (l - 1) s for every t that has them all, as views: one array for each lag."""
    reach = (lags - 1) * stride
    count = len(rows) - reach
    return [rows[reach - k * stride : reach - k * stride + count] for k in range(lags)]


def blocks(rows: int, size: int) -> list[slice]:
    """Cut so many rows so that a block of values, `size` a row, stays small."""
    most = max(1, BLOCK // max(1, size))
    return [slice(first, min(first + most, rows)) for first in range(0, rows, most)]
