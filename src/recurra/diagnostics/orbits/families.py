"""Step maps with a parameter, (state, p) -> state: of a system by the name of a field, of a network by its gain."""

import dataclasses
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from recurra.cells import Array
from recurra.diagnostics.step_maps import step_map
from recurra.errors import ConfigError, unknown
from recurra.models import Stack


def family(of: Any, name: str, *, dt: float | None = None, direction: Any = None) -> Partial:
    r"""The step map of a system or a network with one number left open: (state, p) -> state.

    Args:
        of: a system that is a map or an undriven vector field; or a `Stack`, whose input is then constant.
        name: of a system a parameter; of a network "gain", by which its recurrent weights are multiplied, or "input",
            the size of its constant input.
        dt: step of a vector field; None for that of its rows.
        direction: (inputs,), the input of a network; times p for "input". None for zeros, and for ones for "input".

    Raises:
        ConfigError: an unknown name, a driven system, something else.

    Example:
        >>> from recurra.systems import LogisticMap
        >>> float(family(LogisticMap(), "r")(np.array([0.5]), 2.0)[0])
        0.5
    """
    if isinstance(of, Stack):
        if name not in ("gain", "input"):
            raise ConfigError(unknown("parameter of a network", name, ("gain", "input")))
        first: Any = of.cells[0]
        inputs = first.U.shape[1]
        fallback = np.ones(inputs) if name == "input" else np.zeros(inputs)
        x = fallback if direction is None else np.asarray(direction, np.float64)
        if x.shape != (inputs,):
            raise ConfigError(f"`direction` must be {inputs} numbers, one for each input, got shape {x.shape}")
        return Partial(_scaled if name == "gain" else _pushed, of, x)
    if not hasattr(of, "simulate"):
        raise ConfigError(f"a family of step maps is that of a system or a `Stack`, not of {of!r}")
    if getattr(of, "drive", None) is not None:
        raise ConfigError(f"{of.name} is driven, so that it never rests: give a map (state, p) -> state of its own")
    found: Any = step_map(of, dt=dt).step
    system, *rest = found.args
    values = getattr(system, "values", None)
    known = values if isinstance(values, dict) else system.parameters
    if name not in known or isinstance(known[name], str):
        raise ConfigError(unknown(f"parameter of {of.name}", name, known))
    return Partial(_Varied(name, found.func, isinstance(values, dict)), system, *rest)


@dataclasses.dataclass(frozen=True)
class _Varied:
    """The step of a system with another value in one field."""

    name: str
    step: Any
    inside: bool

    def __call__(self, system: Any, *rest: Any) -> Any:
        *before, state, p = rest
        where = (lambda s: s.values[self.name]) if self.inside else (lambda s: getattr(s, self.name))
        return self.step(eqx.tree_at(where, system, p), *before, state)


def _scaled(stack: Stack, x: Array, state: Any, p: Any) -> Any:
    cells: Any = stack.cells
    return eqx.tree_at(lambda s: [c.W for c in s.cells], stack, [p * c.W for c in cells]).step(state, x)[0]


def _pushed(stack: Stack, x: Array, state: Any, p: Any) -> Any:
    return stack.step(state, jnp.asarray(p * x))[0]
