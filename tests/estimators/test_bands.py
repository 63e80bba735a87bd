"""Bands cover what they claim, whatever the errors are like."""

import numpy as np
import pytest

from recurra import Series
from recurra.errors import ConfigError, DataError
from recurra.estimators.bands import Bands
from recurra.estimators.baselines import Persistence


@pytest.mark.parametrize(("count", "level", "rank"), [(19, 0.9, 18), (99, 0.9, 90), (20, 0.9, 19), (4, 0.8, 4)])
def test_the_half_width_is_the_error_of_the_rank_that_the_paper_gives(count, level, rank):
    errors = np.random.default_rng(0).standard_cauchy((count, 3, 2))
    bands = Bands.calibrate(errors, np.zeros_like(errors), level)
    for k, c in np.ndindex(3, 2):
        assert bands.half_width[k, c] == sorted(abs(errors[:, k, c]))[rank - 1]


@pytest.mark.parametrize("draw", ["standard_normal", "standard_cauchy", "standard_exponential"])
def test_a_new_series_is_within_with_the_probability_rank_over_n_plus_1(draw):
    """Of n + 1 exchangeable errors the new one has every rank alike: P(covered) = ceil((n + 1) level) / (n + 1)."""
    errors = getattr(np.random.default_rng(1), draw)((5000, 25, 1))  # 24 to calibrate, the last is new
    covered = [
        Bands.calibrate(e[:24, :, None], np.zeros((24, 1, 1))).coverage(e[24:, :, None], np.zeros((1, 1, 1)))[0, 0]
        for e in errors
    ]
    assert np.mean(covered) == pytest.approx(23 / 25, abs=3 * np.sqrt(0.92 * 0.08 / 5000))


def test_bands_of_a_model_are_those_of_its_closed_loop_errors():
    rng = np.random.default_rng(2)
    parts = [Series(np.cumsum(rng.standard_normal((30, 2)), axis=0)) for _ in range(40)]
    model = Persistence().fit(np.cumsum(rng.standard_normal((50, 2)), axis=0))
    bands = Bands.of(model, parts, steps=5, known=10, level=0.8)
    errors = np.array([np.abs(part.values[10:15] - part.values[9]) for part in parts])
    np.testing.assert_allclose(bands.half_width, np.sort(errors, axis=0)[32], rtol=1e-12)  # ceil(41 * 0.8) = 33
    forecast = model.forecast(5, parts[0][:10])
    low, high = bands.around(forecast)
    np.testing.assert_allclose(high.values - low.values, 2 * bands.half_width, rtol=1e-9)
    assert (low.times == forecast.times).all()


def test_bands_that_cannot_be_are_refused():
    errors = np.ones((8, 1, 1))
    with pytest.raises(DataError, match="calibrate on at least 9 series"):
        Bands.calibrate(errors, 0 * errors)
    with pytest.raises(ConfigError, match="`level`"):
        Bands.calibrate(errors, 0 * errors, level=90)
    with pytest.raises(DataError, match="`forecast` has the shape"):
        Bands.calibrate(errors, np.ones((8, 2, 1)))
    with pytest.raises(DataError, match="1 of 1 calibration series"):
        Bands.of(Persistence(), [Series(np.arange(5.0))], steps=4, known=3)


def test_rows_that_were_trained_on_calibrate_nothing():
    rng = np.random.default_rng(3)
    parts = [Series(np.cumsum(rng.standard_normal((20, 1)), axis=0)) for _ in range(30)]
    model = Persistence().fit(parts[:15])
    with pytest.raises(ConfigError, match="the calibration series were trained on"):
        Bands.of(model, parts[10:], steps=3, known=5, level=0.5)
    assert Bands.of(model, parts[15:], steps=3, known=5, level=0.5).half_width.shape == (3, 1)


def test_a_shorter_forecast_is_covered_by_the_first_of_the_bands_and_another_shape_by_none():
    bands = Bands(np.array([[1.0], [2.0], [3.0]]), 0.9, 20)
    errors = np.array([[[0.5], [2.5]], [[1.5], [1.5]]])
    np.testing.assert_array_equal(bands.coverage(errors, 0 * errors), [[0.5], [0.5]])
    with pytest.raises(DataError, match="the bands are for"):
        bands.coverage(np.ones((4, 1, 2)), np.zeros((4, 1, 2)))
