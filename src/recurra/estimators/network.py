"""`Network`: a cell or a model of one's own, or a graph of layers, as an estimator."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax
import numpy as np

from recurra.cells import Cell, Own, as_cell
from recurra.errors import ConfigError, ModelFileError, unknown
from recurra.estimators.parameters import Checks
from recurra.estimators.recurrent import Recurrent
from recurra.models import CELLS, Graph, Model, Stack, in_precision, tensor_layout
from recurra.models.plan import read_plan
from recurra.models.stack import draw_readout
from recurra.storage import Layout


@dataclasses.dataclass(kw_only=True, eq=False)
class Network(Recurrent):
    """A network of one's own; see `Recurrent` for the parameters of its training.

    A cell is an `equinox.Module` with `initial_state()` and `__call__(state, x)`, which gives the next state; x holds
    the channels and then the drive, in units of their standard deviations. Its arrays are trained, its Python numbers
    are not. The readout sees `output(state)`, without such a method the state or the first of several.

    Args:
        cell: an object that is a cell; a class or function that makes one, called with nothing or, where it has
            `draw(inputs, units, rng)`, so; the name of a cell, "elman", "gru" or "lstm"; or a whole
            `recurra.models.Model`, such as a `Graph`, with its own readout.
        graph: instead of a cell, a list of layers as `recurra.models.plan.read_plan` describes it.

    A model file holds no code: one with a cell of one's own is loaded with it, as `recurra.load(path, cell=MyCell)`.
    The names and shapes of its arrays, and its constants, must be those in the file.

    Example:
        >>> import equinox, jax, jax.numpy as jnp, numpy as np, recurra as rc
        >>> class Leaky(equinox.Module):
        ...     U: np.ndarray = equinox.field(default_factory=lambda: np.ones((4, 1)))
        ...     W: np.ndarray = equinox.field(default_factory=lambda: np.eye(4) / 2)
        ...     rate: float = 0.3
        ...     def initial_state(self):
        ...         return jnp.zeros(4)
        ...     def __call__(self, h, x):
        ...         return (1 - self.rate) * h + self.rate * jnp.tanh(self.U @ x + self.W @ h)
        >>> model = rc.Network(cell=Leaky(), epochs=2, bptt_length=10).fit(np.sin(0.3 * np.arange(100)))
        >>> model.forecast(5).values.shape
        (5, 1)
    """

    kind: ClassVar[str] = "network"
    handed: ClassVar[tuple[str, ...]] = ("cell",)

    cell: Any = None
    graph: Sequence[Mapping[str, Any]] | None = None

    def _check_cell(self, checks: Checks) -> None:
        problems, cell = checks.problems, self.cell
        if (cell is None) == (self.graph is None):
            problems.append(
                "either `cell` or `graph` says what the network is (no model file holds the code of a cell: "
                "`recurra.load(path, cell=MyCell)`)"
            )
        elif isinstance(cell, str) and cell not in CELLS:
            problems.append("`cell`: " + unknown("cell", cell, CELLS))
        elif cell is not None and not callable(cell) and not isinstance(cell, str | eqx.Module):
            problems.append(f"`cell` must be a cell, what makes one, or the name of one, got {cell!r}")
        if isinstance(cell, eqx.Module) and self.layers != 1:
            problems.append("`layers` must be 1 for a cell that is made already: give the class, or a `Stack`")
        if (self.graph is not None or isinstance(cell, Model)) and self.readout is not None:
            problems.append("`readout`: a graph or a model has its own")
        if isinstance(cell, Model) and (self.dropout or self.recurrent_dropout):
            problems.append("`dropout` of a model of one's own is said where it is made")
        if self.graph is not None:
            try:
                read_plan(self.graph)
            except ConfigError as error:
                problems.append(f"`graph`: {error}")

    def _network(self, outputs: int, features: int, scale: Any, seed: int | None) -> Model:
        dropout = {"dropout": self.dropout, "recurrent_dropout": self.recurrent_dropout}
        if self.graph is not None:
            return Graph.draw(
                self.graph, features, outputs, **dropout, scale=scale, precision=self.precision, seed=seed
            )
        if isinstance(self.cell, Model):
            model = eqx.tree_at(lambda m: m.scale, self.cell, scale, is_leaf=lambda leaf: leaf is None)
        else:
            rng = None if seed is None else np.random.default_rng(seed)
            cells, width = [], features
            for _ in range(self.layers):
                cell = in_precision(self._cell(width, rng), self.precision)
                with jax.enable_x64(self.precision == "float64"):
                    _check_step(_name(cell), cell, lambda c, s, x: (c(s, x), None), width)
                    width = _width(cell)
                cells.append(cell)
            readout = draw_readout((width, *(self.readout or ()), outputs), self.readout_activation, rng)
            model = Stack(tuple(cells), readout, scale, **dropout)
        model = in_precision(model, self.precision)
        with jax.enable_x64(self.precision == "float64"):
            y = _check_step(type(model).__name__, model, lambda m, s, x: m.step(s, x), features)
        if y.shape != (outputs,):
            raise ConfigError(f"the model gives outputs of shape {y.shape}, and the data need {(outputs,)}")
        return model

    def _cell(self, inputs: int, rng: np.random.Generator | None) -> Cell:
        given: Any = CELLS[self.cell] if isinstance(self.cell, str) else self.cell
        if isinstance(given, eqx.Module):
            return as_cell(given)
        if not hasattr(given, "draw"):
            return as_cell(given())
        own = given not in CELLS.values()  # which may need a generator
        return as_cell(given.draw(inputs, self.units, np.random.default_rng(0) if own and rng is None else rng))

    def _size(self, model: Model) -> tuple[int, int, int]:
        cells = _parts(model, Cell)
        return sum(_width(cell) for cell in cells), max((cell.gates for cell in cells), default=1), 1

    def _saved(self) -> dict[str, Any]:
        return {**Recurrent._saved(self), "cell": self.cell if isinstance(self.cell, str) else None}

    def _facts(self) -> dict[str, Any]:
        return {"constants": _constants(self.network_.model)}

    def _layout(self, channels: int, features: int, facts: dict[str, Any]) -> Layout:
        blank = self._blank(channels, features)
        if facts and (found := _constants(blank)) != facts["constants"]:
            raise ModelFileError(
                f"the cell handed over has the constants {found}, and the model was trained with {facts['constants']}"
            )
        return tensor_layout(blank)


def _parts(model: Any, kind: type) -> list[Any]:
    leaves = jax.tree.leaves(model, is_leaf=lambda part: isinstance(part, kind))
    return [leaf for leaf in leaves if isinstance(leaf, kind)]


def _constants(model: Model) -> list[dict[str, Any]]:
    return [cell.constants() for cell in _parts(model, Own)]


def _width(cell: Cell) -> int:
    """The number of outputs of a cell."""
    shape = eqx.filter_eval_shape(lambda c: c.output(c.initial_state()), cell).shape
    if len(shape) != 1:
        raise ConfigError(f"the output of a cell is a vector, and that of {_name(cell)} has the shape {shape}")
    return shape[0]


def _check_step(name: str, network: Any, step: Callable[..., tuple[Any, Any]], inputs: int) -> Any:
    """Refuse what cannot make a step, before JAX does in words of its own; returns the shape of its output."""
    x = jax.ShapeDtypeStruct((inputs,), float)
    state = eqx.filter_eval_shape(lambda n: n.initial_state(), network)
    try:
        new, y = eqx.filter_eval_shape(step, network, state, x)
    except (TypeError, ValueError, IndexError) as error:
        raise ConfigError(
            f"{name} does not take one step: x has {inputs} entries (first the channels, then the drive), the state is "
            f"{_shapes(state)}: {error}"
        ) from error
    if _shapes(new) != _shapes(state):
        raise ConfigError(
            f"{name} makes a state {_shapes(new)} of one that is {_shapes(state)}: a step keeps its shape"
        )
    return y


def _shapes(state: Any) -> str:
    return ", ".join(f"{leaf.dtype}{list(leaf.shape)}" for leaf in jax.tree.leaves(state))


def _name(cell: Cell) -> str:
    return type(cell.module if isinstance(cell, Own) else cell).__name__
