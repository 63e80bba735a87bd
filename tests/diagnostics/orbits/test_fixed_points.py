"""Fixed points and cycles against closed forms and published counts."""

import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

import recurra as rc
from recurra.diagnostics.orbits import cycles, fixed_points
from recurra.diagnostics.step_maps import of_forecaster
from recurra.errors import ConfigError, DivergenceError
from recurra.models import by_hand
from recurra.systems import DampedOscillator, Duffing, HenonMap, LogisticMap, Lorenz63


def free(model, state):
    """A model without input."""
    return model.step(state, np.zeros(model.cells[0].U.shape[1]))[0]


GRID = np.linspace(0.01, 0.99, 200)[:, None]


def test_lorenz_rests_where_the_field_is_zero_with_the_eigenvalues_of_the_field():
    found = fixed_points(Lorenz63())
    c = np.sqrt(8 / 3 * 27)
    expected = np.array([[0, 0, 0], [-c, -c, 27], [c, c, 27]])
    order = np.argsort(found.points[:, 0] * (np.abs(found.points[:, 0]) > 1))  # -c, 0, c
    np.testing.assert_allclose(found.points[order], expected[[1, 0, 2]], rtol=1e-12, atol=1e-12)
    assert found.kinds == ("saddle",) * 3
    assert (found.errors.max() < 1e-12, found.q.max() < 1e-24, found.lost) == (True, True, 0)
    for rates, (x, y, z) in zip(found.rates, found.points, strict=True):
        J = np.array([[-10, 10, 0], [28 - z, -1, -x], [y, x, -8 / 3]])
        true = np.linalg.eigvals(J)
        true = true[np.lexsort((-true.imag, -true.real))]
        np.testing.assert_allclose(rates, true, atol=1e-5)  # the step of the integrator is of order four
        np.testing.assert_allclose(found.dt / found.dt * np.angle(np.exp(rates * 0.01)), rates.imag * 0.01, atol=1e-12)


@pytest.mark.parametrize(("gain", "count"), [(0.5, 1), (0.9, 1), (1.5, 3), (3.0, 3)])
def test_the_pitchfork_of_a_self_exciting_unit(gain, count):
    step = Partial(lambda a, x: jnp.tanh(a * x), np.float64(gain))
    found = fixed_points(step, np.linspace(-1, 1, 40)[:, None])
    assert len(found) == count
    np.testing.assert_allclose(np.tanh(gain * found.points), found.points, atol=1e-14)
    np.testing.assert_allclose(found.multipliers, gain * (1 - found.points**2), atol=1e-10)
    zero = np.argmin(np.abs(found.points[:, 0]))
    assert found.kinds[zero] == ("stable" if gain < 1 else "unstable")
    assert sum(found.stable) == max(1, count - 1)


def test_a_flip_flop_by_hand_has_27_of_which_8_attract():
    """Each of three units rests at -h*, 0 or h*; the slope at h* is 2 (1 - h*^2)."""
    starts = (np.random.default_rng(0).uniform(-1.2, 1.2, (400, 3)),)
    found = fixed_points(Partial(free, by_hand.flip_flop()), starts)
    assert (len(found), found.kinds.count("stable"), found.kinds.count("unstable")) == (27, 8, 1)
    rest = 0.9575040240772687
    np.testing.assert_allclose(np.abs(found.states[0][found.stable]), rest, rtol=1e-12)
    np.testing.assert_allclose(found.multipliers[found.stable], 2 * (1 - rest**2), rtol=1e-10)
    np.testing.assert_allclose(found.time_constants[0], -1 / np.log(2 * (1 - rest**2)), rtol=1e-9)


