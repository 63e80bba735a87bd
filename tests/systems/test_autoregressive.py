"""The autoregression of order one against its closed forms."""

import numpy as np
import pytest

from recurra.errors import ConfigError
from recurra.systems import Autoregressive

LONG = Autoregressive(coefficient=0.9, noise=2.0).simulate(steps=100_000, seed=1).values[:, 0]


def test_every_row_is_the_one_before_times_the_coefficient_plus_noise():
    e = (LONG[1:] - 0.9 * LONG[:-1]) / 2
    assert e.mean() == pytest.approx(0, abs=0.01)
    assert e.std() == pytest.approx(1, rel=0.01)
    assert np.corrcoef(e[1:], e[:-1])[0, 1] == pytest.approx(0, abs=0.01)


def test_variance_and_autocorrelation_are_those_of_the_stationary_series():
    assert LONG.var() == pytest.approx(4 / (1 - 0.81), rel=0.05)
    for lag in (1, 5, 10):
        assert np.corrcoef(LONG[lag:], LONG[:-lag])[0, 1] == pytest.approx(0.9**lag, abs=0.03)


def test_the_first_row_is_drawn_from_the_stationary_distribution():
    first = [Autoregressive().simulate(steps=1, seed=seed).values[0, 0] for seed in range(2000)]
    assert np.std(first) == pytest.approx(1 / np.sqrt(1 - 0.81), rel=0.06)


def test_persistence_is_worse_than_the_best_forecast_by_the_ratio_of_theory():
    ratio = np.mean(np.diff(LONG) ** 2) / np.mean((LONG[1:] - 0.9 * LONG[:-1]) ** 2)
    assert ratio == pytest.approx(2 / (1 + 0.9), abs=0.005)


def test_a_random_walk_starts_at_zero_and_its_variance_grows_as_the_steps():
    walk = Autoregressive(coefficient=1.0)
    last = [walk.simulate(steps=100, seed=seed).values[[0, 100], 0] for seed in range(2000)]
    assert np.all(np.array(last)[:, 0] == 0)
    assert np.var(np.array(last)[:, 1]) == pytest.approx(100, rel=0.1)


def test_a_longer_series_starts_with_the_same_rows_and_initial_is_kept():
    series = Autoregressive().simulate(steps=20, initial=[3.0], seed=5)
    assert series.values[0, 0] == 3.0
    longer = Autoregressive().simulate(steps=30, initial=[3.0], seed=5)
    np.testing.assert_array_equal(longer.values[:21], series.values)


@pytest.mark.parametrize("field", [{"coefficient": 1.1}, {"noise": -1.0}])
def test_what_cannot_be_is_refused(field):
    with pytest.raises(ConfigError, match=next(iter(field))):
        Autoregressive(**field)
