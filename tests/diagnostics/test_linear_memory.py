"""The memory of linear networks from their weights: closed forms, the covariance of small ones, the rank of all."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from recurra.cells import Elman
from recurra.diagnostics import linear_memory_capacity, measure_memory_capacity, memory_capacity
from recurra.diagnostics.linear_memory import linear_memory
from recurra.errors import ConfigError, DataError
from recurra.models import Dense, Stack, by_hand
from recurra.reservoirs import Reservoir, draw_reservoir

RNG = np.random.default_rng(0)


def random_weights(units, radius, rng=RNG):
    W = rng.normal(size=(units, units))
    return W * (radius / np.abs(np.linalg.eigvals(W)).max()), rng.normal(size=units)


def from_the_covariance(W, w, lags):
    """m_k as it is defined; for few units alone, since the covariance is singular to rounding soon."""
    inverse = np.linalg.inv(scipy.linalg.solve_discrete_lyapunov(W, np.outer(w, w)))
    kernels = [np.linalg.matrix_power(W, k) @ w for k in range(lags)]
    return np.array([kernel @ inverse @ kernel for kernel in kernels])


@pytest.mark.parametrize("units", [1, 2, 4, 6])
def test_it_is_what_the_covariance_of_the_states_says(units):
    W, w = random_weights(units, 0.9)
    np.testing.assert_allclose(linear_memory(W, w, lags=40)[0], from_the_covariance(W, w, 40), rtol=0, atol=1e-9)


@pytest.mark.parametrize("units", [10, 50, 100, 200])
@pytest.mark.parametrize("radius", [0.5, 0.9, 0.99])
def test_a_random_network_of_n_units_has_n(units, radius):
    found = linear_memory_capacity(*random_weights(units, radius))
    assert found.total == pytest.approx(units, rel=1e-8)
    assert found.total <= units
    assert found.by_lag.max() <= 1 + 1e-12


def test_where_the_covariance_cannot_be_inverted_the_plain_formula_is_wrong_and_this_is_not():
    W, w = random_weights(40, 0.9, np.random.default_rng(1))
    assert np.linalg.cond(scipy.linalg.solve_discrete_lyapunov(W, np.outer(w, w))) > 1e16
    assert abs(from_the_covariance(W, w, 400).sum() - 40) > 1
    assert linear_memory(W, w)[0].sum() == pytest.approx(40, rel=1e-8)


@pytest.mark.parametrize("units", [3, 20, 50])
def test_a_ring_remembers_as_its_closed_form(units):
    ring = 0.95 * np.roll(np.eye(units), 1, axis=0)
    found = linear_memory(ring, np.random.default_rng(units).normal(size=units), lags=4 * units)[0]
    rounds = np.arange(4 * units) // units
    np.testing.assert_allclose(found, (1 - 0.95 ** (2 * units)) * 0.95 ** (2 * units * rounds), rtol=0, atol=1e-8)
    assert linear_memory_capacity(ring, np.eye(units)[0]).total == pytest.approx(units, rel=1e-8)


@pytest.mark.parametrize("units", [5, 20, 200])
def test_a_delay_line_remembers_its_inputs_and_nothing_else(units):
    found = measure_memory_capacity(by_hand.delay_line(units))
    np.testing.assert_array_equal(found.by_lag, np.repeat([1.0, 0.0], units))
    assert (found.total, found.error) == (units, 0.0)


def test_directions_that_no_input_reaches_do_not_count():
    W, w = random_weights(5, 0.8)
    apart = scipy.linalg.block_diag(W, random_weights(4, 0.7)[0])
    turned = scipy.linalg.qr(RNG.normal(size=(9, 9)))[0]
    by_lag, rank = linear_memory(turned @ apart @ turned.T, turned @ np.append(w, np.zeros(4)))
    assert rank == 5
    np.testing.assert_allclose(by_lag[:30], linear_memory(W, w, lags=30)[0], rtol=0, atol=1e-9)
    assert linear_memory(np.diag([0.5, 0.5, 0.3]), [1.0, 2.0, 3.0])[1] == 2  # two units that do the same
    assert linear_memory(W, np.zeros(5))[1] == 0
    assert not linear_memory(W, np.zeros(5))[0].any()
    with pytest.raises(ConfigError, match=r"spectral radius of this linear network is 1\.1"):
        linear_memory(np.diag([1.1, 0.5]), [1.0, 1.0])
    assert linear_memory(np.diag([1.1, 0.5]), [0.0, 1.0])[1] == 1  # what grows is not reached


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 8), st.floats(0.05, 1.0), st.integers(0, 2**32 - 1))
def test_memory_is_the_same_in_other_coordinates_and_of_other_inputs(units, leak, seed):
    rng = np.random.default_rng(seed)
    W, w = random_weights(units, 0.9, rng)
    turned = scipy.linalg.qr(rng.normal(size=(units, units)))[0]
    one = linear_memory(W, w, leak=leak, lags=50)[0]
    other = linear_memory(turned @ W @ turned.T, -3 * turned @ w, leak=leak, lags=50)[0]
    leaky = linear_memory((1 - leak) * np.eye(units) + leak * W, w, lags=50)[0]
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)  # eigenvalues that almost agree are known to 1e-8 alone
    np.testing.assert_allclose(one, leaky, rtol=0, atol=1e-5)
    assert one.sum() <= units + 1e-9


def test_networks_that_are_linear_are_measured_by_their_weights():
    W, w = random_weights(30, 0.9)
    assert measure_memory_capacity(by_hand.linear(W, w[:, None])).total == pytest.approx(30, rel=1e-8)
    (A, b), (B, _) = random_weights(3, 0.8), random_weights(2, 0.6)
    U = RNG.normal(size=(2, 3))
    cells = Elman(b[:, None], A, np.zeros(3), "identity"), Elman(U, B, np.ones(2), "identity")
    layers = measure_memory_capacity(Stack(cells, (Dense(np.ones((1, 2)), np.zeros(1)),)), lags=30)
    whole = np.block([[A, np.zeros((3, 2))], [U @ A, B]])
    np.testing.assert_allclose(layers.by_lag, from_the_covariance(whole, np.append(b, U @ b), 30), rtol=0, atol=1e-8)


def test_a_reservoir_with_a_small_input_comes_near_to_its_linear_part_where_a_sample_can_tell():
    drawn = draw_reservoir(
        8, 1, spectral_radius=0.8, in_degree=8, input_scaling=1.0, bias_scaling=0.0, leak=0.7, seed=3
    )
    exact = linear_memory_capacity(drawn.W, drawn.W_in[:, 0], leak=0.7, lags=30)
    measured = measure_memory_capacity(drawn, scale=1e-3, steps=20_000, lags=30)
    np.testing.assert_allclose(measured.by_lag, exact.by_lag, rtol=0, atol=0.03)
    assert abs(measured.by_lag.sum() - exact.total) < 3 * measured.error + 0.01
    tanh = Reservoir(drawn.W.toarray(), drawn.W_in, drawn.b, 0.7)
    assert measure_memory_capacity(tanh, scale=1.0).total < exact.total - 1


def test_what_cannot_be_is_refused():
    with pytest.raises(DataError, match=r"have the shapes \(2, 3\) and \(2,\)"):
        linear_memory_capacity(np.zeros((2, 3)), np.ones(2))
    with pytest.raises(ConfigError, match="`leak`"):
        linear_memory_capacity(np.eye(2) / 2, np.ones(2), leak=0.0)
    with pytest.raises(ConfigError, match="`lags`"):
        linear_memory_capacity(np.eye(2) / 2, np.ones(2), lags=0)
    with pytest.raises(DataError, match="have the shapes"):
        memory_capacity(np.float64(3.0), np.zeros(3))
