"""Limit cycles against the normal form of Hopf and the published period of van der Pol."""

import jax.numpy as jnp
import numpy as np
import pytest

from recurra.diagnostics.orbits import limit_cycle
from recurra.errors import ConfigError, DivergenceError
from recurra.systems import DampedOscillator, Duffing, HenonMap, VanDerPol, custom

MU, OMEGA = 0.2, 1.3


def hopf(t, y, p):
    x, v = y
    shrink = p["sign"] * (p["mu"] - x**2 - v**2)
    return jnp.stack([shrink * x - OMEGA * v, shrink * v + OMEGA * x])


def system(sign):
    return custom(hopf, channels=["x", "v"], parameters={"mu": MU, "sign": sign}, dt=0.05)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_normal_form_of_hopf(sign):
    """r' = +-(mu - r^2) r: the radius sqrt mu, the period 2 pi / omega, the multipliers 1 and exp(-+2 mu T)."""
    T = 2 * np.pi / OMEGA
    found = limit_cycle(system(sign)) if sign > 0 else limit_cycle(system(sign), np.array([0.46, 0.02]), period=4.5)
    assert found.period == pytest.approx(T, rel=1e-10)
    np.testing.assert_allclose(found.amplitude, np.sqrt(MU), rtol=1e-9)
    np.testing.assert_allclose(found.others, [np.exp(-2 * sign * MU * T)], rtol=1e-8)
    assert abs(found.multipliers - 1).min() < 1e-9
    assert found.stable == (sign > 0)
    np.testing.assert_allclose(np.hypot(*found.orbit.T), np.sqrt(MU), rtol=1e-9)
    np.testing.assert_allclose(found.orbit[-1], found.orbit[0], atol=1e-9)
    assert found.times[-1] == found.period
    assert np.abs(found.exponents + 2 * sign * MU).min() < 1e-8


def test_van_der_pol_has_its_published_period_and_amplitude():
    found = limit_cycle(VanDerPol())
    assert found.period == pytest.approx(6.6632868593231301896996820305, rel=1e-9)
    assert found.amplitude[0] == pytest.approx(2.0086198608748431, rel=1e-9)
    assert found.stable
    # Liouville: the product of the multipliers is exp of the integral of the trace, mu (1 - x^2)
    trace = found.period * np.mean(1 - found.orbit[:-1, 0] ** 2)
    assert found.multipliers.prod().real == pytest.approx(np.exp(trace), rel=1e-7)
    assert found.error < 1e-11


def test_what_has_no_limit_cycle_is_refused():
    for given in (HenonMap(), Duffing(), lambda y: y):
        with pytest.raises(ConfigError, match="undriven vector field"):
            limit_cycle(given)
    with pytest.raises(DivergenceError):
        limit_cycle(DampedOscillator(force="none"))
