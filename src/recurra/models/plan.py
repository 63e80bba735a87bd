"""A graph as plain data: its wiring, and a plan of layers from which a graph is drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from recurra._types import whole_number
from recurra.cells import ACTIVATIONS
from recurra.errors import ConfigError, unknown

INPUT = "input"
LATER = "[t-1]"


@dataclass(frozen=True)
class Wiring:
    """Which node sees which.

    Args:
        names: of the nodes.
        sources: of each node: names, "input", or "name[t-1]" for what a node gave one step before.
        given_heads: the nodes whose outputs are the outputs of the graph; None for those that no other node sees in
            the same step.

    Raises:
        ConfigError: a name that cannot be or is not there, a node without sources, a cycle without a delay.
    """

    names: tuple[str, ...]
    sources: tuple[tuple[str, ...], ...]
    given_heads: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for name, sources in zip(self.names, self.sources, strict=True):
            if name == INPUT or LATER in name or self.names.count(name) > 1:
                raise ConfigError(f"a node cannot be named {name!r}: that is {INPUT!r}, a delay, or another node")
            if not sources:
                raise ConfigError(f"node {name!r} sees nothing: give it at least one source, such as {INPUT!r}")
            for source in sources:
                if source != INPUT and source.removesuffix(LATER) not in self.names:
                    raise ConfigError(f"node {name!r}: " + unknown("source", source, [INPUT, *self.names]))
        for head in self.given_heads or ():
            if head not in self.names:
                raise ConfigError(unknown("head", head, self.names))
        if not self.names or not self.order or not self.heads:
            raise ConfigError("a graph has at least one node")

    @property
    def heads(self) -> tuple[str, ...]:
        """The nodes whose outputs are the outputs of the graph."""
        if self.given_heads is not None:
            return self.given_heads
        seen = {source for sources in self.sources for source in sources}
        return tuple(name for name in self.names if name not in seen)

    @cached_property
    def delayed(self) -> tuple[str, ...]:
        """The nodes that are seen a step later."""
        later = {source.removesuffix(LATER) for sources in self.sources for source in sources if LATER in source}
        return tuple(name for name in self.names if name in later)

    @cached_property
    def order(self) -> tuple[int, ...]:
        """The places of the nodes, each after all that it sees in the same step."""
        done: list[str] = []
        for name in self.names:
            self._visit(name, (), done)
        return tuple(self.names.index(name) for name in done)

    def _visit(self, name: str, path: tuple[str, ...], done: list[str]) -> None:
        if name in path:
            cycle = [*path[path.index(name) :], name]
            raise ConfigError(
                f"{' <- '.join(cycle)} is a cycle without a delay: let one of them see another a step later, as "
                f"'{cycle[1]}{LATER}'"
            )
        if name not in done and name in self.names:
            for source in self.sources[self.names.index(name)]:
                self._visit(source, (*path, name), done)
            done.append(name)


OPTIONS = {
    "elman": ("activation",),
    "gru": ("reset_after",),
    "lstm": ("peepholes", "forget_gate"),
    "dense": ("activation",),
}
_KEYS = ("name", "layer", "units", "from")
_MOST = 200  # nodes


@dataclass(frozen=True)
class Node:
    """A node of a plan.

    Args:
        name: of the node.
        layer: "elman", "gru", "lstm" or "dense".
        units: its outputs; None for what is left of the outputs of the graph.
        sources: what it sees.
        options: of the layer: `activation`, `reset_after`, `peepholes`, `forget_gate`.
    """

    name: str
    layer: str
    units: int | None
    sources: tuple[str, ...]
    options: dict[str, Any]


def read_plan(plan: Any) -> tuple[Node, ...]:
    """The nodes of a plan: a list of tables, one for each node.

    The keys of a table are `layer` ("elman", "gru", "lstm" or "dense"), `units`, `name`, `from` (its sources; the node
    before where it is not given) and the options of the layer (`activation`; `reset_after` of a GRU; `peepholes` and
    `forget_gate` of an LSTM). One head may leave its `units` out: it gets what the data need.

    Raises:
        ConfigError: all problems at once.

    >>> plan = [{"layer": "gru", "units": 8, "name": "memory"}, {"layer": "dense", "from": ["memory", "input"]}]
    >>> nodes = read_plan(plan)
    >>> nodes[1].name, nodes[1].sources
    ('node1', ('memory', 'input'))
    """
    if not isinstance(plan, Sequence) or isinstance(plan, str) or not 0 < len(plan) <= _MOST:
        raise ConfigError(f"a graph is a list of 1 to {_MOST} tables, one for each node, got {plan!r}")
    problems, nodes = [], []
    for k, table in enumerate(plan):
        if not isinstance(table, Mapping):
            problems.append(f"node {k} must be a table, got {table!r}")
            continue
        before = nodes[-1].name if nodes else INPUT
        layer, options = table.get("layer"), {key: value for key, value in table.items() if key not in _KEYS}
        sources = table.get("from", [before])
        sources = [sources] if isinstance(sources, str) else sources
        if not isinstance(sources, list | tuple) or not all(isinstance(source, str) for source in sources):
            problems.append(f"node {k}: `from` must be a list of names, got {sources!r}")
            continue
        units = table.get("units")
        if units is not None and (not whole_number(units) or not 1 <= units <= 100_000):
            problems.append(f"node {k}: `units` must be a whole number of at least 1, got {units!r}")
            continue
        nodes.append(Node(str(table.get("name", f"node{k}")), str(layer), units, tuple(sources), options))
        problems += _problems(nodes[-1])
    if not problems:
        try:
            wiring_of(nodes)
        except ConfigError as error:
            problems.append(str(error))
    if problems:
        raise ConfigError("; ".join(problems))
    return tuple(nodes)


def wiring_of(nodes: Sequence[Node]) -> Wiring:
    """The wiring of a plan."""
    return Wiring(tuple(node.name for node in nodes), tuple(node.sources for node in nodes))


def widths(nodes: Sequence[Node], outputs: int) -> dict[str, int]:
    """The number of outputs of every node.

    Raises:
        ConfigError: the heads have not the outputs that are wanted.
    """
    heads, found = wiring_of(nodes).heads, {node.name: node.units for node in nodes}
    open_heads = [name for name in heads if found[name] is None]
    given = sum(units for name, units in found.items() if name in heads and units is not None)
    unsaid = [name for name, units in found.items() if units is None and name not in heads]
    if unsaid:
        raise ConfigError(f"`units` of {', '.join(map(repr, unsaid))} are missing: only a head may leave them out")
    if len(open_heads) > 1 or (open_heads and given >= outputs) or (not open_heads and given != outputs):
        raise ConfigError(
            f"the heads {', '.join(map(repr, heads))} have {given} outputs{' and more' if open_heads else ''}, and the "
            f"data {outputs} channels: their `units` add up to the channels, and one head may leave its own out"
        )
    return {name: outputs - given if units is None else units for name, units in found.items()}


def _problems(node: Node) -> list[str]:
    what, found = f"node {node.name!r}", []
    if node.layer not in OPTIONS:
        return [f"{what}: " + unknown("layer", node.layer, OPTIONS)]
    for key, value in node.options.items():
        if key not in OPTIONS[node.layer]:
            found.append(f"{what}: " + unknown(f"key of a {node.layer}", key, [*_KEYS, *OPTIONS[node.layer]]))
        elif key == "activation" and value not in ACTIVATIONS:
            found.append(f"{what}: " + unknown("activation", value, ACTIVATIONS))
        elif key != "activation" and not isinstance(value, bool):
            found.append(f"{what}: `{key}` must be true or false, got {value!r}")
    return found
