"""The derivative as a double sum, products of state Jacobians, and what truncation leaves out."""

import jax
import numpy as np
import pytest

from recurra.diagnostics.bptt import backward, forward
from recurra.diagnostics.double_sum import double_sum, state_jacobian, state_jacobians
from recurra.diagnostics.vanilla import Vanilla
from recurra.errors import ConfigError
from recurra.models import unroll

NAMES = ("U", "W", "b", "V", "c", "h0")
STEPS = 20


@pytest.fixture(scope="module")
def tape(draw):
    rng = np.random.default_rng(0)
    return forward(draw("tanh", 3, 2, units=8), rng.normal(size=(STEPS, 3)), rng.normal(size=8))


@pytest.fixture(scope="module")
def errors():
    return np.random.default_rng(1).normal(size=(STEPS, 2))


def difference(found, wanted):
    return np.abs(found - wanted).max() / np.abs(wanted).max()


def test_the_double_sum_is_the_recursion(tape, errors):
    found, wanted = double_sum(tape, errors).gradients(), backward(tape, errors).total
    for name in NAMES:
        assert difference(getattr(found, name), getattr(wanted, name)) < 1e-12, name


def test_every_row_is_the_backward_pass_of_one_error(tape, errors):
    whole = double_sum(tape, errors)
    for t in (0, 7, STEPS - 1):
        alone = np.where(np.arange(STEPS)[:, None] == t, errors, 0)
        back = backward(tape, alone)
        assert difference(whole.signals[t], back.da) < 1e-12
        np.testing.assert_allclose(whole.norms()[t], back.norms("W"), rtol=1e-11, atol=1e-13)


def test_the_product_of_state_jacobians_is_the_derivative_of_a_state_by_an_earlier_one(tape):
    net, k, t = tape.network, 3, 15

    def later(h):
        return unroll(lambda h, x: (jax.numpy.tanh(net.U @ x + net.W @ h + net.b), ()), h, tape.x[k:t])[0]

    with jax.enable_x64(True):
        wanted = np.asarray(jax.jacfwd(later)(jax.numpy.asarray(tape.h[k])))
    assert difference(state_jacobian(tape, t, k), wanted) < 1e-9
    np.testing.assert_array_equal(state_jacobian(tape, 4, 4), np.eye(8))
    np.testing.assert_array_equal(state_jacobian(tape, 5, 4), (1 - tape.h[5] ** 2)[:, None] * net.W)
    assert state_jacobians(tape).shape == (STEPS, 8, 8)
    with pytest.raises(ConfigError, match="0 <= k <= t <= 20"):
        state_jacobian(tape, 3, 4)


def test_as_many_lags_as_steps_leave_nothing_out(tape, errors):
    found, wanted = (double_sum(tape, errors).gradients(lags) for lags in (STEPS + 1, None))
    for name in NAMES:
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name))
    with pytest.raises(ConfigError, match="`lags` is 0"):
        double_sum(tape, errors).gradients(0)


def test_one_lag_leaves_the_immediate_effects(tape, errors):
    found = double_sum(tape, errors).gradients(lags=1)
    signal = (1 - tape.h[1:] ** 2) * (errors @ tape.network.V)
    assert difference(found.W, signal.T @ tape.h[:-1]) < 1e-13
    assert not found.h0.any()


@pytest.mark.parametrize("lags", range(1, 8))
def test_too_few_lags_are_blind_to_what_happened_five_steps_ago(lags):
    # A shift register: unit i holds x(t - i), and the output is x(t - 5).
    net = Vanilla(np.eye(6, 1), np.eye(6, k=-1), np.zeros(6), np.eye(1, 6, 5), [0.0], activation="identity")
    x = np.random.default_rng(2).normal(size=(40, 1))
    tape = forward(net, x)
    np.testing.assert_array_equal(tape.y[5:], x[:-5])
    errors = np.random.default_rng(3).normal(size=(40, 1))
    slope = (errors[5:] * x[:-5]).sum()  # dL/dU of the first unit
    found = double_sum(tape, errors).gradients(lags).U[0, 0]
    assert found == pytest.approx(slope if lags > 5 else 0.0, rel=1e-14, abs=0)
    assert abs(slope) > 1
