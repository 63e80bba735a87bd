"""Integrators: by their measured order, and against the closed form of the damped, driven oscillator."""

from typing import ClassVar

import jax.numpy as jnp
import numpy as np
import pytest

from recurra.errors import ConfigError
from recurra.systems import DampedOscillator, Duffing, Lorenz63, Lorenz96, NoisySine, Pendulum, System
from recurra.systems.flow import integrate

SYSTEM = DampedOscillator(damping=0.4, force="cosine", amplitude=1.0, frequency=0.5)
START = [1.0, 0.0]


def largest_error(method, dt):
    series = SYSTEM.simulate(steps=round(20 / dt), dt=dt, method=method, initial=START)
    return np.abs(series.values - SYSTEM.solution(series.times, START))[:, 0].max()


@pytest.mark.parametrize(
    ("method", "steps", "published", "order", "within"),
    [
        ("euler", (0.02, 0.01, 0.005), (0.0101, 0.0050, 0.0025), 1.0, 0.02),
        ("euler-cromer", (0.02, 0.01, 0.005), None, 1.0, 0.02),
        ("verlet", (0.02, 0.01, 0.005), None, 2.0, 0.02),
        ("rk4", (0.08, 0.04, 0.02), (4.04e-7, 2.52e-8, 1.57e-9), 4.0, 0.05),
    ],
)
def test_error_and_order(method, steps, published, order, within):
    errors = [largest_error(method, dt) for dt in steps]
    if published is not None:
        assert errors == pytest.approx(published, rel=0.01)
    slope = np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert slope == pytest.approx(order, abs=within)


@pytest.mark.parametrize("dt", [0.1, 20.0])
def test_default_method_is_exact_whatever_the_step(dt):
    assert largest_error(None, dt) < 1e-12


def test_adaptive_method():
    assert 1e-11 < largest_error("adaptive", 0.1) < 1e-8


def test_euler_is_the_plain_loop():
    series = SYSTEM.simulate(steps=50, dt=0.1, method="euler", initial=START)
    x, v = START
    for k in range(50):
        x, v = x + 0.1 * v, v + 0.1 * (np.cos(0.5 * 0.1 * k) - 0.4 * v - x)
    np.testing.assert_allclose(series.values[-1], [x, v], rtol=1e-13)


def test_the_error_of_euler_is_half_a_step():
    assert largest_error("euler", 0.0025) / 0.0025 == pytest.approx(0.50, abs=0.005)


def test_euler_cromer_keeps_its_own_energy():
    # undamped: x^2 + v^2 - dt x v is conserved, and the motion is a rotation by acos(1 - dt^2 / 2) a step
    free, dt = DampedOscillator(damping=0.0, force="none"), 0.1
    x, v = free.simulate(steps=5000, dt=dt, method="euler-cromer", initial=START).values.T
    np.testing.assert_allclose(x**2 + v**2 - dt * x * v, 1.0, atol=1e-11)
    angle = np.arccos(1 - dt**2 / 2) * np.arange(5001)
    exact = np.cos(angle) - dt / 2 * np.sin(angle) / np.sqrt(1 - dt**2 / 4)
    np.testing.assert_allclose(x, exact, atol=1e-10)
    assert np.abs((x**2 + v**2) - 1).max() < 0.06  # bounded for ever; forward Euler grows by 1.01^5000


def test_verlet_runs_backwards():
    free = DampedOscillator(damping=0.0, force="none")
    there = free.simulate(steps=500, dt=0.3, method="verlet", initial=[0.7, -0.4]).values[-1]
    back = free.simulate(steps=500, dt=0.3, method="verlet", initial=there * [1, -1]).values[-1]
    np.testing.assert_allclose(back * [1, -1], [0.7, -0.4], atol=1e-12)
    pendulum = Pendulum(damping=0.0, force="none")
    there = pendulum.simulate(steps=500, dt=0.3, method="verlet", initial=[2.0, 0.0]).values[-1]
    back = pendulum.simulate(steps=500, dt=0.3, method="verlet", initial=there * [1, -1]).values[-1]
    np.testing.assert_allclose(back, [2.0, 0.0], atol=1e-10)


