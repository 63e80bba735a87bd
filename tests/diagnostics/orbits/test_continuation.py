"""Branches and their bifurcations against closed forms."""

import jax.numpy as jnp
import numpy as np
import pytest

from recurra.diagnostics.orbits import continuation, family, switch_branch
from recurra.errors import ConfigError, DivergenceError
from recurra.models import by_hand
from recurra.systems import DampedOscillator, HenonMap, LogisticMap, Lorenz63, custom


def tanh(x, a):
    return jnp.tanh(a * x)


def mutual(x, a):
    """Units that all hear the mean."""
    return jnp.tanh(a * x.mean() + 0 * x)


def met(branch):
    return [(found.kind, found.parameter) for found in branch.bifurcations]


def close(parameter):
    return pytest.approx(parameter, abs=1e-8)


def test_the_pitchfork_of_tanh_is_at_one_from_both_sides():
    trunk = continuation(tanh, np.zeros(1), (0.5, 2.0))
    assert met(trunk) == [("branch", close(1.0))]
    np.testing.assert_allclose(trunk.multipliers[:, 0], trunk.parameters, atol=1e-10)
    assert (trunk.stable == (trunk.parameters < 1)).all()
    assert trunk.ended == "left the range"
    side = continuation(tanh, np.array([0.9]), (2.0, 0.5))  # comes down, turns, and goes up on the other side
    assert met(side) == [("branch", close(1.0))]
    a, x = side.parameters, side.points[:, 0]
    np.testing.assert_allclose(np.tanh(a * x), x, atol=1e-12)
    np.testing.assert_allclose(side.multipliers[:, 0], a * (1 - x**2), atol=1e-10)
    assert x[0] > 0.9 > -0.9 > x[-1]
    assert side.stable.all()


def test_the_gain_of_a_network_is_a_parameter_and_so_is_its_input():
    branch = continuation(family(by_hand.self_exciting(1.0), "gain"), (np.zeros(1),), (0.5, 2.0))
    assert met(branch) == [("branch", close(1.0))]
    # x = tanh(2 x + p) folds where 2 (1 - x^2) = 1, at p = artanh x - 2 x
    x = np.sqrt(0.5)
    fold = 2 * x - np.arctanh(x)
    branch = continuation(family(by_hand.self_exciting(2.0), "input"), (np.array([-0.98]),), (-1.0, 1.0))
    assert met(branch) == [("fold", close(fold)), ("fold", close(-fold))]
    rotating = continuation(family(by_hand.rotation(1.0, 0.2), "gain"), (np.zeros(2),), (0.5, 1.5))
    assert met(rotating) == [("Neimark-Sacker", close(1.0))]
    assert np.angle(rotating.bifurcations[0].critical) == pytest.approx(0.2, abs=1e-10)


def test_the_logistic_map_doubles_its_period_at_3_and_at_1_plus_root_6():
    step = family(LogisticMap(), "r")
    branch = continuation(step, np.array([0.6]), (2.5, 4.0))
    assert met(branch) == [("flip", close(3.0))]
    np.testing.assert_allclose(branch.multipliers[:, 0], 2 - branch.parameters, atol=1e-10)
    second = continuation(step, np.array([0.513]), (3.2, 3.6), period=2)
    assert met(second) == [("flip", close(1 + np.sqrt(6)))]
    np.testing.assert_allclose(second.multipliers[:, 0], 4 + 2 * second.parameters - second.parameters**2, atol=1e-9)
    assert met(continuation(step, np.zeros(1), (0.5, 1.5))) == [("branch", close(1.0))]  # exchange of stability


@pytest.mark.parametrize("side", [1, -1])
def test_the_branches_of_a_pitchfork_are_reached_from_its_trunk(side):
    """x = tanh(a x), where a = artanh(x) / x; of one unit, and along the diagonal of two that hear each other."""
    for start in (np.zeros(1), np.zeros(2)):
        trunk = continuation(mutual, start, (0.5, 2.0))
        assert met(trunk) == [("branch", close(1.0))]
        branch = switch_branch(mutual, trunk.bifurcations[0], (0.5, 2.0), side=side)
        x = branch.points[1:, 0]
        np.testing.assert_allclose(branch.points[1:], np.repeat(x[:, None], len(start), axis=1), atol=1e-12)
        np.testing.assert_allclose(branch.parameters[1:], np.arctanh(x) / x, rtol=1e-8)
        assert branch.parameters[0] == close(1.0)
        assert (np.abs(x) > 0).all()
        assert branch.stable[1:].all()
        assert (branch.bifurcations, branch.ended) == ((), "left the range")
        assert len({side * np.sign(x[0]), *(side * np.sign(x)).tolist()}) == 1


