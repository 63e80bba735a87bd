"""Distances between attractors against closed forms, plain loops over bins and pairs, and SciPy."""

import numpy as np
import pytest
import scipy.signal
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from recurra.diagnostics.attractor.marginals import marginal_wasserstein, moment_errors
from recurra.diagnostics.attractor.mixture import mixture_divergence
from recurra.diagnostics.attractor.power_spectrum import power_spectrum_distance
from recurra.diagnostics.attractor.return_map import return_map, return_map_distance
from recurra.diagnostics.attractor.state_space import state_space_divergence
from recurra.diagnostics.attractor.welch import log_spectral_distance, welch_spectrum
from recurra.errors import ConfigError, DataError
from recurra.series import Series

MEASURES = (
    *(power_spectrum_distance, log_spectral_distance, state_space_divergence, mixture_divergence),
    *(marginal_wasserstein, moment_errors),
)


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def hellinger(x, y, sigma):
    """Written out: a Gaussian cut at 4 sigma, the spectrum reflected at its ends."""
    reach = int(4 * sigma + 0.5)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    found = []
    for values in (x, y):
        z = (values - values.mean()) / values.std()
        power = np.abs(np.fft.rfft(z)) ** 2
        power = np.convolve(np.pad(power, reach, mode="symmetric"), kernel / kernel.sum(), mode="valid")
        found.append(power / power.sum())
    p, q = found
    return np.sqrt(1 - np.sqrt(p * q).sum())


def test_the_distance_of_spectra_is_the_published_one():
    x, y = normal(0, 1000), np.cumsum(normal(1, 1000))
    assert power_spectrum_distance(x, y) == pytest.approx(hellinger(x, y, 20), rel=1e-9)
    both = power_spectrum_distance(np.stack([x, y], 1), np.stack([y, x], 1), smoothing=3.0)
    assert both == pytest.approx(hellinger(x, y, 3), rel=1e-9)


def test_the_distance_of_spectra_lies_between_0_and_1_and_a_forecast_that_stands_still_has_1():
    x = normal(2, 800, 2)
    assert power_spectrum_distance(x, 7 * x + 3) == pytest.approx(0, abs=1e-7)
    assert power_spectrum_distance(x, np.ones_like(x)) == 1
    t = np.arange(800)
    assert power_spectrum_distance(np.sin(0.5 * t), np.sin(2.5 * t), smoothing=1.0) > 0.97


def test_a_welch_spectrum_is_that_of_scipy_and_its_integral_the_variance():
    x = normal(3, 3000, 2) @ np.diag([1.0, 5.0])
    found = welch_spectrum(x, window=256, dt=0.1)
    f, power = scipy.signal.welch(x, 10, nperseg=256, axis=0)
    np.testing.assert_allclose(found.frequencies, f)
    np.testing.assert_allclose(found.power, power, rtol=1e-10)
    np.testing.assert_allclose(found.power.sum(axis=0) * f[1], x.var(axis=0), rtol=0.05)


def test_a_peak_stands_out_on_both_sides_and_a_broad_spectrum_has_none():
    t = np.arange(8000)
    rng = np.random.default_rng(0)
    walk = scipy.signal.lfilter([1.0], [1.0, -0.95], rng.normal(size=8000))  # falls from the lowest frequency on
    turns = np.where(t % 2, 1.0, -1.0)  # at the very end
    tone = np.sin(2 * np.pi * 0.05 * t) + 0.5 * rng.normal(size=8000)
    found = welch_spectrum(np.stack([tone, walk, rng.normal(size=8000), turns, np.ones(8000)], axis=1), window=400)
    np.testing.assert_allclose(found.peaks, [0.05, np.nan, np.nan, 0.5, np.nan])


def test_the_band_holds_the_true_density_as_often_as_it_says():
    inside = []
    for seed in range(60):
        found = welch_spectrum(normal(seed, 1700), window=200, confidence=0.9)
        inside.append((found.low <= 2) & (found.high >= 2))  # white noise of variance 1 has the density 2
    assert np.mean(np.array(inside)[:, 2:-2]) == pytest.approx(0.9, abs=0.02)
    assert 1.5 * 16 < found.freedom < 2 * 16


