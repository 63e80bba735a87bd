"""Lyapunov exponents against closed forms, exact invariants and published values."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

import recurra as rc
from recurra.cells import EulerCell
from recurra.diagnostics import lyapunov_spectrum
from recurra.errors import ConfigError, DivergenceError
from recurra.models import Dense, Stack, by_hand
from recurra.systems import NARMA10, DampedOscillator, HenonMap, LogisticMap, Lorenz63, Lorenz96, Rossler
from recurra.systems.integrators import rk4


def free(model, state):
    """A model without input."""
    return model.step(state, np.zeros(model.cells[0].U.shape[1]))[0]


def largest(step, start, **options):
    return lyapunov_spectrum(step, start, count=1, **options).exponents[0]


def flow(system, dt):
    return lambda y: rk4.step(system.field, 0.0, y, dt)


@pytest.fixture(scope="module")
def random_networks():
    """The exponent of one random network of 200 units by its gain; one program serves every gain."""
    start = (np.random.default_rng(1).normal(size=200),)
    gains = (0.5, 0.9, 1.5, 2.0, 3.0)
    maps = {gain: Partial(free, by_hand.random_network(gain, seed=1)) for gain in gains}
    return {g: largest(each, start, steps=1500, transient=500) for g, each in maps.items()}


def test_the_logistic_map_at_4_has_ln_2():
    assert abs(largest(LogisticMap().map, np.array([0.3]), steps=100_000) - np.log(2)) < 1e-3


def test_the_cat_map_is_exact():
    A = np.array([[2.0, 1.0], [1.0, 1.0]])
    found = lyapunov_spectrum(lambda y: (A @ y) % 1.0, np.array([0.1, 0.3]), steps=500)
    golden = np.log((3 + np.sqrt(5)) / 2)
    np.testing.assert_allclose(found.exponents, [golden, -golden], atol=1e-12)
    assert found.dimension == pytest.approx(2.0, abs=1e-10)
    assert found.entropy == pytest.approx(golden)


@pytest.mark.parametrize("qr_every", [1, 5])
def test_a_linear_map_has_the_logarithms_of_its_eigenvalues(qr_every):
    """Whatever the directions it starts from: the signs of Q play no part."""
    rotation = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))[0]
    triangle = np.array([[0.9, 3.0, 1.0], [0.0, 0.5, 2.0], [0.0, 0.0, -0.3]])
    for A in (triangle, rotation @ triangle @ rotation.T):
        for seed in (0, 1):
            found = lyapunov_spectrum(lambda y, A=A: A @ y, np.ones(3), steps=300, qr_every=qr_every, seed=seed)
            np.testing.assert_allclose(found.exponents, np.log([0.9, 0.5, 0.3]), atol=1e-10)


def test_the_henon_map_has_the_published_exponents_and_the_sum_of_its_determinant():
    found = lyapunov_spectrum(HenonMap().map, np.array([0.1, 0.1]), steps=200_000)
    np.testing.assert_allclose(found.exponents, [0.4192, -1.6232], atol=2e-3)
    assert found.exponents.sum() == pytest.approx(np.log(0.3), abs=1e-10)
    assert found.dimension == pytest.approx(1.258, abs=2e-3)
    assert found.errors[0] == pytest.approx(abs(found.exponents[0] - 0.4192), abs=2e-3)
    assert found.converged


def test_the_sum_of_all_is_that_of_the_determinants():
    """Of every flow, at every decomposition; RK4 at this step keeps the trace of Lorenz-63 to 1e-3."""
    step, steps = flow(Lorenz63(), 0.01), 400
    start = np.array([1.0, 1.0, 20.0])
    found = lyapunov_spectrum(step, start, steps=steps, transient=0, dt=0.01)

    def volume(y, _):
        return step(y), jnp.linalg.slogdet(jax.jacfwd(step)(y))[1]

    with jax.enable_x64(True):
        last, logs = map(np.asarray, jax.jit(lambda y: jax.lax.scan(volume, y, length=steps))(start))
    assert found.exponents.sum() == pytest.approx(logs.mean() / 0.01, rel=1e-10)
    np.testing.assert_allclose(found.last, last, rtol=1e-6)
    assert found.exponents.sum() == pytest.approx(-(10 + 1 + 8 / 3), abs=1e-2)


def test_lorenz_63_has_its_published_exponents():
    starts = np.array([1.0, 1.0, 20.0]) + np.random.default_rng(0).standard_normal((8, 3))
    found = lyapunov_spectrum(flow(Lorenz63(), 0.01), starts, steps=96_000, dt=0.01, many=True)
    first, zero, last = found.exponents
    assert abs(first - 0.9056) < 0.005
    assert abs(zero) < 0.002
    assert abs(last + 14.5723) < 0.01
    assert found.exponents.sum() == pytest.approx(-(10 + 1 + 8 / 3), abs=1e-3)
    assert found.dimension == pytest.approx(2.062, abs=1e-3)
    assert found.errors[0] == pytest.approx(0.226 / np.sqrt(8 * 960), rel=0.5)  # the known spread of this system
    assert found.parts.shape == (8, 48, 3)
    np.testing.assert_allclose(found.history[-1], found.exponents, rtol=1e-12)


def test_lorenz_96_loses_volume_at_the_rate_of_its_sites():
    system = Lorenz96(sites=6)
    found = lyapunov_spectrum(flow(system, 0.01), 8.0 + 0.1 * np.arange(6), steps=20_000, dt=0.01, qr_every=5)
    assert found.exponents.sum() == pytest.approx(-6, abs=1e-3)
    assert len(found.exponents) == 6


def test_rossler_has_a_zero_and_the_sum_of_its_trace():
    """a - c + the mean of x; along a piece that is short enough for rounding not to lead elsewhere."""
    system, step, start = Rossler(), flow(Rossler(), 0.02), np.array([1.0, 1.0, 0.0])
    piece = lyapunov_spectrum(step, start, steps=3000, transient=0, dt=0.02)
    with jax.enable_x64(True):
        x = np.asarray(jax.jit(lambda y: jax.lax.scan(lambda y, _: (step(y), y[0]), y, length=3001)[1])(start))
    mean = (x[1:] + x[:-1]).mean() / 2
    assert piece.exponents.sum() == pytest.approx(system.a - system.c + mean, abs=5e-4)
    found = lyapunov_spectrum(step, start, steps=100_000, transient=10_000, dt=0.02)
    assert abs(found.exponents[0] - 0.0714) < 0.01
    assert abs(found.exponents[1]) < 0.002
    assert found.dimension == pytest.approx(2.013, abs=3e-3)


def test_of_a_symplectic_map_they_come_in_pairs():
    """Two standard maps that push each other (C. Froeschle 1972): volume is kept, and with each goes its negative."""

    def step(state):
        (x, y), momentum = state[:2], state[2:]
        momentum = momentum + jnp.stack([0.8 * jnp.sin(x), 1.2 * jnp.sin(y)]) + 0.5 * jnp.sin(x + y)
        return jnp.concatenate([(state[:2] + momentum) % (2 * jnp.pi), momentum])

    first, second, third, fourth = lyapunov_spectrum(step, np.array([0.1, 0.2, 0.5, 1.0]), steps=20_000).exponents
    assert first + second + third + fourth == pytest.approx(0, abs=1e-10)
    assert first > 0.1
    assert second > 0.02
    assert (first + fourth, second + third) == pytest.approx((0, 0), abs=1e-3)


def test_a_network_whose_step_is_that_of_runge_and_kutta_has_what_the_equations_have():
    cell = EulerCell.of(Lorenz63(), ["sigma", "rho"], dt=0.01, method="rk4")
    network = Stack((cell,), (Dense(np.eye(3), np.zeros(3)),))
    start, options = np.array([1.0, 1.0, 20.0]), {"steps": 2000, "transient": 0, "dt": 0.01}
    direct = lyapunov_spectrum(flow(Lorenz63(), 0.01), start, **options)
    found = lyapunov_spectrum(lambda state: network.step(state, np.zeros(0))[0], (start,), **options)
    np.testing.assert_allclose(found.exponents, direct.exponents, rtol=0, atol=1e-8)
    np.testing.assert_allclose(found.errors, direct.errors, rtol=1e-6)


def test_the_interval_of_decompositions_and_the_number_of_exponents_change_nothing():
    start = np.array([1.0, 1.0, 20.0])
    options = {"steps": 2000, "transient": 1000, "dt": 0.01}
    whole = lyapunov_spectrum(flow(Lorenz63(), 0.01), start, **options)
    for every in (5, 20):
        other = lyapunov_spectrum(flow(Lorenz63(), 0.01), start, qr_every=every, **options)
        np.testing.assert_allclose(other.exponents, whole.exponents, rtol=1e-6, atol=1e-6)
    one = lyapunov_spectrum(flow(Lorenz63(), 0.01), start, count=1, **options)
    assert one.exponents[0] == pytest.approx(whole.exponents[0], abs=1e-3)  # its direction is another at first
    assert (one.size, one.dimension) == (3, None)


def test_many_trajectories_are_each_by_itself():
    starts = np.array([[1.0, 1.0, 20.0], [-5.0, -3.0, 25.0]])
    options = {"steps": 500, "transient": 0, "dt": 0.01, "count": 3}
    both = lyapunov_spectrum(flow(Lorenz63(), 0.01), starts, many=True, **options)
    alone = lyapunov_spectrum(flow(Lorenz63(), 0.01), starts[0], **options)  # the same directions, as it is the first
    np.testing.assert_allclose(both.parts[0], alone.parts[0], rtol=1e-6, atol=1e-8)
    assert both.last.shape == (2, 3)


def test_a_drift_is_no_convergence():
    """A contraction that becomes weaker with every step."""
    slowing = lambda y: jnp.stack([y[0] + 1, y[1] * (0.5 + y[0] / 20_000)])  # noqa: E731
    assert not lyapunov_spectrum(slowing, np.array([0.0, 1.0]), steps=5000, transient=0).converged


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
    assert abs(largest(Partial(free, by_hand.rotation()), state, steps=20_000)) < 1e-3
    one = largest(Partial(free, by_hand.self_exciting(2.0)), (np.array([0.3]),), steps=100)
    assert abs(one - np.log(0.166372)) < 1e-5


def test_a_state_may_have_any_structure_and_a_step_may_forget_everything():
    def step(state):
        return {"x": 0.5 * state["x"], "y": (0.25 * state["y"][0],)}

    start = {"x": np.ones((2, 2)), "y": (np.ones(3),)}
    found = lyapunov_spectrum(step, start, steps=50)
    np.testing.assert_allclose(found.exponents, np.log([0.5] * 4 + [0.25] * 3), atol=1e-10)
    assert found.last["y"][0].shape == (3,)
    nothing = lyapunov_spectrum(lambda x: jnp.stack([0.0 * x[0], 0.5 * x[1]]), np.ones(2), steps=5)
    assert nothing.exponents.tolist() == [pytest.approx(np.log(0.5)), -np.inf]
    assert np.isnan(nothing.errors[1])
    assert nothing.dimension == 0.0


def test_what_has_no_exponent_is_refused():
    with pytest.raises(DivergenceError, match="leaves the finite numbers"):
        lyapunov_spectrum(lambda x: x * x, 3.0, steps=100)
    with pytest.raises(ConfigError, match="`steps` must be a whole number"):
        lyapunov_spectrum(lambda x: x, 1.0, steps=0)
    with pytest.raises(ConfigError, match="structure"):
        lyapunov_spectrum(lambda x: (x,), 1.0, steps=5)
    with pytest.raises(ConfigError, match="has 2 exponents"):
        lyapunov_spectrum(lambda x: x, np.ones(2), steps=5, count=3)
    for uneven in (1.0, (np.ones((2, 1)), np.ones((3, 1)))):
        with pytest.raises(ConfigError, match="leading axis"):
            lyapunov_spectrum(lambda x: x, uneven, steps=5, many=True)
    with pytest.raises(ConfigError, match="`dt`"):
        lyapunov_spectrum(lambda x: x, 1.0, steps=5, dt=0.0)


def test_of_a_system_the_step_the_start_and_the_time_are_its_own():
    henon = lyapunov_spectrum(HenonMap(), steps=20_000)
    assert henon.exponents.sum() == pytest.approx(np.log(0.3), abs=1e-10)
    lorenz = lyapunov_spectrum(Lorenz63(rho=10.0), steps=5000, transient=5000)  # spirals into a fixed point
    c = np.sqrt(8 / 3 * 9)
    J = np.array([[-10, 10, 0], [1, -1, -c], [c, c, -8 / 3]])
    np.testing.assert_allclose(lorenz.exponents, -np.sort(-np.linalg.eigvals(J).real), atol=0.02)
    assert lorenz.time == pytest.approx(50.0)


def test_a_driven_system_carries_its_time():
    found = lyapunov_spectrum(DampedOscillator(damping=0.4), steps=2000)
    np.testing.assert_allclose(found.exponents, [0.0, -0.2, -0.2], atol=0.02)  # whole turns only on the average
    assert found.exponents.sum() == pytest.approx(-0.4, abs=1e-8)
    free = lyapunov_spectrum(DampedOscillator(damping=3.0, force="none"), steps=4000, dt=0.05)
    np.testing.assert_allclose(free.exponents, (-3 + np.sqrt(5) * np.array([1, -1])) / 2, atol=2e-3)


def test_what_is_no_step_map_is_refused():
    with pytest.raises(ConfigError, match="no map from state to state"):
        lyapunov_spectrum(NARMA10())
    with pytest.raises(ConfigError, match=r"its step is 1, got dt = 0\.1"):
        lyapunov_spectrum(HenonMap(), dt=0.1)
    with pytest.raises(ConfigError, match="give `start`"):
        lyapunov_spectrum(lambda y: y)


def test_a_network_that_learned_the_henon_map_has_its_exponent():
    series = HenonMap().simulate(3000, seed=0)
    model = rc.ESN(units=200, spectral_radius=0.1, input_scaling=1.0, bias_scaling=1.0, ridge=1e-10, seed=0).fit(series)
    found = lyapunov_spectrum(model, steps=20_000, count=2)
    assert found.exponents[0] == pytest.approx(0.4192, rel=0.02)  # the second is one of the network alone
    assert found.size == 200 + 2  # the units and the last row


def test_a_loop_is_that_of_the_forecast():
    series = Lorenz63().simulate(500, seed=0)
    for model in (rc.ESN(units=50, lags=2, seed=0), rc.GRU(units=5, epochs=2, precision="float64", seed=0)):
        model.fit(series)
        found = lyapunov_spectrum(model, steps=20, transient=0, count=1)
        forecast = model.frame_.scaled(model.forecast(20))[0]
        np.testing.assert_allclose(found.last[1], forecast[-1], rtol=1e-8, atol=1e-8)
        assert found.time == pytest.approx(20 * series.dt)
        after = lyapunov_spectrum(model, series[:300], steps=1, transient=0, count=1).last[1]
        np.testing.assert_allclose(after, model.frame_.scaled(model.forecast(1, history=series[:300]))[0][0], atol=1e-8)


def test_what_is_driven_or_no_network_has_no_loop():
    driven = DampedOscillator().simulate(200, seed=0)
    with pytest.raises(ConfigError, match=r"driven by F.*fit it without `inputs`"):
        lyapunov_spectrum(rc.ESN(units=20, seed=0).fit(driven))
    with pytest.raises(ConfigError, match="is none"):
        lyapunov_spectrum(rc.Linear().fit(Lorenz63().simulate(300)))
