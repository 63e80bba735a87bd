"""A network drawn from the model itself: folded, with its recurrent edges as loops, and unfolded in time beside it."""

from collections.abc import Mapping
from typing import Any

from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path

from recurra.errors import ConfigError
from recurra.models.diagram import SKIP, Diagram, Edge, Node, folded, unfolded
from recurra.report import canvas
from recurra.report.canvas import Axes
from recurra.report.formatting import clean, shortened
from recurra.report.palette import INK, MUTED, Ink, ink
from recurra.report.svg import to_svg

_ROW, _TALL = 62.0, 34.0  # points from one layer to the next, and of the box of one
_BELOW = 40.0  # the lowest row: its box and the steps under it
_FOLDED = 152.0  # width of the folded network with its loops
_MOST = 5  # steps that fit into the width
_NOW = Ink("in the same step", "muted", MUTED, "", width=1.0)
_LATER = Ink("one step later", "ink", INK, "", width=1.8)
_PENS = {"elman": ink("rnn"), "gru": ink("gru"), "lstm": ink("lstm"), "input": _NOW, "dense": _LATER}
_SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")

Places = Mapping[Any, tuple[float, float]]  # key of a node -> centre of its box


def model_diagram(model: Any, steps: int = 3) -> str:
    """Draw a network folded and, beside it, unfolded over some steps of time, the input at the bottom.

    Weights of one name are the same at every step. A network with a learned initial state has it before step 1.

    Args:
        model: as of `recurra.models.diagram.folded`.
        steps: of time, at most 5.

    Returns:
        One SVG element, for a page.

    Raises:
        ConfigError: a model that is no network, too many steps.
    """
    if steps > _MOST:
        raise ConfigError(f"`steps` is {steps}: at most {_MOST} fit beside each other")
    once, apart = folded(model), unfolded(model, steps)
    column = (canvas.WIDTH - _FOLDED) / len(apart.steps)
    wide = min(68.0, 0.62 * column)
    rows = {node.name: _BELOW + k * _ROW for k, node in enumerate(once.nodes)}
    top = canvas.legend_height([_NOW.title, _LATER.title]) + 30
    height = top + max(rows.values()) + _TALL / 2
    with canvas.drawing(height) as figure:
        canvas.legend(figure, [(pen.title, pen) for pen in (_NOW, _LATER)])
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, canvas.WIDTH), ylim=(0, height))
        axes.set_axis_off()
        middle = 0.5 * (_FOLDED - 20)
        _words(axes, middle, height - top + 12, "folded", fontweight="bold")
        _words(axes, 0.5 * (_FOLDED + canvas.WIDTH), height - top + 12, "unfolded in time", fontweight="bold")
        _words(axes, middle, 7, "step t", color=MUTED)
        _draw_folded(axes, once, {node.key: (middle, rows[node.name]) for node in once.nodes})
        across = {t: _FOLDED + (k + 0.5) * column for k, t in enumerate(apart.steps)}
        for t, x in across.items():
            _words(axes, x, 7, f"step {t}" if t else "start", color=MUTED)
        places = {(node.name, t): (across[t], rows[node.name]) for node in apart.nodes if (t := node.step) is not None}
        _draw_unfolded(axes, apart, places, wide)
        return to_svg(figure, "diagram", "The network, folded and unfolded in time", _describe(once, apart))


def _draw_folded(axes: Axes, diagram: Diagram, places: Places) -> None:
    wide = 68.0
    for k, edge in enumerate(diagram.edges):
        (x, y), (_, end) = places[edge.source], places[edge.target]
        if not edge.recurrent:
            _within(axes, edge, (x, y, end), wide, f"line-folded{k}", details=True)
        elif edge.source == edge.target:
            side = x + wide / 2
            corners = ((side, y + 9), (side + 32, y + 24), (side + 32, y - 24), (side, y - 9))
            _arrow(axes, corners, _LATER, f"line-folded{k}")
            _name(axes, side + 30, y, edge)
        else:  # around everything that lies between
            side, out = x + wide / 2, 62.0
            corners = ((side, y), (side + out, y), (side + out, end + 3), (side, end + 3))
            _arrow(axes, corners, _LATER, f"line-folded{k}")
            _name(axes, side + 0.56 * out + 5, y + 0.16 * (end - y), edge)
    for node in diagram.nodes:
        _box(axes, node, places[node.key], wide, details=True)


