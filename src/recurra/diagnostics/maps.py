"""What is diagnosed, as a map from state to state."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


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
