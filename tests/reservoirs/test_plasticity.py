"""Intrinsic plasticity: its rule is a gradient, its target is reached, its result is an ordinary reservoir."""

import numpy as np
import pytest

from recurra.errors import DivergenceError
from recurra.reservoirs import Plasticity, draw_reservoir


def reservoir(leak=1.0, scaling=1.5):
    return draw_reservoir(
        60, 2, spectral_radius=0.9, in_degree=8, input_scaling=scaling, bias_scaling=0.8, leak=leak, seed=0
    )


def inputs(rows=1200, seed=0):
    return np.random.default_rng(seed).standard_normal((rows, 2))


def divergence(gain, bias, x, mean, std):
    """What one sample adds to the Kullback-Leibler divergence from the Gaussian: -log dy/dx + (y - m)^2 / (2 s^2)."""
    y = np.tanh(gain * x + bias)
    return -np.log(gain * (1 - y**2)) + (y - mean) ** 2 / (2 * std**2)


@pytest.mark.parametrize(("mean", "std"), [(0.0, 0.2), (0.3, 0.5), (-0.2, 0.1)])
def test_an_update_goes_down_the_gradient_of_the_divergence(mean, std):
    rng = np.random.default_rng(1)
    gain, bias, x = rng.uniform(0.3, 2, 50), rng.uniform(-1, 1, 50), rng.standard_normal(50)
    rate, eps = 1e-3, 1e-6
    new_gain, new_bias = Plasticity(mean, std, rate).update(gain, bias, x)
    target = (x, mean, std)
    by_gain = (divergence(gain + eps, bias, *target) - divergence(gain - eps, bias, *target)) / (2 * eps)
    by_bias = (divergence(gain, bias + eps, *target) - divergence(gain, bias - eps, *target)) / (2 * eps)
    np.testing.assert_allclose(new_gain - gain, -rate * by_gain, rtol=1e-6, atol=1e-10)
    np.testing.assert_allclose(new_bias - bias, -rate * by_bias, rtol=1e-6, atol=1e-10)


@pytest.mark.parametrize(("mean", "std"), [(0.0, 0.2), (0.2, 0.3)])
def test_the_activity_reaches_the_target(mean, std):
    net, x = reservoir(), inputs()
    before = net.harvest(np.zeros(60), x)[100:]
    trained = Plasticity(mean, std, 1e-3).train(net, [x], epochs=12, washout=100)
    after = trained.harvest(np.zeros(60), inputs(seed=9))[100:]  # other inputs of the same kind
    assert np.abs(before.mean(axis=0) - mean).max() > 0.3
    assert np.abs(after.mean(axis=0) - mean).max() < 0.06
    assert after.mean() == pytest.approx(mean, abs=0.02)
    assert after.std() == pytest.approx(std, rel=0.08)
    assert np.abs(after.std(axis=0) / std - 1).max() < 0.2


@pytest.mark.parametrize("leak", [1.0, 0.4])
def test_folded_weights_are_the_loop_with_gains(leak):
    """Two passes by an independent loop that keeps the gains apart; the result is an ordinary reservoir."""
    net, x, rule = reservoir(leak), inputs(80), Plasticity(0.1, 0.3, 2e-3)
    W, gain, bias = net.W.toarray(), np.ones(60), net.b.copy()
    for _ in range(2):
        h = np.zeros(60)
        for t in range(80):
            excitation = W @ h + net.W_in @ x[t]
            h = (1 - leak) * h + leak * np.tanh(gain * excitation + bias)
            if t >= 20:
                gain, bias = rule.update(gain, bias, excitation)
    trained = rule.train(net, [x], epochs=2, washout=20)
    np.testing.assert_allclose(trained.W.toarray(), np.diag(gain) @ W, atol=1e-12)
    np.testing.assert_allclose(trained.W_in, np.diag(gain) @ net.W_in, atol=1e-12)
    np.testing.assert_allclose(trained.b, bias, atol=1e-12)
    np.testing.assert_array_equal(trained.W.indices, net.W.indices)
    assert trained.leak == leak


def test_no_epoch_changes_nothing():
    net = reservoir()
    same = Plasticity(0.0, 0.2, 1e-3).train(net, [inputs(50)], epochs=0, washout=0)
    np.testing.assert_array_equal(same.W.toarray(), net.W.toarray())
    np.testing.assert_array_equal(same.b, net.b)


def test_a_rate_that_is_too_large_is_an_error_with_its_cause():
    with pytest.raises(DivergenceError, match=r"epoch 1.*rate of 1\..*`plasticity_rate`") as failed:
        Plasticity(0.0, 0.05, 1.0).train(reservoir(), [inputs(300)], epochs=3, washout=0)
    assert failed.value.cause == {"epoch": 1, "rate": 1.0}
