"""The word for networks that learned a motion of each kind and are left to themselves."""

import jax.numpy as jnp
import numpy as np
import pytest

import recurra as rc
from recurra.diagnostics import behaviour
from recurra.systems import DampedOscillator, Lorenz63, VanDerPol, custom

GOLDEN = (np.sqrt(5) - 1) / 2


def hopf(y, turn):
    return (0.25 - y @ y) * y + turn * jnp.stack([-y[1], y[0]])


def torus(t, y):
    """Two oscillators that go round circles of radius 1/2, with frequencies whose ratio is golden."""
    return jnp.concatenate([hopf(y[:2], 1.0), hopf(y[2:], GOLDEN)])


def from_many(system, rows, dt, reach):
    """Series from several starts, so that what is off the attractor is learned too."""
    starts = np.random.default_rng(0).uniform(-reach, reach, (8, len(system.channels)))
    return [system.simulate(rows, dt=dt, method="rk4", initial=start.tolist()) for start in starts]


MOTIONS = {
    "point attractor": lambda: from_many(DampedOscillator(damping=0.2, force="none"), 300, 0.1, 1.0),
    "limit cycle": lambda: from_many(VanDerPol(), 400, 0.1, 2.0),
    "quasi-periodic": lambda: from_many(custom(torus, channels=["x", "v", "y", "w"], dt=0.2), 400, 0.2, 0.7),
    "chaotic": lambda: Lorenz63().simulate(4000, dt=0.02, method="rk4", seed=0),
    "divergent": lambda: from_many(DampedOscillator(damping=-0.1, force="none"), 300, 0.1, 0.1),
}


@pytest.mark.parametrize("kind", MOTIONS)
def test_the_word_is_that_for_what_was_learned(kind):
    model = rc.ESN(units=100, spectral_radius=0.1, seed=0).fit(MOTIONS[kind]())
    found = behaviour(model, steps=10_000)
    assert found.kind == kind, found
    if kind == "point attractor":  # damping and width of the oscillator
        np.testing.assert_allclose(found.numbers["exponents"][:2], -0.1, atol=2e-3)
    if kind == "limit cycle":
        assert found.numbers["period"] == pytest.approx(6.6632868593, rel=1e-3)
    if kind == "quasi-periodic":
        np.testing.assert_allclose(found.numbers["exponents"][:2], 0, atol=1e-3)
    if kind == "chaotic":
        assert found.numbers["exponents"][0] == pytest.approx(0.9, abs=0.1)
