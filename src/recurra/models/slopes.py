"""The activations once more, in NumPy, with their slopes: for the equations of the backward pass written out.

They take complex numbers too and are analytic in them, so that the complex step gives a slope to the last digit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import erf

from recurra.errors import ConfigError, unknown


@dataclass(frozen=True)
class Sigma:
    """A function and its slope.

    Args:
        value: sigma(a).
        slope: d sigma(a) / da; where there is a kink, the slope to its left. For softmax the diagonal of its Jacobian.
    """

    value: Callable[[Any], Any]
    slope: Callable[[Any], Any]


def _logistic(a: Any) -> Any:
    sign = np.where(np.real(a) >= 0, 1.0, -1.0)
    small = np.exp(-sign * a)  # never overflows
    return np.where(sign > 0, 1.0, small) / (1 + small)


def _softmax(a: Any) -> Any:
    powers = np.exp(a - np.real(a).max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _positive(a: Any) -> Any:
    return np.real(a) > 0


def _negative_part(a: Any) -> Any:
    """a below zero, 0 above: keeps the branch that is not taken from an overflow."""
    return np.where(_positive(a), 0.0, a)


def _magnitude(a: Any) -> Any:
    return np.where(_positive(a), a, -a)


def _inside(a: Any) -> Any:
    """Where the hard logistic is neither 0 nor 1."""
    return (np.real(a) > -3) & (np.real(a) <= 3)


def _normal(a: Any) -> Any:
    return (1 + erf(a / np.sqrt(2))) / 2


SIGMAS: dict[str, Sigma] = {
    "tanh": Sigma(np.tanh, lambda a: 1 - np.tanh(a) ** 2),
    "relu": Sigma(lambda a: np.where(_positive(a), a, 0.0), lambda a: np.where(_positive(a), 1.0, 0.0)),
    "identity": Sigma(lambda a: a, np.ones_like),
    "logistic": Sigma(_logistic, lambda a: _logistic(a) * _logistic(-a)),
    "hard-logistic": Sigma(
        lambda a: np.where(_inside(a), a / 6 + 0.5, np.where(_positive(a), 1.0, 0.0)),
        lambda a: np.where(_inside(a), 1 / 6, 0.0),
    ),
    "leaky-relu": Sigma(lambda a: np.where(_positive(a), a, a / 100), lambda a: np.where(_positive(a), 1.0, 0.01)),
    "elu": Sigma(
        lambda a: np.where(_positive(a), a, np.exp(_negative_part(a)) - 1),
        lambda a: np.where(_positive(a), 1.0, np.exp(_negative_part(a))),
    ),
    "softplus": Sigma(
        lambda a: np.where(_positive(a), a, 0.0) + np.log(1 + np.exp(-_magnitude(a))),
        _logistic,
    ),
    "softsign": Sigma(lambda a: a / (1 + _magnitude(a)), lambda a: 1 / (1 + _magnitude(a)) ** 2),
    "silu": Sigma(lambda a: a * _logistic(a), lambda a: _logistic(a) * (1 + a * _logistic(-a))),
    "gelu": Sigma(lambda a: a * _normal(a), lambda a: _normal(a) + a * np.exp(-(a**2) / 2) / np.sqrt(2 * np.pi)),
    "softmax": Sigma(_softmax, lambda a: _softmax(a) * (1 - _softmax(a))),
}


def sigma(name: str) -> Sigma:
    """The activation of this name.

    Raises:
        ConfigError: there is none.
    """
    if name not in SIGMAS:
        raise ConfigError(unknown("activation", name, SIGMAS))
    return SIGMAS[name]


def through_output(name: str, z: np.ndarray, errors: np.ndarray) -> np.ndarray:
    r"""The errors of the outputs seen through their activation, for softmax with its full Jacobian.

    .. math:: \frac{\partial L}{\partial z} = \left(\frac{\partial \sigma(z)}{\partial z}\right)^T
        \frac{\partial L}{\partial y}, \quad
        \frac{\partial y_i}{\partial z_j} = y_i (\delta_{ij} - y_j) \text{ for softmax}

    Args:
        name: of sigma.
        z: net inputs of the outputs (..., outputs).
        errors: dL/dy (..., outputs).
    """
    if name != "softmax":
        return sigma(name).slope(z) * errors
    y = _softmax(z)
    return y * (errors - (y * errors).sum(axis=-1, keepdims=True))
