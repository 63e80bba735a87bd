"""Graphs: a stack stated as one is the same to the bit; skips, heads, delays; what cannot be is refused by name."""

from itertools import pairwise

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recurra.cells import GRU, LSTM, Elman
from recurra.errors import ConfigError
from recurra.models import Dense, Graph, Stack, closed_loop, parameter_count, tensor_layout, to_tensors, unroll
from recurra.models.plan import read_plan

XS = np.random.default_rng(1).normal(size=(12, 3))


def _run(model, xs=XS):
    with jax.enable_x64(True):
        return np.asarray(eqx.filter_jit(lambda m, xs: m(xs))(model, xs))


def _graph(nodes, edges, **options):
    return Graph.of(nodes, edges, precision="float64", **options)


def _vector(model):
    return np.concatenate([array.ravel() for array in to_tensors(model).values()])


@pytest.mark.parametrize(
    ("cells", "hidden"), [(["gru"], []), (["lstm", "elman"], [5, 3]), (["elman", "gru", "lstm"], [2])]
)
def test_a_stack_written_as_a_graph_is_the_same_to_the_bit(cells, hidden):
    rng = np.random.default_rng(7)
    kinds = {"elman": Elman, "gru": GRU, "lstm": LSTM}
    layers = tuple(kinds[kind].draw(3 if k == 0 else 4, 4, rng) for k, kind in enumerate(cells))
    sizes = [4, *hidden, 2]
    ends = [Dense.draw(a, b, rng, "relu") for a, b in pairwise(sizes[:-1])]
    stack = Stack(layers, (*ends, Dense.draw(sizes[-2], 2, rng)), np.array([0.3, 2.0]))
    plan = [{"layer": kind, "units": 4} for kind in cells]
    plan += [{"layer": "dense", "units": size, "activation": "relu"} for size in hidden] + [{"layer": "dense"}]
    graph = Graph.draw(plan, 3, 2, scale=stack.scale, precision="float64", seed=7)
    assert _vector(graph).tobytes() == _vector(stack).tobytes()
    assert parameter_count(graph) == parameter_count(stack)
    assert _run(graph).tobytes() == _run(stack).tobytes()
    slopes = [_gradient(model) for model in (graph, stack)]
    assert slopes[0].tobytes() == slopes[1].tobytes()


def _gradient(model):
    with jax.enable_x64(True):
        return _vector(eqx.filter_jit(eqx.filter_grad(lambda m: (m(XS) ** 2).mean()))(model))


def test_skips_and_heads_are_sums_over_what_they_see(draw, papers):
    rng = np.random.default_rng(0)
    memory = draw("gru", 3, 1, units=4).cells[0]
    V, c = rng.normal(size=(1, 7)), rng.normal(size=1)
    A, a = rng.normal(size=(2, 5)), rng.normal(size=2)
    nodes = {"far": Dense(A, a, "tanh"), "memory": memory, "near": Dense(V, c)}  # in any order
    edges = {"memory": ["input"], "near": ["memory", "input"], "far": ["near", "memory"]}
    graph = _graph(nodes, edges, heads=["near", "far"])
    hs = papers.unroll(Stack((memory,), (Dense(np.eye(4), np.zeros(4)),)), XS)[1]
    near = np.concatenate([hs, XS], axis=1) @ V.T + c
    far = np.tanh(np.concatenate([near, hs], axis=1) @ A.T + a)
    outputs = _run(graph)
    np.testing.assert_allclose(outputs, np.concatenate([near, far], axis=1), rtol=0, atol=1e-12)
    heads = graph.by_head(outputs)
    assert list(heads) == ["near", "far"]
    np.testing.assert_array_equal(heads["near"], outputs[:, :1])
    np.testing.assert_array_equal(heads["far"], outputs[:, 1:])
    assert _graph(nodes, edges).wiring.heads == ("far",)  # what no other node sees


def test_a_delayed_edge_carries_the_value_of_the_step_before():
    # y_t = x_t + y_{t-1} / 2, and its memory is the sum of x_{t-k} / 2^k
    graph = _graph({"y": Dense(np.array([[1.0, 0.5]]), np.zeros(1))}, {"y": ["input", "y[t-1]"]})
    x = XS[:, :1]
    expected = [sum(x[t - k, 0] / 2**k for k in range(t + 1)) for t in range(len(x))]
    np.testing.assert_allclose(_run(graph, x)[:, 0], expected, rtol=1e-14)
    with jax.enable_x64(True):
        state, first = unroll(graph.step, graph.initial_state(), x[:5])
        again = unroll(graph.step, state, x[5:])[1]
    np.testing.assert_allclose(np.concatenate([first, again])[:, 0], expected, rtol=1e-14)


