"""External forces F(t): built-in ones by name, any other as a function of t in `jax.numpy`."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from recurra.errors import ConfigError, unknown

Force = str | Callable[[jax.Array], jax.Array]
FORCES = ("cosine", "none")


def force_function(force: Force, amplitude: Any, frequency: Any) -> Callable[[jax.Array], jax.Array] | None:
    """F as a function of t; None where there is no force.

    "cosine" is F(t) = amplitude cos(frequency t), with an angular frequency.
    """
    if callable(force):
        return force
    return None if force == "none" else lambda t: amplitude * jnp.cos(frequency * t)


def check_force(force: Any, given: dict[str, tuple[float, float]]) -> None:
    """Refuse an unknown force, a function that is none of one number, and parameters that would be ignored.

    Args:
        force: a name or a function.
        given: parameters of the cosine force, name -> (value, default).
    """
    if force == "cosine":
        return
    if not callable(force) and force not in FORCES:
        raise ConfigError(unknown("force", force, FORCES))
    ignored = [name for name, (value, default) in given.items() if value != default]
    if ignored:
        raise ConfigError(f"`{'`, `'.join(ignored)}` belong to the force 'cosine' and mean nothing for {force!r}")
    if callable(force):
        _check_function(force)


def _check_function(force: Callable) -> None:
    try:
        result = jax.eval_shape(lambda t: jnp.asarray(force(t)), jnp.float32(0.0))
    except (TypeError, ValueError) as error:  # JAX's tracing errors are TypeErrors too
        first = str(error).splitlines()[0]
        raise ConfigError(f"`force` must be a function of one number t written in `jax.numpy`: {first}") from error
    if result.shape != ():
        raise ConfigError(f"`force` must return one number for one t, got shape {result.shape}")
