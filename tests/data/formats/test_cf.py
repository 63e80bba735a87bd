"""Times and physical values of the CF conventions, against cftime and xarray."""

import cftime
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from recurra.data.formats.cf import decoded_times, is_time, physical
from recurra.errors import DataError

PER_DAY = {"seconds": 86400, "minutes": 1440, "hours": 24, "days": 1}


@given(
    st.sampled_from(sorted(PER_DAY)),
    st.sampled_from(["standard", "gregorian", "proleptic_gregorian"]),
    st.integers(2, 2200),
    st.integers(1, 12),
    st.integers(1, 28),
    st.integers(0, 23),
    st.integers(-14, 14),
    st.integers(700_000, 750_000),
)
def test_dates_of_the_civil_calendars(unit, calendar, year, month, day, hour, zone, days):
    units = f"{unit} since {year:04d}-{month:02d}-{day:02d} {hour:02d}:30:00 {zone:+03d}:00"
    count = (days - 365 * year) * PER_DAY[unit] + np.arange(3)
    dates, said = decoded_times("time", count, {"units": units, "calendar": calendar})
    expected = [np.datetime64(date.isoformat(), "ns") for date in cftime.num2date(count, units, calendar)]
    np.testing.assert_array_equal(dates, np.array(expected))
    assert said == {"calendar": calendar, "zone": "UTC"}


@given(st.sampled_from(["noleap", "365_day", "all_leap", "360_day", "julian"]), st.sampled_from(sorted(PER_DAY)))
def test_a_calendar_of_a_model_keeps_its_days(calendar, unit):
    """Row 20: model days, with the calendar kept; cftime's dates are that many days apart."""
    count = np.arange(0, 2000, 250) * PER_DAY[unit]
    units = f"{unit} since 1850-01-01"
    days, said = decoded_times("time", count, {"units": units, "calendar": calendar})
    assert said == {"calendar": calendar, "time_since": "1850-01-01", "time_unit": "d"}
    dates = cftime.num2date(count, units, calendar)
    np.testing.assert_array_equal(days, [(date - dates[0]).total_seconds() / 86400 for date in dates])


def test_months_of_thirty_days_and_the_year_zero():
    days, _ = decoded_times("t", np.arange(3), {"units": "months since 1850-01-01", "calendar": "360_day"})
    np.testing.assert_array_equal(days, [0.0, 30.0, 60.0])
    days, said = decoded_times("t", np.arange(3.0), {"units": "days since 0000-01-01"})
    np.testing.assert_array_equal(days, [0.0, 1.0, 2.0])
    assert said["time_since"] == "0000-01-01"
    far, _ = decoded_times("t", np.array([0.0, 1e6]), {"units": "days since 2000-01-01"})  # to the year 4737
    np.testing.assert_array_equal(far, [0.0, 1e6])


def test_floats_are_rounded_to_what_they_resolve():
    thirds = 70_000 + np.arange(7) / 3
    dates, _ = decoded_times("t", thirds, {"units": "days since 1800-01-01"})
    np.testing.assert_array_equal(np.diff(dates), np.full(6, np.timedelta64(8, "h")))
    dates, _ = decoded_times("t", 1.6e9 + np.arange(4) / 10, {"units": "seconds since 1970-01-01"})
    np.testing.assert_array_equal(np.diff(dates), np.full(3, np.timedelta64(100, "ms")))
    dates, _ = decoded_times("t", np.array([1e-9, 3e-9]), {"units": "seconds since 2000-01-01"})
    assert dates[1] - dates[0] == np.timedelta64(2, "ns")


@pytest.mark.parametrize(
    ("units", "told"),
    [
        ("years since 2000-01-01", "'years', which has no fixed length"),
        ("fortnights since 2000-01-01", "'fortnights'"),
        ("days since 2001-02-29", "no such date"),
        ("days since 1500-02-30", "no such date"),
        ("days since 2001-13-01", "no such date"),
        ("days since yesterday", "'yesterday' is no date"),
    ],
)
def test_units_that_mean_nothing_certain(units, told):
    with pytest.raises(DataError, match=told):
        decoded_times("time", np.arange(2), {"units": units})


def test_missing_times_are_refused():
    with pytest.raises(DataError, match="missing values"):
        decoded_times("time", np.array([0.0, -999]), {"units": "days since 2000-01-01", "_FillValue": -999.0})


def test_a_unit_without_a_date_is_kept():
    times, said = decoded_times("t", np.arange(3), {"units": "ms"})
    np.testing.assert_array_equal(times, [0, 1, 2])
    assert said == {"time_unit": "ms"}
    assert is_time({"units": "hours since 1-1-1"})
    assert is_time({"axis": "T"})
    assert is_time({"standard_name": b"time"})
    assert not is_time({"units": "m s-1"})


@given(
    st.sampled_from(["i2", ">i2", "i1", "u1", "f4", "f8"]),
    st.sampled_from([{}, {"scale_factor": 0.5}, {"scale_factor": 0.01, "add_offset": 273.15}, {"add_offset": -3.0}]),
    st.sampled_from([None, 7, -1]),
    st.booleans(),
)
def test_packed_values_as_xarray_unpacks_them(dtype, packing, fill, unsigned):
    stored = np.array([0, 1, 7, 100], dtype) - (0 if dtype == "u1" else np.array(1, dtype))
    attributes = {**packing, **({"_FillValue": np.array(fill).astype(dtype)[()]} if fill is not None else {})}
    if unsigned and np.dtype(dtype).kind == "i":
        attributes["_Unsigned"] = "true"
    expected = xr.decode_cf(xr.Dataset({"x": ("n", stored, attributes)}))["x"].values
    np.testing.assert_allclose(physical(stored, attributes).astype(np.float64), expected, rtol=1e-6)


@pytest.mark.parametrize(
    "stored", [np.array([0.0, 1e30]), np.array([0, 2**64 - 1], np.uint64), np.array([-1e300, 0.0])]
)
def test_counts_beyond_all_dates_stay_numbers(stored):
    times, said = decoded_times("t", stored, {"units": "days since 2000-01-01"})
    np.testing.assert_array_equal(times, stored.astype(np.float64))
    assert (said["time_since"], said["time_unit"]) == ("2000-01-01", "d")
