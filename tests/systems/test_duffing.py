"""The Duffing oscillator."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.special import ellipj, ellipk

from recurra.systems import Duffing


def test_free_motion_is_an_elliptic_function():
    # x'' + x + x^3 = 0 from rest at A: x = A cn(w t | m), w^2 = 1 + A^2, m = A^2 / (2 w^2)
    A = 1.3
    w = np.sqrt(1 + A**2)
    m = A**2 / (2 * w**2)
    system = Duffing(damping=0.0, linear=1.0, cubic=1.0, force="none")
    series = system.simulate(steps=200, dt=0.1, initial=[A, 0.0])
    np.testing.assert_allclose(series.values[:, 0], A * ellipj(w * series.times, m)[1], atol=1e-11)
    period = system.simulate(steps=1, dt=4 * ellipk(m) / w, initial=[A, 0.0])
    np.testing.assert_allclose(period.values[1], [A, 0.0], atol=1e-11)


def test_driven_motion_against_another_solver():
    series = Duffing().simulate(steps=200, dt=0.1, initial=[0.5, 0.0])

    def field(t, y):
        return [y[1], 0.5 * np.cos(1.2 * t) - 0.3 * y[1] + y[0] - y[0] ** 3]

    other = solve_ivp(field, (0, 20), [0.5, 0.0], "DOP853", series.times, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(series.values, other.y.T, atol=1e-8)


@pytest.mark.parametrize("dt", [0.05, 0.3])
def test_the_drive_fits_the_rows_after_the_transient(dt):
    series = Duffing().simulate(steps=40, dt=dt, seed=1)
    assert series.inputs is not None
    np.testing.assert_allclose(series.inputs.values[:, 0], 0.5 * np.cos(1.2 * series.times), atol=1e-14)
    again = Duffing().simulate(steps=40, dt=dt, initial=series.values[0])
    np.testing.assert_allclose(again.values, series.values, atol=1e-9)


def test_free_motion_has_no_transient():
    assert Duffing(force="none").transient == 0.0
    assert Duffing().transient == 100.0
