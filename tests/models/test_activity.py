"""Activities and slopes in NumPy against the models they are of, and against automatic differentiation."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from recurra.cells import ACTIVATIONS, LSTM, Elman
from recurra.diagnostics.gradient_flow import states_along
from recurra.models import Dense, Stack
from recurra.models.activity import activities

KINDS = {
    "elman": {"activation": "softsign"},
    "gru": {"reset_after": True},
    "gru-before": {"reset_after": False},
    "lstm": {"peepholes": True},
    "lstm-1997": {"forget_gate": False, "peepholes": True},
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_activity_is_that_of_the_model(kind):
    rng = np.random.default_rng(0)
    model = Stack.draw(kind.split("-")[0], 2, 1, units=3, layers=2, seed=1, precision="float64", **KINDS[kind])
    model = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape), model)
    xs = rng.normal(size=(5, 2))
    below, above = activities(model, xs[None])
    states = states_along(model, xs)[1:]
    h = states[:, :3], states[:, states.shape[1] // 2 :][:, :3]
    np.testing.assert_allclose(below.output[0], h[0], atol=1e-14)
    np.testing.assert_allclose(above.output[0], h[1], atol=1e-14)


def test_slopes_are_those_of_the_activations_where_the_units_are():
    rng = np.random.default_rng(2)
    cell = LSTM(rng.normal(size=(8, 1)), np.zeros((8, 2)), rng.normal(size=8))  # no recurrence: a = U x + b
    xs = rng.normal(size=(1, 4, 1))
    slopes = activities(Stack((cell,), (Dense(np.ones((1, 2)), np.zeros(1)),)), xs)[0].slopes
    with jax.enable_x64(True):
        for k, (part, name) in enumerate(
            {"write": "logistic", "keep": "logistic", "candidate": "tanh", "read": "logistic"}.items()
        ):
            a = xs[0] @ cell.U[2 * k : 2 * k + 2].T + cell.b[2 * k : 2 * k + 2]
            expected = jax.vmap(jax.vmap(jax.grad(ACTIVATIONS[name].function)))(a)
            np.testing.assert_allclose(slopes[part][0], np.asarray(expected), atol=1e-15)


def test_dead_and_saturated_units_are_named():
    b, V = np.array([-9.0, 1.0, -9.0]), np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    relu = Elman(np.zeros((3, 1)), np.zeros((3, 3)), b, "relu")
    stack = Stack((relu,), (Dense(V, np.array([-5.0, 3.0]), "relu"), Dense(np.ones((1, 2)), np.zeros(1))))
    hidden, readout = activities(stack, np.zeros((2, 4, 1)))
    assert hidden.dead.tolist() == [0, 2]
    assert readout.dead.tolist() == [0]
    assert hidden.saturated is None
    tanh = activities(replace(stack, cells=(replace(relu, activation="tanh"),)), np.zeros((2, 4, 1)))[0]
    assert tanh.saturated == {"units": pytest.approx(2 / 3)}  # 1 - tanh(1)^2 = 0.42
    assert tanh.dead.tolist() == []


def test_a_layer_that_is_not_known_ends_what_is_said():
    model = Stack.draw("lstm", 1, 1, units=2, layers=2, seed=0)
    held = replace(model, cells=(model.cells[0], model.cells[1].clamped(keep=1.0)))
    assert [layer.name for layer in activities(held, np.zeros((1, 3, 1)))] == ["cells/0"]
