"""Stacks: layer by layer, step by step, and their sizes in closed form."""

from itertools import product

import equinox as eqx
import jax
import numpy as np
import pytest

from recurra.errors import ConfigError
from recurra.models import (
    Dense,
    Stack,
    closed_loop,
    from_tensors,
    parameter_count,
    tensor_layout,
    to_tensors,
    unroll,
)

KINDS = ("tanh", "relu", "gru", "lstm")
SIZES = [(1, 1, 1), (1, 32, 1), (4, 32, 1), (3, 5, 2), (2, 64, 2), (7, 1, 3), (10, 10, 10), (3, 100, 3)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_stack_is_its_layers_one_after_the_other(kind, draw, papers):
    model = draw(kind, 2, 2, units=4, layers=2)
    xs = np.random.default_rng(1).normal(size=(8, 2))
    eye = (Dense(np.eye(4), np.zeros(4)),)
    lower, upper = (Stack((cell,), eye) for cell in model.cells)
    with jax.enable_x64(True):
        run = eqx.filter_jit(lambda m, xs: m(xs))
        outputs, between = run(model, xs), run(lower, xs)
        top = run(Stack(upper.cells, model.readout), np.asarray(between))
    np.testing.assert_allclose(outputs, top, rtol=0, atol=1e-14)
    np.testing.assert_allclose(outputs, papers.unroll(model, xs)[1], rtol=0, atol=1e-12)


def test_readout_with_hidden_layers_rectifies_all_but_the_last(draw, papers):
    model = draw("tanh", 2, 2, units=4, hidden=(6, 3))
    assert [layer.activation for layer in model.readout] == ["relu", "relu", "identity"]
    xs = np.random.default_rng(1).normal(size=(8, 2))
    with jax.enable_x64(True):
        outputs = eqx.filter_jit(lambda m, xs: m(xs))(model, xs)
    expected = papers.unroll(model, xs)[1]
    assert (expected < 0).any()
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=1e-12)


def test_unroll_is_a_loop_over_steps(draw):
    model = draw("lstm", 2, 1, units=3, layers=2)
    xs = np.random.default_rng(1).normal(size=(7, 2))
    with jax.enable_x64(True):
        step = eqx.filter_jit(lambda m, s, x: m.step(s, x))
        state, ys = model.initial_state(), []
        for x in xs:
            state, y = step(model, state, x)
            ys.append(y)
        end, outputs = eqx.filter_jit(lambda m, xs: unroll(m.step, m.initial_state(), xs))(model, xs)
    np.testing.assert_allclose(outputs, ys, rtol=0, atol=1e-15)
    for a, b in zip(jax.tree.leaves(end), jax.tree.leaves(state), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-15)


@pytest.mark.parametrize(("channels", "drive"), [(2, 0), (1, 2)])
def test_closed_loop_feeds_each_output_back_beside_the_drive(channels, drive, draw, papers):
    model = draw("gru", channels + drive, channels, layers=2, scale=np.full(channels, 0.3))
    rng = np.random.default_rng(1)
    warm, last, us = (
        rng.normal(size=(3, channels + drive)),
        rng.normal(size=channels),
        rng.normal(size=(8, drive)),
    )
    with jax.enable_x64(True):

        def forecast(m, warm, last, us):
            state, _ = unroll(m.step, m.initial_state(), warm)
            end, ys = closed_loop(m.step, state, last, us)
            return state, end, ys

        _, end, outputs = eqx.filter_jit(forecast)(model, warm, last, us)
    before, _ = papers.unroll(model, warm)
    expected = papers.closed_loop(model, before, last, us)
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=1e-12)
    seen = np.concatenate([warm, np.concatenate([[last, *expected[:-1]], us], axis=1)])
    for (h, _), leaf in zip(papers.unroll(model, seen)[0], jax.tree.leaves(end), strict=True):
        np.testing.assert_allclose(leaf, h, rtol=0, atol=1e-12)


def test_a_model_of_increments_adds_its_scaled_output_to_the_last_value(draw):
    scale = np.array([0.5, 20.0])
    values, increments = draw("tanh", 3, 2), draw("tanh", 3, 2, scale=scale)
    xs = np.random.default_rng(1).normal(size=(7, 3))
    with jax.enable_x64(True):
        run = eqx.filter_jit(lambda m, xs: m(xs))
        np.testing.assert_allclose(run(increments, xs), xs[:, :2] + scale * np.asarray(run(values, xs)), rtol=1e-14)
        gradient = eqx.filter_jit(eqx.filter_grad(lambda m: (m(xs) ** 2).sum()))(increments)
        assert not np.asarray(gradient.scale).any()  # it is not trained


@pytest.mark.parametrize(("inputs", "units", "outputs"), SIZES)
def test_parameter_counts_in_closed_form(inputs, units, outputs):
    readout = outputs * (units + 1)
    one = units * (inputs + units + 1)
    counts = {"elman": one, "lstm": 4 * one, "gru": 3 * one + 3 * units}
    for cell, count in counts.items():
        assert parameter_count(Stack.draw(cell, inputs, outputs, units=units, seed=0)) == count + readout
    deep = Stack.draw("lstm", inputs, outputs, units=units, layers=3, scale=np.ones(outputs), seed=0)
    assert parameter_count(deep) == 4 * one + 2 * 4 * units * (2 * units + 1) + readout


def test_the_lectures_network_has_1457_parameters():
    model = Stack.draw("elman", 4, 1, units=32, hidden=(8,), activation="relu", seed=0)
    sizes = {name: array.size for name, array in to_tensors(model).items()}
    assert sum(size for name, size in sizes.items() if name.startswith("cells/0/")) == 1184
    assert sizes["readout/0/V"] + sizes["readout/0/c"] == 264
    assert sizes["readout/1/V"] + sizes["readout/1/c"] == 9
    assert parameter_count(model) == 1457


@pytest.mark.parametrize(("cell", "layers"), list(product(["elman", "gru", "lstm"], [1, 3])))
def test_tensors_hold_a_model_exactly_and_have_the_shapes_told_beforehand(cell, layers):
    model = Stack.draw(cell, 3, 2, units=5, layers=layers, scale=np.ones(2, np.float32), seed=4)
    tensors = to_tensors(model)
    shapes = {name: array.shape for name, array in tensors.items()}
    blank = Stack.draw(cell, 3, 2, units=5, layers=layers, scale=np.zeros(2), seed=None)
    assert tensor_layout(blank) == {name: ("float32", shape) for name, shape in shapes.items()}
    again = to_tensors(from_tensors(blank, tensors))
    assert list(again) == list(tensors)
    assert all(again[name].tobytes() == tensors[name].tobytes() for name in tensors)


def test_the_seed_alone_decides_the_weights():
    same, again, other = (to_tensors(Stack.draw("gru", 2, 1, units=4, layers=2, seed=s)) for s in (5, 5, 6))
    assert all(same[name].tobytes() == again[name].tobytes() for name in same)
    assert all((same[name] != other[name]).any() for name in same if name[-1] in "UWV")
    assert (same["cells/0/W"] != same["cells/1/W"]).any()


def test_an_unknown_cell_is_refused():
    with pytest.raises(ConfigError, match=r"cell 'grue': did you mean 'gru'"):
        Stack.draw("grue", 1, 1, units=1, seed=0)