def _draw_unfolded(axes: Axes, diagram: Diagram, places: Places, wide: float) -> None:
    for k, edge in enumerate(diagram.edges):
        (x, y), (to, end) = places[edge.source], places[edge.target]
        if not edge.recurrent:
            _within(axes, edge, (x, y, end), wide, f"line-unfolded{k}", details=False)
        else:
            a = x + wide / 2
            _straight(axes, (a, y), (to - wide / 2, end), _LATER, f"line-unfolded{k}")
            if y == end:
                _name(axes, a + 4, y + 8, edge)
    for node in diagram.nodes:
        _box(axes, node, places[node.key], wide, details=False)


def _within(axes: Axes, edge: Edge, ends: tuple[float, float, float], wide: float, gid: str, details: bool) -> None:
    """An edge of the same step: straight up to the next row, around the boxes on the left to one further up."""
    x, y, end = ends
    if end - y <= 1.01 * _ROW:
        _straight(axes, (x, y + _TALL / 2), (x, end - _TALL / 2), _NOW, gid)
        _name(axes, x + 5, (y + end) / 2, edge)
    else:
        side, out = x - wide / 2, 9 + 5 * (end - y) / _ROW
        _arrow(axes, ((side, y + 6), (side - out, y + 12), (side - out, end - 12), (side, end - 6)), _NOW, gid)
        if details:
            _name(axes, side - 0.56 * out + 3, y + 0.16 * (end - y), edge)


def _straight(axes: Axes, begin: tuple[float, float], end: tuple[float, float], pen: Ink, gid: str) -> None:
    (a, b), (c, d) = begin, end
    corners = [(a + share * (c - a), b + share * (d - b)) for share in (0, 1 / 3, 2 / 3, 1)]
    _arrow(axes, corners, pen, gid)


def _arrow(axes: Axes, corners: Any, pen: Ink, gid: str) -> None:
    """A cubic Bézier curve through its four corners, in points, with a head at its end."""
    path = Path(list(corners), [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])
    head = "-|>,head_length=5,head_width=2.4"
    looks: dict = {"color": pen.light, "linewidth": pen.width, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 1}
    patch = FancyArrowPatch(path=path, arrowstyle=head, **looks)
    patch.set_gid(gid)
    axes.add_patch(patch)


def _box(axes: Axes, node: Node, centre: tuple[float, float], wide: float, details: bool) -> None:
    x, y = centre
    pen = _PENS.get(node.kind) or ink(node.kind)
    corner = (x - wide / 2, y - _TALL / 2)
    shape = "round,pad=0,rounding_size=6"
    looks: dict = {"edgecolor": pen.light, "facecolor": "none", "linewidth": 1.4}
    axes.add_patch(FancyBboxPatch(corner, wide, _TALL, boxstyle=shape, mutation_scale=1, **looks))
    room = wide / canvas.CHARACTER
    name = shortened(_letter(node.name), room)
    if not details:
        _words(axes, x, y - 3.4, name)
        return
    size = "" if node.size is None else f" {node.size:,}"
    _words(axes, x, y + 3.5, name, fontweight="bold")
    _words(axes, x, y - 11.5, shortened(clean(node.kind), room - len(size)) + size, color=pen.light)


def _name(axes: Axes, x: float, y: float, edge: Edge) -> None:
    """The letter of the weights; which node of a graph they belong to is where the arrow points."""
    _words(axes, x, y - 3.4, _letter(edge.weights.rpartition(".")[2]), ha="left", color=INK)


def _letter(name: str) -> str:
    """h1 as it is written: h₁; other names as they are."""
    short = name[:1].isalpha() and name[1:].isdigit()
    return name[0] + name[1:].translate(_SUBSCRIPT) if short else clean(name)


def _words(axes: Axes, x: float, y: float, text: str, **style: Any) -> None:
    axes.text(x, y, text, **{"ha": "center", "color": INK, **style})


def _describe(once: Diagram, apart: Diagram) -> str:
    layers = [
        f"{clean(node.name)} ({clean(node.kind)}{'' if node.size is None else f', {node.size:,}'})"
        for node in once.nodes
    ]
    later = [
        f"{clean(edge.source[0])} to {'itself' if edge.source == edge.target else clean(edge.target[0])} by "
        f"{clean(edge.weights)}"
        for edge in once.recurrent
    ]
    skip = any(edge.weights == SKIP for edge in once.edges)
    steps = len([t for t in apart.steps if t > 0])
    return (
        f"Layers from the input up: {', '.join(layers)}. "
        f"Recurrent edges, one step later: {', '.join(later) or 'none'}. "
        + ("The input is added to the output: the network learns increments. " if skip else "")
        + f"Unfolded over {steps} steps: {len(apart.nodes)} nodes and {len(apart.edges)} edges that share "
        "the weights of the folded network" + (", from a learned start." if 0 in apart.steps else ".")
    )
