"""The activation functions, in one table: for hidden units, layers of a readout, and outputs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from recurra.errors import ConfigError, unknown


@dataclass(frozen=True)
class Activation:
    """A function sigma(a) of what a layer has summed up.

    Args:
        formula: sigma(a) in words of mathematics.
        function: the same in `jax.numpy`; where it has a kink, its slope there is the one to the left.
        elementwise: acts on every unit by itself; False for softmax.
    """

    formula: str
    function: Callable[[Any], jax.Array]
    elementwise: bool = True

    def __call__(self, a: Any) -> jax.Array:
        return self.function(jnp.asarray(a))


ACTIVATIONS: dict[str, Activation] = {
    "tanh": Activation("tanh(a)", jnp.tanh),
    "relu": Activation("max(0, a)", jax.nn.relu),
    "identity": Activation("a", lambda a: a),
    "logistic": Activation("1 / (1 + exp(-a))", jax.nn.sigmoid),
    "hard-logistic": Activation("min(1, max(0, a / 6 + 1/2))", jax.nn.hard_sigmoid),
    "leaky-relu": Activation("a for a > 0, else a / 100", lambda a: jnp.where(a > 0, a, a / 100)),
    "elu": Activation("a for a > 0, else exp(a) - 1", jax.nn.elu),
    "softplus": Activation("log(1 + exp(a))", jax.nn.softplus),
    "softsign": Activation("a / (1 + |a|)", jax.nn.soft_sign),
    "silu": Activation("a / (1 + exp(-a))", jax.nn.silu),
    "gelu": Activation("a (1 + erf(a / sqrt(2))) / 2", lambda a: jax.nn.gelu(a, approximate=False)),
    "softmax": Activation("exp(a_j) / sum_k exp(a_k)", jax.nn.softmax, elementwise=False),
}

ELEMENTWISE = [name for name, activation in ACTIVATIONS.items() if activation.elementwise]


def activation(name: str) -> Activation:
    """The activation of this name.

    Raises:
        ConfigError: there is none.
    """
    if name not in ACTIVATIONS:
        raise ConfigError(unknown("activation", name, ACTIVATIONS))
    return ACTIVATIONS[name]
