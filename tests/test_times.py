"""The times of a `Series`: given or made, uniform to rounding, in seconds or as dates."""

import math

import numpy as np
import pytest

from recurra.errors import DataError
from recurra.series import Series
from recurra.times import time_grid


def test_dt_makes_the_times():
    np.testing.assert_allclose(Series(np.zeros(4), dt=0.1).times, [0.0, 0.1, 0.2, 0.3], rtol=1e-15)


def test_times_make_dt():
    series = Series(np.ones(10), times=100 + 0.5 * np.arange(10))
    assert series.dt == 0.5
    assert series.next_time == 105.0


def test_dates_have_dt_in_seconds():
    dates = np.array(["2024-02-28", "2024-02-29", "2024-03-01"], dtype="M8[D]")
    series = Series(np.zeros(3), times=dates)
    assert series.dt == 86400.0
    assert series.times.dtype == "M8[ns]"
    assert series.next_time == np.datetime64("2024-03-02")


@pytest.mark.parametrize("times", [[0, 1, 2], np.array([0, 1, 2], ">f8"), np.array([0, 1, 2], np.uint8)])
def test_numeric_times_become_native_float64(times):
    assert Series(np.zeros(3), times=times).times.dtype == np.dtype("=f8")


@pytest.mark.parametrize(
    ("times", "told"),
    [
        (np.array([0, 1, 2], np.float32), "float32"),
        ([0.0, 1.0], r"shape \(2,\) for 3 rows"),
        ([0.0, math.nan, 2.0], "1 of 3 times are not finite, the first in row 1"),
        (
            np.array(["2020-01-01", "NaT", "2020-01-03"], "M8[D]"),
            "1 of 3 times are not finite, the first in row 1",
        ),
        ([0.0, 1.0, 1.0], r"1 duplicate times, the first in row 2 \(1\.0\)"),
        ([2.0, 1.0, 0.0], r"backwards in 2 rows, first in row 1 \(2\.0 -> 1\.0\)"),
        (["a", "b", "c"], "<U1"),
        (np.array(["3000-01-01", "3000-01-02", "3000-01-03"], "M8[D]"), "3 dates lie outside"),
        (np.array(["1500-01-01", "2000-01-02", "2000-01-03"], "M8[D]"), "1 dates lie outside .* 1500-01-01"),
    ],
)
def test_times_are_refused(times, told):
    with pytest.raises(DataError, match=told):
        Series(np.zeros(3), times=times)


def test_a_gap_in_time_is_found_where_it_is():
    times = np.r_[np.arange(50.0), np.arange(53.0, 100.0)]
    with pytest.raises(DataError, match=r"steps from 1 to 4, expected 1; the first of 1 rows .* is row 50"):
        Series(np.zeros(len(times)), times=times)


def test_times_rounded_in_a_file_are_uniform():
    times = np.round(np.arange(1000) / 3, 4)
    assert Series(np.zeros(1000), times=times).dt == pytest.approx(1 / 3, rel=1e-6)


def test_large_offsets_of_time_are_uniform():
    times = 2_460_000.5 + np.arange(100) / 86400  # Julian dates every second: float64 resolves 5e-10 d
    assert Series(np.zeros(100), times=times).dt == pytest.approx(1 / 86400, rel=1e-4)


def test_dt_that_contradicts_the_times_is_refused():
    with pytest.raises(DataError, match=r"not uniform: steps from 1 to 1, expected 0\.5"):
        Series(np.zeros(3), times=[0, 1, 2], dt=0.5)


@pytest.mark.parametrize("dt", [0.0, -1.0, math.nan, math.inf])
def test_dt_must_be_positive(dt):
    with pytest.raises(DataError, match="dt"):
        Series(np.zeros(3), dt=dt)


def test_time_grid_of_dates_does_not_drift():
    start = np.datetime64("2020-01-01")
    grid = time_grid(start, 0.1, 864_001)
    assert grid[-1] == np.datetime64("2020-01-02")
