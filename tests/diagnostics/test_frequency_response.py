"""Frequency responses against closed forms: of linear maps made by hand, of a Duffing map, of a trained network."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

import recurra as rc
from recurra.diagnostics import fit_resonance, frequency_response
from recurra.diagnostics.maps import DrivenMap
from recurra.diagnostics.step_maps import of_driven
from recurra.errors import ConfigError, DataError, DivergenceError
from recurra.systems import DampedOscillator, Sampled

ETA, DT = 0.3, 0.1
FREQUENCIES = np.linspace(0.2, 2.5, 24)


def oscillator_map(eta=ETA, dt=DT):
    """(x, v) of x'' + eta x' + x = F with a force that is held at u[t+1] from t to t + 1: exact in a matrix."""
    M = np.zeros((3, 3))
    M[:2] = [[0.0, 1.0, 0.0], [-1.0, -eta, 1.0]]
    E = scipy.linalg.expm(M * dt)
    A, b = E[:2, :2], E[:2, 2]

    def step(state, u):
        new = jnp.asarray(A) @ state[1] + jnp.asarray(b) * u[0]
        return (), new

    return DrivenMap(step, ((), np.array([0.5, 0.0])), dt), A, b


def truth(w, A, b, dt=DT):
    """By partial fractions of the eigenvectors, another way than that of the code."""
    mu, V = np.linalg.eig(A)
    parts = np.linalg.solve(V, b)
    z = np.exp(1j * w * dt)[:, None]
    return (parts * z / (z - mu)) @ V.T


@pytest.fixture(scope="module")
def oscillator():
    return oscillator_map()


def test_a_linear_map_has_the_response_of_its_eigenvectors(oscillator):
    opened, A, b = oscillator
    found = frequency_response(opened, FREQUENCIES)
    np.testing.assert_allclose(found.values, truth(FREQUENCIES, A, b), rtol=1e-11)
    swing = 1j * np.sqrt(1 - ETA**2 / 4)
    assert found.poles is not None
    np.testing.assert_allclose(found.poles[np.argsort(np.imag(found.poles))], [-ETA / 2 - swing, -ETA / 2 + swing])
    assert found.stable
    np.testing.assert_allclose(np.asarray(found.rest), 0, atol=1e-12)
    assert not found.errors.any()


def test_what_is_measured_is_what_is_linearised(oscillator):
    opened, A, b = oscillator
    found = frequency_response(opened, FREQUENCIES[::4], amplitude=0.7, periods=3, tolerance=1e-10)
    np.testing.assert_allclose(found.values, truth(FREQUENCIES[::4], A, b), rtol=1e-8)
    assert found.errors.max() < 1e-9
    assert found.poles is found.rest is found.stable is None


def test_a_held_force_acts_late_by_half_a_step():
    """The zero-order hold of the exact response: sin(x) / x with x = w dt / 2, to second order; here ahead by it."""
    dt = 0.01
    opened, _, _ = oscillator_map(dt=dt)
    found = frequency_response(opened, FREQUENCIES)
    w = FREQUENCIES
    exact = 1 / (1 - w**2 + 1j * ETA * w)
    np.testing.assert_allclose(found.values[:, 0], exact * np.exp(0.5j * w * dt), rtol=1e-3)
    np.testing.assert_allclose(found.values[:, 1], 1j * w * exact * np.exp(0.5j * w * dt), rtol=1e-3)
    np.testing.assert_allclose(found.gain[:, 0], np.abs(exact), rtol=1e-3)
    assert found.phase[0, 0] > -0.2
    assert found.phase[-1, 0] < -2.9


def test_a_nonlinear_map_is_linear_about_its_rest_and_softer_beyond():
    """y' = y / 2 + u - y^3 / 10 rests where y / 2 + y^3 / 10 = u0, and has the slope 1/2 - 3 y^2 / 10 there."""

    def step(state, u):
        return (), 0.5 * state[1] + u[:1] - 0.1 * state[1] ** 3

    opened = DrivenMap(step, ((), np.ones(1)), 1.0)
    rest = np.array([root.real for root in np.roots([0.1, 0.0, 0.5, -0.6]) if abs(root.imag) < 1e-12])
    w = np.array([0.1, 1.0])
    small = frequency_response(opened, w, inputs=[0.6])
    np.testing.assert_allclose(np.asarray(small.rest), rest, rtol=1e-12)
    z = np.exp(1j * w)
    expected = z / (z - (0.5 - 0.3 * rest[0] ** 2))
    np.testing.assert_allclose(small.values[:, 0], expected, rtol=1e-11)
    weak = frequency_response(opened, w, inputs=[0.6], amplitude=1e-3)
    np.testing.assert_allclose(weak.values, small.values, rtol=1e-5)
    strong = frequency_response(opened, w, inputs=[0.6], amplitude=0.5)
    assert abs(strong.values[0, 0] / small.values[0, 0] - 1) > 1e-3


