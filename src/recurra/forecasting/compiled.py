"""A JAX model as a forecaster: NumPy in and out, compiled once a shape."""

from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import numpy as np

from recurra._types import Batch, BatchDrive, BatchInputs, Row
from recurra.models import Model, closed_loop


@dataclass(frozen=True, eq=False)
class Compiled:
    """Runs a `Model` for the estimators; the arithmetic is in the precision of its weights.

    Args:
        model: the fitted model, its weights NumPy or JAX arrays.
    """

    model: Model

    def initial_state(self, batch: int) -> Any:
        with self._precision():
            state = jax.tree.map(np.asarray, self.model.initial_state())
        return jax.tree.map(lambda leaf: np.repeat(leaf[None], batch, axis=0), state)

    def run(self, state: Any, inputs: BatchInputs) -> tuple[Any, Batch]:
        with self._precision():
            return _to_numpy(_run(self.model, state, inputs.astype(self.dtype)))

    def free_run(self, state: Any, last: Row, drive: BatchDrive) -> tuple[Any, Batch]:
        with self._precision():
            return _to_numpy(_free_run(self.model, state, last.astype(self.dtype), drive.astype(self.dtype)))

    @property
    def dtype(self) -> np.dtype:
        """float32 or float64."""
        return self.model.dtype

    def _precision(self) -> Any:
        return jax.enable_x64(self.dtype == np.float64)


@eqx.filter_jit
def _run(model: Model, state: Any, inputs: Any) -> tuple[Any, jax.Array]:
    return model.run(state, inputs)


@eqx.filter_jit
def _free_run(model: Model, state: Any, last: Any, drive: Any) -> tuple[Any, jax.Array]:
    return jax.vmap(lambda s, y, us: closed_loop(model.step, s, y, us))(state, last, drive)


def _to_numpy(result: tuple[Any, jax.Array]) -> tuple[Any, Batch]:
    state, outputs = result
    return jax.tree.map(np.asarray, state), np.asarray(outputs, np.float64)
