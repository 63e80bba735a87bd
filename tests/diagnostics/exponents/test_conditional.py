"""Conditional exponents against closed forms, and what they say of the echo state property."""

import jax.numpy as jnp
import numpy as np
import pytest

import recurra as rc
from recurra.diagnostics import conditional_exponents
from recurra.errors import ConfigError, DataError
from recurra.models import Stack
from recurra.reservoirs import draw_reservoir
from recurra.systems import Lorenz63


def drawn(units, spectral_radius, input_scaling=1.0, leak=1.0):
    numbers = {"in_degree": 10, "bias_scaling": 0.0, "seed": 0}
    return draw_reservoir(units, 1, spectral_radius=spectral_radius, input_scaling=input_scaling, leak=leak, **numbers)


NOISE = np.random.default_rng(0).uniform(-1, 1, (3000, 1))


@pytest.fixture(scope="module")
def lorenz():
    return Lorenz63().simulate(1500, dt=0.02, seed=0)


def test_of_a_linear_leaky_reservoir_they_are_the_moduli_of_its_eigenvalues():
    rng = np.random.default_rng(1)
    W = rng.standard_normal((12, 12)) * 0.25
    w, a = rng.standard_normal(12), 0.3
    found = conditional_exponents(lambda h, x: (1 - a) * h + a * (W @ h + w * x[0]), NOISE, np.zeros(12), count=12)
    exact = -np.sort(-np.log(np.abs(np.linalg.eigvals((1 - a) * np.eye(12) + a * W))))
    # the last step of a trajectory is somewhere in the turn of a complex pair: their mean is exact, each is not
    assert found.exponents.sum() == pytest.approx(exact.sum(), abs=1e-8)
    symmetric = (W + W.T) / 2
    one = conditional_exponents(
        lambda h, x: (1 - a) * h + a * (symmetric @ h + w * x[0]), NOISE, np.zeros(12), count=12
    )
    exact = -np.sort(-np.log(np.abs(np.linalg.eigvalsh((1 - a) * np.eye(12) + a * symmetric))))
    np.testing.assert_allclose(one.exponents[0], exact[0], atol=1e-8)
    assert one.exponents.sum() == pytest.approx(exact.sum(), abs=1e-8)


@pytest.mark.parametrize("leak", [0.3, 1.0])
def test_without_recurrent_weights_they_are_those_of_the_leak(leak):
    reservoir = drawn(8, 0.0, leak=leak)
    found = conditional_exponents(reservoir, NOISE[:300], count=8)
    exact = np.log(1 - leak) if leak < 1 else -np.inf
    np.testing.assert_allclose(found.exponents, exact, atol=1e-12)
    assert found.echo_state


def test_the_closed_form_of_one_unit():
    """For one tanh unit the exponent is the mean of log|(1 - a) + a w (1 - tanh^2)|, whatever drives it."""
    w, a, xs = 1.7, 0.6, NOISE[:1000]
    found = conditional_exponents(lambda h, x: (1 - a) * h + a * jnp.tanh(w * h + x), xs, np.zeros(1), transient=100)
    h, logs = 0.0, []
    for x in xs[:, 0]:
        y = np.tanh(w * h + x)
        h = (1 - a) * h + a * y
        logs.append(np.log(abs((1 - a) + a * w * (1 - y**2))))
    assert found.largest == pytest.approx(np.mean(logs[100:]), abs=1e-12)


def test_a_small_radius_has_the_echo_state_property_and_a_large_one_has_not():
    def verdict(radius, scale):
        reservoir = drawn(100, radius, scale)
        return conditional_exponents(reservoir, NOISE, count=1)

    small, large, driven = verdict(0.9, 0.1), verdict(1.6, 0.1), verdict(1.6, 5.0)
    assert small.echo_state is True
    assert small.largest == pytest.approx(np.log(0.9), abs=0.05)
    assert small.memory_time == pytest.approx(-1 / small.largest)
    assert "forgets" in small.words
    assert (large.echo_state, large.largest > 0.02, large.memory_time) == (False, True, np.inf)
    assert "does not forget" in large.words
    assert driven.echo_state is True  # a strong drive silences the chaos of the same network
    # copies meet at the rate of the exponent
    distance = small.distance[20:150]
    assert np.polyfit(np.arange(len(distance)), np.log(distance), 1)[0] == pytest.approx(small.largest, abs=0.02)


def test_too_short_a_drive_settles_nothing():
    reservoir = drawn(20, 0.99, 0.01)
    found = conditional_exponents(reservoir, NOISE[:60], count=1)
    assert found.echo_state is None
    assert "not settled" in found.words


def test_of_fitted_forecasters_the_rows_are_the_drive(lorenz):
    esn = rc.ESN(units=40, spectral_radius=0.4, seed=0).fit(lorenz)
    found = conditional_exponents(esn, lorenz, count=2)
    frame, reservoir = esn.frame_, esn.network_.reservoir
    alone = conditional_exponents(reservoir, frame.scaled(lorenz)[0][:-1], dt=lorenz.dt, count=2)
    np.testing.assert_allclose(found.exponents, alone.exponents, rtol=1e-9)
    gru = rc.GRU(units=6, epochs=2, seed=0).fit(lorenz)
    assert conditional_exponents(gru, lorenz, count=1).largest < 0


def test_exponents_below_the_largest_belong_to_the_network(lorenz):
    found = conditional_exponents(rc.ESN(units=40, spectral_radius=0.4, seed=0).fit(lorenz), lorenz, count=1)
    assert found.gap([0.9, 0.0, -14.57]) == pytest.approx(-14.57 - found.largest)
    assert found.trusted([0.9, 0.0, found.largest - 1]).tolist() == [True, True, False]
    above = found.largest + 1  # a third exponent that looks well, of a target whose own is below
    assert found.trusted([0.9, 0.0, above, above], [0.9, 0.0, found.largest - 1]).tolist() == [True, True, False, False]


def test_a_model_is_driven_by_its_inputs():
    model = Stack.draw("elman", 1, 1, units=5, seed=0)
    assert np.isfinite(conditional_exponents(model, NOISE[:200]).exponents).all()


def test_a_drive_that_cannot_be_is_refused():
    with pytest.raises(DataError, match="finite numbers"):
        conditional_exponents(lambda h, x: h, np.array([[np.nan]]), np.zeros(1))
    with pytest.raises(ConfigError, match="give `start`"):
        conditional_exponents(lambda h, x: h, NOISE)
    with pytest.raises(DataError, match="too short"):
        conditional_exponents(lambda h, x: h, NOISE[:10], np.zeros(1), transient=10)
