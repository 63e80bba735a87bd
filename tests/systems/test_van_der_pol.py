"""The van der Pol oscillator: its limit cycle."""

import numpy as np
import pytest
from scipy.interpolate import CubicHermiteSpline

from recurra.systems import VanDerPol


def test_period_and_amplitude_of_the_limit_cycle():
    series = VanDerPol(mu=1.0).simulate(steps=1000, dt=0.05, seed=3)
    x, v = series.values.T
    up = np.flatnonzero((x[:-1] < 0) & (x[1:] >= 0))
    curve = CubicHermiteSpline(series.times, x, v)
    crossings = [
        next(r for r in curve.solve(extrapolate=False) if series.times[k] <= r <= series.times[k + 1]) for k in up
    ]
    assert np.diff(crossings) == pytest.approx(6.6633, abs=1e-4)
    turns = curve(curve.derivative().roots(extrapolate=False))
    assert np.abs(turns) == pytest.approx(2.0086, abs=1e-4)


def test_a_weak_one_approaches_its_cycle_as_averaging_says():
    # mu << 1: amplitude a(t) = 2 / sqrt(1 + (4 / a0^2 - 1) exp(-mu t)), right to order mu
    mu = 0.01
    series = VanDerPol(mu=mu).simulate(steps=2000, dt=0.1, initial=[0.5, 0.0])
    amplitude = np.hypot(*series.values.T)
    expected = 2 / np.sqrt(1 + (4 / 0.5**2 - 1) * np.exp(-mu * series.times))
    np.testing.assert_allclose(amplitude, expected, rtol=0.011)


def test_without_friction_a_circle():
    series = VanDerPol(mu=0.0).simulate(steps=100, dt=0.1, initial=[1.0, 0.0])
    np.testing.assert_allclose(series.values[:, 0], np.cos(series.times), atol=1e-12)