def test_two_cells_that_feed_each_other_a_step_later(draw, papers):
    first, second = (draw(kind, inputs, 1, units=4).cells[0] for kind, inputs in (("lstm", 7), ("gru", 4)))
    graph = _graph({"a": first, "b": second}, {"a": ["input", "b[t-1]"], "b": ["a"]})
    outputs = _run(graph)
    eye = (Dense(np.eye(4), np.zeros(4)),)
    one, two = Stack((first,), eye), Stack((second,), eye)
    states, b = [papers.start(one), papers.start(two)], np.zeros(4)
    for x, found in zip(XS, outputs, strict=True):
        states[0], a = papers.step(one, states[0], np.concatenate([x, b]))
        states[1], b = papers.step(two, states[1], a)
        np.testing.assert_allclose(found, b, rtol=0, atol=1e-12)


def test_runs_in_the_closed_loop_as_increments():
    plan = [{"layer": "gru", "units": 4, "name": "m"}, {"layer": "dense", "from": ["m", "input"]}]
    graph = Graph.draw(plan, 3, 2, scale=np.array([0.5, 2.0]), precision="float64", seed=1)
    drive, last = XS[:5, 2:], XS[0, :2]
    with jax.enable_x64(True):
        _, ys = jax.jit(lambda last, us: closed_loop(graph.step, graph.initial_state(), last, us))(last, drive)
    seen = np.concatenate([np.concatenate([[last], np.asarray(ys)[:-1]]), drive], axis=1)
    np.testing.assert_allclose(ys, _run(graph, seen), rtol=0, atol=1e-14)
    bare = Graph(graph.nodes, graph.wiring)
    np.testing.assert_allclose(ys, seen[:, :2] + graph.scale * _run(bare, seen), rtol=0, atol=1e-14)


def test_a_cell_of_ones_own_is_a_node():
    class Integrator(eqx.Module):
        gain: np.ndarray
        dt: float = 0.1

        def initial_state(self):
            return jnp.zeros(3)

        def __call__(self, state, x):
            return state + self.dt * self.gain * x

    graph = _graph({"sum": Integrator(np.array([1.0, 2.0, -1.0]))}, {"sum": ["input"]})
    np.testing.assert_allclose(_run(graph), 0.1 * np.array([1.0, 2.0, -1.0]) * XS.cumsum(axis=0), rtol=1e-13)
    assert list(to_tensors(graph)) == ["nodes/0/weights/gain"]


def test_the_blank_graph_has_the_shapes_and_takes_no_memory():
    plan = [{"layer": "lstm", "units": 100_000}, {"layer": "dense"}]
    blank = Graph.draw(plan, 3, 2, seed=None)  # 160 GB of weights
    assert tensor_layout(blank)["nodes/0/W"] == ("float32", (400_000, 100_000))
    small = [{"layer": "lstm", "units": 4}, {"layer": "gru", "units": 5, "reset_after": False}, {"layer": "dense"}]
    shapes = [tensor_layout(Graph.draw(small, 3, 2, precision="float64", seed=seed)) for seed in (None, 0)]
    assert shapes[0] == shapes[1]


D = {"layer": "dense", "units": 1}


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (
            [{**D, "name": "a", "from": ["b"]}, {**D, "name": "b", "from": ["a"]}],
            r"a <- b <- a is a cycle .*'b\[t-1\]'",
        ),
        ([{**D, "name": "a", "from": ["a"]}], r"a <- a is a cycle without a delay"),
        ([{**D, "from": ["inputs"]}], r"node 'node0': unknown source 'inputs': did you mean 'input'"),
        ([{**D, "from": []}], "'node0' sees nothing"),
        ([{**D, "name": "a"}, {**D, "name": "a"}], "cannot be named 'a'"),
        ([{**D, "name": "input"}], "cannot be named 'input'"),
        ([{"layer": "gruu", "units": 3}], "unknown layer 'gruu': did you mean 'gru'"),
        ([{"layer": "gru", "units": 0}, {"layer": "lstm", "unit": 3}], "(?s)`units` must.*key of a lstm 'unit'"),
        ([{**D, "activation": "tan"}], "unknown activation 'tan': did you mean 'tanh'"),
        ([{"layer": "gru", "units": 2, "reset_after": 1}], "`reset_after` must be true or false"),
        ([{**D, "from": [3]}], "`from` must be a list of names"),
        ([], "list of 1 to 200 tables"),
        ("gru", "list of 1 to 200 tables"),
        ([3], "node 0 must be a table"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_by_name(plan, message):
    with pytest.raises(ConfigError, match=message):
        read_plan(plan)


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ([{"layer": "dense", "units": 3}], "'node0' have 3 outputs, and the data 2 channels"),
        ([D, {"layer": "dense", "from": ["input"]}, {"layer": "dense", "from": ["input"]}], "one head may leave"),
        ([{"layer": "gru"}, {"layer": "dense"}], "`units` of 'node0' are missing"),
        ([{**D, "units": 2}, {"layer": "dense", "from": ["input"]}], "2 outputs and more"),
    ],
)
def test_heads_that_do_not_fit_the_data_are_refused(plan, message):
    with pytest.raises(ConfigError, match=message):
        Graph.draw(plan, 3, 2, seed=0)


def test_edges_of_strangers_are_refused():
    with pytest.raises(ConfigError, match="not there: z"):
        _graph({"y": Dense(np.ones((1, 1)), np.zeros(1))}, {"y": ["input"], "z": ["y"]})
