"""Exponents from a series alone against known ones, and what has none is said to have none."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from recurra.diagnostics.exponents.from_data import exponent_from_data
from recurra.errors import ConfigError, DataError
from recurra.series import Series


def logistic(rows):
    x = np.empty(rows)
    x[0] = 0.3
    for k in range(rows - 1):
        x[k + 1] = 4 * x[k] * (1 - x[k])
    return x


def henon(rows):
    x = np.zeros(rows + 100)
    for k in range(1, len(x) - 1):
        x[k + 1] = 1 - 1.4 * x[k] ** 2 + 0.3 * x[k - 1]
    return x[100:]


def lorenz(rows, dt):
    def field(_, s):
        return [10 * (s[1] - s[0]), s[0] * (28 - s[2]) - s[1], s[0] * s[1] - 8 / 3 * s[2]]

    times = 20 + dt * np.arange(rows)
    found = solve_ivp(field, (0, times[-1]), [1.0, 2.0, 20.0], t_eval=times, rtol=1e-6, atol=1e-6)
    return Series(found.y.T, dt=dt, channels=["x", "y", "z"])


@pytest.mark.parametrize("method", ["rosenstein", "kantz"])
@pytest.mark.parametrize(("x", "wanted", "within"), [(logistic(3000), np.log(2), 0.05), (henon(3000), 0.4192, 0.1)])
def test_maps_have_their_exponents(x, wanted, within, method):
    found = exponent_from_data(x, method=method)
    assert found.exponent == pytest.approx(wanted, rel=within)
    assert found.delay == 1
    assert found.unfolded
    assert found.words.startswith(f"ESTIMATE of the largest Lyapunov exponent from data ({method}): ")
    a, b = found.region
    slope = np.polyfit(found.times[a : b + 1], found.stretching[a : b + 1], 1)[0]
    assert found.exponent == pytest.approx(slope, rel=1e-9)
    assert found.stretching[b] < found.saturation - 1


def test_the_lorenz_system_has_its_exponent_per_time_unit():
    series = lorenz(10_000, 0.02)
    found = exponent_from_data(series, "x")
    assert found.exponent == pytest.approx(0.9056, rel=0.15)
    assert 0 < found.error < 0.1
    assert found.dimension == 3
    assert found.theiler >= (found.dimension - 1) * found.delay
    slower = exponent_from_data(series, "x", dt=0.2)
    assert slower.exponent == pytest.approx(found.exponent / 10, rel=1e-9)


@pytest.mark.parametrize("method", ["rosenstein", "kantz"])
def test_a_sine_has_none_and_white_noise_too(method):
    sine = exponent_from_data(np.sin(0.1 * np.arange(3000)), method=method)
    assert sine.region is None
    assert abs(sine.exponent) < 1e-3
    assert sine.words.startswith("No linear region exists")
    cycle = exponent_from_data(np.tile([0.1, 0.4, 0.3], 200), method=method)
    assert cycle.region is None
    assert abs(cycle.exponent) < 1e-3
    noise = exponent_from_data(np.random.default_rng(0).normal(size=3000), method=method)
    assert noise.region is None
    assert np.isnan(noise.error)
    assert noise.unfolded is False
    assert "No linear region exists" in noise.words
    assert "may be noise" in noise.words


def test_what_is_given_is_used():
    found = exponent_from_data(henon(1000), delay=1, dimension=3, theiler=7, steps=20)
    assert (found.delay, found.dimension, found.theiler, len(found.stretching)) == (1, 3, 7, 21)
    assert found.unfolded is None


def test_what_cannot_be_estimated_is_refused():
    x = henon(1000)
    for options in ({"method": "wolf"}, {"steps": 3}, {"delay": 0}, {"dimension": 0}, {"dt": -1.0}, {"theiler": -1}):
        with pytest.raises(ConfigError):
            exponent_from_data(x, **options)
    with pytest.raises(DataError, match="2 channels"):
        exponent_from_data(np.stack([x, x], 1))
    with pytest.raises(DataError, match="needed"):
        exponent_from_data(x[:199])
    with pytest.raises(DataError, match="0 states have neighbours"):
        exponent_from_data(x, theiler=999)
    with pytest.raises(DataError, match="does not vary"):
        exponent_from_data(np.ones(500))
