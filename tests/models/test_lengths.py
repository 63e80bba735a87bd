"""One set of weights for sequences of any length; a run in pieces is the run; layers one by one are the stack."""

import tracemalloc

import equinox as eqx
import jax
import numpy as np
import pytest

from recurra.forecasting.compiled import Compiled
from recurra.models import Dense, Graph, Stack, tensor_layout, unroll, with_output

KINDS = ("tanh", "gru", "gru-before", "lstm")
PLAN = [
    {"layer": "lstm", "units": 4, "name": "m"},
    {"layer": "gru", "units": 3, "from": ["m", "input", "y[t-1]"]},
    {"layer": "dense", "name": "y"},
]


def _model(kind, draw):
    return Graph.draw(PLAN, 3, 2, seed=0) if kind == "graph" else draw(kind, 3, 2, units=4, layers=2)


@pytest.mark.parametrize("kind", [*KINDS, "graph"])
def test_one_set_of_weights_runs_any_length(kind, draw):
    network = Compiled(_model(kind, draw))
    xs = np.random.default_rng(0).normal(size=(1, 100_000, 3))
    long = network.run(network.initial_state(1), xs)[1]
    assert long.shape == (1, 100_000, 2)
    assert np.isfinite(long).all()
    for steps in (1, 7):
        short = network.run(network.initial_state(1), xs[:, :steps])[1]
        np.testing.assert_allclose(short, long[:, :steps], rtol=0, atol=1e-6 if kind == "graph" else 1e-14)


@pytest.mark.parametrize(("kind", "cut"), [("tanh", 1), ("gru", 7), ("gru-before", 29), ("lstm", 13), ("graph", 16)])
def test_a_run_in_two_pieces_is_the_run_to_the_bit(kind, cut, draw):
    model = _model(kind, draw)
    xs = np.random.default_rng(1).normal(size=(30, 3)).astype(model.dtype)
    with jax.enable_x64(model.dtype == np.float64):
        step = eqx.filter_jit(lambda m, s, xs: unroll(m.step, s, xs))
        state, whole = step(model, model.initial_state(), xs)
        middle, first = step(model, model.initial_state(), xs[:cut])
        end, second = step(model, middle, xs[cut:])
    assert np.concatenate([first, second]).tobytes() == np.asarray(whole).tobytes()
    for a, b in zip(jax.tree.leaves(end), jax.tree.leaves(state), strict=True):
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


@pytest.mark.parametrize(("lower", "upper"), [*zip(KINDS, KINDS[1:] + KINDS[:1], strict=True)])
def test_gradients_of_every_pair_of_layers_are_central_differences(lower, upper, draw):
    cells = draw(lower, 2, 1, units=3).cells + draw(upper, 3, 1, units=3, seed=1).cells
    model = Stack(cells, (Dense(np.ones((2, 3)), np.zeros(2), "tanh"),))
    xs, rng = np.random.default_rng(2).normal(size=(6, 2)), np.random.default_rng(3)
    with jax.enable_x64(True):
        loss = eqx.filter_jit(lambda m: ((m(xs) - 0.3) ** 2).mean())
        gradient = eqx.filter_jit(eqx.filter_grad(lambda m: ((m(xs) - 0.3) ** 2).mean()))(model)
        for _ in range(3):
            way = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape) / 10, model)
            up, down = (jax.tree.map(lambda w, d, e=e: w + e * d, model, way) for e in (1e-5, -1e-5))
            slope = float(loss(up) - loss(down)) / 2e-5
            parts = jax.tree.map(lambda g, d: float((np.asarray(g) * d).sum()), gradient, way)
            assert slope == pytest.approx(sum(jax.tree.leaves(parts)), abs=1e-9)


def test_probabilities_are_an_activation_of_the_trained_logits(draw):
    model = draw("gru", 3, 4)
    xs = np.random.default_rng(0).normal(size=(5, 3))
    with jax.enable_x64(True):
        run = eqx.filter_jit(lambda m, xs: m(xs))
        logits, p = np.asarray(run(model, xs)), np.asarray(run(with_output(model, "softmax"), xs))
    np.testing.assert_allclose(p, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), rtol=1e-13)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-14)


def test_a_blank_stack_takes_no_memory_of_its_sizes():
    tracemalloc.start()
    blank = Stack.draw("lstm", 3, 2, units=100_000, layers=1000, hidden=(100_000,), scale=np.zeros(2), seed=None)
    shapes, most = tensor_layout(blank), tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert shapes["cells/999/W"] == ("float32", (400_000, 100_000))
    assert shapes["cells/0/b"] == ("float32", (400_000,))
    assert most < 20e6
