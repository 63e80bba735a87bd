"""Forecasts that do not move: the last row, and the mean."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from recurra._types import Batch, BatchDrive, BatchInputs, Row


@dataclass(frozen=True)
class Persistence:
    """Tomorrow is as today: y[t + k] = y[t]."""

    channels: int
    order: ClassVar[int] = 0  # no rows to warm up on

    def initial_state(self, batch: int) -> np.ndarray:
        return np.zeros((batch, 0))

    def run(self, state: np.ndarray, inputs: BatchInputs) -> tuple[np.ndarray, Batch]:
        return state, inputs[..., : self.channels].copy()

    def free_run(self, state: np.ndarray, last: Row, drive: BatchDrive) -> tuple[np.ndarray, Batch]:
        return state, np.repeat(last[:, None, :], drive.shape[1], axis=1)


@dataclass(frozen=True)
class Climatology:
    """Every day is the mean of the training rows: y[t + k] = 0 in scaled units."""

    channels: int
    order: ClassVar[int] = 0

    def initial_state(self, batch: int) -> np.ndarray:
        return np.zeros((batch, 0))

    def run(self, state: np.ndarray, inputs: BatchInputs) -> tuple[np.ndarray, Batch]:
        return state, np.zeros((*inputs.shape[:2], self.channels))

    def free_run(self, state: np.ndarray, last: Row, drive: BatchDrive) -> tuple[np.ndarray, Batch]:
        return state, np.zeros((len(last), drive.shape[1], self.channels))
