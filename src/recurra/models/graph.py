"""`Graph`: cells and dense layers as named nodes, wired as one likes: skips, several heads, delayed feedback."""

import dataclasses
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from recurra.cells import Array, Cell, as_cell, run_cell
from recurra.errors import ConfigError
from recurra.models.dense import Dense
from recurra.models.model import Model
from recurra.models.plan import INPUT, LATER, Wiring, read_plan, widths, wiring_of
from recurra.models.stack import CELLS, drop_cells
from recurra.models.tensors import in_precision


class Graph(Model):
    """A network stated from its input to its outputs.

    Every node sees the outputs of its sources one after the other, as one vector. A source is the name of a node,
    "input" for x, or "name[t-1]" for what a node gave one step before (zeros at the start). The heads are the nodes
    that no other node sees in the same step; their outputs, one after the other, are y.

    Args:
        nodes: a `Cell` or a `Dense` each, in the order of their names.
        wiring: names, sources and heads.
        scale: as of `Model`.
        dropout, recurrent_dropout: as of `Stack`, for the cells.

    Example:
        >>> import numpy as np
        >>> from recurra.cells import GRU
        >>> rng = np.random.default_rng(0)
        >>> nodes = {"memory": GRU.draw(2, 5, rng), "position": Dense.draw(7, 1, rng), "speed": Dense.draw(5, 1, rng)}
        >>> graph = Graph.of(nodes, {"memory": ["input"], "position": ["memory", "input"], "speed": ["memory"]})
        >>> graph.wiring.heads
        ('position', 'speed')
        >>> graph(np.zeros((10, 2))).shape
        (10, 2)
    """

    nodes: tuple[Cell | Dense, ...]
    wiring: Wiring = eqx.field(static=True)
    scale: Array | None = None  # pyright: ignore[reportIncompatibleMethodOverride]
    dropout: float = eqx.field(static=True, default=0.0)
    recurrent_dropout: float = eqx.field(static=True, default=0.0)

    @staticmethod
    def of(
        nodes: Mapping[str, Any],
        edges: Mapping[str, Sequence[str]],
        *,
        heads: Sequence[str] | None = None,
        precision: str = "float32",
    ) -> "Graph":
        """A graph of nodes by name, each with the names of its sources.

        Args:
            nodes: a `Dense`, a `Cell` or a cell of one's own each.
            edges: the sources of each node.
            heads: whose outputs are the outputs; None for the nodes that no other node sees in the same step.
            precision: "float32" or "float64".

        Raises:
            ConfigError: a source that is not there, a node without sources, a cycle without a delay.
        """
        strangers = sorted(set(edges) - set(nodes))
        if strangers:
            raise ConfigError(f"edges to nodes that are not there: {', '.join(strangers)}")
        sources = tuple(tuple(edges.get(name, ())) for name in nodes)
        parts = tuple(node if isinstance(node, Dense) else as_cell(node) for node in nodes.values())
        graph = Graph(parts, Wiring(tuple(nodes), sources, None if heads is None else tuple(heads)))
        return in_precision(graph, precision)

    @staticmethod
    def draw(
        plan: Sequence[Mapping[str, Any]],
        inputs: int,
        outputs: int,
        *,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        scale: Any = None,
        precision: str = "float32",
        seed: int | None,
    ) -> "Graph":
        """A graph of the layers of a plan, drawn from `seed` in their order.

        Args:
            plan: as `recurra.models.plan.read_plan` describes it.
            inputs, outputs: columns of x and y.
            dropout, recurrent_dropout, scale: of the model.
            precision: "float32" or "float64".
            seed: of the weights; None makes zeros that take no memory, for their names and shapes.

        Example:
            >>> plan = [
            ...     {"name": "memory", "layer": "gru", "units": 5},
            ...     {"name": "y", "layer": "dense", "from": ["memory", "input"]},
            ... ]
            >>> Graph.draw(plan, 3, 2, seed=0).nodes[1].V.shape
            (2, 8)
        """
        rng, entries = None if seed is None else np.random.default_rng(seed), read_plan(plan)
        sizes = widths(entries, outputs)
        wide = {INPUT: inputs, **sizes, **{name + LATER: size for name, size in sizes.items()}}
        kinds: dict[str, Any] = {**CELLS, "dense": Dense}
        nodes = tuple(
            kinds[node.layer].draw(sum(wide[s] for s in node.sources), sizes[node.name], rng, **node.options)
            for node in entries
        )
        return in_precision(Graph(nodes, wiring_of(entries), scale, dropout, recurrent_dropout), precision)

    @property
    def drops(self) -> bool:
        return self.dropout > 0 or self.recurrent_dropout > 0

    def with_dropout(self, key: jax.Array) -> "Graph":
        at = [k for k, node in enumerate(self.nodes) if not isinstance(node, Dense)]
        nodes = list(self.nodes)
        dropped = drop_cells([nodes[k] for k in at], key, self.dropout, self.recurrent_dropout)
        for k, cell in zip(at, dropped, strict=True):
            nodes[k] = cell
        return dataclasses.replace(self, nodes=tuple(nodes), dropout=0.0, recurrent_dropout=0.0)

    def initial_state(self) -> tuple[Any, ...]:
        """The state of every cell, and the output of every dense layer that is seen a step later."""
        return tuple(
            node.initial_state()
            if not isinstance(node, Dense)
            else jnp.zeros_like(node.c)
            if name in self.wiring.delayed
            else ()
            for name, node in zip(self.wiring.names, self.nodes, strict=True)
        )

    def step(self, state: tuple[Any, ...], x: Array) -> tuple[tuple[Any, ...], Array]:
        wiring, new = self.wiring, list(state)
        values: dict[str, Array] = {INPUT: x}
        for name in wiring.delayed:
            k = wiring.names.index(name)
            node, old = self.nodes[k], state[k]
            values[name + LATER] = old if isinstance(node, Dense) else node.output(old)
        for k in wiring.order:
            name, node = wiring.names[k], self.nodes[k]
            seen = _joined([values[source] for source in wiring.sources[k]])
            if isinstance(node, Dense):
                values[name] = node(seen)
                new[k] = values[name] if name in wiring.delayed else ()
            else:
                new[k] = node(state[k], seen)
                values[name] = node.output(new[k])
        return tuple(new), self._from(x, _joined([values[head] for head in wiring.heads]))

    def run(
        self, state: Any, xs: Array, present: Array | None = None, *, forward_mode: bool = False
    ) -> tuple[Any, jax.Array]:
        wiring, new = self.wiring, list(state)
        if wiring.delayed:  # what a node sees of a step is known only after the step before
            return Model.run(self, state, xs, present, forward_mode=forward_mode)
        values: dict[str, Array] = {INPUT: xs if present is None else jnp.where(present[..., None], xs, 0.0)}
        for k in wiring.order:
            node, seen = self.nodes[k], _joined([values[source] for source in wiring.sources[k]])
            if isinstance(node, Dense):
                values[wiring.names[k]] = node(seen)
            else:
                new[k], values[wiring.names[k]] = run_cell(node, state[k], seen, present, forward_mode=forward_mode)
        return tuple(new), jnp.asarray(self._from(values[INPUT], _joined([values[head] for head in wiring.heads])))

    def by_head(self, y: Array) -> dict[str, Array]:
        """The outputs (..., outputs) of each head by its name."""
        sizes = [self._width(self.nodes[self.wiring.names.index(head)]) for head in self.wiring.heads]
        ends = list(accumulate(sizes))
        spans = zip(self.wiring.heads, sizes, ends, strict=True)
        return {head: y[..., end - size : end] for head, size, end in spans}

    def _width(self, node: Cell | Dense) -> int:
        return len(node.c) if isinstance(node, Dense) else len(node.output(node.initial_state()))


def _joined(parts: list[Array]) -> Array:
    return parts[0] if len(parts) == 1 else jnp.concatenate(parts, axis=-1)
