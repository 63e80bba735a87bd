"""The damped oscillator and its closed form."""

import jax.numpy as jnp
import numpy as np
import pytest

from recurra.errors import ConfigError
from recurra.systems import DampedOscillator

REGIMES = {
    "under": {"damping": 0.4},
    "critical": {"damping": 2.0},
    "just under": {"damping": 2.0 - 1e-9},
    "just over": {"damping": 2.0 + 1e-9},
    "over": {"damping": 5.0},
    "undamped": {"damping": 0.0},
    "resonance": {"damping": 0.0, "frequency": 1.0},
    "excited": {"damping": -0.1},
    "stiff": {"damping": 0.4, "natural_frequency": 3.0, "amplitude": 2.0},
    "constant force": {"damping": 0.4, "frequency": 0.0},
    "free": {"damping": 0.4, "force": "none"},
    "free and over": {"damping": 5.0, "force": "none"},
}


@pytest.mark.parametrize("options", REGIMES.values(), ids=REGIMES)
def test_solution_satisfies_the_equation(options):
    system = DampedOscillator(**options)
    initial, h = [0.7, -0.4], 1e-3
    np.testing.assert_allclose(system.solution([0.0], initial), [initial], atol=1e-14)
    t = np.linspace(0.5, 10.0, 40)
    back2, back, here, ahead, ahead2 = (system.solution(t + k * h, initial) for k in (-2, -1, 0, 1, 2))
    slope = (back2 - 8 * back + 8 * ahead - ahead2) / (12 * h)  # five points, error of order h^4
    x, v = here.T
    F = 0.0 if system.force == "none" else system.amplitude * np.cos(system.frequency * t)
    np.testing.assert_allclose(slope[:, 0], v, atol=1e-10)
    np.testing.assert_allclose(slope[:, 1], F - system.damping * v - system.natural_frequency**2 * x, atol=1e-10)


@pytest.mark.parametrize("options", REGIMES.values(), ids=REGIMES)
def test_simulation_agrees_with_the_solution(options):
    system = DampedOscillator(**options)
    series = system.simulate(steps=100, dt=0.2, initial=[0.7, -0.4])
    np.testing.assert_allclose(series.values, system.solution(series.times, [0.7, -0.4]), atol=1e-10)


def test_published_values():
    system = DampedOscillator(damping=0.4, force="cosine", amplitude=1.0, frequency=0.5)
    assert system.solution([20.0], [1.0, 0.0])[0, 0] == pytest.approx(-1.231095, abs=5e-7)
    late = 400.0 + np.arange(4000) * 0.01
    x = system.solution(late, [1.0, 0.0])[:, 0]
    C, S = np.linalg.lstsq(np.stack([np.cos(0.5 * late), np.sin(0.5 * late)], 1), x, rcond=None)[0]
    assert np.hypot(C, S) == pytest.approx(1.288313, abs=5e-7)
    assert np.arctan2(S, C) == pytest.approx(0.260602, abs=5e-7)


def test_heavy_damping_does_not_overflow():
    x = DampedOscillator(damping=100.0, force="none").solution([0.0, 1e4], [1.0, 0.0])[:, 0]
    # the slow rate is 50 - sqrt(2499) = 0.0100010002...; its weight fast / (fast - slow) = 1.00010003...
    slow, fast = 1 / (50 + np.sqrt(2499)), 50 + np.sqrt(2499)
    assert x[1] == pytest.approx(fast / (fast - slow) * np.exp(-slow * 1e4), rel=1e-9)


def test_the_drive_is_returned():
    driven = DampedOscillator(amplitude=2.0, frequency=0.3).simulate(steps=100, dt=0.5, initial=[0, 0])
    assert driven.inputs is not None
    assert driven.inputs.channels == ("F",)
    np.testing.assert_allclose(driven.inputs.values[:, 0], 2 * np.cos(0.3 * driven.times), atol=1e-15)
    assert DampedOscillator(force="none").simulate(steps=100, initial=[0, 0]).inputs is None


def test_a_function_as_force():
    system = DampedOscillator(force=lambda t: 3.0 * jnp.cos(0.7 * t))
    series = system.simulate(steps=100, dt=0.1, initial=[1.0, 0.0])
    exact = DampedOscillator(amplitude=3.0, frequency=0.7).solution(series.times, [1.0, 0.0])
    np.testing.assert_allclose(series.values, exact, atol=1e-12)
    with pytest.raises(ConfigError, match="no closed form"):
        system.solution([0.0], [1.0, 0.0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"force": "cosin"}, "did you mean 'cosine'"),
        ({"force": 3}, "unknown force 3"),
        ({"force": "none", "amplitude": 2.0}, "`amplitude` mean nothing for the force 'none'"),
        ({"force": np.cos}, "written in `jax.numpy`"),
        ({"force": lambda: 1.0}, "takes 0 positional"),
        ({"force": lambda t: jnp.stack([t, t])}, r"got shape \(2,\)"),
        ({"natural_frequency": 0.0}, "`natural_frequency` must be positive"),
        ({"damping": float("nan")}, "`damping` of damped-oscillator must be a finite number, got nan"),
        ({"damping": "0.4"}, "must be a finite number"),
        ({"damping": True}, "must be a finite number"),
    ],
)
def test_bad_parameters(options, message):
    with pytest.raises(ConfigError, match=message):
        DampedOscillator(**options)
