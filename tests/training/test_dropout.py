"""Dropout in training: masks by seed, epoch and window; none in what is kept."""

from dataclasses import dataclass, replace

import equinox as eqx
import jax
import numpy as np
import pytest

from recurra.errors import Interrupted
from recurra.models import Stack, to_tensors
from recurra.training import NextSteps, Objective, Settings, train

SETTINGS = Settings(
    optimizer="sgd", learning_rate=1.0, final_learning_rate=1.0, epochs=4, stretch=1, batch_size=1, seed=5
)


@dataclass(frozen=True)
class _Key(Objective):
    """The gradient of c[window] is a number that the key of that window gives."""

    def count(self, data):
        return len(data)

    def length(self, data):
        return 2

    def loss(self, model, data, index, keys=None):
        number = jax.random.randint(keys[0], (), 0, 1000)
        return data[index[0]] * number @ model.readout[0].c


def _numbers(windows, settings):
    """The number of every window (epochs, windows)."""
    model = Stack.draw("elman", 1, windows, units=1, dropout=0.5, precision="float64", seed=0)
    path = []

    def record(model):
        path.append(-np.array(model.readout[0].c))
        return -float(len(path))

    train(model, _Key(), np.eye(windows), settings, validate=record)
    return np.diff(np.array([np.zeros(windows), *path]), axis=0)


def test_a_key_depends_on_seed_epoch_and_window_alone():
    def run(**given):
        return _numbers(6, replace(SETTINGS, **given))

    first = run()
    assert len(set(first.ravel().tolist())) > 20  # of 24: a new one for each window and epoch
    np.testing.assert_array_equal(run(epochs=2), first[:2])
    assert (run(seed=6) != first).mean() > 0.9


def test_a_resumed_training_with_dropout_ends_with_the_same_bits(sine_training, tmp_path):
    case = sine_training
    model = Stack.draw("gru", 1, 1, units=4, dropout=0.2, recurrent_dropout=0.3, seed=2)
    settings = Settings(epochs=6, stretch=2, learning_rate=0.02)
    whole = train(model, case.objective, case.data, settings, validate=case.validate)

    def stop(entry):
        if entry["epoch"] == 2:
            raise Interrupted("stopped", signal_number=15)

    path = tmp_path / "c.safetensors"
    with pytest.raises(Interrupted):
        train(model, case.objective, case.data, settings, validate=case.validate, checkpoint=path, progress=stop)
    resumed = train(model, case.objective, case.data, settings, validate=case.validate, checkpoint=path)
    for name, array in to_tensors(whole.best).items():
        np.testing.assert_array_equal(to_tensors(resumed.best)[name], array)
    assert resumed.history == whole.history
    assert whole.best.drops  # no mask was left in what is kept
    assert [w.shape for w in to_tensors(whole.best).values()] == [w.shape for w in to_tensors(model).values()]


def test_each_window_has_masks_of_its_own_and_the_gradient_is_theirs():
    model = Stack.draw("elman", 1, 1, units=5, recurrent_dropout=0.5, precision="float64", seed=1)
    rows = np.random.default_rng(0).normal(size=(9, 1))
    data, keys = (rows, np.zeros((9, 0)), np.zeros(3, np.int32)), jax.random.split(jax.random.key(3), 3)
    with jax.enable_x64(True):
        data = jax.tree.map(jax.numpy.asarray, data)
        objective, index = NextSteps(8, 8), jax.numpy.arange(3)
        slope = eqx.filter_jit(eqx.filter_value_and_grad(objective.loss))
        one = eqx.filter_jit(eqx.filter_value_and_grad(lambda m, k: objective.loss(m.with_dropout(k), data, index[:1])))
        together, gradient = slope(model, data, index, keys)
        alone, slopes = zip(*(one(model, key) for key in keys), strict=True)
        assert len({float(loss) for loss in alone}) == 3
        assert float(together) == pytest.approx(float(np.mean(alone)), rel=1e-14)
        mean = np.mean([np.asarray(slope.cells[0].W) for slope in slopes], axis=0)
        np.testing.assert_allclose(gradient.cells[0].W, mean, rtol=1e-12, atol=1e-16)
