"""Autocorrelation against the plain sum, its integrated time against closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import lfilter

from recurra.data.dependence import autocorrelation, autocorrelation_time, dominant_period


def ar1(a, rows, seed):
    return lfilter([1.0], [1.0, -a], np.random.default_rng(seed).standard_normal(rows + 1000))[1000:]


def plain(parts, lags):
    mean = np.nanmean(np.concatenate(parts))
    found = []
    for k in range(lags + 1):
        terms = [(part[t] - mean) * (part[t + k] - mean) for part in parts for t in range(len(part) - k)]
        terms = np.array(terms)[np.isfinite(terms)]
        found.append(terms.mean() if terms.size else np.nan)
    return np.array(found) / found[0]


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(3, 20), min_size=1, max_size=3), st.booleans())
def test_it_is_the_mean_over_measured_pairs(seed, lengths, holes):
    rng = np.random.default_rng(seed)
    parts = [rng.standard_normal(n) for n in lengths]
    if holes:
        for part in parts:
            part[rng.integers(len(part))] = np.nan
    lags = max(lengths) - 1
    np.testing.assert_allclose(autocorrelation(parts, lags), plain(parts, lags), atol=1e-9)


@pytest.mark.parametrize("a", [0.9, 0.5, 0.0, -0.5])
@pytest.mark.parametrize("seed", range(3))
def test_time_of_an_autoregression_is_its_closed_form(a, seed):
    # (1 + a) / (1 - a): 19 for 0.9
    assert autocorrelation_time([ar1(a, 100_000, seed)]) == pytest.approx((1 + a) / (1 - a), rel=0.15)


def test_breaks_do_not_change_what_is_found():
    whole = ar1(0.9, 100_000, 5)
    parts = np.split(whole, [20_000, 20_001, 61_000])
    assert autocorrelation_time(parts) == pytest.approx(autocorrelation_time([whole]), rel=0.03)


def test_missing_values_do_not_change_what_is_found():
    whole = ar1(0.9, 100_000, 6)
    holes = whole.copy()
    holes[np.random.default_rng(0).random(len(holes)) < 0.3] = np.nan
    assert autocorrelation_time([holes]) == pytest.approx(autocorrelation_time([whole]), rel=0.05)


def test_a_trend_leaves_few_independent_rows():
    assert autocorrelation_time([np.arange(50.0)]) > 4


def test_a_constant_has_none():
    assert np.isnan(autocorrelation_time([np.full(50, 3.0)]))


@pytest.mark.parametrize("period", [7.3, 50.0, 433.0])
def test_the_period_of_a_sine_under_a_trend(period):
    t = np.arange(4000)
    found, share = dominant_period([np.sin(2 * np.pi * t / period) + 0.01 * t + 5])
    assert found == pytest.approx(period, rel=2e-3)
    assert share > 0.9


def test_noise_has_no_period_that_holds_power():
    assert dominant_period([np.random.default_rng(0).standard_normal(4000)])[1] < 0.05


def test_a_line_has_no_period():
    assert dominant_period([np.arange(100.0)]) == (pytest.approx(np.nan, nan_ok=True), 0.0)
