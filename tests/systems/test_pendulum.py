"""The pendulum: its period at any amplitude, and small swings."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.special import ellipk

from recurra.errors import ConfigError
from recurra.systems import DampedOscillator, Pendulum


@pytest.mark.parametrize("amplitude", [0.5, 2.0, 3.0])
def test_the_period_is_an_elliptic_integral(amplitude):
    free = Pendulum(damping=0.0, force="none", natural_frequency=2.0)
    period = 4 / 2.0 * ellipk(np.sin(amplitude / 2) ** 2)
    series = free.simulate(steps=4, dt=period / 4, initial=[amplitude, 0.0])
    theta, omega = series.values.T
    np.testing.assert_allclose(theta, amplitude * np.array([1, 0, -1, 0, 1]), atol=1e-9)
    assert omega[1] == pytest.approx(-2 * 2.0 * np.sin(amplitude / 2), abs=1e-9)  # energy is kept


def test_small_swings_are_harmonic():
    options = {"damping": 0.4, "amplitude": 1e-4, "frequency": 0.5}
    small = Pendulum(**options).simulate(steps=100, dt=0.1, initial=[1e-4, 0.0])
    exact = DampedOscillator(**options).solution(small.times, [1e-4, 0.0])
    np.testing.assert_allclose(small.values, exact, atol=1e-11)  # the cube of the amplitude


def test_chaos_against_another_solver():
    series = Pendulum().simulate(steps=100, dt=0.1, initial=[0.5, 0.0])

    def field(t, y):
        return [y[1], 1.15 * np.cos(2 / 3 * t) - 0.5 * y[1] - np.sin(y[0])]

    other = solve_ivp(field, (0, 10), [0.5, 0.0], "DOP853", series.times, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(series.values, other.y.T, atol=1e-9)


def test_bad_parameters():
    with pytest.raises(ConfigError, match="`natural_frequency` must be positive"):
        Pendulum(natural_frequency=-1.0)
