"""A cell of the user's own, as the models see one."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from recurra.cells.cell import Array, Cell, with_dropout
from recurra.cells.elman import Elman
from recurra.cells.gru import GRU
from recurra.cells.lstm import LSTM
from recurra.errors import ConfigError


class Own(Cell):
    """Any `equinox.Module` with `initial_state()` and `__call__(state, x)` as a `Cell`.

    Its arrays are weights; all else in it (numbers of Python, functions) is constant.

    Args:
        weights: the module with None in place of what is not an array.
        rest: the module with None in place of its arrays.
    """

    weights: Any
    rest: Any = eqx.field(static=True)

    @staticmethod
    def of(module: Any) -> "Own":
        """Wrap a module.

        Raises:
            ConfigError: it is no `equinox.Module`, or lacks one of the two methods.
        """
        lacking = [f"`{name}`" for name in ("initial_state", "__call__") if not callable(getattr(module, name, None))]
        if not isinstance(module, eqx.Module) or lacking:
            what = f"lacks {' and '.join(lacking)}" if isinstance(module, eqx.Module) else "is none"
            raise ConfigError(
                "a cell is an `equinox.Module` with `initial_state()` and `__call__(state, x)`, and "
                f"{type(module).__name__} {what}"
            )
        return Own(*eqx.partition(module, _is_array))

    @property
    def module(self) -> Any:
        """What was wrapped, with its weights as they are now."""
        return eqx.combine(self.weights, self.rest)

    def constants(self) -> dict[str, bool | int | float | str]:
        """The numbers and texts of the module that are not trained, by their place in it."""
        paths = jax.tree_util.tree_flatten_with_path(self.rest)[0]
        named = {jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in paths}
        # what is static in a cell of the library is no part of its tree
        static: Any = getattr(self.rest, "constants", None) if isinstance(self.rest, Cell) else None
        own = {} if static is None else static()
        return own | {name: leaf for name, leaf in named.items() if isinstance(leaf, bool | int | float | str)}

    def initial_state(self) -> Any:
        # In the precision of the context, which is that of the weights, whatever the module says.
        return jax.tree.map(lambda leaf: jnp.asarray(leaf, float), self.module.initial_state())

    def __call__(self, state: Any, x: Array) -> Any:
        return self.module(state, x)

    def output(self, state: Any) -> Array:
        shown = getattr(self.module, "output", None)
        return super().output(state) if shown is None else shown(state)

    def with_dropout(self, key: jax.Array, inputs: float, recurrent: float) -> "Cell":
        own = getattr(self.module, "with_dropout", None)
        if own is None:
            return eqx.tree_at(lambda cell: cell.weights, self, with_dropout(self.weights, key, inputs, recurrent))
        return Own(*eqx.partition(own(key, inputs, recurrent), _is_array))


def as_cell(module: Any) -> Cell:
    """A module as a `Cell`: the library's own as they are, any other wrapped."""
    return module if isinstance(module, Own | Elman | GRU | LSTM) else Own.of(module)


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array | np.ndarray | np.generic)
