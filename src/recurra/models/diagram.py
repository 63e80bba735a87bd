"""A model as nodes and edges, read off the model itself: folded, with its loops, or unfolded in time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax

from recurra.cells import Convolution, Own
from recurra.errors import ConfigError
from recurra.models.dense import Dense
from recurra.models.graph import Graph
from recurra.models.plan import INPUT, LATER
from recurra.models.stack import Stack

SKIP = "+"  # the edge of a model that learns increments: the input is added to the output as it is


@dataclass(frozen=True)
class Node:
    """A layer of a network, at one step.

    Args:
        name: of the layer.
        kind: "input", "elman", "gru", "lstm", "convolution", "dense" or the class of a cell of one's own.
        size: the numbers that it gives; None where the model does not say (inputs of a cell of one's own).
        layer: its place, 0 for the input, each node above all that it sees in the same step.
        output: whether it is an output of the network.
        step: 1, 2, ...; 0 for an initial state; None in a folded diagram.
    """

    name: str
    kind: str
    size: int | None
    layer: int
    output: bool = False
    step: int | None = None

    @property
    def key(self) -> tuple[str, int | None]:
        """What edges call it: its name and step."""
        return self.name, self.step


@dataclass(frozen=True)
class Edge:
    """What one node sees of another.

    Args:
        source, target: keys of nodes.
        weights: the name of the weights, the same at all steps; `SKIP` for an edge without any.
        recurrent: whether the target sees what the source gave one step before.
    """

    source: tuple[str, int | None]
    target: tuple[str, int | None]
    weights: str
    recurrent: bool = False


@dataclass(frozen=True)
class Diagram:
    """Nodes and edges; every edge joins two of the nodes."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    @property
    def steps(self) -> tuple[int, ...]:
        """The steps that are drawn; empty for a folded diagram."""
        return tuple(sorted({node.step for node in self.nodes if node.step is not None}))

    @property
    def recurrent(self) -> tuple[Edge, ...]:
        """The edges from one step to the next."""
        return tuple(edge for edge in self.edges if edge.recurrent)


def folded(model: Any) -> Diagram:
    """The network as it stands: every layer once, what is seen a step later as a loop or an edge back.

    The weights have the lecture's names: U from below to a recurrent layer, W from that layer to itself, V to a dense
    layer; with a number where there are several layers, with the name of the node in a `Graph`.

    Args:
        model: a `Stack`, a `Graph`, or a model around one, such as `recurra.training.LearnedStart`.

    Raises:
        ConfigError: another model.

    Example:
        >>> drawn = folded(Stack.draw("elman", 3, 2, units=8, seed=0))
        >>> [(node.name, node.size) for node in drawn.nodes]
        [('x', 3), ('h', 8), ('y', 2)]
        >>> [(edge.source[0], edge.target[0], edge.weights, edge.recurrent) for edge in drawn.edges]
        [('x', 'h', 'U', False), ('h', 'h', 'W', True), ('h', 'y', 'V', False)]
    """
    inner = _chain(model)[-1]
    diagram = _of_stack(inner) if isinstance(inner, Stack) else _of_graph(inner)
    if model.scale is None:
        return diagram
    added = (Edge(("x", None), node.key, SKIP) for node in diagram.nodes if node.output)
    return replace(diagram, edges=(*diagram.edges, *added))


def unfolded(model: Any, steps: int = 3) -> Diagram:
    """The network unrolled in time: every layer once a step, and all edges of one name share one set of weights.

    Before the first step stands nothing, or the initial states of a model that learns them.

    Args:
        model: as of `folded`.
        steps: of time.

    Example:
        >>> drawn = unfolded(Stack.draw("elman", 3, 2, units=8, seed=0), steps=3)
        >>> len(drawn.nodes), len(drawn.edges), [edge.source + edge.target for edge in drawn.recurrent]
        (9, 8, [('h', 1, 'h', 2), ('h', 2, 'h', 3)])
    """
    if steps < 1:
        raise ConfigError(f"`steps` is {steps}: a network is unfolded over at least one")
    once = folded(model)
    nodes = [replace(node, step=t) for t in range(1, steps + 1) for node in once.nodes]
    if any(hasattr(each, "start") for each in _chain(model)):
        carried = {edge.source[0] for edge in once.recurrent}
        nodes = [*(replace(node, step=0, output=False) for node in once.nodes if node.name in carried), *nodes]
    there = {node.key for node in nodes}
    edges = (
        replace(edge, source=(edge.source[0], t - edge.recurrent), target=(edge.target[0], t))
        for t in range(1, steps + 1)
        for edge in once.edges
    )
    return Diagram(tuple(nodes), tuple(edge for edge in edges if edge.source in there))


def _chain(model: Any) -> list[Any]:
    """The model, the one that it is around, and so on to the network itself."""
    chain = [model]
    while not isinstance(chain[-1], Stack | Graph):
        if not hasattr(chain[-1], "model"):
            raise ConfigError(
                f"a diagram is drawn of a `Stack`, a `Graph` or a model around one, not of {type(model).__name__}"
            )
        chain.append(chain[-1].model)
    return chain


def _of_stack(model: Stack) -> Diagram:
    cells, dense = model.cells, model.readout
    hidden = _numbered("h", len(cells))
    between = [*_numbered("r", len(dense) - 1), "y"]
    nodes = [Node("x", "input", _inputs(cells[0]), 0)]
    edges: list[Edge] = []
    for name, U, W, cell in zip(hidden, _numbered("U", len(cells)), _numbered("W", len(cells)), cells, strict=True):
        edges.append(Edge(nodes[-1].key, (name, None), U))
        if not isinstance(cell, Convolution):
            edges.append(Edge((name, None), (name, None), W, recurrent=True))
        nodes.append(Node(name, _kind(cell), _size(cell), len(nodes)))
    for name, V, layer in zip(between, _numbered("V", len(dense)), dense, strict=True):
        edges.append(Edge(nodes[-1].key, (name, None), V))
        nodes.append(Node(name, "dense", _size(layer), len(nodes), output=name == "y"))
    return Diagram(tuple(nodes), tuple(edges))


def _of_graph(model: Graph) -> Diagram:
    wiring, parts = model.wiring, dict(zip(model.wiring.names, model.nodes, strict=True))
    sizes = {name: _size(part) for name, part in parts.items()}
    sources = dict(zip(wiring.names, wiring.sources, strict=True))
    layers, edges, inputs = {INPUT: 0}, [], None
    for k in wiring.order:
        name = wiring.names[k]
        seen, later = [s for s in sources[name] if LATER not in s], [s for s in sources[name] if LATER in s]
        layers[name] = 1 + max((layers[source] for source in seen), default=0)
        weights = f"{name}.{'V' if isinstance(parts[name], Dense) else 'U'}"
        for source in sources[name]:
            edge = Edge((source.removesuffix(LATER), None), (name, None), weights, recurrent=source in later)
            edges.append(edge)
        if not isinstance(parts[name], Dense | Convolution):
            edges.append(Edge((name, None), (name, None), f"{name}.W", recurrent=True))
        if INPUT in seen and (width := _inputs(parts[name])) is not None:
            inputs = width - sum(sizes[source.removesuffix(LATER)] for source in sources[name] if source != INPUT)
    nodes = [Node(INPUT, "input", inputs, 0)]
    for k in wiring.order:
        name = wiring.names[k]
        nodes.append(Node(name, _kind(parts[name]), sizes[name], layers[name], name in wiring.heads))
    return Diagram(tuple(nodes), tuple(edges))


def _numbered(letter: str, count: int) -> Sequence[str]:
    return [letter] if count == 1 else [f"{letter}{k}" for k in range(1, count + 1)]


def _kind(part: Any) -> str:
    return type(part.module).__name__ if isinstance(part, Own) else type(part).__name__.lower()


def _size(part: Any) -> int:
    if isinstance(part, Dense):
        return len(part.c)
    with jax.enable_x64(True):  # weights may be of either precision
        return len(part.output(part.initial_state()))


def _inputs(part: Any) -> int | None:
    """The columns of what it sees; None where a cell has no matrix that says so."""
    if isinstance(part, Convolution):
        return part.U.shape[1] // part.kernel
    matrix = part.V if isinstance(part, Dense) else getattr(part, "U", None)
    return None if matrix is None else matrix.shape[1]
