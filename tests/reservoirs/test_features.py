"""What the readout sees, and why: an odd network cannot learn an even target, one with squares can."""

import numpy as np
import pytest

from recurra.reservoirs import READOUT_FEATURES, EchoState, draw_reservoir
from recurra.reservoirs.features import expand, feature_count
from recurra.reservoirs.harvest import Harvest
from recurra.reservoirs.readout import TriangularFactor

UNITS, WASHOUT = 40, 30


def odd_reservoir():
    """Without bias: the states of -u are minus the states of u."""
    return draw_reservoir(
        UNITS, 1, spectral_radius=0.7, in_degree=5, input_scaling=0.8, bias_scaling=0.0, leak=1.0, seed=2
    )


def test_squared_half_squares_every_second_component():
    h = np.random.default_rng(0).uniform(-1, 1, (3, 5))
    expected = np.stack([h[:, 0], h[:, 1] ** 2, h[:, 2], h[:, 3] ** 2, h[:, 4]], axis=1)
    np.testing.assert_array_equal(expand(h, "squared-half"), expected)
    np.testing.assert_array_equal(expand(h, "squares"), np.hstack([h, h * h]))
    assert expand(h, "states") is h


@pytest.mark.parametrize("name", sorted(READOUT_FEATURES))
def test_the_count_is_that_of_the_features_and_states_stay_as_they_were(name):
    h = np.random.default_rng(1).uniform(-1, 1, (2, 7))
    kept = h.copy()
    assert expand(h, name).shape == (2, feature_count(7, name))
    np.testing.assert_array_equal(h, kept)


@pytest.mark.parametrize("name", sorted(READOUT_FEATURES))
def test_harvest_and_network_see_the_same(name):
    """A random readout: the network's one-step forecasts are the product with what the harvest hands on."""
    rng = np.random.default_rng(3)
    reservoir, inputs = odd_reservoir(), rng.standard_normal((50, 1))
    readout = rng.standard_normal((1, 1 + 2 + feature_count(UNITS, name)))
    harvest = Harvest(reservoir, 2, False, 0, name)
    ((seen, _, _),) = harvest.blocks(inputs, np.zeros((50, 1)), range(50), np.zeros(UNITS))
    network = EchoState(reservoir, readout, 2, False, name)
    _, forecasts = network.run(network.initial_state(1), inputs[None])
    np.testing.assert_allclose(forecasts[0], readout[:, 0] + seen @ readout[:, 1:].T, atol=1e-12)


def trained(name):
    """Readouts of u[t-1]^2, even in u, from a noise u and from -u."""
    reservoir, total = odd_reservoir(), TriangularFactor.empty(1 + feature_count(UNITS, name), 1)
    u = np.random.default_rng(4).uniform(-1, 1, (600, 1))
    target = np.roll(u, 1, axis=0) ** 2
    for inputs in (u, -u):
        total, _ = Harvest(reservoir, 1, False, WASHOUT, name).add(total, inputs, target, range(600), None)
    network = EchoState(reservoir, total.path().solve(1e-9), 1, False, name)
    _, forecast = network.run(network.initial_state(1), u[None])
    error = (forecast[0] - target)[WASHOUT:]
    return network, float(np.mean(error**2) / np.var(target[WASHOUT:]))


def test_an_odd_network_cannot_learn_an_even_target():
    """Its features are odd in u, so that the best readout of a target that is the same for u and -u is the mean."""
    network, error = trained("states")
    assert np.abs(network.coefficients[0, 1:]).max() < 1e-7
    assert error == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("name", ["squared-half", "squares"])
def test_squares_break_the_symmetry(name):
    assert trained(name)[1] < 0.1


def test_forecasts_of_an_odd_network_change_sign_with_its_inputs():
    rng = np.random.default_rng(5)
    readout = rng.standard_normal((1, 2 + UNITS))
    readout[0, 0] = 0.0
    u = rng.standard_normal((1, 80, 1))
    for name, odd in (("states", True), ("squared-half", False)):
        network = EchoState(odd_reservoir(), readout, 1, False, name)
        one, other = (network.run(network.initial_state(1), sign * u)[1] for sign in (1, -1))
        assert np.allclose(one, -other, atol=1e-13) is odd
