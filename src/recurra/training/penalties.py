"""Penalties on the size of weights, for each kind of them a strength."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from recurra.errors import ConfigError

_NAMES = {"U": ("U",), "W": ("W",), "b": ("b", "d"), "V": ("V",)}


@dataclass(frozen=True)
class Penalty:
    """Strengths of a penalty, one for each kind of weights; 0 for none.

    Args:
        U: input-hidden weights.
        W: hidden-hidden weights.
        b: biases of the cells (of a GRU both).
        V: weights of the readout.
    """

    U: float = 0.0
    W: float = 0.0
    b: float = 0.0
    V: float = 0.0

    def __post_init__(self) -> None:
        for part in fields(self):
            if not 0 <= getattr(self, part.name) < float("inf"):
                raise ConfigError(f"the penalty of {part.name} is {getattr(self, part.name)}: it is a number from 0 on")


NO_PENALTY = Penalty()


def penalised(**penalties: Penalty) -> tuple[tuple[str, str], ...]:
    """Which penalties there are, as ("l2", "W"): their strengths are traced, this is not."""
    return tuple((norm, part) for norm, penalty in penalties.items() for part in _NAMES if getattr(penalty, part))


def penalty(model: Any, which: Sequence[tuple[str, str]], strengths: Any) -> jax.Array:
    r"""What is added to the loss.

    .. math:: \sum_{p} \left(\lambda_1^{(p)} \sum_{w \in p} |w| + \lambda_2^{(p)} \sum_{w \in p} w^2\right)
    """
    total = jnp.zeros((), strengths.dtype)
    for k, (norm, part) in enumerate(which):
        for weights in _arrays(model, part):
            total += strengths[k] * jnp.sum(jnp.abs(weights) if norm == "l1" else weights**2)
    return total


def check_penalties(model: Any, which: Sequence[tuple[str, str]]) -> None:
    """Refuse a penalty on weights that the model does not have."""
    for norm, part in which:
        if not _arrays(model, part):
            raise ConfigError(
                f"`{norm}` of {part}: no weights of the model have that name, so there is nothing to keep small"
            )


def _arrays(model: Any, part: str) -> list[Any]:
    paths = jax.tree_util.tree_flatten_with_path(model)[0]
    return [
        leaf
        for path, leaf in paths
        if eqx.is_inexact_array(leaf) and jax.tree_util.keystr(path[-1:], simple=True) in _NAMES[part]
    ]
