"""Hessian-free optimisation of networks: resuming, masks, classes, dropout, fresh data, and problems it must solve."""

from dataclasses import dataclass, replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recurra.errors import ConfigError
from recurra.models import Stack
from recurra.tasks.long_lag import long_lag
from recurra.training import (
    Fresh,
    HessianFree,
    LastStep,
    Loss,
    MaskedSteps,
    Penalty,
    Settings,
    echo_state,
    train,
)
from recurra.training.curvature import Curved
from recurra.training.flat import Flat
from recurra.training.truncated import Truncated


def sequences(seed=0, count=40, steps=8):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((count, steps, 1))
    return x, np.tanh(x[:, -3] + 0.5 * x[:, -1])


def network(precision="float64", **options):
    return Stack.draw("elman", 1, 1, units=6, precision=precision, seed=1, **options)


SHORT = Settings(
    optimizer="hessian-free",
    epochs=4,
    stretch=1,
    batch_size=20,
    l2=Penalty(W=1e-4),
    hessian_free=HessianFree(cg_steps=12, structural_damping=0.1, curvature_batch=12, chunk=5, damping=0.3),
)


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_a_resumed_training_ends_with_the_same_bits(tmp_path, precision):
    data = tuple(array.astype(precision) for array in sequences())
    whole = train(network(precision), LastStep(), data, SHORT)
    file = tmp_path / "checkpoint"
    train(network(precision), LastStep(), data, SHORT, checkpoint=file, until=lambda trained: trained.epoch == 2)
    resumed = train(network(precision), LastStep(), data, SHORT, checkpoint=file)
    assert resumed.history == whole.history
    assert eqx.tree_equal(resumed.position, whole.position)
    assert whole.position.model.dtype == precision
    assert whole.position.optimizer.damping.dtype == np.float64


def test_a_second_step_compiles_nothing():
    calls = []

    @dataclass(frozen=True)
    class Counting(LastStep):
        def outputs(self, model, data, index, keys=None):
            calls.append(1)
            return super().outputs(model, data, index, keys)

    first = replace(SHORT, epochs=1)
    train(network(), Counting(), sequences(), first)
    traced = len(calls)
    train(network(), Counting(), sequences(), replace(SHORT, hessian_free=replace(SHORT.hessian_free, damping=2.0)))
    assert len(calls) == traced > 0


def test_a_sine_is_fitted_by_two_layers():
    t = np.linspace(-1, 1, 60)
    data = t[:, None, None], np.sin(2 * t)[:, None]
    model = Stack.draw("elman", 1, 1, units=12, layers=2, precision="float64", seed=4)
    method = HessianFree(cg_steps=250, cg_least=60, damping=1e-3)
    settings = Settings(optimizer="hessian-free", epochs=29, batch_size=60, stretch=29, hessian_free=method)
    with pytest.warns(Warning, match="sequence length 1"):
        trained = train(model, LastStep(), data, settings)
    assert trained.history[-1]["loss"] <= 1e-8


def test_dropout_is_the_same_in_all_of_a_step():
    """Of a small step the model is right, but only where gradient, curvature and loss are those of one function."""
    method = HessianFree(cg_steps=10, damping=1e4)
    settings = replace(SHORT, epochs=2, batch_size=40, hessian_free=method)
    trained = train(network(dropout=0.3), LastStep(), sequences(), settings)
    assert [entry["rho"] for entry in trained.history] == pytest.approx([1.0, 1.0], abs=1e-3)
    assert trained.history[0]["loss"] != trained.history[1]["loss"]


@pytest.mark.parametrize(("loss", "cell"), [("categorical", "lstm"), ("binary", "gru"), ("huber", "elman")])
def test_masked_classes_and_values_are_learnt(loss, cell):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((64, 6, 1))
    sign = (np.cumsum(x, axis=1) > 0).astype(float)
    y = np.concatenate([sign, 1 - sign], axis=2) if loss == "categorical" else sign
    weights = np.ones((64, 6, 1))
    weights[:, 0] = 0
    present = np.arange(6) < rng.integers(4, 7, 64)[:, None]
    data = x, present, y, weights * present[..., None]
    model = Stack.draw(cell, 1, y.shape[2], units=8, precision="float64", seed=0)
    settings = Settings(
        optimizer="hessian-free",
        epochs=12,
        batch_size=64,
        stretch=4,
        hessian_free=HessianFree(cg_steps=40, damping=0.1),
    )
    trained = train(model, MaskedSteps(Loss(loss)), data, settings)
    assert trained.history[-1]["loss"] < 0.5 * trained.history[0]["loss"]


def test_fresh_data_are_drawn_for_every_epoch():
    seen = []

    def draw(epoch):
        seen.append(epoch)
        return sequences(epoch)

    train(network(), LastStep(), Fresh(draw, "sines"), SHORT)
    assert seen == [0, 1, 2, 3]  # each once
    with pytest.raises(ConfigError, match="`stretch` is 2"):
        train(network(), LastStep(), Fresh(draw, "sines"), replace(SHORT, stretch=2))