def test_a_log_spectral_distance_is_in_decibels():
    x = normal(4, 4000)
    assert log_spectral_distance(x, x * np.sqrt(2)) == pytest.approx(10 * np.log10(2), rel=1e-9)
    assert log_spectral_distance(x, np.zeros(4000)) < 61  # the dynamic range


def state_space_loop(y, y_hat, m, alpha, low, high):
    edges = [np.linspace(a, b, m + 1) for a, b in zip(low, high, strict=True)]
    p, q = (np.histogramdd(values, edges)[0] + alpha for values in (y, y_hat))
    p, q = p / p.sum(), q / q.sum()
    return (p * np.log(p / q)).sum()


@pytest.mark.parametrize("m", [3, 30])
def test_the_divergence_of_histograms_is_the_published_sum_over_all_bins(m):
    y, y_hat = normal(5, 3000, 3), 1.2 * normal(6, 2000, 3) + 0.2
    s = y.std(axis=0, ddof=1)
    wanted = state_space_loop(y, y_hat, m, 1e-5, y.min(axis=0) - 0.1 * s, y.max(axis=0) + 0.1 * s)
    assert state_space_divergence(y, y_hat, bins=m) == pytest.approx(wanted, rel=1e-9)
    wanted = state_space_loop(y, y_hat, m, 0.1, -2 * s, 2 * s)
    assert state_space_divergence(y, y_hat, bins=m, alpha=0.1, box="two-sigma") == pytest.approx(wanted, rel=1e-9)
    wanted = state_space_loop(y, y_hat, m, 1e-5, y.min(axis=0), y.max(axis=0))
    assert state_space_divergence(y, y_hat, bins=m, box="range") == pytest.approx(wanted, rel=1e-9)


def test_the_divergence_of_histograms_tends_to_that_of_the_densities():
    y, y_hat = normal(7, 400_000, 1), 0.5 + normal(8, 400_000, 1)
    assert state_space_divergence(y, y_hat) == pytest.approx(0.5**2 / 2, abs=0.01)
    assert state_space_divergence(normal(9, 50, 12), normal(9, 50, 12)) == pytest.approx(0, abs=1e-9)


def test_the_divergence_of_mixtures_is_that_of_plain_densities():
    y, y_hat = normal(10, 300, 2), normal(11, 200, 2) + 1
    scaled = [(values - y.mean(axis=0)) / y.std(axis=0, ddof=1) for values in (y, y_hat)]
    densities = [[np.exp(-((t - c) ** 2).sum(axis=1) / 1.0).mean() for t in scaled[0]] for c in scaled]
    wanted = np.mean(np.log(densities[0]) - np.log(densities[1]))
    assert mixture_divergence(y, y_hat, variance=0.5, method="variational") == pytest.approx(wanted, rel=1e-9)


def test_the_divergence_of_mixtures_tends_to_that_of_gaussians():
    # N(0, 1) and N(a, 1), widened by the Gaussians to variance 2
    y = scipy.stats.norm.ppf((np.arange(2000) + 0.5) / 2000)[:, None]
    found = mixture_divergence(y, y + 1.5, samples=20_000)
    assert found == pytest.approx(1.5**2 / 4, rel=0.03)
    assert mixture_divergence(y, y + 1e4, samples=100) == pytest.approx(0.5e8, rel=0.01)  # nothing is dropped


@given(st.integers(0, 2**32 - 1), st.integers(2, 40), st.integers(2, 40))
def test_wasserstein_distances_are_those_of_scipy(seed, n, m):
    rng = np.random.default_rng(seed)
    y, y_hat = rng.normal(size=(n, 2)), rng.normal(1, 2, size=(m, 2))
    wanted = [scipy.stats.wasserstein_distance(y[:, c], y_hat[:, c]) / y[:, c].std() for c in range(2)]
    np.testing.assert_allclose(marginal_wasserstein(y, y_hat), wanted, rtol=1e-9)