def test_a_resonance_is_found_again_with_its_errors():
    rng = np.random.default_rng(0)
    w = np.linspace(0.3, 2.0, 60)
    exact = (0.7 + 0.2j * w) / (1.3**2 - w**2 + 0.15j * w)
    clean = fit_resonance(w, exact)
    np.testing.assert_allclose([clean.frequency, clean.width, clean.strength, clean.slope], [1.3, 0.15, 0.7, 0.2])
    assert clean.quality == pytest.approx(1.3 / 0.15)
    scores = []
    for _ in range(200):
        noisy = fit_resonance(w, exact + 0.02 * (rng.standard_normal(60) + 1j * rng.standard_normal(60)))
        found = np.array([noisy.frequency, noisy.width, noisy.strength, noisy.slope])
        scores.append((found - [1.3, 0.15, 0.7, 0.2]) / noisy.errors)
    np.testing.assert_allclose(np.std(scores, axis=0), 1, atol=0.2)  # 200 draws: a standard deviation to 5 %
    with pytest.raises(DataError, match="no resonance"):
        fit_resonance(w, 1 / (-1 - w**2 + 0.1j * w))
    with pytest.raises(DataError, match="at least 3"):
        fit_resonance(w[:2], exact[:2])


@pytest.fixture(scope="module")
def trained():
    """A network that saw an oscillator under a broadband force: a sum of many cosines of random phases."""
    rng = np.random.default_rng(3)
    t = np.arange(0, 300, 0.05)
    parts = [np.cos(w * t + phase) for w, phase in zip(rng.uniform(0, 4, 80), rng.uniform(0, 7, 80), strict=True)]
    system = DampedOscillator(damping=ETA, force=Sampled(np.sum(parts, axis=0) / 6, dt=0.05))
    series = system.simulate(2900, dt=0.1, initial=[0.0, 0.0])
    return rc.ESN(units=100, input_scaling=0.02, lags=3, seed=0).fit(series)


def test_a_trained_network_has_the_resonance_of_the_oscillator(trained):
    found = frequency_response(trained, FREQUENCIES, inputs={"F": 0.0})
    exact = 1 / (1 - FREQUENCIES**2 + 1j * ETA * FREQUENCIES)
    assert np.abs(found.values[:, 0] - exact).max() < 0.01 * np.abs(exact).max()
    resonance = found.resonance("x")
    assert resonance.frequency == pytest.approx(1.0, rel=0.01)
    assert resonance.width == pytest.approx(ETA, rel=0.01)
    assert found.poles is not None
    slowest = found.poles[:2]
    np.testing.assert_allclose(np.real(slowest), -ETA / 2, rtol=0.01)
    np.testing.assert_allclose(np.abs(np.imag(slowest)), np.sqrt(1 - ETA**2 / 4), rtol=0.01)
    measured = frequency_response(trained, FREQUENCIES[::6], inputs={"F": 0.0}, amplitude=0.1, periods=3)
    np.testing.assert_allclose(measured.values, found.values[::6], rtol=0.01)


def test_a_driven_loop_is_that_of_the_forecast(trained):
    opened = of_driven(trained)
    drive = np.linspace(-1, 1, 20)[:, None]
    forecast = trained.frame_.scaled(trained.forecast(20, inputs=drive))[0]
    state = opened.start
    for k, u in enumerate(trained.frame_.drive_scaler.scale(drive)):
        state = opened.step(state, u)
        np.testing.assert_allclose(state[1], forecast[k], atol=1e-5)  # eager, in float32


def test_what_cannot_be_is_refused(oscillator, trained):
    opened = oscillator[0]
    outside: tuple[Any, ...] = ([-0.1], [np.pi / DT], [[0.1]], [])
    for frequencies in outside:
        with pytest.raises(ConfigError, match="angular"):
            frequency_response(opened, frequencies)
    with pytest.raises(ConfigError, match="0 < w"):
        frequency_response(opened, [0.0, 1.0], amplitude=1.0)
    wrong: tuple[dict[str, Any], ...] = (
        {"amplitude": -1.0},
        {"amplitude": 1.0, "periods": 0},
        {"drive": 1},
        {"drive": "F"},
    )
    for options in wrong:
        with pytest.raises(ConfigError):
            frequency_response(opened, [1.0], **options)
    with pytest.raises(ConfigError, match="no state of rest"):
        frequency_response(DrivenMap(lambda s, u: ((), s[1] + 1.0 + 0 * u), ((), np.ones(1)), 1.0), [1.0])
    with pytest.raises(DivergenceError, match="runs away"):
        frequency_response(DrivenMap(lambda s, u: ((), 2 * s[1] + u), ((), np.ones(1)), 1.0), [1.0], amplitude=1.0)
    with pytest.raises(DataError, match="unknown input 'G'"):
        frequency_response(trained, [1.0], inputs={"F": 0.0, "G": 1.0})
