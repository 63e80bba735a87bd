"""Uneven times onto a uniform grid: straight lines between neighbours, exact on straight lines, never over a gap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recurra.data.assemble import assemble
from recurra.data.columns import Parts
from recurra.data.policies import Policies
from recurra.errors import ConfigError, DataError, RecurraWarning


def resampled(times, step, slopes=(2.0,), **policies):
    """Columns 1 + slope t, on the grid."""
    times = np.asarray(times)
    elapsed = (times - times[0]) / np.timedelta64(1, "s") if times.dtype.kind == "M" else times
    parts = Parts(values=1 + np.multiply.outer(elapsed, slopes), times=times)
    return assemble(parts, Policies(resample=step, **policies), {})


@pytest.mark.bad_input(17)
def test_uneven_times_are_resampled_when_asked(read):
    series = read("t,x\n0,0\n0.9,9\n2.2,22\n3,30\n4.3,43\n", resample=1)
    np.testing.assert_array_equal(series.times, [0, 1, 2, 3, 4])
    np.testing.assert_allclose(series.values[:, 0], [0, 10, 20, 30, 40], rtol=1e-14)
    said = series.provenance["resampled"]
    assert (said["step"], said["rows_before"], said["rows"], said["left_out"]) == (1.0, 5, 5, 0)
    assert said["median_step"] == pytest.approx(1.1)


@given(
    st.lists(st.floats(0.7, 1.3), min_size=3, max_size=60), st.floats(0.2, 1.0), st.floats(-100, 100), st.floats(-9, 9)
)
def test_straight_lines_stay_straight(widths, step, start, slope):
    times = start + np.concatenate([[0], np.cumsum(widths)])
    series = resampled(times, step, (slope, -1.0))
    count = int(np.floor((times[-1] - times[0]) / step * (1 + 1e-12))) + 1
    grid = start + step * np.arange(len(series))
    assert abs(len(series) - count) <= 1
    np.testing.assert_allclose(series.times, grid, atol=1e-12)
    np.testing.assert_allclose(series.values, np.column_stack([1 + slope * grid, 1 - grid]), atol=1e-9)
    assert times[-1] - grid[-1] < step * (1 + 1e-6)


def test_curves_follow_the_chords():
    times = np.array([0.0, 1.0, 1.5, 2.0, 3.0])
    values = np.array([0.0, 4.0, -2.0, 0.0, 1.0])
    series = assemble(Parts(values=values, inputs=-values, times=times), Policies(resample=0.25), {})
    expected = [0, 1, 2, 3, 4, 1, -2, -1, 0, 0.25, 0.5, 0.75, 1]
    np.testing.assert_allclose(series.values[:, 0], expected, atol=1e-14)
    np.testing.assert_allclose(series.inputs.values[:, 0], np.negative(expected), atol=1e-14)


def test_dates_are_resampled_in_seconds():
    dates = np.datetime64("2024-01-01") + np.array([0, 50, 130, 180, 240]).astype("m8[s]")
    series = resampled(dates, 60)
    np.testing.assert_array_equal(series.times, np.arange("2024-01-01T00:00", "2024-01-01T00:05", dtype="M8[m]"))
    np.testing.assert_allclose(series.values[:, 0], 1 + 2 * 60 * np.arange(5.0), rtol=1e-14)
    assert series.dt == 60


@pytest.mark.bad_input(18)
def test_nothing_is_interpolated_over_a_gap():
    times = [0, 1, 2, 3.5, 4, 9, 10, 11, 12]
    with pytest.warns(RecurraWarning, match="jumps in 1 places, where 4 rows are missing: the most, 4, before row 5"):
        series = resampled(times, 1.0)
    np.testing.assert_array_equal(series.times, [0, 1, 2, 3, 4, 9, 10, 11, 12])
    assert (series.breaks, series.provenance["resampled"]["left_out"]) == ((5,), 4)
    np.testing.assert_allclose(series.values[:, 0], 1 + 2 * series.times, rtol=1e-14)


def test_a_missing_value_is_bridged_between_near_neighbours_and_stays_missing_between_far_ones():
    nan = np.nan
    values = np.array([0.0, nan, 2.0, 3.0, nan, nan, nan, 7.0, 8.0])
    parts = Parts(values=np.column_stack([values, np.arange(9.0)]), times=np.arange(9.0))
    series = assemble(parts, Policies(resample=1.0, gaps="mask"), {})
    np.testing.assert_array_equal(series.values[:, 0], [0, 1, 2, 3, nan, nan, nan, 7, 8])
    with pytest.raises(DataError, match="3 missing values, the first in row 4, column 'c0'"):
        assemble(parts, Policies(resample=1.0), {})


def test_a_coarse_step_says_that_it_does_not_average():
    with pytest.warns(RecurraWarning, match=r"`resample=5` takes single points every 5 rows \(median step 1\)"):
        series = resampled(np.arange(21.0), 5.0)
    assert series.times.tolist() == [0, 5, 10, 15, 20]


def test_too_fine_a_step_is_refused():
    with pytest.raises(ConfigError, match=r"`resample=0\.01` would make 901 rows of 10: the median step of .* is 1"):
        resampled(np.arange(10.0), 0.01)


def test_one_row_is_refused():
    with pytest.raises(DataError, match="`resample` needs two rows or more, and there are 1"):
        resampled([3.0], 1.0)