def test_henon_has_its_two_fixed_points_and_the_published_numbers_of_cycles():
    """O. Biham, W. Wenzel, Physical Review Letters 63 (1989) 819: 1, 1, 0, 1, 0, 2 and 4 on the attractor."""
    found = fixed_points(HenonMap())
    a, b = 1.4, 0.3
    x = (b - 1 + np.array([1, -1]) * np.sqrt((1 - b) ** 2 + 4 * a)) / (2 * a)
    np.testing.assert_allclose(found.points, np.stack([x, b * x], axis=1), rtol=1e-13)
    np.testing.assert_allclose(found.multipliers.prod(axis=1), -b, rtol=1e-12)
    counts = [len(cycles(HenonMap(), k, count=400)) for k in range(2, 8)]
    assert counts == [1, 0, 1, 0, 2, 4]


def test_the_cycles_of_the_logistic_map():
    """At r = 4, x = sin^2(pi j / (2^k -+ 1)): (2^k - 2) / k cycles of a prime length k, all multipliers +-2^k."""
    found = cycles(LogisticMap(), 5, GRID)
    assert len(found) == 6
    np.testing.assert_allclose(np.abs(found.multipliers), 2.0**5, rtol=1e-9)
    np.testing.assert_allclose(found.orbits[:, 1], 4 * found.orbits[:, 0] * (1 - found.orbits[:, 0]), atol=1e-12)
    assert (found.orbits[:, 0] == found.orbits.min(axis=1)).all()
    two = cycles(LogisticMap(r=3.2), 2, GRID)
    r = 3.2
    pair = (r + 1 + np.array([-1, 1]) * np.sqrt((r + 1) * (r - 3))) / (2 * r)
    np.testing.assert_allclose(two.orbits[0, :, 0], pair, rtol=1e-13)
    np.testing.assert_allclose(two.multipliers, [[4 + 2 * r - r**2]], rtol=1e-11)
    assert not len(cycles(LogisticMap(r=2.8), 2, GRID))
    three = cycles(LogisticMap(r=3.83), 3, GRID)
    assert sorted(three.kinds) == ["stable", "unstable"]


def test_a_cycle_of_a_state_with_a_structure():
    """(x, y) -> (-y, x) / 2 about (1, 1) comes back after one step there, and grows by 1 / 2 with a quarter turn."""

    def step(state):
        x, y = state["x"] - 1, state["y"][0] - 1
        return {"x": 1 - y / 2, "y": (1 + x / 2,)}

    found = fixed_points(step, {"x": np.zeros((3, 2)), "y": (np.ones((3, 2)),)}, dt=0.5)
    assert len(found) == 1
    assert found.states["y"][0].tolist() == [[1.0, 1.0]]
    np.testing.assert_allclose(np.abs(found.multipliers), 0.5)
    np.testing.assert_allclose(np.abs(found.frequencies), 1 / (4 * 0.5))
    np.testing.assert_allclose(found.time_constants, 0.5 / np.log(2))
    said = found.as_dict()
    assert (said["period"], said["kinds"], said["slow"]["kinds"]) == (1, ["stable"], [])


def test_a_ghost_is_a_slow_point():
    """x + (x^2 + e^2) dt has no fixed point; |F(x) - x| is least, e^2 dt, at zero, with the multiplier one."""
    e, dt = 1e-3, 0.01
    found = fixed_points(lambda x: x + dt * (x**2 + e**2), np.linspace(-1, 1, 9)[:, None], dt=dt)
    assert (len(found), len(found.slow)) == (0, 1)
    assert abs(found.slow.points[0, 0]) < 1e-3
    assert found.slow.q[0] == pytest.approx(0.5 * (e**2 * dt) ** 2, rel=1e-3)
    assert abs(found.slow.time_constants[0, 0]) > 100


def test_a_network_that_learned_a_damped_motion_rests_where_it_came_to_rest():
    t = 0.1 * np.arange(400)
    series = rc.Series(np.exp(-0.1 * t) * np.cos(t), dt=0.1)
    model = rc.ESN(units=30, spectral_radius=0.5, seed=0).fit(series)
    found = fixed_points(model, count=16)
    rest = found.stable.nonzero()[0]
    assert len(rest) == 1
    assert found.errors.max() < 1e-10
    loop = of_forecaster(model)  # a step map with a start needs no others
    np.testing.assert_array_equal(fixed_points(loop, count=16).points, found.points)
    last = model.frame_.scaled(model.forecast(3000))[0][-1]
    np.testing.assert_allclose(found.states[1][rest[0]], last, atol=1e-8)
    assert found.rates[rest[0], 0] == pytest.approx(-0.1 + 1j, abs=0.02)


