"""Nodes and edges of a model, folded and unfolded, counted from its equations."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from recurra.cells import GRU, LSTM, Convolution, as_cell
from recurra.errors import ConfigError
from recurra.models import Dense, Graph, Stack
from recurra.models.diagram import folded, unfolded
from recurra.training.wrappers import Gaussian, LearnedStart


def stack(cell="elman", layers=1, outputs=2, **options):
    return Stack.draw(cell, 3, outputs, units=8, layers=layers, seed=0, **options)


def ends(edge):
    return edge.source[0], edge.target[0], edge.weights


def test_one_layer_folded_is_three_nodes_and_a_loop():
    drawn = folded(stack())
    found = [(node.name, node.kind, node.size, node.layer) for node in drawn.nodes]
    assert found == [("x", "input", 3, 0), ("h", "elman", 8, 1), ("y", "dense", 2, 2)]
    assert [ends(edge) for edge in drawn.edges] == [("x", "h", "U"), ("h", "h", "W"), ("h", "y", "V")]
    assert [ends(edge) for edge in drawn.recurrent] == [("h", "h", "W")]
    assert [node.name for node in drawn.nodes if node.output] == ["y"]
    assert drawn.steps == ()


@pytest.mark.parametrize("steps", [1, 2, 3, 7])
def test_one_layer_unfolded_is_three_nodes_a_step_and_one_edge_fewer_than_nodes(steps):
    drawn = unfolded(stack(), steps)
    assert (len(drawn.nodes), len(drawn.edges)) == (3 * steps, 3 * steps - 1)
    assert [(e.source, e.target) for e in drawn.recurrent] == [(("h", t), ("h", t + 1)) for t in range(1, steps)]
    assert drawn.steps == tuple(range(1, steps + 1))


def test_layers_without_feedback_have_no_loop():
    cell = Convolution.draw(3, 4, np.random.default_rng(0), kernel=5)
    network = Stack((cell,), (Dense(np.ones((1, 4)), np.zeros(1)),))
    diagram = folded(network)
    assert not diagram.recurrent
    found = [(node.name, node.kind, node.size) for node in diagram.nodes]
    assert found[:2] == [("x", "input", 3), ("h", "convolution", 4)]


@pytest.mark.parametrize("layers", [1, 2, 3, 4])
def test_every_layer_has_its_own_loop(layers):
    drawn, steps = folded(stack(layers=layers)), 3
    assert len(drawn.nodes) == layers + 2
    assert len(drawn.edges) == 2 * layers + 1
    assert {e.source for e in drawn.recurrent} == {e.target for e in drawn.recurrent}
    assert len(drawn.recurrent) == layers
    apart = unfolded(stack(layers=layers), steps)
    assert len(apart.nodes) == steps * (layers + 2)
    assert len(apart.edges) == steps * (2 * layers + 1) - layers


def test_weights_have_one_name_over_all_steps():
    drawn = unfolded(stack(layers=2), steps=5)
    counts = {}
    for edge in drawn.edges:
        counts[edge.weights] = counts.get(edge.weights, 0) + 1
    assert counts == {"U1": 5, "W1": 4, "U2": 5, "W2": 4, "V": 5}


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_gated_layers_are_layers_with_a_loop(cell):
    drawn = folded(stack(cell))
    assert [(node.kind, node.size) for node in drawn.nodes] == [("input", 3), (cell, 8), ("dense", 2)]
    assert [ends(edge) for edge in drawn.recurrent] == [("h", "h", "W")]
    assert len(unfolded(stack(cell), 4).recurrent) == 3


def test_hidden_layers_of_the_readout_have_no_loop():
    drawn = folded(stack(hidden=(6, 5)))
    assert [(node.name, node.size) for node in drawn.nodes] == [("x", 3), ("h", 8), ("r1", 6), ("r2", 5), ("y", 2)]
    assert [edge.weights for edge in drawn.edges] == ["U", "W", "V1", "V2", "V3"]
    assert len(drawn.recurrent) == 1


def test_a_model_of_increments_has_an_edge_from_input_to_output():
    drawn = folded(stack(scale=np.ones(2)))
    assert [ends(edge) for edge in drawn.edges if edge.weights == "+"] == [("x", "y", "+")]


def test_a_learned_start_is_drawn_before_the_first_step():
    model, steps = LearnedStart.of(stack(layers=2)), 3
    drawn = unfolded(model, steps)
    assert (len(drawn.nodes), len(drawn.edges)) == (4 * steps + 2, 5 * steps)
    assert [node.key for node in drawn.nodes if node.step == 0] == [("h1", 0), ("h2", 0)]
    assert len(folded(model).edges) == 5
    assert len(unfolded(LearnedStart.of(stack()), steps).edges) == 3 * steps


def test_a_model_of_a_spread_is_drawn_as_the_network_inside():
    inner = stack(outputs=4)
    assert folded(Gaussian(inner)) == folded(inner)
    assert [node.size for node in folded(Gaussian(inner, np.ones(2))).nodes] == [3, 8, 4]
    assert len(folded(Gaussian(inner, np.ones(2))).edges) == 4
    assert unfolded(Gaussian(LearnedStart.of(inner)), 2).nodes[0].key == ("h", 0)


def test_a_graph_has_its_own_wiring_and_the_delayed_edge_is_recurrent():
    rng = np.random.default_rng(0)
    nodes = {"fast": GRU.draw(4, 5, rng), "slow": LSTM.draw(5, 6, rng), "y": Dense.draw(14, 1, rng)}
    graph = Graph.of(nodes, {"fast": ["input", "y[t-1]"], "slow": ["fast"], "y": ["slow", "fast", "input"]})
    drawn = folded(graph)
    found = {node.name: (node.kind, node.size, node.layer, node.output) for node in drawn.nodes}
    assert found == {
        "input": ("input", 3, 0, False),
        "fast": ("gru", 5, 1, False),
        "slow": ("lstm", 6, 2, False),
        "y": ("dense", 1, 3, True),
    }
    assert len(drawn.edges) == 2 + 1 + 3 + 2
    assert {ends(edge) for edge in drawn.recurrent} == {
        ("y", "fast", "fast.U"),
        ("fast", "fast", "fast.W"),
        ("slow", "slow", "slow.W"),
    }
    apart = unfolded(graph, 3)
    assert (len(apart.nodes), len(apart.edges)) == (12, 3 * 5 + 2 * 3)
    assert (("y", 1), ("fast", 2)) in [(edge.source, edge.target) for edge in apart.recurrent]


class Leak(eqx.Module):
    rate: np.ndarray

    def initial_state(self):
        return jnp.zeros(4)

    def __call__(self, state, x):
        return state + self.rate * (jnp.tanh(x.sum()) - state)


def test_a_cell_of_ones_own_has_the_name_of_its_class():
    cell = as_cell(Leak(np.full(4, 0.1, np.float32)))
    drawn = folded(Stack((cell,), (Dense.draw(4, 1, np.random.default_rng(0)),)))
    assert [(node.kind, node.size) for node in drawn.nodes] == [("input", None), ("Leak", 4), ("dense", 1)]


def test_what_is_no_network_is_refused():
    with pytest.raises(ConfigError, match="not of Dense"):
        folded(Dense.draw(1, 1, np.random.default_rng(0)))
    with pytest.raises(ConfigError, match="`steps` is 0"):
        unfolded(stack(), 0)
