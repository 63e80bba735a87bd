"""Equations found again: those of Lorenz-63 from its rows and from a network, a driven oscillator, and nothing else."""

import numpy as np
import pytest

import recurra as rc
from recurra.diagnostics import sparse_regression
from recurra.diagnostics.equation import sparse_least_squares
from recurra.diagnostics.weak_form import weak_rows
from recurra.errors import ConfigError, DataError, NotFittedError
from recurra.systems import DampedOscillator, Lorenz63

LORENZ = {
    ("x", "x"): -10.0,
    ("x", "y"): 10.0,
    ("y", "x"): 28.0,
    ("y", "y"): -1.0,
    ("y", "x z"): -1.0,
    ("z", "z"): -8 / 3,
    ("z", "x y"): 1.0,
}


def is_lorenz(found, rel):
    for (channel, term), value in LORENZ.items():
        assert found.coefficient(channel, term) == pytest.approx(value, rel=rel)
    assert np.count_nonzero(found.coefficients) == 7  # and no other


@pytest.fixture(scope="module")
def lorenz():
    return Lorenz63().simulate(5000, dt=0.01, seed=0)


def test_lorenz_is_found_in_its_rows(lorenz):
    found = sparse_regression(lorenz)
    is_lorenz(found, 1e-4)
    assert str(found).splitlines()[0] == "x' = - 10 x + 10 y"
    assert (found.errors[found.coefficients != 0] > 0).all()
    assert found.misfit.max() < 1e-4
    is_lorenz(sparse_regression(lorenz, degree=3), 1e-3)


@pytest.mark.parametrize(("noise", "rel"), [(0.0, 1e-3), (0.01, 0.02), (0.03, 0.06)])
def test_lorenz_is_found_in_noisy_rows(lorenz, noise, rel):
    scores = []
    for seed in range(6):
        found = sparse_regression(noisy(lorenz, noise, seed), window=30)
        is_lorenz(found, rel)
        for (channel, term), value in LORENZ.items():
            place = found.terms.index(term), found.channels.index(channel)
            scores.append((found.coefficients[place] - value) / found.errors[place])
    if noise:
        assert 0.5 < np.std(scores) < 1.5  # the standard errors are of the right size


def test_without_windows_noise_drowns_the_equation(lorenz):
    assert np.count_nonzero(sparse_regression(noisy(lorenz, 0.01, 0)).coefficients) > 7


def noisy(series, size, seed):
    noise = np.random.default_rng(seed).normal(size=series.values.shape)
    return rc.Series(series.values + size * series.values.std(axis=0) * noise, dt=0.01, channels=series.channels)


def test_averages_over_windows_are_those_of_the_integrals():
    """Of y = t^2 the derivative averaged is 2 times the middle of the window, where phi is even; of a term the same."""
    t = 0.1 * np.arange(101)
    terms, slopes = weak_rows(np.stack([np.ones(101), t], axis=1), (t**2)[:, None], 0.1, 20)
    middle = 0.1 * np.arange(20, 81, 20)
    np.testing.assert_allclose(terms, np.stack([np.ones(4), middle], axis=1), rtol=1e-12)
    np.testing.assert_allclose(slopes[:, 0], 2 * middle, rtol=1e-5)  # of the trapezoidal rule


def test_a_driven_oscillator_has_its_force_in_noisy_rows():
    series = DampedOscillator(damping=0.3, frequency=0.7).simulate(4000, dt=0.05, seed=0)
    values = series.values + 0.02 * np.random.default_rng(0).normal(size=series.values.shape)
    rows = rc.Series(values, dt=0.05, channels=series.channels, inputs=series.inputs)
    found = sparse_regression(rows, degree=1, window=40)
    expected = np.array([[0, 0], [0, -1], [1, -0.3], [0, 1]])
    np.testing.assert_allclose(found.coefficients, expected, atol=0.02)
    np.testing.assert_array_equal(found.coefficients != 0, expected != 0)


def test_lorenz_is_found_in_a_network(lorenz):
    model = rc.ESN(units=300, seed=0).fit(lorenz)
    is_lorenz(sparse_regression(model, steps=4000), 0.01)


def test_a_driven_oscillator_has_its_force():
    series = DampedOscillator(damping=0.3, frequency=0.7).simulate(2000, dt=0.05, seed=0)
    found = sparse_regression(series, degree=1)
    np.testing.assert_allclose(found.coefficients, [[0, 0], [0, -1], [1, -0.3], [0, 1]], atol=1e-8)
    assert found.terms == ("1", "x", "v", "F")


def test_the_errors_are_those_of_many_draws():
    rng, scores = np.random.default_rng(0), []
    t = 0.1 * np.arange(500)
    rows = np.stack([np.cos(t), np.sin(t)], axis=1)

    for _ in range(300):
        c, e, _ = sparse_least_squares(rows, rows @ [1.0, -2.0] + 0.1 * rng.standard_normal(500), 0.0)
        scores.append((c - [1.0, -2.0]) / e)
    np.testing.assert_allclose(np.std(scores, axis=0), 1, atol=0.15)  # 300 draws: a standard deviation to 4 %


def test_what_has_no_equation_is_refused(lorenz):
    with pytest.raises(ConfigError, match="`degree`"):
        sparse_regression(lorenz, degree=0)
    with pytest.raises(ConfigError, match="`threshold`"):
        sparse_regression(lorenz, threshold=1.0)
    with pytest.raises(DataError, match="too few for 10 terms"):
        sparse_regression(lorenz[:15])
    with pytest.raises(ConfigError, match="`window`"):
        sparse_regression(lorenz, window=7)
    with pytest.raises(DataError, match="smaller `degree` or `window`"):
        sparse_regression(lorenz, window=2000)
    with pytest.raises(NotFittedError):
        sparse_regression(rc.ESN())
    with pytest.raises(ConfigError, match="not a list"):
        sparse_regression([1.0, 2.0])
    with pytest.raises(DataError, match="not finite"):
        sparse_regression(rc.Series(np.where(lorenz.values > 40, np.nan, lorenz.values), dt=0.01).masked())
