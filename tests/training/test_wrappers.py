"""Models with a trained spread or start: likelihoods in the closed loop, gradients of the initial state."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recurra.errors import ConfigError
from recurra.forecasting.compiled import Compiled
from recurra.models import Stack, closed_loop, to_tensors, unroll
from recurra.training import Gaussian, LastStep, LearnedStart, Loss, NextSteps, Settings, Truncated, streams, train

NLL = Loss("gaussian")


def _gaussian(scale=None, **given):
    inner = Stack.draw("gru", 3, 4, units=3, precision="float64", seed=5, **given)
    return Gaussian(inner, scale)


@pytest.mark.parametrize("scale", [None, np.array([0.3, 2.0])], ids=["values", "increments"])
@pytest.mark.parametrize("forced", [6, 2], ids=["teacher-forced", "partly free running"])
def test_the_likelihood_of_forecasts_that_run_on_their_means(forced, scale):
    model, rng = _gaussian(scale), np.random.default_rng(2)
    y, u, s = rng.normal(size=(7, 2)), rng.normal(size=(7, 1)), 1.0 if scale is None else scale
    data = y, u, np.zeros(1, np.int32)
    with jax.enable_x64(True):
        step, state, mean, total = eqx.filter_jit(model.model.step), model.initial_state(), None, 0.0
        for t in range(6):
            x = np.concatenate([y[t] if t < forced else mean, u[t + 1]])
            state, output = step(state, x)
            mean, a = np.asarray(output[:2]) * s + (0.0 if scale is None else x[:2]), np.asarray(output[2:])
            total += np.mean(0.5 * (np.log(2 * np.pi) + a + ((mean - y[t + 1]) / s) ** 2 / np.exp(a))) / 6
        loss = float(jax.jit(NextSteps(6, forced, NLL).loss)(model, data, np.arange(1)))
    assert loss == pytest.approx(total, rel=1e-13)


def test_the_closed_loop_runs_on_the_means():
    model = _gaussian(np.array([0.3, 2.0]))
    drive = np.random.default_rng(1).normal(size=(5, 1))
    with jax.enable_x64(True):
        ys = np.asarray(closed_loop(model.step, model.initial_state(), np.zeros(2), drive)[1])
        state, y = model.initial_state(), np.zeros(2)
        for u, expected in zip(drive, ys, strict=True):
            state, both = model.distribution(state, np.concatenate([y, u]))
            y = np.asarray(both)[:2]
            np.testing.assert_allclose(y, expected, rtol=1e-13)
    network = Compiled(model)
    free = network.free_run(network.initial_state(1), np.zeros((1, 2)), drive[None])[1][0]
    np.testing.assert_allclose(free, ys, rtol=1e-13)


def test_a_trained_spread_is_the_noise_of_the_data():
    rng = np.random.default_rng(4)
    inputs, targets = np.zeros((400, 2, 1)), 0.5 + np.array([0.1, 2.0]) * rng.normal(size=(400, 2))
    model = Gaussian(Stack.draw("elman", 1, 4, units=1, precision="float64", seed=0))
    settings = Settings(learning_rate=0.03, final_learning_rate=1e-4, epochs=600, stretch=600, batch_size=400)
    best = train(model, LastStep(NLL), (inputs, targets), settings).best
    with jax.enable_x64(True):
        both = np.asarray(unroll(best.distribution, best.initial_state(), inputs[0])[1][-1])
    np.testing.assert_allclose(both[:2], targets.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(np.exp(both[2:]), targets.var(axis=0), rtol=1e-4)


def test_a_spread_where_there_is_none_is_refused():
    model, data = (
        Stack.draw("elman", 2, 2, units=2, seed=0),
        (np.zeros((9, 2)), np.zeros((9, 0)), np.zeros(1, np.int32)),
    )
    with pytest.raises(ConfigError, match=r"'gaussian' needs a spread .* `recurra.training.Gaussian`"):
        jax.jit(NextSteps(6, 6, NLL).loss)(model, data, np.arange(1))
    with pytest.raises(ConfigError, match="belongs to the Gaussian model"):
        Gaussian(Stack.draw("elman", 2, 2, units=2, scale=np.ones(1), seed=0))
    increments = Stack.draw("elman", 2, 2, units=2, scale=np.ones(2), seed=0)
    with pytest.raises(ConfigError, match="'categorical' is for classes"):
        jax.jit(NextSteps(6, 6, Loss("categorical")).loss)(increments, data, np.arange(1))


def test_the_gradient_of_the_start():
    inner = Stack.draw("lstm", 2, 1, units=3, precision="float64", seed=5)
    rng = np.random.default_rng(2)
    data = rng.normal(size=(9, 1)), rng.normal(size=(9, 1)), np.zeros(1, np.int32)
    objective, h = NextSteps(6, 3), 1e-3
    with jax.enable_x64(True):
        data = jax.tree.map(jnp.asarray, data)
        model = LearnedStart.of(inner)
        loss = eqx.filter_jit(lambda m: objective.loss(m, data, jnp.arange(1)))
        assert float(loss(model)) == float(loss(inner))  # it begins where the model does
        gradient = eqx.filter_grad(loss)(model)
        for part in (0, 1):
            for k in range(3):
                below2, below, above, above2 = (
                    float(loss(eqx.tree_at(lambda m, part=part: m.start[0][part], model, np.eye(3)[k] * step * h)))
                    for step in (-2, -1, 1, 2)
                )
                slope = (below2 - 8 * below + 8 * above - above2) / (12 * h)
                assert float(gradient.start[0][part][k]) == pytest.approx(slope, rel=1e-8, abs=1e-11)
                assert slope != 0


def test_the_start_is_trained_for_the_units_that_were_named():
    inner = Stack.draw("gru", 1, 1, units=3, seed=5)
    model = LearnedStart.of(inner, (np.array([True, False, True]),))
    values = np.sin(0.4 * np.arange(40, dtype=np.float32))[:, None]
    data = values, np.zeros((40, 0), np.float32), np.arange(5, 30, dtype=np.int32)
    best = train(model, NextSteps(6, 6), data, Settings(epochs=4, stretch=4, learning_rate=0.05)).best
    learned = np.asarray(best.initial_state()[0])
    assert learned[1] == 0.0
    assert np.abs(learned[[0, 2]]).min() > 1e-3
    network = Compiled(best)
    np.testing.assert_array_equal(network.initial_state(2)[0], np.stack([learned, learned]))
    assert set(to_tensors(best)) == {"start/0", "units/0", *(f"model/{name}" for name in to_tensors(inner))}
    with pytest.raises(ConfigError, match="units"):
        LearnedStart.of(inner, (np.ones(2, bool),))


def test_a_start_and_a_spread_go_together_in_streams():
    model = Gaussian(LearnedStart.of(Stack.draw("elman", 1, 2, units=3, recurrent_dropout=0.1, seed=5)))
    values = np.sin(0.4 * np.arange(41, dtype=np.float32))[:, None]
    data = values, np.zeros((41, 0), np.float32), *streams([41], 4, 2)
    trained = train(model, Truncated(4, 1, NLL), data, Settings(epochs=30, stretch=30, learning_rate=0.02))
    assert trained.history[-1]["loss"] < trained.history[0]["loss"]
    assert np.abs(trained.best.model.start[0]).max() > 0
