"""A `Series` with missing values and missing rows: masks, breaks, segments."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recurra.errors import DataError
from recurra.series import Series


def test_a_mask_makes_nan_of_what_was_not_measured():
    series = Series([[1.0, 2.0], [-999.0, 4.0]], mask=[[True, True], [False, True]])
    np.testing.assert_array_equal(series.values, [[1.0, 2.0], [np.nan, 4.0]])
    np.testing.assert_array_equal(series.observed, [[True, True], [False, True]])
    assert not series.mask.flags.writeable
    assert series[:1].mask.tolist() == [[True, True]]
    assert "1 values missing" in repr(series)


def test_a_mask_that_hides_nothing_is_none():
    series = Series([1.0, 2.0], mask=[True, True])
    assert series.mask is None
    assert series.observed.all()
    assert series.sha256 == Series([1.0, 2.0]).sha256


def test_masked_declares_every_nan_missing():
    series = Series([1.0, np.nan, np.inf])
    assert series.mask is None
    assert series.masked().mask.tolist() == [[True], [False], [True]]
    assert series.masked().sha256 != series.sha256


@pytest.mark.parametrize("mask", [[1, 0], [True], [[True, False]]])
def test_a_mask_of_another_shape_or_dtype_is_refused(mask):
    with pytest.raises(DataError, match="`mask` must be True or False for each of the values"):
        Series([1.0, 2.0], mask=mask)


def test_a_drive_cannot_be_masked():
    with pytest.raises(DataError, match="a drive has to be known"):
        Series([1.0, 2.0], inputs=Series([1.0, np.nan], channels=["F"]).masked())


def test_times_jump_at_a_break():
    series = Series([1.0, 2.0, 3.0, 4.0, 5.0], times=[0.0, 0.5, 1.0, 7.25, 7.75], breaks=[3])
    assert series.dt == 0.5
    assert [part.times.tolist() for part in series.segments] == [[0.0, 0.5, 1.0], [7.25, 7.75]]
    assert [part.breaks for part in series.segments] == [(), ()]
    assert series[2:].breaks == (1,)
    assert series[3:].breaks == ()
    assert series.next_time == 8.25
    assert series.sha256 != Series(series.values, dt=0.5).sha256


@given(st.data())
def test_segments_put_together_are_the_series(data):
    rows = data.draw(st.integers(2, 20))
    breaks = sorted(data.draw(st.sets(st.integers(1, rows - 1))))
    jumps = np.zeros(rows)
    jumps[breaks] = data.draw(st.integers(2, 9))
    times = 0.25 * (np.arange(rows) + np.cumsum(jumps))
    series = Series(np.arange(rows), times=times, breaks=breaks, dt=0.25, inputs=np.ones(rows))
    np.testing.assert_array_equal(np.concatenate([part.times for part in series.segments]), times)
    np.testing.assert_array_equal(np.concatenate([part.values for part in series.segments]), series.values)
    start = data.draw(st.integers(0, rows - 1))
    assert series[start:].breaks == tuple(row - start for row in breaks if row > start)


def test_a_jump_without_a_break_is_refused():
    with pytest.raises(DataError, match=r"not uniform: steps from 1 to 4, expected 1; .* row 3"):
        Series(np.arange(5), times=[0, 1, 2, 6, 7])


def test_an_uneven_segment_is_refused_by_row():
    with pytest.raises(DataError, match="row 5"):
        Series(np.arange(7), times=[0, 1, 2, 6, 7, 8.5, 9.5], breaks=[3])


@pytest.mark.parametrize("breaks", [[0], [3], [2, 1], [1, 1], [1.0]])
def test_breaks_that_cannot_be_are_refused(breaks):
    with pytest.raises(DataError, match="`breaks` must"):
        Series([1.0, 2.0, 3.0], breaks=breaks)


def test_a_stride_over_a_break_is_refused():
    series = Series(np.arange(6), times=[0, 1, 2, 6, 7, 8], breaks=[3])
    with pytest.raises(DataError, match="reaches over 1 breaks"):
        series[::2]
    assert series[:3:2].times.tolist() == [0, 2]


def test_a_masked_series_with_breaks_is_pickled_whole():
    series = Series([1.0, np.nan, 3.0], times=[0, 1, 5], breaks=[2], units=["m"]).masked()
    again = pickle.loads(pickle.dumps(series))
    assert (again.sha256, again.breaks, again.units) == (series.sha256, (2,), ("m",))
