"""The Rössler system: fixed points, contraction."""

import jax
import numpy as np
import pytest

from recurra.systems import Rossler


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_fixed_points_are_fixed(sign):
    a, b, c = 0.2, 0.2, 5.7
    z = (c + sign * np.sqrt(c**2 - 4 * a * b)) / (2 * a)
    with jax.enable_x64(True):
        slope = np.array(Rossler().field(0.0, np.array([a * z, -z, z])))
    np.testing.assert_allclose(slope, 0.0, atol=1e-13)


def test_volumes_change_at_the_mean_of_the_trace():
    with jax.enable_x64(True):
        jacobian = np.array(jax.jacfwd(lambda y: Rossler().field(0.0, y))(np.array([1.0, -2.0, 3.0])))
    assert np.trace(jacobian) == pytest.approx(0.2 - 5.7 + 1.0, abs=1e-14)


def test_averages_on_the_attractor():
    """The mean of x' = -y - z is (x(T) - x(0)) / T, and that of y' = x + 0.2 y is (y(T) - y(0)) / T."""
    series = Rossler().simulate(steps=5000, dt=0.05, method="rk4", seed=1)
    span = series.times[-1] - series.times[0]
    x, y, z = np.trapezoid(series.values, dx=0.05, axis=0) / span
    drift = (series.values[-1] - series.values[0]) / span
    assert -y - z == pytest.approx(drift[0], abs=1e-4)
    assert x + 0.2 * y == pytest.approx(drift[1], abs=1e-4)
    assert np.abs(drift[:2]).max() < 0.2 < series.values[:, 2].max() < 25


def test_the_exponent_is_stated_only_where_it_is_known():
    assert Rossler().lyapunov_exponent == 0.0714
    assert Rossler(c=4.0).lyapunov_exponent is None
