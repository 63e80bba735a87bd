"""Information-processing capacity against networks whose features are known, its bound, and what chance would give."""

import numpy as np
import pytest

from recurra.diagnostics import (
    information_capacity,
    linear_memory_capacity,
    measure_information_capacity,
    memory_capacity,
)
from recurra.errors import ConfigError, DataError
from recurra.models import Stack, by_hand
from recurra.reservoirs import draw_reservoir

ROWS = 10_000


def noise(seed=0, rows=ROWS, scale=1.0):
    return np.random.default_rng(seed).uniform(-scale, scale, rows)


def mixed(features, seed=1):
    """The same features, each in all states."""
    n = features.shape[1]
    return features @ np.random.default_rng(seed).normal(size=(n, n)) + 3.0


def test_states_that_mix_known_products_have_exactly_those():
    x = noise(scale=0.2)
    u, u1, u2 = (np.roll(x, k) / 0.2 for k in range(3))
    features = np.stack([u, u1, (3 * u**2 - 1) / 2, u * u1, u2**2 * u * 3 - u, (5 * u1**3 - 3 * u1) / 2], axis=1)
    found = information_capacity(mixed(features)[50:], x[50:], degree=3, lags=6, scale=0.2)
    known = {((0, 1),), ((1, 1),), ((0, 2),), ((0, 1), (1, 1)), ((0, 1), (2, 2)), ((1, 3),)}
    values = dict(zip(found.terms, found.by_term, strict=True))
    assert {term for term, _ in found.largest(6)} == known
    np.testing.assert_allclose([values[term] for term in known], 1, rtol=0, atol=1e-9)
    others = np.array([value for term, value in values.items() if term not in known])
    assert np.abs(others).max() < 5e-3
    np.testing.assert_allclose(found.by_degree, [2, 2, 2], rtol=0, atol=0.02)
    np.testing.assert_allclose(found.by_lag, [2, 3, 1, 0, 0, 0], rtol=0, atol=0.02)
    assert found.table.shape == (3, 6)
    np.testing.assert_allclose(found.table.sum(), found.by_term.sum())
    assert found.total == pytest.approx(6, abs=0.02)
    assert "6 units compute something" in found.words


def test_all_products_are_there_once():
    found = information_capacity(noise(2)[:, None], noise(3), degree=3, lags=[5, 4, 3])
    assert len(set(found.terms)) == len(found.terms) == 5 + 10 + 10  # multisets: C(K + d - 1, d)
    assert found.degrees.tolist() == [1] * 5 + [2] * 10 + [3] * 10
    assert found.longest_lags.max() == 4


def test_a_linear_network_has_terms_of_degree_one_alone():
    W = np.diag([0.6, -0.4, 0.2, 0.1]) + 0.1 * np.random.default_rng(0).normal(size=(4, 4))
    found = measure_information_capacity(by_hand.linear(W, np.ones((4, 1))), degree=3, lags=[30, 8, 5])
    exact = linear_memory_capacity(W, np.ones(4), lags=30)
    np.testing.assert_allclose(found.table[0], exact.by_lag, rtol=0, atol=0.02)
    assert found.by_degree[0] == pytest.approx(4, abs=0.03)
    np.testing.assert_allclose(found.by_degree[1:], 0, atol=4 * found.error)
    assert all(sum(d for _, d in term) == 1 for term, _ in found.largest(100))


def test_the_first_degree_is_the_memory_capacity():
    x, rng = noise(4, 4000), np.random.default_rng(5)
    states = np.tanh(np.stack([np.roll(x, k) for k in range(4)], axis=1) @ rng.normal(size=(4, 6)))
    found = information_capacity(states[9:], x[9:], degree=1, lags=8)
    np.testing.assert_allclose(found.by_term, memory_capacity(states[9:], x[9:], lags=8).by_lag, rtol=0, atol=1e-12)


@pytest.mark.parametrize("scale", [0.3, 1.0])
def test_a_network_with_fading_memory_and_independent_units_has_one_a_unit(scale):
    drawn = draw_reservoir(
        8, 1, spectral_radius=0.4, in_degree=8, input_scaling=1.0, bias_scaling=0.5, leak=1.0, seed=1
    )
    found = measure_information_capacity(drawn, degree=5, lags=[20, 12, 8, 6, 5], scale=scale)
    assert found.total == pytest.approx(8, rel=0.02)
    assert found.total <= 8
    assert found.by_term.sum() <= 8 + 3 * found.error
    assert found.by_degree[0] > found.by_degree[2] > 0.3


def test_a_larger_input_moves_capacity_from_memory_to_higher_degrees():
    drawn = draw_reservoir(
        20, 1, spectral_radius=0.9, in_degree=10, input_scaling=1.0, bias_scaling=0.0, leak=1.0, seed=2
    )
    small, large = (measure_information_capacity(drawn, degree=3, lags=[40, 10, 8], scale=s) for s in (0.1, 1.5))
    assert small.by_degree[0] > large.by_degree[0]
    assert small.by_degree[2] < large.by_degree[2]
    for found in (small, large):
        assert found.by_degree[1] == pytest.approx(0, abs=4 * found.error)  # without a bias the network is odd


def test_states_that_know_nothing_have_nothing_however_many_terms():
    states = np.random.default_rng(6).normal(size=(ROWS, 30))
    found = information_capacity(states, noise(7), degree=3, lags=[60, 30, 12])
    assert len(found.terms) > 800
    assert abs(found.by_term.sum()) < 3 * found.error + 0.1
    assert (found.by_term > found.threshold).mean() < 1e-2
    cubes = np.random.default_rng(8).uniform(-1, 1, ROWS)[:, None] ** np.arange(1, 10)
    assert abs(information_capacity(cubes, noise(9), degree=3, lags=10).by_term.sum()) < 0.2


def test_units_that_do_the_same_count_once():
    x = noise(10)
    states = np.stack([x, 2 * x, x + 1, np.ones(ROWS)], axis=1)
    assert information_capacity(states, x, degree=2, lags=3).total == pytest.approx(1, abs=0.01)


def test_what_cannot_be_measured_is_refused():
    x = noise()
    with pytest.raises(DataError, match="not uniform"):
        information_capacity(x[:, None], np.random.default_rng(0).normal(size=ROWS))
    with pytest.raises(DataError, match="not uniform on"):
        information_capacity(x[:, None], x, scale=2.0)
    with pytest.raises(ConfigError, match="`degree`"):
        information_capacity(x[:, None], x, degree=0)
    with pytest.raises(ConfigError, match="one for each of the 3 degrees"):
        information_capacity(x[:, None], x, lags=[3, 2])
    with pytest.raises(DataError, match="too few"):
        information_capacity(x[:999, None], x[:999])
    with pytest.raises(ConfigError, match="`scale`"):
        information_capacity(x[:, None], np.zeros(ROWS))
    with pytest.raises(ConfigError, match="that of one input"):
        measure_information_capacity(Stack.draw("gru", 2, 1, units=3, seed=0))
