"""How far an output is from a target: one number for every forecast value, or one for all classes together."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from recurra.cells import Array
from recurra.errors import ConfigError, unknown


@dataclass(frozen=True)
class Loss:
    r"""What is averaged over all values that are compared, with the error e = (output - target) / unit.

    .. math::
        \text{squared} &: e^2 \\
        \text{absolute} &: |e| \\
        \text{huber} &: e^2 / 2 \text{ for } |e| \le \delta, \; \delta (|e| - \delta / 2) \text{ beyond} \\
        \text{gaussian} &: \tfrac12 \left(\ln 2 \pi + a + e^2 \exp(-a)\right),
            \; a \text{ the logarithm of the variance of } e \\
        \text{binary} &: -p \ln \sigma(z) - (1 - p) \ln \sigma(-z), \; z \text{ the output, } p \text{ the target} \\
        \text{categorical} &: -\sum_c p_c \ln \mathrm{softmax}(z)_c, \; \text{one number for all channels}

    Args:
        name: one of `LOSSES`.
        delta: where "huber" goes from a parabola to a straight line.
        expected: of "gaussian", whether the terms have its expected curvature in place of its own; see `matched`.

    Raises:
        ConfigError: an unknown name, a delta that is not positive.

    Reference: P. J. Huber, Annals of Mathematical Statistics 35 (1964) 73-101; for two outputs a channel, D. A. Nix,
    A. S. Weigend, Estimating the mean and variance of the target probability distribution, ICNN 1994.
    """

    name: str = "squared"
    delta: float = 1.0
    expected: bool = False

    def __post_init__(self) -> None:
        if self.name not in LOSSES:
            raise ConfigError(unknown("loss", self.name, LOSSES))
        if not 0 < self.delta < float("inf"):
            raise ConfigError(f"`delta` of a loss is {self.delta}: it is a positive number")

    @property
    def spread(self) -> bool:
        """Whether a model gives the logarithm of a variance beside each mean: `recurra.training.Gaussian`."""
        return self.name == "gaussian"

    def terms(self, output: Array, target: Array, unit: Any = 1.0) -> jax.Array:
        """The numbers to average.

        Args:
            output: (..., channels), or (..., 2 channels): the means, then the logarithms of the variances.
            target: (..., channels).
            unit: of the error, (channels,) or 1.

        Returns:
            (..., channels), or (..., 1) for all classes together.
        """
        return LOSSES[self.name](self, output, target, unit)

    def mean(self, output: Array, target: Array, unit: Any = 1.0, observed: Array | None = None) -> jax.Array:
        """The mean of the terms; those of unobserved targets count for nothing, whatever stands in their place.

        Args:
            output, target, unit: as of `terms`.
            observed: True where there is a target, its shape; None for all. Classes are observed together.
        """
        if observed is None:
            return jnp.mean(self.terms(output, target, unit))
        # NaN times zero is NaN, also in a gradient: an unobserved target must not enter the terms at all
        terms = self.terms(output, jnp.where(observed, target, 0.0), unit)
        seen = observed if self.name != "categorical" else jnp.all(observed, axis=-1, keepdims=True)
        return jnp.sum(jnp.where(seen, terms, 0.0)) / jnp.maximum(jnp.sum(seen), 1).astype(terms.dtype)

    def terms_in(self, target: Array, observed: Array | None) -> Any:
        """How many terms there are for such targets."""
        together = self.name == "categorical"
        if observed is None:
            return np.prod(target.shape[:-1] if together else target.shape)
        return jnp.sum(jnp.all(observed, axis=-1) if together else observed)

    def matched(self) -> "Loss":
        """The loss whose second derivative in the output is what a Gauss-Newton matrix takes.

        It is the loss itself where that is convex. Of "gaussian" it is the expected one, the Fisher information, which
        is never negative: exp(-a) for the mean, and 1/2 for a.

        Raises:
            ConfigError: "absolute", whose second derivative is zero.
        """
        if self.name == "absolute":
            raise ConfigError(
                "the loss 'absolute' has no curvature in the output, so Hessian-free optimisation has nothing to go "
                "by: take 'huber' or 'squared'"
            )
        return dataclasses.replace(self, expected=True) if self.spread else self


def _error(output: Array, target: Array, unit: Any) -> jax.Array:
    return jnp.asarray((output - target) / unit)


def _squared(loss: Loss, output: Array, target: Array, unit: Any) -> jax.Array:
    return _error(output, target, unit) ** 2


def _absolute(loss: Loss, output: Array, target: Array, unit: Any) -> jax.Array:
    return jnp.abs(_error(output, target, unit))


def _huber(loss: Loss, output: Array, target: Array, unit: Any) -> jax.Array:
    e = _error(output, target, unit)
    near = jnp.clip(e, -loss.delta, loss.delta)
    return near * (e - near / 2)


def _gaussian(loss: Loss, output: Array, target: Array, unit: Any) -> jax.Array:
    mean, a = jnp.split(jnp.asarray(output), 2, axis=-1)
    square = _error(mean, target, unit) ** 2
    if loss.expected:
        here = jax.lax.stop_gradient(a)
        return 0.5 * (square * jnp.exp(-here) + 0.5 * (a - here) ** 2)
    return 0.5 * (np.log(2 * np.pi) + a + square * jnp.exp(-a))


def _binary(loss: Loss, output: Array, target: Array, unit: Any) -> jax.Array:
    return jax.nn.softplus(output) - target * output


def _categorical(loss: Loss, output: Array, target: Array, unit: Any) -> jax.Array:
    return -jnp.sum(target * jax.nn.log_softmax(output), axis=-1, keepdims=True)


LOSSES: dict[str, Callable[[Loss, Array, Array, Any], jax.Array]] = {
    "squared": _squared,
    "absolute": _absolute,
    "huber": _huber,
    "gaussian": _gaussian,
    "binary": _binary,
    "categorical": _categorical,
}

SQUARED = Loss()