def test_moments_are_those_of_known_distributions():
    levels = (np.arange(100_000) + 0.5) / 100_000
    y, y_hat = scipy.stats.norm.ppf(levels)[:, None], scipy.stats.expon.ppf(levels)[:, None]
    np.testing.assert_allclose(moment_errors(y, y_hat)[:, 0], [1, 0, 2, 6], atol=0.03)
    np.testing.assert_allclose(moment_errors(y, np.full((5, 1), 2.0))[:, 0], [2, -1, 0, -3], atol=1e-3)


def test_maxima_lie_on_parabolas_and_their_times_too():
    t = 0.3 * np.arange(2000)
    found = return_map(Series(np.stack([np.sin(t), 0 * t], 1), dt=0.3, channels=["a", "b"]), "a")
    np.testing.assert_allclose(found.heights, 1, atol=3e-4)
    np.testing.assert_allclose(found.times, np.pi / 2 + 2 * np.pi * np.arange(len(found.times)), atol=2e-3)
    assert found.points.shape == (len(found.heights) - 1, 2)


def test_return_maps_of_a_parabola_differ_from_those_of_noise():
    rng = np.random.default_rng(12)
    heights = np.empty(800)
    heights[0] = 0.3
    for k in range(799):
        heights[k + 1] = 3.99 * heights[k] * (1 - heights[k])
    spikes = [np.stack([np.zeros(len(h)), h], 1).ravel() for h in (heights, heights[::-1], rng.permutation(heights))]
    np.testing.assert_allclose(return_map(spikes[0]).points[:, 1], heights[1:-1], rtol=1e-12)
    same, mirrored, shuffled = (return_map_distance(spikes[0], other) for other in spikes)
    assert same == 0
    assert min(mirrored, shuffled) > 0.1
    assert return_map_distance(spikes[0], np.zeros(500)) == np.inf


@pytest.mark.parametrize("measure", MEASURES)
def test_what_cannot_be_compared_is_refused(measure):
    y = normal(13, 200, 2)
    with pytest.raises(DataError, match="truth has 2 channels, the forecast 3"):
        measure(y, normal(14, 200, 3))
    with pytest.raises(DataError, match="row 3, channel 'c1'"):
        measure(y, np.where(np.arange(400).reshape(200, 2) == 7, np.nan, y))
    with pytest.raises(DataError, match="does not vary"):
        measure(np.stack([y[:, 0], np.ones(200)], 1), y)
    with pytest.raises(DataError, match="same order"):
        measure(Series(y, channels=["x", "v"]), Series(y, channels=["v", "x"]))


def test_arguments_that_cannot_be_are_refused():
    y = normal(15, 300)
    for call in (
        lambda: power_spectrum_distance(y, y, smoothing=-1.0),
        lambda: welch_spectrum(y, window=4),
        lambda: welch_spectrum(y, confidence=1.0),
        lambda: log_spectral_distance(y, y, dynamic_range=0.0),
        lambda: state_space_divergence(y, y, bins=1),
        lambda: state_space_divergence(normal(0, 90, 20), normal(0, 90, 20)),
        lambda: state_space_divergence(y, y, box="big"),
        lambda: state_space_divergence(y, y, alpha=0.0),
        lambda: mixture_divergence(y, y, variance=0.0),
        lambda: mixture_divergence(y, y, method="exact"),
        lambda: mixture_divergence(y, y, samples=0),
        lambda: return_map(y, 3),
        lambda: return_map(y, dt=0.0),
    ):
        with pytest.raises(ConfigError):
            call()
    with pytest.raises(DataError, match="same length"):
        power_spectrum_distance(y, y[:-1])
    with pytest.raises(DataError, match="breaks"):
        power_spectrum_distance(Series(y, times=np.r_[0:150, 200:350], dt=1.0, breaks=[150]), y)
    with pytest.raises(DataError, match="dt"):
        power_spectrum_distance(Series(y, dt=1.0), Series(y, dt=0.5))
