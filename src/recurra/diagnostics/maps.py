"""What is diagnosed, as a map from state to state."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jax.tree_util import Partial


class StepMap(NamedTuple):
    """A map from state to state.

    Args:
        step: the map.
        start: a state from which it comes to what is typical.
        dt: time units of one step.
    """

    step: Callable[[Any], Any]
    start: Any
    dt: float


class DrivenMap(NamedTuple):
    """A map from a state (hidden, row) and the drive of the new row to the next state, (hidden, row) too.

    Args:
        step: the map, (state, drive) -> state: the step t -> t + 1 sees y[t] and u[t+1].
        start: a state from which it comes to what is typical; its row is y[t].
        dt: time units of one step.
    """

    step: Callable[[Any, Any], Any]
    start: Any
    dt: float

    def held(self, drive: Any) -> StepMap:
        """The map under a drive that is always the same, (drive,)."""
        return StepMap(Partial(_held, self.step, np.asarray(drive, np.float64)), self.start, self.dt)


class ForcedMap(NamedTuple):
    """A map from state and input to state, and its inputs.

    Args:
        step: (state, x) -> state.
        start: a state.
        drive: x (steps, features).
        dt: time units of one step.
    """

    step: Callable[[Any, Any], Any]
    start: Any
    drive: np.ndarray
    dt: float


def _held(step: Any, drive: Any, state: Any) -> Any:
    return step(state, drive)
