"""Dates as text: ISO 8601 read to the nanosecond, and everything else refused by line."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recurra.data import read_series
from recurra.data.stamps import dates, is_date
from recurra.errors import DataError

MOMENTS = st.lists(st.datetimes(datetime(1678, 1, 2), datetime(2261, 12, 30)), min_size=1, max_size=5)
OFFSETS = st.integers(-14 * 60, 14 * 60)


@given(MOMENTS, st.sampled_from("T "))
def test_dates_without_an_offset_as_they_stand(moments, mark):
    found, in_utc = dates("t", [moment.isoformat(mark) for moment in moments], range(len(moments)))
    np.testing.assert_array_equal(found, np.array(moments, "datetime64[ns]"))
    assert not in_utc


@given(MOMENTS, st.lists(OFFSETS, min_size=5, max_size=5))
def test_dates_with_offsets_are_the_same_moments_in_utc(moments, offsets):
    zones = [timezone(timedelta(minutes=minutes)) for minutes in offsets]
    aware = [moment.replace(tzinfo=zone) for moment, zone in zip(moments, zones, strict=False)]
    found, in_utc = dates("t", [moment.isoformat() for moment in aware], range(len(aware)))
    expected = [moment.astimezone(UTC).replace(tzinfo=None) for moment in aware]
    np.testing.assert_array_equal(found, np.array(expected, "datetime64[ns]"))
    assert in_utc


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2024-02", "2024-02-01"),
        (" 2024-02-29\t", "2024-02-29"),
        ("2024-02-29 23:59", "2024-02-29T23:59"),
        ("2024-02-29T23:59:58.123456789", "2024-02-29T23:59:58.123456789"),
        ("2024-02-29T00:30Z", "2024-02-29T00:30"),
        ("2024-02-29T00:30+01", "2024-02-28T23:30"),
        ("2024-02-29T00:30-0930", "2024-02-29T10:00"),
    ],
)
def test_ways_to_write_a_date(cell, expected):
    assert is_date(cell)
    assert dates("t", [cell], [1])[0][0] == np.datetime64(expected)


@pytest.mark.parametrize(
    "cell",
    ["2024", "01/02/2024", "2024-1-1", "2024-01-01T5", "2024-01-01T05:00:00.", "2024-01-0530", "2024-01-01Z",
     "20240101", "2024-01-01T00:00+99:99", "2024-01-01T00:00+24:00", "2024-01-01T00:00+01:60", "٢٠٢٤-01-01"],
)  # fmt: skip
def test_what_is_no_date(cell):
    assert not is_date(cell)
    with pytest.raises(DataError, match=r"line 7, column 't': .* is not an ISO 8601 date: write 2026-03-01"):
        dates("t", ["2024-01-01", cell], [6, 7])


@pytest.mark.parametrize("cell", ["2023-02-29", "2024-13-01", "2024-00", "2024-01-01T24:00", "2024-01-01T00:60Z"])
def test_dates_that_do_not_exist(cell):
    with pytest.raises(DataError, match=f"line 7, column 't': there is no such date or time as '{cell.rstrip('Z')}'"):
        dates("t", ["2024-01-01" if "Z" not in cell else "2024-01-01T00:00Z", cell], [6, 7])


@pytest.mark.parametrize("cell", ["", " ", "nan", "NaT", "null"])
def test_a_missing_date(cell):
    with pytest.raises(DataError, match="line 7, column 't': a missing time"):
        dates("t", ["2024-01-01", cell], [6, 7])


@pytest.mark.bad_input(60)
def test_a_leap_second_is_refused(read):
    with pytest.raises(DataError, match="line 3, column 't': '2016-12-31T23:59:60Z' is a leap second"):
        read("t,x\n2016-12-31T23:59:59Z,1\n2016-12-31T23:59:60Z,2\n2017-01-01T00:00:00Z,3\n")


@pytest.mark.bad_input(60)
@pytest.mark.parametrize("date", ["2262-01-01", "1677-12-31", "9999-12-31T23:59:59Z", "0001-01-01"])
def test_years_that_nanoseconds_cannot_hold_are_refused(read, date):
    with pytest.raises(DataError, match=f"line 2, column 't': the year of '{date}' is not in 1678 to 2261"):
        read(f"t,x\n{date},1\n")


@pytest.mark.bad_input(60)
def test_years_that_would_wrap_around_are_refused_in_arrays_too(tmp_path):
    times = np.array(["2261-12-31", "2262-01-01", "2300-01-02"], "datetime64[D]")
    np.savez(tmp_path / "a.npz", values=np.arange(3.0), times=times)
    with pytest.raises(DataError, match="2 dates lie outside the years 1678 to 2261, the first is 2262-01-01"):
        read_series(tmp_path / "a.npz")


def test_the_first_that_differs_is_named():
    with pytest.raises(
        DataError, match=r"line 9, column 't': times with and without a zone are mixed \(2 of 3 have none"
    ):
        dates("t", ["2024-01-01T00:00", "2024-01-01T01:00", "2024-01-01T02:00Z"], [7, 8, 9])
