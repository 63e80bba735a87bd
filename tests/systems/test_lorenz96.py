"""The Lorenz system of 1996: its invariants."""

import jax
import numpy as np
import pytest

from recurra.errors import ConfigError
from recurra.systems import Lorenz96


def field(system, state):
    with jax.enable_x64(True):
        return np.array(system.field(0.0, state))


def test_the_field_is_the_plain_loop():
    x = np.random.default_rng(0).standard_normal(7)
    loop = [(x[(i + 1) % 7] - x[i - 2]) * x[i - 1] - x[i] + 3.0 for i in range(7)]
    np.testing.assert_allclose(field(Lorenz96(sites=7, forcing=3.0), x), loop, rtol=1e-15, atol=1e-15)


def test_advection_conserves_energy_and_damping_does_not():
    x = np.random.default_rng(1).standard_normal(40)
    assert x @ field(Lorenz96(), x) == pytest.approx(-x @ x + 8.0 * x.sum(), abs=1e-12)


def test_the_uniform_state_is_fixed_and_volumes_shrink():
    np.testing.assert_array_equal(field(Lorenz96(forcing=8.0), np.full(40, 8.0)), 0.0)
    with jax.enable_x64(True):
        jacobian = np.array(jax.jacfwd(lambda y: Lorenz96(sites=9).field(0.0, y))(np.arange(9.0)))
    assert np.trace(jacobian) == -9.0


def test_a_small_wave_about_the_uniform_state_grows_as_linear_theory_says():
    # x = F + e exp(i (k j) + s t): s = F (exp(ik) - exp(-2ik)) - 1
    system, k = Lorenz96(sites=12, forcing=2.0), 2 * np.pi * 2 / 12
    s = 2.0 * (np.exp(1j * k) - np.exp(-2j * k)) - 1
    j, e = np.arange(12), 1e-8
    last = system.simulate(steps=4, dt=0.25, initial=2.0 + e * np.cos(k * j)).values[-1]
    np.testing.assert_allclose((last - 2.0) / e, (np.exp(1j * k * j + s)).real, atol=1e-6)


def test_rotating_the_ring_rotates_the_motion():
    start = Lorenz96(sites=12).start(np.random.default_rng(0))
    first = Lorenz96(sites=12).simulate(20, 0.05, "rk4", start).values
    turned = Lorenz96(sites=12).simulate(20, 0.05, "rk4", np.roll(start, 5)).values
    np.testing.assert_allclose(turned, np.roll(first, 5, axis=1), atol=1e-10)


def test_names_and_sizes():
    series = Lorenz96(sites=5).simulate(steps=3, method="rk4")
    assert series.channels == ("x1", "x2", "x3", "x4", "x5")
    assert series.provenance["parameters"] == {"sites": 5, "forcing": 8.0}
    assert (Lorenz96().lyapunov_exponent, Lorenz96(sites=36).lyapunov_exponent) == (
        pytest.approx(1.683, abs=0.01),
        pytest.approx(1.671, abs=0.01),
    )
    for sites in (3, 4.5, True):
        with pytest.raises(ConfigError, match="`sites` must be a whole number of at least 4"):
            Lorenz96(sites=sites)
    with pytest.raises(ConfigError, match=r"must be 5 numbers \(x1, x2, x3, x4, x5\), got shape \(4,\)"):
        Lorenz96(sites=5).simulate(steps=3, initial=np.ones(4))
