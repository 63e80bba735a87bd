"""Models: cells and dense layers as a stack or a graph, `step(state, x) -> (state, y)`; all goes through `step`."""

from recurra.models import by_hand
from recurra.models.dense import Dense
from recurra.models.diagram import Diagram, folded, unfolded
from recurra.models.graph import Graph
from recurra.models.model import Layers, Model
from recurra.models.ring import Ring
from recurra.models.running import closed_loop, unroll
from recurra.models.stack import CELLS, Stack, with_output
from recurra.models.tensors import from_tensors, in_precision, parameter_count, tensor_layout, to_tensors

__all__ = [
    "CELLS",
    "Dense",
    "Diagram",
    "Graph",
    "Layers",
    "Model",
    "Ring",
    "Stack",
    "by_hand",
    "closed_loop",
    "folded",
    "from_tensors",
    "in_precision",
    "parameter_count",
    "tensor_layout",
    "to_tensors",
    "unfolded",
    "unroll",
    "with_output",
]