def test_what_cannot_be_is_refused():
    for wrong, match in [
        ({"damping": 0.0}, "damping"),
        ({"cg_steps": 0}, "cg_steps"),
        ({"metric": "macthed"}, "matched"),
        ({"warm_start": 1.5}, "warm_start"),
        ({"cg_least": 300}, "cg_least"),
    ]:
        with pytest.raises(ConfigError, match=match):
            HessianFree(**wrong)
    values = jnp.zeros((20, 1)), jnp.zeros((20, 0)), jnp.array([[0], [5]]), jnp.array([[True], [False]])
    with pytest.raises(ConfigError, match="stateful"):
        train(network(), Truncated(4), jax.tree.map(np.asarray, values), replace(SHORT, batch_size=1))


def test_structural_damping_holds_the_hidden_units():
    """One step is the dense solution of (G + lambda (1 + mu S)) x = -g."""
    x, y = sequences()
    model, (damping, mu) = network(), (0.5, 2.0)
    flat = Flat(model)
    with jax.enable_x64(True):
        w = np.asarray(flat.vector(model))
        index = jnp.arange(40)
        data = jnp.asarray(x), jnp.asarray(y)
        curved = Curved(LastStep(), data, flat, index, metric="post")
        product = jax.jit(lambda v, strength: curved.product(w)(v, strength))
        G = np.stack([product(e, 0.0) for e in np.eye(len(w))], axis=1)
        S = np.stack([product(e, 1.0) for e in np.eye(len(w))], axis=1) - G
        gradient = np.asarray(jax.jit(curved.value_and_gradient)(w)[1])
    expected = np.linalg.solve(G + damping * (np.eye(len(w)) + mu * S), -gradient)
    method = HessianFree(cg_steps=300, cg_least=300, damping=damping, structural_damping=mu, metric="post")
    trained = train(
        model, LastStep(), (x, y), replace(SHORT, epochs=1, batch_size=40, l2=Penalty(), hessian_free=method)
    )
    with jax.enable_x64(True):
        moved = np.asarray(flat.vector(trained.position.model)) - w
    np.testing.assert_allclose(moved, trained.history[0]["step_length"] * expected, rtol=1e-6, atol=1e-9)
    assert np.abs(S).max() > 0.1


def test_the_ratio_is_that_of_the_curvature_batch():
    x, y = sequences()
    method = HessianFree(cg_steps=3, curvature_batch=10, damping=0.5)
    settings = replace(SHORT, epochs=1, batch_size=40, l2=Penalty(), hessian_free=method)
    trained = train(network(), LastStep(), (x, y), settings)
    first = np.random.default_rng([0, 0]).permutation(40)[:10]
    flat, entry = Flat(network()), trained.history[0]
    with jax.enable_x64(True):
        w = np.asarray(flat.vector(network()))
        curved = Curved(LastStep(), (jnp.asarray(x), jnp.asarray(y)), flat, jnp.asarray(first))
        before, gradient = map(np.asarray, jax.jit(curved.value_and_gradient)(w))
        x_ = (np.asarray(flat.vector(trained.position.model)) - w) / entry["step_length"]
        model = gradient @ x_ + 0.5 * x_ @ np.asarray(jax.jit(lambda v: curved.product(w)(v, 0.0))(x_))
        after = np.asarray(jax.jit(curved.value)(w + x_))
    assert entry["rho"] == pytest.approx(float((after - before) / model), rel=1e-8)


def test_the_adding_problem_of_thirty_steps_is_learnt_by_twenty_units():
    task = long_lag("adding-mean", 30)
    model = Stack.draw("elman", task.inputs, task.outputs, units=20, seed=0)
    model = echo_state(model, input_scale=0.3, output_bias=0.5, seed=0)
    method = HessianFree(cg_steps=60, damping=0.1, structural_damping=1 / 30)
    settings = Settings(optimizer="hessian-free", epochs=16, batch_size=500, stretch=1, hessian_free=method)
    fresh = Fresh(lambda epoch: task.draw(500, seed=[1, epoch]).data, "adding")
    trained = train(model, MaskedSteps(), fresh, settings)
    batch, found = task.draw(1000, seed=2), trained.best
    outputs = np.asarray(found.run(found.initial_states(1000), batch.inputs, batch.present)[1])
    assert np.mean((outputs - batch.targets)[batch.judged] ** 2) < task.trivial / 4


def test_there_is_no_rate_to_halve():
    with pytest.raises(ConfigError, match="no rate to halve"):
        replace(SHORT, on_diverge="backoff:2")


def test_data_of_another_precision_are_taken_in_that_of_the_model():
    trained = train(network("float32"), LastStep(), sequences(), replace(SHORT, epochs=1))
    narrow = train(network("float32"), LastStep(), tuple(np.float32(a) for a in sequences()), replace(SHORT, epochs=1))
    assert trained.history == narrow.history
