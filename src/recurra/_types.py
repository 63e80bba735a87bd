"""Shapes and types used throughout: one alias for each thing that passes between the layers.

Axes are named: `time` rows, `channels` measured quantities, `drive` exogenous inputs, `batch` independent
copies, `features` = channels + drive, what one step of a network sees.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

Values = Float[np.ndarray, "time channels"]
Drive = Float[np.ndarray, "time drive"]
Batch = Float[np.ndarray, "batch _ channels"]
BatchDrive = Float[np.ndarray, "batch steps drive"]
BatchInputs = Float[np.ndarray, "batch rows features"]
Row = Float[np.ndarray, "batch channels"]
Known = Callable[[np.ndarray], np.ndarray]  # what is known of the next row: inputs (rows, features) -> (rows, channels)
State = Any  # whatever a forecaster carries from step to step; every array in it has a leading batch axis

LOST = 1e6  # standard deviations: where a closed loop is held that runs away, so that its forecast stays finite


@runtime_checkable
class Forecaster(Protocol):
    """A fitted network as the estimators see it: NumPy in and out, scaled units, a leading batch axis.

    One step is `(state, x) -> (state, y)` with `x = [y[t], u[t+1]]`: the step t -> t+1 sees the last value and
    the drive at the time that is forecast.
    """

    def initial_state(self, batch: int) -> State:
        """The state before any data, for `batch` independent copies."""
        ...

    def run(self, state: State, inputs: BatchInputs) -> tuple[State, Batch]:
        """Teacher-forced: row t of the result is the forecast of row t + 1 from the true rows up to t."""
        ...

    def free_run(self, state: State, last: Row, drive: BatchDrive) -> tuple[State, Batch]:
        """Closed loop: from the last true row, `drive.shape[1]` steps on the network's own output, held in +-LOST.

        `drive` has shape (batch, steps, drive), with zero columns when there is no drive.
        """
        ...


def whole_number(value: Any) -> bool:
    """True for Python and NumPy integers, not for booleans."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def names(given: Sequence[str] | None, count: int, prefix: str) -> tuple[str, ...]:
    """The given names, or prefix0, prefix1, ... where none are given."""
    return tuple(given) if given is not None else tuple(f"{prefix}{i}" for i in range(count))
