"""JAX models as forecasters: NumPy in and out, in the precision of their weights."""

import jax
import numpy as np
import pytest

from recurra.forecasting.compiled import Compiled
from recurra.models import Stack

KINDS = ("tanh", "relu", "gru", "lstm")


def _case(channels=2, drive=1, batch=3, warm=6, steps=7):
    rng = np.random.default_rng(3)
    return (
        rng.normal(size=(batch, warm, channels + drive)),
        rng.normal(size=(batch, channels)),
        rng.normal(size=(batch, steps, drive)),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_runs_every_copy_as_the_equations_say(kind, draw, papers):
    model = draw(kind, 3, 2, layers=2, seed=1)
    warm, last, drive = _case()
    network = Compiled(model)
    state, outputs = network.run(network.initial_state(3), warm)
    forecasts = network.free_run(state, last, drive)[1]
    assert outputs.dtype == forecasts.dtype == np.float64
    for b in range(3):
        before, expected = papers.unroll(model, warm[b])
        np.testing.assert_allclose(outputs[b], expected, rtol=0, atol=1e-12)
        expected = papers.closed_loop(model, before, last[b], drive[b])
        np.testing.assert_allclose(forecasts[b], expected, rtol=0, atol=1e-12)
    assert not jax.config.jax_enable_x64  # the switch is local


def test_a_state_can_be_carried_on(draw):
    network = Compiled(draw("lstm", 3, 2))
    warm, last, drive = _case()
    state, whole = network.run(network.initial_state(3), warm)
    first, a = network.run(network.initial_state(3), warm[:, :2])
    second, b = network.run(first, warm[:, 2:])
    np.testing.assert_allclose(np.concatenate([a, b], axis=1), whole, rtol=0, atol=1e-14)
    for x, y in zip(jax.tree.leaves(second), jax.tree.leaves(state), strict=True):
        assert isinstance(x, np.ndarray)
        assert x.dtype == np.float64
        np.testing.assert_allclose(x, y, rtol=0, atol=1e-14)
    middle, a = network.free_run(state, last, drive[:, :3])
    b = network.free_run(middle, a[:, -1], drive[:, 3:])[1]
    whole = network.free_run(state, last, drive)[1]
    np.testing.assert_allclose(np.concatenate([a, b], axis=1), whole, rtol=0, atol=1e-14)


def test_single_precision_weights_compute_in_single_precision(papers):
    model = Stack.draw("gru", 3, 2, units=8, seed=0)
    network, (warm, last, drive) = Compiled(model), _case()
    assert network.dtype == np.float32
    state, outputs = network.run(network.initial_state(3), warm)
    assert outputs.dtype == np.float64
    np.testing.assert_array_equal(outputs, outputs.astype(np.float32))
    before, expected = papers.unroll(model, warm[0])
    np.testing.assert_allclose(outputs[0], expected, atol=1e-5)
    forecast = network.free_run(state, last, drive)[1][0]
    np.testing.assert_allclose(forecast, papers.closed_loop(model, before, last[0], drive[0]), atol=1e-5)


def test_the_state_before_any_data_is_zero_and_nothing_to_warm_up_on_keeps_it(draw):
    network = Compiled(draw("lstm", 3, 2, layers=2))
    state = network.initial_state(4)
    assert [leaf.shape for leaf in jax.tree.leaves(state)] == [(4, 3)] * 4
    assert not any(leaf.any() for leaf in jax.tree.leaves(state))
    after, outputs = network.run(state, np.zeros((4, 0, 3)))
    assert outputs.shape == (4, 0, 2)
    for a, b in zip(jax.tree.leaves(after), jax.tree.leaves(state), strict=True):
        np.testing.assert_array_equal(a, b)


def test_inputs_are_not_modified(draw):
    network, case = Compiled(draw("gru", 3, 2)), _case()
    kept = [array.copy() for array in case]
    for array in case:
        array.setflags(write=False)
    warm, last, drive = case
    state, _ = network.run(network.initial_state(3), warm)
    network.free_run(state, last, drive)
    assert all((a == b).all() for a, b in zip(case, kept, strict=True))
