"""The average of the last weights against sums by hand, its effect on noise, and that it changes nothing else."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from recurra.estimators import RNN
from recurra.training import Settings, train

BY_HAND = Settings(optimizer="sgd", learning_rate=0.1, final_learning_rate=0.1, schedule="constant", batch_size=1)


def _bits(model):
    return [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(model)]


@pytest.mark.parametrize("stretch", [1, 4])
@pytest.mark.parametrize(("count", "mean"), [(1, -1.2), (2, -1.15), (5, -1.0), (12, -0.65), (50, -0.65)])
def test_the_average_is_the_mean_of_the_last_weights(count, mean, stretch, slope, bias):
    settings = replace(BY_HAND, epochs=6, averaged_updates=count, stretch=stretch)
    trained = train(bias([0.0]), slope, np.ones((2, 1)), settings)  # the weight is -t / 10 after update t of 12
    np.testing.assert_allclose(trained.best.readout[0].c, [mean], rtol=1e-13)
    np.testing.assert_allclose(trained.position.model.readout[0].c, [-1.2], rtol=1e-13)


def test_before_the_average_begins_the_weights_themselves_are_validated(slope, bias, follow):
    path = follow(slope, bias([0.0]), np.ones((2, 1)), replace(BY_HAND, epochs=6, averaged_updates=5))[0][:, 0]
    raw, averaged = [0, -0.2, -0.4, -0.6], [-0.8, -0.9, -1.0]  # means of (8), (8, 9, 10), (8, ..., 12) tenths
    np.testing.assert_allclose(path, raw + averaged, rtol=1e-13, atol=1e-15)


def test_the_average_takes_out_the_noise_of_the_gradients(pull, bias):
    data = np.random.default_rng(0).normal(1.5, 1.0, (1000, 1))  # the minimum is their mean
    settings = replace(BY_HAND, epochs=20, averaged_updates=10_000, seed=1)
    trained = train(bias([0.0]), pull((1.0,)), data, settings)
    off = abs(trained.best.readout[0].c[0] - data.mean())
    # ten passes over all rows: their mean but for what is remembered at both ends, 1 / rate rows each, of 10,000
    assert off < 2 * 10 * 1.0 / 10_000
    assert abs(trained.position.model.readout[0].c[0] - data.mean()) > 10 * off


@pytest.mark.parametrize("optimizer", ["nesterov", "adam", "hessian-free"])
def test_a_training_with_an_average_takes_the_same_steps(optimizer, sine_training):
    case = sine_training
    settings = Settings(optimizer=optimizer, epochs=4, stretch=2)
    plain = train(case.model, case.objective, case.data, settings)
    averaged = train(case.model, case.objective, case.data, replace(settings, averaged_updates=3))
    assert _bits(averaged.position.model) == _bits(plain.best)
    assert _bits(averaged.best) != _bits(plain.best)


def test_an_average_of_one_update_is_the_last_weights_of_a_forecaster():
    rows = np.sin(0.3 * np.arange(120))
    options = {"units": 3, "epochs": 3, "bptt_length": 8, "validation": 0, "seed": 4}
    models = [RNN(**options, averaged_updates=count).fit(rows) for count in (0, 1, 30)]
    last, same, averaged = (model.forecast(5) for model in models)
    assert np.array_equal(last, same)
    assert not np.array_equal(last, averaged)
