"""What the readout sees of the states: themselves, or squares of them too.

A reservoir without bias is odd in its inputs, and so is every linear readout of its states: it cannot give an even
target, and forecasts of a symmetric system inherit a symmetry that the data need not have. Squares break it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

Features = Any  # of NumPy, or of JAX: each says by itself where its functions are


def squared_half(states: Features) -> Features:
    """Every second component squared, the others as they are.

    Reference: J. Pathak, B. Hunt, M. Girvan, Z. Lu, E. Ott, Physical Review Letters 120 (2018) 024102.

    >>> squared_half(np.array([0.1, 0.2, 0.3])).round(12).tolist()
    [0.1, 0.04, 0.3]
    """
    xp = states.__array_namespace__()
    return xp.where(np.arange(states.shape[-1]) % 2 == 1, states * states, states)


def squares(states: Features) -> Features:
    """[h, h^2], twice as many features as states."""
    return states.__array_namespace__().concat([states, states * states], axis=-1)


READOUT_FEATURES: dict[str, tuple[Callable[[Features], Features], int]] = {  # and features for each unit
    "states": (lambda states: states, 1),
    "squared-half": (squared_half, 1),
    "squares": (squares, 2),
}


def expand(states: Features, name: str) -> Features:
    """What the readout sees of states (..., units)."""
    return READOUT_FEATURES[name][0](states)


def feature_count(units: int, name: str) -> int:
    """How many features it sees of that many units."""
    return units * READOUT_FEATURES[name][1]


def pulled_back(states: np.ndarray, gradient: np.ndarray, name: str) -> np.ndarray:
    """The derivative of something by states (..., units) from that by what the readout sees of them."""
    if name == "squared-half":
        return np.where(np.arange(states.shape[-1]) % 2 == 1, 2 * states * gradient, gradient)
    if name == "squares":
        units = states.shape[-1]
        return gradient[..., :units] + 2 * states * gradient[..., units:]
    return gradient
