"""Penalties: gradients against central differences, and ridge regression in closed form."""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recurra.errors import ConfigError
from recurra.models import Stack, to_tensors
from recurra.training import Objective, Penalty, Settings, train
from recurra.training.penalties import penalised, penalty

PARTS = {"U": ("U",), "W": ("W",), "b": ("b", "d"), "V": ("V",)}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_a_penalty_and_its_gradient(norm, part):
    model = Stack.draw("gru", 2, 1, units=3, layers=2, precision="float64", seed=4)
    model = jax.tree.map(lambda leaf: leaf + 0.3 * np.cos(np.arange(leaf.size)).reshape(leaf.shape), model)
    which, h = penalised(**{norm: Penalty(**{part: 0.7})}), 1e-3
    assert which == ((norm, part),)
    with jax.enable_x64(True):
        value, gradient = eqx.filter_value_and_grad(lambda m: penalty(m, which, np.array([0.7])))(model)
        found = to_tensors(gradient)

    def size(w):
        return 0.7 * (np.abs(w) if norm == "l1" else w**2)

    total = 0.0
    for name, w in to_tensors(model).items():
        if name.split("/")[-1] not in PARTS[part]:
            np.testing.assert_array_equal(found[name], 0.0)
            continue
        total += size(w).sum()
        slope = (size(w - 2 * h) - 8 * size(w - h) + 8 * size(w + h) - size(w + 2 * h)) / (12 * h)
        assert np.abs(w).min() > 2 * h  # no kink between
        np.testing.assert_allclose(found[name], slope, rtol=0, atol=1e-9)
    assert float(value) == pytest.approx(total, rel=1e-14)


def test_several_penalties_add_up():
    model = Stack.draw("elman", 1, 1, units=3, precision="float64", seed=4)
    which = penalised(l1=Penalty(W=1.0), l2=Penalty(U=1.0, V=1.0))
    with jax.enable_x64(True):
        value = float(penalty(model, which, np.array([2.0, 3.0, 5.0])))
    cell, V = model.cells[0], model.readout[0].V
    assert value == pytest.approx(2 * np.abs(cell.W).sum() + 3 * (cell.U**2).sum() + 5 * (V**2).sum(), rel=1e-14)


@dataclass(frozen=True)
class _Linear(Objective):
    """One linear step: the readout of the rows of X against those of Y."""

    def count(self, data):
        return len(data[0])

    def length(self, data):
        return 2

    def loss(self, model, data, index, keys=None):
        return jnp.mean((data[0][index] @ model.readout[0].V.T + model.readout[0].c - data[1][index]) ** 2)


def test_training_a_linear_step_with_a_penalty_ends_at_ridge_regression():
    rng, ridge = np.random.default_rng(0), 0.05
    X = rng.normal(size=(60, 2))
    Y = X @ np.array([[0.5, -0.3], [0.2, 0.4]]) + 0.3 * rng.normal(size=(60, 2)) + 1.0
    Xc, Yc = X - X.mean(axis=0), Y - Y.mean(axis=0)
    V = np.linalg.solve(Xc.T @ Xc / Y.size + ridge * np.eye(2), Xc.T @ Yc / Y.size).T  # the mean is over Y.size numbers
    model = Stack.draw("elman", 2, 2, units=2, precision="float64", seed=0)
    settings = Settings(
        optimizer="sgd",
        learning_rate=0.5,
        final_learning_rate=0.5,
        epochs=200,
        stretch=200,
        batch_size=60,
        l2=Penalty(V=ridge),
    )
    trained = train(model, _Linear(), (X, Y), settings)
    np.testing.assert_allclose(trained.best.readout[0].V, V, rtol=1e-12)
    np.testing.assert_allclose(trained.best.readout[0].c, Y.mean(axis=0) - V @ X.mean(axis=0), rtol=1e-12)
    least = np.mean((Xc @ V.T - Yc) ** 2) + ridge * (V**2).sum()
    assert trained.history[-1]["loss"] == pytest.approx(least, rel=1e-12)  # the penalty is part of it


def test_a_penalty_that_cannot_be_is_refused(sine_training):
    case = sine_training
    with pytest.raises(ConfigError, match="penalty of W is -1"):
        Penalty(W=-1.0)
    model = eqx.tree_at(lambda m: m.cells, case.model, ())
    with pytest.raises(ConfigError, match="`l1` of U: no weights of the model have that name"):
        train(model, case.objective, case.data, Settings(l1=Penalty(U=1.0)))
