"""Forces: against the closed form of the oscillator, whatever lies between the rows."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from recurra.errors import ConfigError
from recurra.series import Series
from recurra.systems import DampedOscillator, Duffing, Pendulum, Sampled, VanDerPol

START = [1.0, 0.0]
SHAPES = {
    "constant": {"amplitude": 2.0},
    "step": {"amplitude": 2.0, "onset": 5.03},
    "pulse": {"amplitude": 2.0, "onset": 3.07, "width": 0.013},
}


@pytest.mark.parametrize(("force", "shape"), SHAPES.items(), ids=SHAPES)
def test_the_oscillator_under_a_force_that_jumps(force, shape):
    system = DampedOscillator(damping=0.4, force=force, **shape)
    for dt in (0.1, 2.0):  # the jump falls between rows; the pulse is a hundred times shorter than the longer step
        series = system.simulate(steps=10, dt=dt, initial=START)
        np.testing.assert_allclose(series.values, system.solution(series.times, START), atol=1e-11)
    late = system.simulate(steps=100, dt=0.1, initial=START)
    np.testing.assert_allclose(late.values, system.solution(late.times, START), atol=1e-11)
    assert late.inputs is not None
    on = (late.times >= shape.get("onset", 0)) & (late.times < shape.get("onset", 0) + shape.get("width", np.inf))
    np.testing.assert_array_equal(late.inputs.values[:, 0], np.where(on, 2.0, 0.0))


def test_a_step_in_closed_form():
    # from rest, critically damped: x = 1 - (1 + s) exp(-s), s the time since the onset
    system = DampedOscillator(damping=2.0, force="step", onset=1.0)
    t = np.array([0.5, 1.0, 3.0])
    s = np.maximum(t - 1.0, 0.0)
    np.testing.assert_allclose(system.solution(t, [0, 0])[:, 0], 1 - (1 + s) * np.exp(-s), atol=1e-15)
    kick = DampedOscillator(damping=0.0, force="pulse", amplitude=1e4, onset=1.0, width=1e-4)  # an impulse of 1
    np.testing.assert_allclose(kick.solution([1.0 + np.pi / 2], [0, 0]), [[1.0, 0.0]], atol=1e-4)


def test_sampled_values_are_joined_by_straight_lines():
    rng = np.random.default_rng(0)
    values = rng.standard_normal(41)
    system = DampedOscillator(damping=0.4, force=Sampled(values, dt=0.25))
    series = system.simulate(steps=100, dt=0.1, initial=START)
    knots = 0.25 * np.arange(41)
    assert series.inputs is not None
    np.testing.assert_allclose(series.inputs.values[:, 0], np.interp(series.times, knots, values), atol=1e-14)

    def field(t, y):
        return [y[1], np.interp(t, knots, values) - 0.4 * y[1] - y[0]]

    y = np.array(START)
    for a, b in pairwise(knots):  # smooth between two knots
        y = solve_ivp(field, (a, b), y, "DOP853", rtol=1e-12, atol=1e-13).y[:, -1]
    np.testing.assert_allclose(series.values[-1], y, atol=1e-10)


def test_a_series_as_force():
    measured = Series(np.arange(5.0), dt=2.0, channels=["F"])
    force = Sampled(measured)
    with jax.enable_x64(True):
        assert [float(force(t)) for t in (0.0, 1.0, 7.9, 8.0)] == [0.0, 0.5, 3.95, 4.0]
    ramp = DampedOscillator(damping=0.0, force=force).simulate(steps=8, dt=1.0, initial=[0.0, 0.0])
    np.testing.assert_allclose(ramp.values[:, 0], (ramp.times - np.sin(ramp.times)) / 2, atol=1e-11)
    assert ramp.provenance["parameters"]["force"] == "Sampled"


def test_other_samples_do_not_compile_again():
    traces = []

    class Counted(Sampled):
        def __call__(self, t):
            traces.append(t)
            return super().__call__(t)

    counts = []
    for seed in range(3):
        force = Counted(np.random.default_rng(seed).standard_normal(20), dt=0.1)
        DampedOscillator(force=force).simulate(steps=5, dt=0.1, method="euler", initial=START)
        counts.append(len(traces))
    assert counts[0] == counts[2] > 0


def test_outside_the_samples_nothing_is_known():
    system = Duffing(force=Sampled(np.ones(11), dt=0.1))
    with pytest.raises(ConfigError, match=r"known from t = 0 to 1 and asked for from 0 to 2: take fewer `steps`"):
        system.simulate(steps=20, dt=0.1, initial=START)
    with pytest.raises(ConfigError, match=r"asked for from -100 to 1: .*pass `initial`"):
        system.simulate(steps=10, dt=0.1)
    assert len(system.simulate(steps=10, dt=0.1, method="rk4", initial=START)) == 11


@pytest.mark.parametrize("system", [DampedOscillator, Duffing, Pendulum, VanDerPol])
def test_every_driven_system_takes_every_force(system):
    for force in ("none", "constant", "cosine", "step", "pulse", lambda t: jnp.sin(t), Sampled([0.0, 1.0], dt=9.0)):
        made = system(force=force)
        drive = made.drive
        assert (drive is None) == (force == "none")
        if drive is not None:
            assert np.shape(drive(jnp.float32(0.3))) == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"force": "setp"}, "did you mean 'step'"),
        ({"force": [0.0, 1.0]}, "measured values go into `Sampled`"),
        ({"force": "step", "frequency": 2.0}, "`frequency` mean nothing for the force 'step'"),
        ({"force": "constant", "onset": 2.0, "width": 3.0}, "`onset`, `width` mean nothing"),
        ({"force": "pulse", "width": 0.0}, "`width` of a pulse must be positive"),
        ({"force": "step", "onset": float("inf")}, "`onset` of damped-oscillator must be a finite number"),
    ],
)
def test_bad_forces(options, message):
    with pytest.raises(ConfigError, match=message):
        DampedOscillator(**options)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0],), "at least 2 finite numbers"),
        (([1.0, np.nan], 0.1), "at least 2 finite numbers"),
        (([1.0, 2.0],), "needs the positive step `dt`"),
        ((Series(np.ones((5, 2))),), "a series of one channel"),
        ((Series(np.ones(5)), 0.1), "its own, unbroken times"),
    ],
)
def test_bad_samples(arguments, message):
    with pytest.raises(ConfigError, match=message):
        Sampled(*arguments)
