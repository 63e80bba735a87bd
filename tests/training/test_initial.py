"""The initialisation like an echo state network, and what training makes of it."""

import jax
import numpy as np
import pytest

from recurra.errors import ConfigError
from recurra.models import Stack
from recurra.reservoirs import draw_reservoir
from recurra.training import Gaussian, LastStep, LearnedStart, Settings, best_echo_state, echo_state, train


def drawn(units=100, layers=1, seed=7, **options):
    model = Stack.draw("elman", 2, 1, units=units, layers=layers, precision="float64", seed=0)
    return echo_state(model, seed=seed, **options)


def test_the_recurrent_weights_are_those_of_a_reservoir_to_the_bit():
    model = drawn(input_scale=0.001)
    seed = int(np.random.SeedSequence(7).generate_state(2)[0])
    options = {"spectral_radius": 1.1, "in_degree": 15, "bias_scaling": 0.0, "leak": 1.0, "seed": seed}
    reservoir = draw_reservoir(100, 2, input_scaling=np.sqrt(3) * 0.001, **options)
    np.testing.assert_array_equal(model.cells[0].W, reservoir.W.toarray())
    np.testing.assert_array_equal(model.cells[0].U, reservoir.W_in)


def test_fifteen_connections_a_unit_and_the_radius():
    for layer in drawn(layers=2, units=60).cells:
        assert (np.count_nonzero(layer.W, axis=1) == 15).all()
        assert np.abs(np.linalg.eigvals(layer.W)).max() == pytest.approx(1.1, abs=1e-10)
        np.testing.assert_array_equal(layer.b, 0.0)


def test_scales_and_the_bias_of_the_output():
    model = drawn(units=2000, radius=0.9, connections=2, input_scale=0.1, output_scale=0.2, output_bias=0.5)
    assert model.cells[0].U.std() == pytest.approx(0.1, rel=0.03)  # of 4,000 numbers
    assert model.readout[-1].V.std() == pytest.approx(0.2, rel=0.05)  # of 2,000
    np.testing.assert_array_equal(model.readout[-1].c, 0.5)


def test_the_seed_decides_and_wrappers_are_kept():
    assert all(np.array_equal(a, b) for a, b in zip(*map(jax.tree.leaves, (drawn(), drawn())), strict=True))
    assert not np.array_equal(drawn(seed=8).cells[0].W, drawn().cells[0].W)
    inner = Stack.draw("elman", 2, 2, units=20, seed=0)
    wrapped = echo_state(Gaussian(LearnedStart.of(inner)), seed=3)
    np.testing.assert_array_equal(wrapped.model.model.cells[0].W, echo_state(inner, seed=3).cells[0].W)
    assert wrapped.dtype == np.float32


def test_other_cells_have_no_such_start():
    with pytest.raises(ConfigError, match="vanilla"):
        echo_state(Stack.draw("gru", 2, 1, units=5, seed=0), seed=0)


def test_momentum_changes_every_block_of_weights():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((64, 10, 2))
    settings = Settings(optimizer="nesterov", momentum=0.9, learning_rate=1e-3, final_learning_rate=1e-3, epochs=2)
    before = drawn(units=30)
    after = train(before, LastStep(), (x, x[:, 0, :1]), settings).best
    for old, new in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True):
        assert np.abs(new - old).max() > 0


def test_the_best_of_several_reservoirs_leaves_least_of_the_targets():
    rng = np.random.default_rng(3)
    inputs, present = rng.standard_normal((2200, 12, 2)), np.ones((2200, 12), bool)
    present[::3, 9:] = False  # shorter ones, judged at their own last step
    weights = np.zeros((2200, 12, 1))
    weights[np.arange(2200), present.sum(axis=1) - 1] = 1.0
    targets = np.where(weights > 0, inputs[:, :1, :1] * inputs[:, 1:2, 1:], np.nan)
    model = Stack.draw("elman", 2, 1, units=30, precision="float64", seed=0)
    options = {"input_scale": 0.1, "connections": 5}
    candidates = [echo_state(model, seed=[7, k] if k else 7, **options) for k in range(6)]
    found = best_echo_state(model, (inputs, present, targets, weights), draws=6, seed=7, **options)

    left = [_left(each.cells[0], inputs, present, targets[weights > 0]) for each in candidates]
    best = int(np.argmin(left))
    assert best != 0  # or the first would do
    assert all(map(np.array_equal, *map(jax.tree.leaves, (found, candidates[best]))))


def _left(cell, inputs, present, targets):
    """What a ridge regression on the last states of the first half leaves of the targets of the second."""
    h = np.zeros((len(inputs), len(cell.W)))
    for t in range(inputs.shape[1]):
        h = np.where(present[:, t, None], np.tanh(h @ cell.W.T + inputs[:, t] @ cell.U.T), h)
    half = len(h) // 2
    mean, level = h[:half].mean(axis=0), targets[:half].mean()
    X = h[:half] - mean
    penalty = 1e-4 * np.linalg.norm(X, 2) ** 2
    V = np.linalg.solve(X.T @ X + penalty * np.eye(len(mean)), X.T @ (targets[:half] - level))
    return np.sum((targets[half:] - level - (h[half:] - mean) @ V) ** 2)


def test_one_draw_is_not_compared():
    model = Stack.draw("elman", 2, 1, units=30, seed=0)
    found, same = best_echo_state(model, None, draws=1, seed=5), echo_state(model, seed=5)
    assert all(map(np.array_equal, *map(jax.tree.leaves, (found, same))))
