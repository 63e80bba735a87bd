"""The time axis: counts since 1970, years, times that repeat or fall back, and times that float32 has merged."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recurra.data import read_series
from recurra.data.assemble import assemble
from recurra.data.columns import Parts
from recurra.data.policies import Policies
from recurra.errors import ConfigError, DataError, RecurraWarning

PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
NOON = int(datetime(2024, 2, 29, 12, tzinfo=UTC).timestamp())


def column(times):
    return "t,x\n" + "".join(f"{time},{row}\n" for row, time in enumerate(times))


# --- counts since 1970


@pytest.mark.bad_input(22)
@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_counts_since_1970_need_their_unit(read, unit):
    text = column([(NOON + second) * PER_SECOND[unit] for second in range(3)])
    with pytest.raises(ConfigError, match=f"give `time_unit`. The first is .*'{unit}' 2024-02-29T12:00:00"):
        read(text)


@pytest.mark.bad_input(22)
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_counts_with_their_unit_are_dates(read, unit):
    series = read(column([(NOON + second) * PER_SECOND[unit] for second in range(3)]), time_unit=unit)
    np.testing.assert_array_equal(series.times, np.datetime64("2024-02-29T12:00") + np.arange(3).astype("m8[s]"))
    assert (series.dt, series.provenance["counted_in"], series.provenance["zone"]) == (1.0, unit, "UTC")


@pytest.mark.bad_input(22)
def test_counts_in_the_wrong_unit_leave_the_calendar(read):
    with pytest.raises(DataError, match=r"reaches 1\.7\d+e\+15 ms since 1970, outside the years 1678 to 2261"):
        read(column([NOON * 10**6, NOON * 10**6 + 1]), time_unit="ms")
    with pytest.raises(DataError, match=r"reaches -1\.7\d+e\+15 ms since 1970"):
        read(column([-NOON * 10**6, -NOON * 10**6 + 1]), time_unit="ms")


@given(st.integers(200_000_000, 4_000_000_000), st.integers(1, 999), st.sampled_from(["ms", "us", "ns"]))
def test_nanoseconds_are_exact_where_float64_is_not(second, step, unit):
    counts = second * PER_SECOND[unit] + step * np.arange(3)
    series = assemble(Parts(values=np.arange(3.0), times=counts), Policies(time_unit=unit), {})
    found = [int(time.astype(np.int64)) for time in series.times]
    assert found == [int(count) * (10**9 // PER_SECOND[unit]) for count in counts]


@pytest.mark.parametrize("start", [1709208000.1, 1709208000.0625, 315532800.25])
def test_fractions_of_seconds_are_as_exact_as_they_resolve(read, start):
    digits = len(repr(start).split(".")[1])
    series = read(column([start, start + 1]), time_unit="s")
    expected = datetime.fromtimestamp(int(start), UTC).replace(tzinfo=None)
    assert series.times[0] == np.datetime64(expected, "ns") + round(start % 1, digits) * np.timedelta64(10**9, "ns")


def test_the_unit_may_stand_in_the_header(read):
    series = read(column([NOON * 1000, NOON * 1000 + 20]).replace("t,", "t [ms],"))
    assert series.times[0] == np.datetime64("2024-02-29T12:00")
    assert series.dt == 0.02
    with pytest.raises(ConfigError, match="`time_unit` is 'us', and the file says 'ms'"):
        read("t [ms],x\n0,1\n1,2\n", time_unit="us")


def test_small_numbers_with_a_unit_stay_numbers(read):
    series = read("t,x\n0,1\n5,2\n", time_unit="ms")
    assert (series.times.tolist(), series.dt, series.provenance["time_unit"]) == ([0, 5], 5, "ms")


@pytest.mark.parametrize(
    ("first", "options", "told"),
    [("2024-01-01", {"time_unit": "s"}, "`time_unit='s'` is for numbers, column 't' holds dates"),
     ("2024-01-01Z", {}, "not an ISO 8601 date"),
     ("1", {"zone": "UTC"}, "`zone='UTC'` is for dates, and column 't' holds numbers")],
)  # fmt: skip
def test_options_that_these_times_cannot_have(read, first, options, told):
    with pytest.raises(ConfigError if options else DataError, match=told):
        read(column([first]), **options)


@pytest.mark.parametrize("option", [{"sort": True}, {"duplicates": "first"}, {"resample": 0.5}, {"time_unit": "s"}])
def test_options_that_need_times(read, option):
    with pytest.raises(ConfigError, match=f"`{next(iter(option))}` needs times, and there are none"):
        read("x\n1\n2\n", **option)


# --- times that repeat or fall back

TWICE = "t,x,v\n0,1,\n0,3,4\n1,5,6\n2,7,8\n2,,\n2,9,\n"


@pytest.mark.bad_input(15)
def test_repeated_times_are_refused_with_count_and_line(read):
    told = r"3 duplicate times in column 't', the first in line 3 \(0\.0, as in line 2\): `duplicates='first'`"
    with pytest.raises(DataError, match=told):
        read(TWICE)


@pytest.mark.bad_input(15)
def test_the_first_row_or_the_mean_of_repeated_times(read):
    first = read(TWICE, duplicates="first", gaps="mask")
    np.testing.assert_array_equal(first.values, [[1, np.nan], [5, 6], [7, 8]])
    mean = read(TWICE, duplicates="mean")
    np.testing.assert_array_equal(mean.values, [[2, 4], [5, 6], [8, 8]])
    assert mean.times.tolist() == [0, 1, 2]
    assert mean.provenance["duplicates"] == {"policy": "mean", "rows": 3}


def test_a_mean_of_nothing_stays_missing(read):
    with pytest.raises(DataError, match="1 missing values, the first in line 3, column 'x'"):
        read("t,x\n0,1\n1,\n1,\n2,3\n", duplicates="mean")


@pytest.mark.bad_input(16)
def test_descending_times_are_refused_and_sorted_when_asked(read):
    with pytest.raises(DataError, match=r"runs backwards in 2 rows of column 't', first in line 3 \(3\.0 -> 2\.0\)"):
        read(column([3, 2, 1]))
    series = read(column([3, 2, 1]), sort=True)
    assert (series.times.tolist(), series.values[:, 0].tolist()) == ([1, 2, 3], [2, 1, 0])
    assert series.provenance["sorted"] == {"falling": 2}


@pytest.mark.bad_input(16)
def test_dates_out_of_order_name_both(read):
    text = column(["2024-01-02", "2024-01-01", "2024-01-03"])
    told = r"1 rows .* in line 3 \(2024-01-02 -> 2024-01-01\).*`zone` if a clock was put back"
    with pytest.raises(DataError, match=told):
        read(text)
    assert read(text, sort=True).values[:, 0].tolist() == [1, 0, 2]


def test_sorting_finds_repetitions_that_stood_apart(read):
    with pytest.raises(DataError, match=r"1 duplicate times in column 't', the first in line 5 \(3\.0, as in line 3\)"):
        read(column([1, 3, 2, 3]), sort=True)


@given(st.permutations(range(12)), st.sampled_from(["first", "mean"]))
def test_any_order_is_put_right(order, policy):
    parts = Parts(values=np.array(order) ** 2.0, inputs=-np.array(order), times=np.array(order) / 4)
    series = assemble(parts, Policies(sort=True, duplicates=policy), {})
    np.testing.assert_array_equal(series.values[:, 0], np.arange(12.0) ** 2)
    np.testing.assert_array_equal(series.inputs.values[:, 0], -np.arange(12.0))
    np.testing.assert_array_equal(series.times, np.arange(12) / 4)


# --- times that a file has spoilt


def julian(rows=100):
    return 2451545.0 + np.arange(rows) / 24


@pytest.mark.bad_input(21)
def test_hours_in_julian_dates_of_float32_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", values=np.arange(100.0), times=julian().astype(np.float32))
    told = r"'times' is float32, and times need float64 \(100 rows have 17 distinct times\)"
    with pytest.raises(DataError, match=told):
        read_series(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", values=np.arange(3.0), times=np.arange(3, dtype=np.float32))
    with pytest.raises(DataError, match="is float32, and times need float64"):
        read_series(tmp_path / "b.npz")


@pytest.mark.bad_input(21)
def test_a_text_of_float32_times_is_recognised(read):
    text = column([float(time) for time in julian().astype(np.float32)])
    with pytest.raises(DataError, match=r"83 duplicate times .* the first in line 3 .*All of them fit float32"):
        read(text)
    with pytest.raises(DataError) as caught:
        read(column([100_000, 100_001, 100_001]))  # whole numbers that float32 holds and counts
    assert "fit float32" not in str(caught.value)


@pytest.mark.bad_input(21)
def test_hours_in_julian_dates_of_float64_are_uniform(read):
    for digits in (6, 9):
        series = read(column([f"{time:.{digits}f}" for time in julian()]))
        assert series.dt == pytest.approx(1 / 24, rel=1e-6)
        np.testing.assert_allclose(series.times, julian(), atol=10.0**-digits)
        assert series.breaks == ()


@pytest.mark.parametrize(
    ("times", "told"),
    [
        (np.array(["a", "b", "c"]), "column 'times' must hold numbers or dates, got dtype <U1"),
        (np.array([True, False, True]), "must hold numbers or dates, got dtype bool"),
        (np.array([1.0, 2.0]), r"column 'times' has shape \(2,\) for 3 rows of values"),
        (np.array([1.0, np.inf, np.nan]), "2 missing or infinite times, the first in row 1, column 'times'"),
        (np.array(["2024-01-01", "NaT", "2024-01-03"], "M8[D]"), "1 missing or infinite times, the first in row 1"),
    ],
)
def test_arrays_that_are_no_times(tmp_path, times, told):
    np.savez(tmp_path / "a.npz", values=np.arange(3.0), times=times)
    with pytest.raises(DataError, match=told):
        read_series(tmp_path / "a.npz")


# --- months and years


@pytest.mark.parametrize(
    ("dates", "years"),
    [
        (["2000-11", "2000-12", "2001-01", "2001-02"], [2000 + 10 / 12, 2000 + 11 / 12, 2001, 2001 + 1 / 12]),
        (["1999-12-15", "2000-01-15", "2000-02-15"], [1999 + 11 / 12, 2000, 2000 + 1 / 12]),
        (["2000-01-31", "2000-02-29", "2000-03-31", "2000-04-30"], [2000, 2000 + 1 / 12, 2000 + 2 / 12, 2000 + 3 / 12]),
        (["1950-01-01", "1950-04-01", "1950-07-01"], [1950, 1950.25, 1950.5]),
        (["1969-07-01", "1970-07-01", "1971-07-01"], [1969.5, 1970.5, 1971.5]),
    ],
)
def test_whole_months_become_years(read, dates, years):
    series = read(column(dates))
    np.testing.assert_allclose(series.times, years, rtol=1e-15)
    assert series.dt == pytest.approx(years[1] - years[0])
    assert series.provenance["time_unit"] == "yr"
    assert "read as years" in series.provenance["notes"][0]


def test_a_missing_month_is_one_row(read):
    with pytest.warns(RecurraWarning, match="jumps in 1 places, where 1 rows are missing: the most, 1, before line 5"):
        series = read(column(["2000-01", "2000-02", "2000-03", "2000-05", "2000-06"]))
    assert [len(part) for part in series.segments] == [3, 2]


@pytest.mark.parametrize("step", [7, 28, 30])
def test_other_steps_stay_dates(read, step):
    series = read(column(np.datetime64("2000-01-31") + step * np.arange(5)))
    assert (series.times.dtype.kind, series.dt) == ("M", step * 86400)


def test_numbers_are_years_by_the_name_of_their_column(read):
    assert read("year,x\n2000.5,1\n2001.5,2\n", time="year").provenance["time_unit"] == "yr"
    assert read("date,x\n2000,1\n2001,2\n").provenance["time_unit"] == "yr"
    assert "time_unit" not in read("date,x\n0,1\n1,2\n").provenance