@pytest.fixture(scope="module")
def lorenz():
    series = Lorenz63().simulate(5000, dt=0.02, seed=0)
    return rc.ESN(units=150, spectral_radius=0.1, seed=0).fit(series), series


@pytest.mark.parametrize("told", [False, True], ids=["own rows", "rows of the data"])
def test_a_network_that_learned_lorenz_rests_where_the_equations_do(lorenz, told):
    """All three points: the origin is far from all rows, so that it is less exact."""
    model, series = lorenz
    found = fixed_points(model, series if told else None)
    assert (len(found), found.starts, found.lost) == (3, 8, 0)
    x, y, z = model.frame_.scaler.unscale(np.asarray(found.states[1])).T
    c = np.sqrt(8 / 3 * 27)
    outer, order = z > 1, np.argsort(x)
    np.testing.assert_allclose(np.stack([x, y, z])[:, order], [[-c, 0, c], [-c, 0, c], [27, 0, 27]], atol=1e-3)
    for k, centre in enumerate(~outer):
        X, Y, Z = (0, 0, 0) if centre else (np.sign(x[k]) * c, np.sign(x[k]) * c, 27)
        exact = np.linalg.eigvals(np.array([[-10, 10, 0], [28 - Z, -1, -X], [Y, X, -8 / 3]]))
        rates = found.rates[k, :3]
        exact, rates = (each[np.lexsort([-each.imag, -each.real])] for each in (exact, rates))
        np.testing.assert_allclose(rates, exact, atol=0.05 if centre else 5e-3)


def test_a_network_under_a_held_drive_rests_where_the_equation_does():
    """x'' + 0.5 x' + x = F rests at x = F."""
    series = DampedOscillator(damping=0.5, frequency=0.7).simulate(1500, dt=0.1, seed=0)
    model = rc.ESN(units=80, spectral_radius=0.1, input_scaling=0.1, seed=0).fit(series)
    loop = of_forecaster(model, inputs={"F": 0.4})
    found = fixed_points(loop)
    assert (found.starts <= 8, found.kinds) == (True, ("stable",))
    np.testing.assert_allclose(model.frame_.scaler.unscale(np.asarray(found.states[1])), [[0.4, 0]], atol=1e-3)
    with pytest.raises(ConfigError, match="inputs="):
        fixed_points(model)


def test_what_has_no_fixed_points_is_refused():
    with pytest.raises(ConfigError, match="is driven, so that it never rests"):
        fixed_points(Duffing())
    with pytest.raises(ConfigError, match="give `starts`"):
        fixed_points(lambda x: x)
    with pytest.raises(ConfigError, match="`count` must be a whole number"):
        fixed_points(HenonMap(), count=0)
    with pytest.raises(ConfigError, match="structure"):
        fixed_points(lambda x: (x,), np.ones((2, 1)))
    with pytest.raises(ConfigError, match="keeps its size"):
        fixed_points(lambda x: x[:1], np.ones((2, 2)))
    with pytest.raises(ConfigError, match="states of 2 numbers"):
        fixed_points(HenonMap(), np.ones((2, 3)))
    with pytest.raises(ConfigError, match="fixed points of a forecaster"):
        fixed_points(HenonMap(), HenonMap().simulate(10))
    with pytest.raises(ConfigError, match="all finite"):
        fixed_points(HenonMap(), np.full((2, 2), np.nan))
    with pytest.raises(DivergenceError, match="the first step"):
        fixed_points(HenonMap(a=1e300, b=1e300))
