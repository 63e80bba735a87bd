"""Modes of networks against closed forms: rings, leaks, rotations, an oscillator that was sampled."""

import numpy as np
import pytest
import scipy.linalg

import recurra as rc
from recurra.diagnostics import modes, states_of
from recurra.errors import ConfigError, DataError
from recurra.models import Stack, by_hand
from recurra.reservoirs import Reservoir, draw_reservoir


def ring(units, radius, leak=1.0, bias=0.0):
    W = radius * np.roll(np.eye(units), 1, axis=0)
    return Reservoir(W, np.ones((units, 1)), np.full(units, bias), leak)


def same_set(found, wanted, atol=1e-12):
    """Whether two sets of complex numbers agree, whatever their order."""
    apart = np.abs(found[:, None] - wanted[None])
    assert apart.min(axis=0).max() < atol
    assert apart.min(axis=1).max() < atol


@pytest.mark.parametrize("leak", [1.0, 0.3])
def test_a_ring_has_the_roots_of_unity(leak):
    n = 12
    roots = (1 - leak) + leak * 0.9 * np.exp(2j * np.pi * np.arange(n) / n)
    found = modes(ring(n, 0.9, leak), dt=0.1)
    same_set(found.multipliers, roots)
    np.testing.assert_allclose(found.dampings[0], -np.log(np.abs(roots[0])) / 0.1, rtol=1e-12)
    if leak == 1:
        same_set(np.sort(np.abs(found.frequencies)) + 0j, np.array([k / n / 0.1 for k in range(7)]) + 0j)


def test_a_push_flattens_the_tanh_and_damps_the_modes():
    found = modes(ring(6, 0.9, bias=0.7), state=np.full(6, 0.2), x=np.array([0.1]))
    slope = 1 - np.tanh(0.9 * 0.2 + 0.1 + 0.7) ** 2
    np.testing.assert_allclose(np.abs(found.multipliers), 0.9 * slope, rtol=1e-12)


def test_a_rotation_by_hand_turns_as_often_and_dies_as_fast():
    found = modes(by_hand.rotation(gain=0.95, angle=0.2), dt=0.5)
    np.testing.assert_allclose(found.frequencies, [0.2 / (2 * np.pi * 0.5), -0.2 / (2 * np.pi * 0.5)], rtol=1e-9)
    np.testing.assert_allclose(found.dampings, -np.log(0.95) / 0.5, rtol=1e-9)
    np.testing.assert_allclose(found.time_constants, 0.5 / -np.log(0.95), rtol=1e-9)
    assert "slowest oscillation has the frequency 0.0637" in found.words


def test_an_oscillator_has_the_quality_of_its_equation():
    omega, zeta, dt = 3.0, 0.05, 0.02  # x'' + 2 zeta omega x' + omega^2 x = 0, whose quality is 1 / (2 zeta)
    found = modes(scipy.linalg.expm(dt * np.array([[0.0, 1.0], [-(omega**2), -2 * zeta * omega]])), dt=dt)
    np.testing.assert_allclose(found.qualities, 1 / (2 * zeta), rtol=1e-9)
    np.testing.assert_allclose(found.frequencies[0], omega * np.sqrt(1 - zeta**2) / (2 * np.pi), rtol=1e-9)


def test_modes_that_grow_stay_or_are_forgotten_have_their_infinities():
    found = modes(np.diag([1.1, 1.0, 0.5, 0.0]))
    assert found.qualities.tolist() == [np.inf, np.inf, 0.5, 0.5]
    np.testing.assert_allclose(found.time_constants, [-1 / np.log(1.1), np.inf, 1 / np.log(2), 0.0])
    assert "grows" in found.words
    assert "none oscillates" in found.words


def test_a_reservoir_is_linearised_as_differences_say():
    drawn = draw_reservoir(
        15, 2, spectral_radius=0.9, in_degree=5, input_scaling=1.0, bias_scaling=0.5, leak=0.6, seed=0
    )
    h, x, eps = np.linspace(-0.5, 0.5, 15), np.array([0.3, -0.2]), 1e-6
    pairs = [(drawn.step((h + s)[None], x[None]), drawn.step((h - s)[None], x[None])) for s in eps * np.eye(15)]
    J = np.stack([(up - down)[0] / (2 * eps) for up, down in pairs], axis=1)
    same_set(modes(drawn, state=h, x=x).multipliers, np.linalg.eigvals(J), atol=1e-7)


def test_fitted_estimators_have_the_step_of_their_data():
    t = 0.25 * np.arange(200)
    series = rc.Series(np.stack([np.sin(t), np.cos(t)], axis=1), dt=0.25)
    echo = rc.ESN(units=12, ridge=1e-6, leak=0.5, washout=20, seed=0).fit(series)
    reservoir = echo.network_.reservoir
    wanted = 0.5 * np.eye(12) + 0.5 * (1 - np.tanh(reservoir.b) ** 2)[:, None] * reservoir.W.toarray()
    same_set(modes(echo).multipliers, np.linalg.eigvals(wanted), atol=1e-9)
    assert modes(echo).dt == 0.25
    rnn = rc.RNN(units=4, epochs=1, bptt_length=10, precision="float64", validation=0.0, seed=0).fit(series)
    h = states_of(rnn, series).values[50]
    cell = rnn.network_.model.cells[0]
    slope = 1 - np.tanh(cell.W @ h + cell.b) ** 2
    same_set(modes(rnn, state=h).multipliers, np.linalg.eigvals(slope[:, None] * cell.W), atol=1e-9)


def test_what_has_no_modes_is_refused():
    with pytest.raises(DataError, match="`state` must be 6 finite numbers"):
        modes(ring(6, 0.9), state=np.zeros(5))
    with pytest.raises(DataError, match="`x` must be 1 finite numbers"):
        modes(Stack.draw("elman", 1, 1, units=2, seed=0), x=np.zeros(3))
    with pytest.raises(DataError, match="square matrix"):
        modes(np.zeros((2, 3)))
    with pytest.raises(ConfigError, match="`dt`"):
        modes(np.eye(2), dt=0.0)
