"""The vanilla network as five arrays: shapes, names, counts, and one matrix in place of two."""

import numpy as np
import pytest

from recurra.diagnostics.bptt import forward
from recurra.diagnostics.vanilla import Vanilla
from recurra.errors import ConfigError
from recurra.models import Stack, parameter_count

SIZES = [(1, 1, 1), (3, 64, 3), (2, 5, 1), (1, 100, 1), (4, 16, 4), (7, 3, 2), (1, 2, 5), (10, 10, 10), (6, 32, 1)]


@pytest.mark.parametrize(("inputs", "hidden", "outputs"), [*SIZES, (3, 200, 2)])
def test_the_number_of_parameters_is_the_closed_form(inputs, hidden, outputs):
    model = Stack.draw("elman", inputs, outputs, units=hidden, seed=0)
    wanted = hidden * (inputs + hidden + 1) + outputs * (hidden + 1)
    assert Vanilla.of(model).parameter_count == parameter_count(model) == wanted


def test_a_float32_model_is_taken_over_without_rounding():
    model = Stack.draw("elman", 2, 1, units=4, seed=0)
    found = Vanilla.of(model)
    assert found.W.dtype == np.float64
    np.testing.assert_array_equal(found.W, model.cells[0].W)
    assert Vanilla.of(found) is found


def test_the_weights_have_the_names_of_what_they_join():
    net = Vanilla.of(Stack.draw("elman", 2, 1, units=4, seed=0))
    named = net.named
    assert list(named) == ["W_hx", "W_hh", "b_h", "W_yh", "b_y"]
    assert all(named[a] is getattr(net, b) for a, b in zip(named, "UWbVc", strict=True))


def test_one_fused_matrix_gives_the_same_net_inputs(draw):
    net = Vanilla.of(draw("tanh", 3, 2, units=5))
    xs = np.random.default_rng(0).normal(size=(30, 3))
    tape = forward(net, xs)
    assert net.fused.shape == (5, 8)
    h = np.zeros(5)
    for x, a in zip(xs, tape.a, strict=True):
        fused = net.fused @ np.concatenate([h, x]) + net.b
        np.testing.assert_allclose(fused, a, rtol=0, atol=1e-15)
        h = np.tanh(a)


def test_the_run_is_that_of_the_model(draw, papers):
    model = draw("tanh", 3, 2, units=4, scale=np.array([0.5, 2.0]))
    xs = np.random.default_rng(0).normal(size=(30, 3))
    np.testing.assert_allclose(forward(model, xs).y, papers.unroll(model, xs)[1], rtol=0, atol=1e-14)


def test_other_models_and_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ConfigError, match="this is LSTM, Dense"):
        Vanilla.of(Stack.draw("lstm", 1, 1, units=3, seed=0))
    with pytest.raises(ConfigError, match="this is Elman, Elman, Dense"):
        Vanilla.of(Stack.draw("elman", 1, 1, units=3, layers=2, seed=0))
    with pytest.raises(ConfigError, match="this is list"):
        Vanilla.of([1.0])
    with pytest.raises(ConfigError, match=r"`W` is \(2, 3\), not \(2, 2\); `V` is \(1, 3\), not \(1, 2\)"):
        Vanilla(np.ones((2, 1)), np.ones((2, 3)), np.ones(2), np.ones((1, 3)), np.ones(1))
    with pytest.raises(ConfigError, match="softmax is for outputs"):
        Vanilla(np.ones((2, 1)), np.ones((2, 2)), np.ones(2), np.ones((1, 2)), np.ones(1), activation="softmax")