def test_verlet_is_the_plain_loop_also_where_the_force_depends_on_the_velocity():
    series = SYSTEM.simulate(steps=50, dt=0.1, method="verlet", initial=START)
    (x, v), dt = START, 0.1
    for k in range(50):
        a = np.cos(0.5 * dt * k) - 0.4 * v - x
        x = x + dt * v + dt**2 / 2 * a
        after = np.cos(0.5 * dt * (k + 1)) - 0.4 * (v + dt * a) - x
        v = v + dt / 2 * (a + after)
    np.testing.assert_allclose(series.values[-1], [x, v], rtol=1e-12)


@pytest.mark.parametrize("method", ["verlet", "euler-cromer"])
def test_methods_for_second_order_are_refused_elsewhere(method):
    for system in (Lorenz63(), Lorenz96(), NoisySine()):
        with pytest.raises(
            ConfigError, match=rf"'{method}' is a method for x'' = a\(t, x, v\), and {system.name} is no"
        ):
            system.simulate(steps=5, method=method)


def test_rows_beyond_one_block_continue_smoothly():
    series = SYSTEM.simulate(steps=2503, dt=0.02, initial=START)
    exact = SYSTEM.solution(series.times, START)
    np.testing.assert_allclose(series.values, exact, atol=1e-12)


def test_a_jump_of_the_drive_is_resolved():
    def pulse(t):
        return jnp.where(t < 5.0, 1.0, 0.0)

    system = DampedOscillator(damping=0.4, force=pulse)
    series = system.simulate(steps=100, dt=0.1, initial=[0.0, 0.0])
    # a constant force moves the rest position to 1; after the pulse the motion is free
    free = DampedOscillator(damping=0.4, force="none")
    t, rest = series.times, np.array([1.0, 0.0])
    at_five = free.solution([5.0], [-1.0, 0.0])[0] + rest
    exact = np.where(t[:, None] < 5, free.solution(t, [-1, 0]) + rest, free.solution(t - 5, at_five))
    np.testing.assert_allclose(series.values, exact, atol=1e-11)


@pytest.mark.parametrize("method", [None, "euler", "rk4", "adaptive"])
def test_a_blow_up_is_refused_with_its_row(method):
    soft = Duffing(damping=0.0, linear=1.0, cubic=-1.0, force="none")  # x' = v, v' = x^3 - x: infinite soon
    with pytest.raises(ConfigError, match=r"duffing leaves the finite numbers.*step \d+ of 1200.*smaller `dt`"):
        soft.simulate(steps=1200, dt=0.1, method=method, initial=[2.0, 2.0])


def test_new_parameters_and_starts_do_not_compile_again():
    traces = []

    class Spiral(System):
        decay: float = 0.1

        name: ClassVar[str] = "spiral"
        title: ClassVar[str] = "Linear spiral"
        channels: ClassVar[tuple[str, ...]] = ("x", "y")
        units: ClassVar[tuple[str, ...]] = ("", "")
        default_dt: ClassVar[float] = 0.1
        methods: ClassVar[tuple[str, ...]] = ("accurate", "rk4")
        state_size: ClassVar[int] = 2
        transient: ClassVar[float] = 0.0
        lyapunov_exponent: ClassVar[None] = None
        drive: ClassVar[None] = None

        def field(self, t, state):
            traces.append(t)
            x, y = state
            return jnp.stack([y - self.decay * x, -x - self.decay * y])

        def start(self, rng):
            return rng.standard_normal(2)

        def trajectory(self, plan):
            return integrate(self, plan)

    for method in (None, "rk4"):
        Spiral().simulate(steps=20, method=method, initial=[1.0, 0.0])
        first = len(traces)
        for decay, initial, dt in ((0.2, [1, 0], 0.1), (1, [0.0, 2.0], 0.05), (np.float64(0.3), None, 0.1)):
            series = Spiral(decay=decay).simulate(20, dt, method, initial)
            x0, y0 = series.values[0]
            z = (x0 + 1j * y0) * np.exp((-decay - 1j) * series.times)
            np.testing.assert_allclose(series.values, np.stack([z.real, z.imag], 1), atol=1e-5)
        assert len(traces) == first > 0


@pytest.mark.parametrize("method", [None, "rk4"])
def test_the_seed_decides_the_bits(method):
    first, again, other = (Lorenz63().simulate(50, 0.01, method, seed=seed) for seed in (1, 1, 2))
    assert first.sha256 == again.sha256
    assert np.abs(first.values[0] - other.values[0]).max() > 0.1
