"""Local times to UTC against zoneinfo: the hour that is skipped, the hour that is doubled, and dates without a zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from recurra.data.assemble import assemble
from recurra.data.columns import Parts
from recurra.data.policies import Policies
from recurra.errors import ConfigError, DataError

ZONES = ["Europe/Oslo", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns", "UTC"]


def column(times):
    return "t,x\n" + "".join(f"{time},{row}\n" for row, time in enumerate(times))


def around(change, minutes=10, hours=3):
    """Moments in UTC before and after a change of clocks, and how they are called in Oslo."""
    middle, steps = datetime.fromisoformat(change).replace(tzinfo=UTC), hours * 60 // minutes
    moments = [middle + timedelta(minutes=minutes * step) for step in range(-steps, steps)]
    local = [moment.astimezone(ZoneInfo("Europe/Oslo")).strftime("%Y-%m-%dT%H:%M") for moment in moments]
    return np.array([moment.replace(tzinfo=None) for moment in moments], "datetime64[ns]"), local


SPRING, AUTUMN = "2024-03-31T01:00", "2024-10-27T01:00"  # in UTC


@pytest.mark.bad_input(19)
@pytest.mark.parametrize(("change", "told"), [(SPRING, "forward"), (AUTUMN, "back")])
@pytest.mark.parametrize("minutes", [1, 10, 60])
def test_a_jump_of_the_clock_needs_a_zone(read, change, told, minutes):
    _, local = around(change, minutes)
    line = len(local) // 2 + 2
    with pytest.raises(DataError, match=f"no zone and jump as where clocks are put {told} .* in line {line}"):
        read(column(local))


@pytest.mark.bad_input(19)
@pytest.mark.parametrize("change", [SPRING, AUTUMN])
@pytest.mark.parametrize("minutes", [1, 10, 60])
def test_with_its_zone_time_runs_on_through_the_change(read, change, minutes):
    moments, local = around(change, minutes)
    series = read(column(local), zone="Europe/Oslo")
    np.testing.assert_array_equal(series.times, moments)
    assert (series.dt, series.breaks) == (60 * minutes, ())
    assert (series.provenance["zone"], series.provenance["zone_of_file"]) == ("UTC", "Europe/Oslo")


def test_a_time_that_was_skipped(read):
    text = column(["2024-03-31T01:30", "2024-03-31T02:00", "2024-03-31T02:30", "2024-03-31T03:00"])
    told = r"2 times do not exist in Europe/Oslo, the first in line 3 \(2024-03-31 02:00:00\)"
    with pytest.raises(DataError, match=told):
        read(text, zone="Europe/Oslo")


def test_a_doubled_hour_that_comes_once(read):
    text = column([f"2024-10-27T{time}" for time in ("01:30", "02:00", "02:30", "03:00")])
    told = "2024-10-27 02:00:00 in line 3 comes twice in Europe/Oslo.* the order of 2 rows does not tell"
    with pytest.raises(DataError, match=told):
        read(text, zone="Europe/Oslo")


def test_utc_has_no_change(read):
    for zone in ("UTC", "utc", "Z"):
        series = read(column(["2024-03-31T01:00", "2024-03-31T02:00", "2024-03-31T03:00"]), zone=zone)
        np.testing.assert_array_equal(series.times, np.arange("2024-03-31T01", "2024-03-31T04", dtype="M8[h]"))


@pytest.mark.parametrize(
    "times",
    [
        [f"2024-03-30T0{hour}:00" for hour in (0, 1, 3, 4)],  # a Saturday
        [f"2024-06-30T0{hour}:00" for hour in (0, 1, 3, 4)],  # a Sunday in June
        ["2024-03-31T05:00", "2024-03-31T06:00", "2024-03-31T08:00", "2024-03-31T09:00"],  # by day
    ],
)
def test_other_jumps_by_an_hour_are_gaps(read, times):
    assert read(column(times), gaps="split").breaks == (2,)


def test_days_are_not_clocks(read):
    assert read(column(["2024-03-30", "2024-03-31", "2024-04-01"])).dt == 86400
    assert read(column(["2024-03-31T01:00", "2024-03-31T03:00"])).dt == 7200  # two rows have no usual step


@pytest.mark.bad_input(19)
def test_times_with_and_without_a_zone_are_not_mixed(read):
    told = r"line 4, column 't': times with and without a zone are mixed \(1 of 3 have none\)"
    with pytest.raises(DataError, match=told):
        read(column(["2024-01-01T00:00Z", "2024-01-01T01:00Z", "2024-01-01T02:00"]))


@pytest.mark.bad_input(19)
def test_different_offsets_become_utc(read):
    times = ["2024-03-31T01:00+01:00", "2024-03-31T03:00+02:00", "2024-03-31T02:00Z", "2024-03-30T23:30-0330"]
    series = read(column(times))
    np.testing.assert_array_equal(series.times, np.arange("2024-03-31T00", "2024-03-31T04", dtype="M8[h]"))
    assert series.provenance["zone"] == "UTC"
    with pytest.raises(ConfigError, match="the times are in UTC already"):
        read(column(["2024-01-01T00:00Z"]), zone="Europe/Oslo")


@pytest.mark.parametrize(
    ("zone", "told"),
    [("Europe/Olso", "did you mean 'Europe/Oslo'"), ("+02:00", "give an IANA name"), ("", "give an IANA name")],
)
def test_a_zone_that_does_not_exist(read, zone, told):
    with pytest.raises(ConfigError, match=f"unknown time `zone` .*{told}") as caught:
        read(column(["2024-01-01"]), zone=zone)
    assert len(str(caught.value)) < 200


@given(st.sampled_from(ZONES), st.datetimes(datetime(1973, 1, 1), datetime(2037, 1, 1)), st.sampled_from([1, 30, 60]))
def test_local_times_and_back(name, start, minutes):
    moments = [start.replace(tzinfo=UTC) + timedelta(minutes=minutes * step) for step in range(5)]
    local = [moment.astimezone(ZoneInfo(name)).replace(tzinfo=None) for moment in moments]
    readings = [[clock.replace(fold=fold, tzinfo=ZoneInfo(name)).utcoffset() for clock in local] for fold in (0, 1)]
    assume(readings[0] == readings[1])  # a piece of a doubled hour does not tell which one it is
    parts = Parts(values=np.arange(5.0), times=np.array(local, "datetime64[us]"))
    series = assemble(parts, Policies(zone=name), {})
    np.testing.assert_array_equal(series.times, np.array([moment.replace(tzinfo=None) for moment in moments], "M8[ns]"))


@pytest.mark.parametrize("year", [1910, 1960])
def test_offsets_of_old_times_are_taken_to_the_second(read, year):
    zone = ZoneInfo("Africa/Monrovia")  # 43 min 8 s, later 44 min 30 s, behind UTC
    local = [f"{year}-05-01T00:{minute:02d}" for minute in range(3)]
    series = read(column(local), zone="Africa/Monrovia")
    first = datetime.fromisoformat(local[0]).replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)
    assert series.times[0] == np.datetime64(first)
    assert first.second != 0
