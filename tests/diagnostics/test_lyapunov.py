"""The largest Lyapunov exponent against closed forms and published values."""

import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from recurra.diagnostics.lyapunov import largest_lyapunov_exponent
from recurra.errors import ConfigError, DivergenceError
from recurra.models import by_hand
from recurra.systems import HenonMap, LogisticMap, Lorenz63
from recurra.systems.integrators import rk4


def free(model, state):
    """A model without input."""
    return model.step(state, np.zeros(model.cells[0].U.shape[1]))[0]


@pytest.fixture(scope="module")
def random_networks():
    """The exponent of one random network of 200 units by its gain; one program serves every gain."""
    start = (np.random.default_rng(1).normal(size=200),)
    gains = (0.5, 0.9, 1.5, 2.0, 3.0)
    maps = {gain: Partial(free, by_hand.random_network(gain, seed=1)) for gain in gains}
    return {g: largest_lyapunov_exponent(each, start, steps=1500, transient=500) for g, each in maps.items()}


def test_the_logistic_map_at_4_has_ln_2():
    found = largest_lyapunov_exponent(LogisticMap().map, np.array([0.3]), steps=50_000)
    assert abs(found - np.log(2)) < 1e-3


def test_a_linear_map_has_the_logarithm_of_its_largest_eigenvalue():
    A = np.array([[0.9, 3.0, 1.0], [0.0, 0.5, 2.0], [0.0, 0.0, -0.3]])
    found = largest_lyapunov_exponent(lambda y: A @ y, np.ones(3), steps=300)
    assert abs(found - np.log(0.9)) < 1e-10


def test_the_henon_map_has_the_published_exponent():
    found = largest_lyapunov_exponent(HenonMap().map, np.array([0.1, 0.1]), steps=50_000)
    assert abs(found - 0.4192) < 0.005


def test_lorenz_63_has_0906_per_time_unit():
    system = Lorenz63()
    found = largest_lyapunov_exponent(
        lambda y: rk4.step(system.field, 0.0, y, 0.01), np.array([1.0, 1.0, 20.0]), steps=100_000, dt=0.01
    )
    assert abs(found - 0.906) < 0.02


def test_the_random_network_turns_chaotic_near_a_gain_of_one(random_networks):
    assert {g: np.sign(found) for g, found in random_networks.items()} == {0.5: -1, 0.9: -1, 1.5: 1, 2.0: 1, 3.0: 1}


def test_the_random_network_has_the_exponents_of_another_drawing(random_networks):
    # Of one network from another generator: they differ from drawing to drawing.
    other = {0.5: -0.665, 0.9: -0.078, 1.5: 0.055, 2.0: 0.146, 3.0: 0.295}
    assert max(abs(random_networks[g] - other[g]) for g in other) < 0.05


def test_below_a_gain_of_one_it_is_the_spectral_radius(random_networks):
    W = by_hand.random_network(0.5, seed=1).cells[0].W  # where h = 0 the slopes are 1
    assert abs(random_networks[0.5] - np.log(np.abs(np.linalg.eigvals(W)).max())) < 0.01


def test_a_limit_cycle_has_zero_and_a_point_attractor_its_slope():
    # The rotation seen as a map is quasi-periodic: nothing grows along the circle.
    state = (np.array([0.3, 0.1]),)
    assert abs(largest_lyapunov_exponent(Partial(free, by_hand.rotation()), state, steps=20_000)) < 1e-3
    one = largest_lyapunov_exponent(Partial(free, by_hand.self_exciting(2.0)), (np.array([0.3]),), steps=100)
    assert abs(one - np.log(0.166372)) < 1e-5


def test_a_state_may_have_any_structure_and_a_step_may_forget_everything():
    def step(state):
        return {"x": 0.5 * state["x"], "y": (0.25 * state["y"][0],)}

    start = {"x": np.ones((2, 2)), "y": (np.ones(3),)}
    assert abs(largest_lyapunov_exponent(step, start, steps=50) - np.log(0.5)) < 1e-10
    assert largest_lyapunov_exponent(lambda x: jnp.zeros_like(x), 1.0, steps=5) == -np.inf


def test_what_has_no_exponent_is_refused():
    with pytest.raises(DivergenceError, match="leaves the finite numbers"):
        largest_lyapunov_exponent(lambda x: x * x, 3.0, steps=100)
    with pytest.raises(ConfigError, match="`steps` must be a whole number"):
        largest_lyapunov_exponent(lambda x: x, 1.0, steps=0)
    with pytest.raises(ConfigError, match="structure"):
        largest_lyapunov_exponent(lambda x: (x,), 1.0, steps=5)
