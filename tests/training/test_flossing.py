"""Gradient flossing: the derivative through the decompositions, exponents that reach their target, the option."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recurra as rc
from recurra.diagnostics.gradient_flow import gradient_flow, jacobians, states_along
from recurra.errors import ConfigError, DataError, DivergenceError
from recurra.models import Stack, by_hand, to_tensors
from recurra.training.flossing import exponents_along, floss

RNG = np.random.default_rng(0)


def loop(model, xs, count, transient, seed=0):
    """The exponents by NumPy's decomposition of the Jacobians, step by step."""
    states = states_along(model, xs)
    Q, logs = np.linalg.qr(np.random.default_rng(seed).standard_normal((states.shape[1], count)))[0], []
    for J in jacobians(model, states[:-1], xs):
        Q, R = np.linalg.qr(J @ Q)
        logs.append(np.log(np.abs(np.diag(R))))
    return np.mean(logs[transient:], axis=0)


def test_the_exponents_are_those_of_a_loop():
    model, xs = Stack.draw("gru", 2, 1, units=6, seed=1), RNG.normal(size=(3, 20, 2))
    _, history = floss(model, xs, count=3, transient=5, epochs=0)
    wanted = np.mean([loop(model, each, 3, 5) for each in xs], axis=0)
    np.testing.assert_allclose(history, wanted[None], rtol=0, atol=1e-12)


def test_the_derivative_is_that_of_finite_differences():
    model, xs = by_hand.random_network(1.2, units=6, seed=2), RNG.normal(size=(2, 15, 6))
    with jax.enable_x64(True):
        directions = np.linalg.qr(RNG.normal(size=(6, 3)))[0]
        cell = model.cells[0]

        @jax.jit
        def loss(W):
            changed = type(model)((type(cell)(cell.U, W, cell.b, cell.activation),), model.readout)
            return ((exponents_along(changed, xs, directions, 4) - 0.1) ** 2).mean()

        gradient, W, eps = np.asarray(jax.grad(loss)(jnp.asarray(cell.W))), np.asarray(cell.W), 1e-5
        for _ in range(5):
            direction = RNG.normal(size=W.shape)
            # the differences of fourth order
            far, near = (float(loss(W + k * eps * direction) - loss(W - k * eps * direction)) for k in (2, 1))
            assert (gradient * direction).sum() == pytest.approx((8 * near - far) / (12 * eps), rel=1e-6)


@pytest.fixture(scope="module")
def flossed():
    model, xs = by_hand.random_network(1.0, units=40, seed=3), 0.3 * RNG.normal(size=(2, 55, 40))
    return model, xs, *floss(model, xs, count=8, epochs=300)


def test_the_exponents_of_a_random_network_under_noise_move_to_zero(flossed):
    model, xs, moved, history = flossed
    assert history[0].max() < -0.1
    assert np.abs(history[-1]).max() < 0.02
    wanted = np.mean([loop(moved, each, 8, 16) for each in xs], axis=0)
    np.testing.assert_allclose(wanted, history[-1], rtol=0, atol=1e-9)
    before, after = to_tensors(model), to_tensors(moved)
    assert [name for name in before if not np.array_equal(before[name], after[name])] == [
        "cells/0/U",
        "cells/0/W",
        "cells/0/b",
    ]


def test_on_other_noise_gradients_reach_further_than_before(flossed):
    model, _, moved, _ = flossed
    xs = 0.3 * np.random.default_rng(9).normal(size=(600, 40))
    before, after = (gradient_flow(each, xs, length=50) for each in (model, moved))
    assert before.rate < -0.1
    assert abs(after.rate) < abs(before.rate) / 3  # it was flossed along 78 steps: elsewhere zero is missed by 0.04
    assert after.norm_at(50) > 100 * before.norm_at(50)


def test_the_slope_of_the_gradient_flow_is_the_largest_conditional_exponent():
    xs = np.random.default_rng(4).normal(size=(2000, 1))
    model = Stack.draw("elman", 1, 1, units=20, seed=5, precision="float64")
    flow = gradient_flow(model, xs, length=150)
    assert flow.rate == pytest.approx(loop(model, xs, 1, 200)[0], abs=0.01)
    assert flow.rate < -0.05


def test_another_target_and_the_precision_are_kept():
    model, xs = Stack.draw("lstm", 1, 1, units=4, seed=6), RNG.normal(size=(40, 1))
    moved, history = floss(model, xs, count=2, epochs=300, target=-0.2, learning_rate=1e-2)
    assert np.abs(history[-1] + 0.2).max() < 0.02
    assert moved.dtype == np.float32


def test_what_cannot_be_flossed_is_refused():
    model, xs = Stack.draw("elman", 1, 1, units=4, seed=0), np.zeros((40, 1))
    with pytest.raises(ConfigError, match=r"within 1 \.\.\. 4"):
        floss(model, xs, count=5)
    with pytest.raises(ConfigError, match="`epochs`"):
        floss(model, xs, epochs=-1)
    with pytest.raises(ConfigError, match="`learning_rate`"):
        floss(model, xs, learning_rate=0.0)
    with pytest.raises(DataError, match="more than 16 steps"):
        floss(model, xs[:16])
    with pytest.raises(DivergenceError, match="take fewer exponents"):
        floss(by_hand.linear(np.zeros((3, 3)), np.ones((3, 1))), xs, epochs=1)


def test_an_estimator_starts_from_flossed_weights_and_says_so():
    series = np.sin(0.3 * np.arange(200))
    options = {"units": 6, "epochs": 1, "bptt_length": 30, "learning_rate": 1e-12, "validation": 0.0, "seed": 1}
    plain, moved = rc.GRU(**options).fit(series), rc.GRU(**options, flossing=100).fit(series)
    xs = plain.frame_.scaled(plain.frame_.series_of(series))[0][:-1]
    before, after = (np.abs(loop(model.network_.model, xs, 6, 16)) for model in (plain, moved))
    assert after.mean() < 0.75 * before.mean()
    again = rc.GRU(**options, flossing=100).fit(series)
    assert all(
        np.array_equal(a, b)
        for a, b in zip(
            to_tensors(moved.network_.model).values(), to_tensors(again.network_.model).values(), strict=True
        )
    )
    with pytest.raises(ConfigError, match="`flossing`"):
        rc.GRU(flossing=-1).fit(series)
