"""The word for labelled systems, from their equations and from their rows alone."""

import jax.numpy as jnp
import numpy as np
import pytest

import recurra as rc
from recurra.diagnostics.orbits import behaviour
from recurra.diagnostics.orbits.periodicity import fundamental, zero_one
from recurra.errors import DataError
from recurra.systems import (
    DampedOscillator,
    Duffing,
    HenonMap,
    LogisticMap,
    Lorenz63,
    Lorenz96,
    Pendulum,
    Rossler,
    VanDerPol,
    custom,
)

GOLDEN = (np.sqrt(5) - 1) / 2


def hopf(t, y):
    x, v = y
    shrink = 0.25 - x**2 - v**2
    return jnp.stack([shrink * x - v, shrink * v + x])


def torus(t, y):
    """Two Hopf oscillators whose frequencies are golden."""
    return jnp.concatenate([hopf(t, y[:2]), hopf(t, y[2:]) + (GOLDEN - 1) * jnp.stack([-y[3], y[2]])])


def delayed(y):
    return jnp.stack([2.1 * y[0] * (1 - y[1]), y[0]])


def cat(y):
    return (jnp.array([[2.0, 1.0], [1.0, 1.0]]) @ y) % 1.0


SYSTEMS = [
    ("point attractor", DampedOscillator(force="none")),
    ("point attractor", Pendulum(force="none")),
    ("point attractor", LogisticMap(r=2.8)),
    ("point attractor", Lorenz63(rho=10.0)),
    ("limit cycle", LogisticMap(r=3.2)),
    ("limit cycle", LogisticMap(r=3.5)),
    ("limit cycle", LogisticMap(r=3.83)),
    ("limit cycle", VanDerPol()),
    ("limit cycle", custom(hopf, channels=["x", "v"], dt=0.05)),
    ("limit cycle", Rossler(c=2.5)),
    ("limit cycle", DampedOscillator()),
    ("quasi-periodic", custom(torus, channels=["x", "v", "y", "w"], dt=0.05)),
    ("quasi-periodic", ((lambda x: (x + GOLDEN) % 1.0), np.array([0.1]))),
    ("quasi-periodic", (delayed, np.array([0.5, 0.5]))),
    ("chaotic", LogisticMap(r=3.9)),
    ("chaotic", LogisticMap()),
    ("chaotic", HenonMap()),
    ("chaotic", (cat, np.array([0.1, 0.3]))),
    ("chaotic", Lorenz63()),
    ("chaotic", Rossler()),
    ("chaotic", Lorenz96(sites=12)),
    ("chaotic", Duffing()),
    ("divergent", ((lambda x: x + 1.0), np.array([0.0]))),
    ("divergent", ((lambda x: x * x), np.array([3.0]))),
]


@pytest.mark.parametrize(("kind", "of"), SYSTEMS, ids=[f"{k}-{getattr(of, 'name', 'map')}" for k, of in SYSTEMS])
def test_the_word_for_what_can_be_stepped(kind, of):
    found = behaviour(*of) if isinstance(of, tuple) else behaviour(of, steps=6000 if of.state_size > 4 else 20_000)
    assert found.kind == kind, found


@pytest.mark.parametrize("seed", [1, 2])
def test_chaos_that_ends_is_a_point_attractor(seed):
    """Lorenz at rho = 22.8: chaos is a transient below 24.06, and the two states of rest attract below 24.74, at the
    rate of the complex root of s^3 + (b + sigma + 1) s^2 + b (sigma + rho) s + 2 sigma b (rho - 1)."""
    rho, b = 22.8, 8 / 3
    found = behaviour(Lorenz63(rho=rho), dt=0.02, seed=seed)
    assert found.kind == "point attractor", found
    roots = np.roots([1, b + 11, b * (10 + rho), 20 * b * (rho - 1)])
    np.testing.assert_allclose(found.numbers["exponents"][:2], roots.real.max(), atol=2e-3)


ROWS = [
    ("limit cycle", VanDerPol(), 4000),
    ("limit cycle", LogisticMap(r=3.5), 1000),
    ("limit cycle", LogisticMap(r=3.83), 1000),
    ("chaotic", LogisticMap(), 2000),
    ("chaotic", HenonMap(), 2000),
    ("chaotic", Lorenz63(), 20_000),
]


@pytest.mark.parametrize(("kind", "of", "steps"), ROWS, ids=[f"{k}-{of.name}" for k, of, _ in ROWS])
def test_the_word_for_rows_alone(kind, of, steps):
    found = behaviour(of.simulate(steps, method="rk4" if of.methods else None, seed=1))
    assert found.kind == kind, found


def test_rows_of_closed_forms():
    t = 0.1 * np.arange(4000)
    assert behaviour(np.sin(t) + np.sin(GOLDEN * t)).kind == "quasi-periodic"
    assert behaviour(np.exp(-0.02 * t) * np.cos(t)).kind == "point attractor"
    assert behaviour(np.exp(0.02 * t) * np.cos(t)).kind == "divergent"
    assert behaviour(0.3 * t).kind == "divergent"
    assert behaviour(np.full(300, 2.0)).kind == "point attractor"
    noisy = np.sin(t) + 0.05 * np.random.default_rng(0).standard_normal(len(t))
    assert behaviour(noisy).kind == "limit cycle"


def test_the_period_is_that_of_the_curve():
    found = behaviour(VanDerPol())
    assert found.numbers["period"] == pytest.approx(6.6632868593, rel=1e-4)
    period, left = fundamental(np.cos(0.3 * np.arange(1000)) + np.cos(0.1 * np.arange(1000) + 1))
    assert period == pytest.approx(20 * np.pi, rel=1e-6)
    assert left < 1e-9


def test_the_zero_one_test_tells_the_two_apart():
    chaos = LogisticMap().simulate(2000, seed=0).values[:, 0]
    assert zero_one(chaos) > 0.9
    assert abs(zero_one(np.cos(2 * np.pi * GOLDEN * np.arange(2000)))) < 0.1


def test_a_network_that_learned_a_sine_goes_round_a_limit_cycle():
    series = rc.Series(np.sin(0.2 * np.arange(600)), dt=0.2)
    found = behaviour(rc.ESN(units=50, seed=0).fit(series), steps=10_000)
    assert found.kind == "limit cycle"
    assert found.numbers["period"] == pytest.approx(2 * np.pi, rel=1e-3)


def test_rows_that_say_nothing_are_refused():
    with pytest.raises(DataError, match="200 rows"):
        behaviour(np.zeros(10))
    with pytest.raises(DataError, match="1 values are missing"):
        behaviour(np.append(np.zeros(300), np.nan))
