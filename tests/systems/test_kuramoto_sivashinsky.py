"""The Kuramoto-Sivashinsky equation: linear growth, conservation, order, and another solver."""

import equinox as eqx
import jax
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from recurra.diagnostics import lyapunov_spectrum
from recurra.errors import ConfigError
from recurra.systems import KuramotoSivashinsky, agreement_time

L, N = 22.0, 64
GRID = L / N * np.arange(N)


@pytest.mark.parametrize("wave", [1, 2, 3, 4])
def test_a_small_wave_grows_at_its_rate(wave):
    k = 2 * np.pi * wave / L
    values = KuramotoSivashinsky().simulate(steps=4, initial=1e-8 * np.cos(k * GRID)).values
    size = np.abs(np.fft.rfft(values, axis=1))[:, wave]
    assert np.log(size[-1] / size[0]) == pytest.approx(k**2 - k**4, rel=1e-6)


def test_the_mean_is_conserved_and_zero_without_a_start():
    drawn = KuramotoSivashinsky().simulate(steps=100, seed=1)
    np.testing.assert_allclose(drawn.values.mean(axis=1), 0.0, atol=1e-12)
    moving = KuramotoSivashinsky().simulate(steps=100, initial=drawn.values[0] + 0.3)
    np.testing.assert_allclose(moving.values.mean(axis=1), 0.3, atol=1e-12)


def test_galilean_invariance():
    # u(x, t) -> u(x - ct, t) + c: after one time unit a boost by c = L / N is a shift by one grid point
    start = KuramotoSivashinsky().simulate(steps=1, seed=2).values[-1]
    rest = KuramotoSivashinsky().simulate(steps=4, initial=start).values[-1]
    boosted = KuramotoSivashinsky().simulate(steps=4, initial=start + L / N).values[-1]
    np.testing.assert_allclose(boosted - L / N, np.roll(rest, 1), atol=1e-6)


def test_order_four():
    start = KuramotoSivashinsky().simulate(steps=1, seed=0).values[0]
    exact = KuramotoSivashinsky(substep=1 / 1024).simulate(steps=20, initial=start).values[-1]
    steps = np.array([1 / 64, 1 / 128, 1 / 256])
    rows = [KuramotoSivashinsky(substep=h).simulate(steps=20, initial=start).values[-1] for h in steps]
    errors = [np.abs(row - exact).max() for row in rows]
    assert np.polyfit(np.log(steps), np.log(errors), 1)[0] == pytest.approx(4.0, abs=0.1)
    assert errors[0] < 1e-7  # the default step


def test_against_another_solver():
    system = KuramotoSivashinsky(points=32)
    x = L / 32 * np.arange(32)
    start = np.cos(2 * np.pi * x / L) + 0.5 * np.sin(4 * np.pi * x / L)
    k = 2 * np.pi / L * np.arange(17)
    kept = np.arange(17) <= 32 / 3

    def field(t, u):  # in the space of the grid, where nothing is complex
        del t
        v = np.fft.rfft(u)
        product = np.fft.rfft(np.fft.irfft(kept * v, 32) ** 2)
        return np.fft.irfft((k**2 - k**4) * v - 0.5j * k * kept * product, 32)

    other = solve_ivp(field, (0, 2), start, "Radau", rtol=1e-9, atol=1e-10)
    values = system.simulate(steps=8, initial=start).values
    np.testing.assert_allclose(values[-1], other.y[:, -1], atol=1e-6)


def test_the_attractor():
    series = KuramotoSivashinsky().simulate(steps=2000, seed=3)
    assert (series.dt, series.values.shape) == (0.25, (2001, 64))
    u = series.values
    assert 1.0 < u.std() < 1.5
    # energy: d/dt <u^2> / 2 = <u_x^2> - <u_xx^2>, which vanishes in the long mean
    k = 2 * np.pi / L * np.arange(33)
    power = np.abs(np.fft.rfft(u, axis=1)) ** 2
    assert (power @ k**2).mean() == pytest.approx((power @ k**4).mean(), rel=0.03)


def test_how_long_it_can_be_trusted():
    series = KuramotoSivashinsky().simulate(steps=40, seed=1)
    assert agreement_time(series, 1e-4) == pytest.approx(10.0)
    coarse = KuramotoSivashinsky(substep=0.25).simulate(steps=40, seed=1)
    assert agreement_time(coarse, 1e-4) < 10.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"points": 7}, "`points` must be a whole number of at least 8"),
        ({"points": 32.0}, "`points` must be a whole number"),
        ({"length": 0.0}, "`length` of kuramoto-sivashinsky must be positive"),
        ({"substep": 0.0}, "`substep` of kuramoto-sivashinsky must be positive"),
    ],
)
def test_bad_parameters(options, message):
    with pytest.raises(ConfigError, match=message):
        KuramotoSivashinsky(**options)


def test_a_wild_start_is_refused():
    with pytest.raises(ConfigError, match="kuramoto-sivashinsky leaves the finite numbers at step"):
        KuramotoSivashinsky(substep=0.25).simulate(steps=40, initial=1e9 * np.cos(2 * np.pi * GRID / L))


def test_its_step_map_gives_the_rows():
    system = KuramotoSivashinsky(points=32)
    step, state, dt = system.step_map(None, np.random.default_rng(3))
    rows = system.simulate(40, initial=system.start(np.random.default_rng(3)))
    with jax.enable_x64(True):
        following = eqx.filter_jit(step)
        for _ in range(40):
            state = following(state)
    waves = np.fft.rfft(rows.values[-1])[1 : 1 + len(state) // 2]
    assert (len(state), dt) == (20, 0.25)
    np.testing.assert_allclose(np.asarray(state), np.concatenate([waves.real, waves.imag]), atol=1e-9)


def test_its_exponents_sum_to_the_growth_of_its_waves():
    """The product has no trace in Fourier space, so that volumes shrink at the sum of k^2 - k^4, twice for each."""
    system = KuramotoSivashinsky(points=24)
    found = lyapunov_spectrum(system, dt=1 / 64, steps=3000, count=16, transient=100)
    k2 = (2 * np.pi / 22 * np.arange(1, 9)) ** 2
    assert found.exponents.sum() == pytest.approx(2 * (k2 - k2**2).sum(), rel=1e-6)