def test_the_logistic_map_exchanges_and_doubles():
    """1 - 1/r crosses 0 at r = 1; the cycle of two is born at r = 3, and that of four from it at 1 + root 6."""
    step = family(LogisticMap(), "r")
    (crossing,) = continuation(step, np.zeros(1), (0.5, 1.5)).bifurcations
    for side in (1, -1):
        other = switch_branch(step, crossing, (0.5, 1.5), side=side)
        np.testing.assert_allclose(other.points[:, 0], 1 - 1 / other.parameters, atol=1e-8)
        assert (np.sign(other.parameters[1:] - 1) == side).all()
    (flip,) = continuation(step, np.array([0.6]), (2.5, 3.2)).bifurcations
    two = switch_branch(step, flip, (2.5, 3.6), period=2)
    assert met(two) == [("flip", close(1 + np.sqrt(6)))]
    r, upper = two.parameters[1:], two.points[1:, 0]
    np.testing.assert_allclose(upper, (r + 1 + np.sqrt((r + 1) * (r - 3))) / (2 * r), atol=1e-10)
    four = switch_branch(step, two.bifurcations[0], (3.4, 3.56), period=4)
    assert met(four) == [("flip", close(3.5440903596))]
    with pytest.raises(ConfigError, match="with twice the period"):
        switch_branch(step, flip, (2.5, 3.6))
    with pytest.raises(ConfigError, match="`side` is 1 or -1"):
        switch_branch(step, crossing, (0.5, 1.5), side=0)


def test_a_fold_in_closed_form():
    branch = continuation(lambda x, r: x + r + x**2, np.array([-0.9]), (-1.0, 1.0))
    assert met(branch) == [("fold", close(0.0))]
    np.testing.assert_allclose(branch.parameters, -(branch.points[:, 0] ** 2), atol=1e-12)
    assert (branch.stable == ((branch.points[:, 0] < 0) & (branch.points[:, 0] > -1))).all()


def test_the_henon_map_is_born_in_a_fold_and_doubles():
    branch = continuation(family(HenonMap(), "a"), np.array([0.63, 0.19]), (1.4, -1.0), points=200)
    assert met(branch) == [("flip", close(3 * 0.7**2 / 4)), ("fold", close(-(0.7**2) / 4))]


def test_the_delayed_logistic_map_turns_quasi_periodic_at_two():
    def delayed(state, r):
        x, y = state
        return jnp.stack([r * x * (1 - y), x])

    branch = continuation(delayed, np.array([0.3, 0.3]), (1.5, 2.5))
    assert met(branch) == [("Neimark-Sacker", close(2.0))]
    assert branch.bifurcations[0].critical == pytest.approx(np.exp(1j * np.pi / 3), abs=1e-9)
    np.testing.assert_allclose(branch.points, np.tile(1 - 1 / branch.parameters[:, None], 2), atol=1e-11)


def test_convection_begins_at_one_and_swings_at_the_hopf_point_of_lorenz():
    step = family(Lorenz63(), "rho")
    assert met(continuation(step, np.zeros(3), (0.5, 5.0))) == [("branch", close(1.0))]
    hopf = 10 * (10 + 8 / 3 + 3) / (10 - 8 / 3 - 1)
    start = np.array([4.9, 4.9, 9.0])
    up = continuation(step, start, (10.0, 30.0), scale=10.0)
    assert met(up) == [("Neimark-Sacker", pytest.approx(hopf, abs=1e-6))]
    down = continuation(step, start, (10.0, 0.5), scale=10.0)
    assert met(down) == [("branch", pytest.approx(1.0, abs=1e-7))]


def test_the_equations_of_a_user_have_parameters_too():
    linear = custom(lambda t, y, p: p["rate"] * y + 1.0, channels=["y"], parameters={"rate": -1.0}, dt=0.1)
    branch = continuation(family(linear, "rate"), np.ones(1), (-1.0, -0.5))
    np.testing.assert_allclose(branch.points[:, 0], -1 / branch.parameters, rtol=1e-12)
    np.testing.assert_allclose(branch.multipliers[:, 0], np.exp(0.1 * branch.parameters), atol=1e-9)


def test_what_cannot_be_followed_is_refused():
    with pytest.raises(ConfigError, match="`between`"):
        continuation(tanh, np.zeros(1), (1.0, 1.0))
    with pytest.raises(ConfigError, match="`period`"):
        continuation(tanh, np.zeros(1), (0.0, 1.0), period=0)
    with pytest.raises(ConfigError, match="`scale`"):
        continuation(tanh, np.zeros(1), (0.0, 1.0), scale=0.0)
    with pytest.raises(DivergenceError, match="no fixed point at the parameter 0"):
        continuation(lambda x, p: x + 1 + p, np.zeros(1), (0.0, 1.0))
    with pytest.raises(ConfigError, match="did you mean 'rho'"):
        family(Lorenz63(), "roh")
    with pytest.raises(ConfigError, match="is driven"):
        family(DampedOscillator(), "damping")
    with pytest.raises(ConfigError, match="parameter of a network"):
        family(by_hand.self_exciting(1.0), "bias")
    with pytest.raises(ConfigError, match="`direction`"):
        family(by_hand.self_exciting(1.0), "input", direction=np.ones(2))
    with pytest.raises(ConfigError, match="not of"):
        family(tanh, "a")
