"""Memory capacity against closed forms, Jaeger's bound, and what chance alone would give."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg

from recurra.diagnostics.memory_capacity import measure_memory_capacity, memory_capacity
from recurra.errors import ConfigError, DataError
from recurra.models import Stack, by_hand
from recurra.reservoirs import draw_reservoir

ROWS = 8000


def noise(seed, rows=ROWS):
    return np.random.default_rng(seed).uniform(-1, 1, rows)


def linear_states(W, U, x):
    h, states = np.zeros(len(W)), np.empty((len(x), len(W)))
    for t, value in enumerate(x):
        h = W @ h + U * value
        states[t] = h
    return states


@pytest.mark.parametrize("units", [5, 20, 50])
def test_a_delay_line_of_n_units_has_n(units):
    found = measure_memory_capacity(by_hand.delay_line(units), steps=ROWS)
    assert abs(found.total / units - 1) < 0.01
    np.testing.assert_allclose(found.by_lag[:units], 1, rtol=0, atol=1e-12)
    assert np.abs(found.by_lag[units:]).max() < 0.01


def test_a_linear_network_remembers_each_lag_as_much_as_the_closed_form():
    rng = np.random.default_rng(1)
    W, U = 0.8 * scipy.linalg.qr(rng.normal(size=(6, 6)))[0] + 0.1 * rng.normal(size=(6, 6)), rng.normal(size=6)
    W *= 0.85 / np.abs(np.linalg.eigvals(W)).max()
    x = noise(2, 20_000)
    found = memory_capacity(linear_states(W, U, x)[200:], x[200:], lags=30)
    covariance = scipy.linalg.solve_discrete_lyapunov(W, np.outer(U, U))
    kernels = [np.linalg.matrix_power(W, k) @ U for k in range(30)]
    wanted = [kernel @ np.linalg.solve(covariance, kernel) for kernel in kernels]
    np.testing.assert_allclose(found.by_lag, wanted, rtol=0, atol=0.04)
    assert abs(found.total - sum(wanted)) < 3 * found.error
    assert abs(sum(wanted) - 6) < 0.01


def test_no_state_of_n_units_has_more_than_n():
    for seed in range(4):
        rng, x = np.random.default_rng(seed), noise(seed)
        n = 10
        W = rng.normal(size=(n, n)) / np.sqrt(n)
        linear = linear_states(0.8 * W / np.abs(np.linalg.eigvals(W)).max(), rng.normal(size=n), x)
        delayed = np.stack([np.roll(x, k) for k in range(n)], axis=1)
        mixed = delayed @ rng.normal(size=(n, n))
        for states in (linear, np.tanh(linear), delayed, mixed, mixed**3, rng.normal(size=(ROWS, n))):
            found = memory_capacity(states[100:], x[100:], lags=200)
            assert found.total <= n
            assert found.by_lag.sum() <= n + 3 * found.error
            assert found.error < 0.3


def test_states_that_know_nothing_have_nothing_however_many_lags():
    x, states = noise(3, 4000), np.random.default_rng(4).normal(size=(4000, 30))
    found = memory_capacity(states, x, lags=300)
    assert abs(found.total) < 3 * found.error
    # Correlated on the rows of the fit, chance adds n / rows of every lag.
    past = np.stack([np.roll(x, k) for k in range(300)], axis=1)[300:]
    fitted = states[300:] @ np.linalg.lstsq(states[300:], past)[0]
    in_sample = sum(np.corrcoef(a, b)[0, 1] ** 2 for a, b in zip(past.T, fitted.T, strict=True))
    assert in_sample > 2


def test_the_error_is_that_of_repeated_measurements():
    rng = np.random.default_rng(5)
    W, U = 0.7 * scipy.linalg.qr(rng.normal(size=(8, 8)))[0], rng.normal(size=8)
    drawn = [noise(seed, 3000) for seed in range(30)]
    found = [memory_capacity(linear_states(W, U, x)[100:], x[100:], lags=40) for x in drawn]
    totals = np.array([each.total for each in found])
    assert abs(totals.mean() - 8) < 0.1
    assert 0.5 < np.mean([each.error for each in found]) / totals.std() < 2


@pytest.fixture(scope="module")
def reservoir():
    return draw_reservoir(
        50, 1, spectral_radius=0.9, in_degree=10, input_scaling=1.0, bias_scaling=0.0, leak=1.0, seed=1
    )


def test_an_echo_state_network_of_50_units_is_below_50_and_loses_memory_to_its_nonlinearity(reservoir):
    found = [measure_memory_capacity(reservoir, scale=scale, steps=ROWS).total for scale in (0.01, 0.1, 0.5, 1.0)]
    assert 50 > found[0] > found[1] > found[2] > found[3] > 5


def test_a_model_and_a_reservoir_of_the_same_weights_have_the_same(reservoir):
    network = by_hand.linear(reservoir.W.toarray(), reservoir.W_in)
    cell = Stack.draw("elman", 1, 1, units=50, precision="float64", seed=0).cells[0]
    same = type(cell)(network.cells[0].U, network.cells[0].W, network.cells[0].b)
    model = Stack((same,), network.readout)
    one, other = (measure_memory_capacity(each, steps=2000, transient=100) for each in (reservoir, model))
    np.testing.assert_allclose(one.by_lag, other.by_lag, rtol=0, atol=1e-8)


def test_one_of_several_inputs_is_remembered_as_it_would_be_alone():
    """Inputs that are zero are as if they were not there."""
    wide = draw_reservoir(
        40, 3, spectral_radius=0.8, in_degree=8, input_scaling=1.0, bias_scaling=0.2, leak=1.0, seed=0
    )
    alone = replace(wide, W_in=wide.W_in[:, 1:2])
    options = {"steps": 2000, "transient": 100, "seed": 3}
    one, other = measure_memory_capacity(wide, feature=1, **options), measure_memory_capacity(alone, **options)
    np.testing.assert_allclose(one.by_lag, other.by_lag, atol=1e-9)
    with pytest.raises(ConfigError, match="choose a `feature`"):
        measure_memory_capacity(wide)
    with pytest.raises(ConfigError, match="one of the 3 inputs, got 3"):
        measure_memory_capacity(wide, feature=3)


def test_what_cannot_be_measured_is_refused(reservoir):
    x = noise(0, 2000)
    with pytest.raises(DataError, match="2000 rows are too few for 400 units and 800 lags: take 4800"):
        memory_capacity(np.zeros((2000, 400)), x)
    with pytest.raises(DataError, match="have the shapes"):
        memory_capacity(np.zeros((1999, 4)), x)
    with pytest.raises(ConfigError, match="`lags`"):
        memory_capacity(np.zeros((2000, 4)), x, lags=0)
    with pytest.raises(ConfigError, match="that of one input"):
        measure_memory_capacity(Stack.draw("elman", 2, 1, units=3, seed=0))
    with pytest.raises(ConfigError, match="not of 3"):
        measure_memory_capacity(3)
