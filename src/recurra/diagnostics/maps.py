"""What is diagnosed, as a map from state to state."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.flatten_util import ravel_pytree
from jax.tree_util import Partial

from recurra.errors import ConfigError


class StepMap(NamedTuple):
    """A map from state to state.

    Args:
        step: the map.
        start: a state from which it comes to what is typical.
        dt: time units of one step.
        heard: whether the state is (hidden, row): what a network carries on, and the row that it gave last and hears
            in the next step.
    """

    step: Callable[[Any], Any]
    start: Any
    dt: float
    heard: bool = False


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
        return StepMap(Partial(_held, self.step, np.asarray(drive, np.float64)), self.start, self.dt, heard=True)


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


def flat_step(step: Callable[..., Any], like: Any, *more: Any, times: Any = None) -> Callable[[jax.Array], jax.Array]:
    """A step map on vectors, for use inside a compiled program.

    Args:
        step: state -> state, or (state, *more) -> state.
        like: a state, for its structure and shapes.
        more: further arguments of the step.
        times: how often it is applied, traced; None for once.

    Raises:
        ConfigError: the step changes the structure of its state.
    """
    flat, rebuild = ravel_pytree(like)

    def once(vector: jax.Array) -> jax.Array:
        given = rebuild(vector)
        new = step(given, *more)
        if jax.tree.structure(new) != jax.tree.structure(given):
            raise ConfigError("a step map gives a state of the structure that it is given")
        vector = ravel_pytree(new)[0]
        if vector.shape != flat.shape:
            raise ConfigError(f"a state of {flat.size} numbers becomes one of {vector.size}: a step map keeps its size")
        return vector.astype(flat.dtype)

    return once if times is None else lambda vector: jax.lax.fori_loop(0, times, lambda _, state: once(state), vector)


def _held(step: Any, drive: Any, state: Any) -> Any:
    return step(state, drive)
