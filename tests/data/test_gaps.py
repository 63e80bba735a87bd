"""Missing values and rows: refused with their count and place, or treated as asked and counted in the provenance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recurra.data.assemble import assemble
from recurra.data.columns import Parts
from recurra.data.gaps import hold, runs
from recurra.data.policies import Policies
from recurra.errors import DataError, RecurraWarning

NAN = float("nan")
HOLES = "t,x,v\n0,1,2\n1,,4\n2,,6\n3,7,\n4,9,10\n"  # on the lines x = 1 + 2 t and v = 2 + 2 t
JUMP = "t,x\n0,1\n1,3\n2,5\n6,13\n7,15\n"  # on the line x = 1 + 2 t
COLUMN = st.lists(st.floats(-9, 9) | st.just(NAN), min_size=1, max_size=30)


# --- values that are missing


@pytest.mark.bad_input(1)
def test_missing_values_are_refused_with_count_first_line_and_columns(read):
    told = "3 missing values, the first in line 3, column 'x'; by column: 'x' 2, 'v' 1; at most 2 in a row"
    with pytest.raises(DataError, match=rf"{told}.*'split'.*'interpolate:2'.*'mask'"):
        read(HOLES)


@pytest.mark.bad_input(1)
def test_split_leaves_the_rows_out_and_breaks_the_series_there(read):
    series = read(HOLES, gaps="split")
    np.testing.assert_array_equal(series.values, [[1, 2], [9, 10]])
    assert (series.times.tolist(), series.breaks) == ([0, 4], (1,))
    assert series.provenance["gaps"] == {"policy": "split", "values": 3, "rows": 3, "longest": 2}


@pytest.mark.bad_input(1)
def test_interpolated_values_lie_on_straight_lines_and_are_counted(read):
    with pytest.warns(RecurraWarning, match="3 missing values are interpolated, the first in line 3, column 'x'"):
        series = read(HOLES, gaps="interpolate:2")
    t = np.arange(5.0)
    np.testing.assert_allclose(series.values, np.column_stack([1 + 2 * t, 2 + 2 * t]), rtol=1e-15)
    assert series.provenance["gaps"] == {"policy": "interpolate:2", "values": 3, "rows": 3, "longest": 2}


@pytest.mark.bad_input(1)
def test_mask_declares_them_missing(read):
    series = read(HOLES, gaps="mask")
    np.testing.assert_array_equal(series.mask, [[1, 1], [0, 1], [0, 1], [1, 0], [1, 1]])
    np.testing.assert_array_equal(series.values[series.mask], [1, 2, 4, 6, 7, 9, 10])
    assert series.provenance["gaps"] == {"policy": "mask", "values": 3, "rows": 3, "longest": 2}


@pytest.mark.parametrize("gaps", ["refuse", "split", "interpolate:3", "mask"])
def test_complete_data_are_left_alone(read, gaps):
    series = read("t,x\n0,1\n1,2\n", gaps=gaps)
    assert (series.values[:, 0].tolist(), series.mask, series.breaks) == ([1, 2], None, ())
    assert "gaps" not in series.provenance


def test_longer_stretches_are_not_interpolated(read):
    told = "2 values in a row are missing in column 'x', the first in line 3; `gaps='interpolate:1'` fills at most 1"
    with pytest.raises(DataError, match=told):
        read(HOLES, gaps="interpolate:1")


@pytest.mark.parametrize(
    ("cells", "place"),
    [("1,1 2,2 3, 4, 5,", "column 'v' is missing at an end, in line 4"),
     ("1,1 ,2 3,3 4,4 ,5", "column 'x' is missing at an end, in line 6"),
     (",1 2,2 3,3", "column 'x' is missing at an end, in line 2")],
)  # fmt: skip
def test_an_end_is_not_interpolated(read, cells, place):
    with pytest.raises(DataError, match=place):
        read("x,v\n" + cells.replace(" ", "\n"), gaps="interpolate:9")


def test_nothing_is_interpolated_over_a_break(read):
    text = "t,x\n0,1\n1,2\n2,\n4.5,5\n5.5,6\n6.5,7\n"  # a jump of 2.5 steps: no whole number of rows is missing
    jumps = pytest.warns(RecurraWarning, match="jumps in 1 places")
    with jumps, pytest.raises(DataError, match="column 'x' is missing at an end, in line 4"):
        read(text, gaps="interpolate:9")


def test_rows_that_all_miss_a_value_cannot_be_split(read):
    with pytest.raises(DataError, match="missing in every one of 2 rows"):
        read("x,v\n1,\n,2\n", gaps="split")


def test_a_drive_has_to_be_known(read):
    text = "t,F,x\n0,1,1\n1,,2\n2,,\n3,4,4\n"
    with pytest.raises(DataError, match="2 values of the inputs are missing, the first in line 3: a drive has to be"):
        read(text, inputs=["F"], gaps="mask")
    series = read(text, inputs=["F"], gaps="split")
    assert (series.values[:, 0].tolist(), series.inputs.values[:, 0].tolist(), series.breaks) == ([1, 4], [1, 4], (1,))
    with pytest.warns(RecurraWarning, match="'x' 1, 'F' 2"):
        series = read(text, inputs=["F"], gaps="interpolate:2")
    np.testing.assert_allclose(series.inputs.values[:, 0], [1, 2, 3, 4], rtol=1e-15)
    np.testing.assert_allclose(series.values[:, 0], [1, 2, 3, 4], rtol=1e-15)


def test_rows_without_times_keep_their_numbers_when_some_are_left_out(read):
    series = read("x\n1\nnan\nnan\n4\n5\n", gaps="split", dt=0.5)
    assert (series.times.tolist(), series.breaks, series.dt) == ([0, 1.5, 2], (1,), 0.5)


@given(COLUMN, COLUMN)
def test_split_keeps_whole_rows_and_joins_no_two_that_were_apart(first, second):
    rows = min(len(first), len(second))
    table = np.column_stack([first[:rows], second[:rows]])
    kept = [row for row in range(rows) if not np.isnan(table[row]).any()]
    if not kept:
        return
    series = assemble(Parts(values=table), Policies(gaps="split"), {})
    np.testing.assert_array_equal(series.values, table[kept])
    assert series.breaks == tuple(k for k in range(1, len(kept)) if kept[k] - kept[k - 1] > 1)


# --- rows that are missing


@pytest.mark.bad_input(18)
def test_rows_missing_in_time_are_a_break_and_a_warning(read):
    told = "column 't' jumps in 1 places, where 3 rows are missing: the most, 3, before line 5. Nothing is joined"
    with pytest.warns(RecurraWarning, match=told):
        series = read(JUMP)
    assert [part.times.tolist() for part in series.segments] == [[0, 1, 2], [6, 7]]
    assert series.provenance["breaks"] == {"count": 1, "rows_missing": 3, "longest": 3}


@pytest.mark.bad_input(18)
def test_split_asks_for_the_break_and_is_not_warned(read):
    series = read(JUMP, gaps="split")
    assert (series.breaks, series.provenance["breaks"]["rows_missing"]) == ((3,), 3)
    both = read("t,x\n0,1\n1,\n2,3\n3,4\n6,7\n", gaps="split")  # a missing value and a jump, each a break
    assert (both.times.tolist(), both.breaks) == ([0, 2, 3, 6], (1, 3))


@pytest.mark.bad_input(18)
def test_mask_puts_the_rows_in_without_values(read):
    series = read(JUMP, gaps="mask")
    np.testing.assert_array_equal(series.times, np.arange(8.0))
    np.testing.assert_array_equal(series.mask[:, 0], [1, 1, 1, 0, 0, 0, 1, 1])
    assert (series.breaks, series.provenance["gaps"]["rows"]) == ((), 3)


def test_rows_put_in_are_interpolated_on_straight_lines(read):
    with pytest.warns(RecurraWarning, match="3 missing values are interpolated, the first in the gap behind line 4"):
        series = read(JUMP, gaps="interpolate:3")
    np.testing.assert_allclose(series.values[:, 0], 1 + 2 * np.arange(8.0), rtol=1e-15)
    with pytest.raises(DataError, match="3 values in a row are missing in column 'x', the first in the gap behind"):
        read(JUMP, gaps="interpolate:2")


def test_dates_are_put_in_too(read):
    text = "time,F,x\n2024-02-26,0,1\n2024-02-27,0,2\n2024-02-28,4,2\n2024-03-01,0,3\n"
    assert read(text, gaps="split", inputs=["F"]).breaks == (3,)  # 29 February
    with pytest.warns(RecurraWarning, match="the first in the gap behind line 4, column 'x'; by column: 'x' 1, 'F' 1"):
        series = read(text, gaps="interpolate:1", inputs=["F"])
    np.testing.assert_array_equal(series.times, np.arange("2024-02-26", "2024-03-02", dtype="datetime64[D]"))
    np.testing.assert_array_equal([series.values[3, 0], series.inputs.values[3, 0]], [2.5, 2.0])


def test_a_jump_by_a_broken_number_of_steps_stays_a_break(read):
    text = "t,x\n0,1\n1,2\n3,4\n4,5\n6.6,7\n7.6,8\n"
    with pytest.warns(RecurraWarning, match="jumps in 1 places, where 2 rows are missing: the most, 2, before line 6"):
        series = read(text, gaps="mask")
    assert (series.times.tolist(), series.breaks) == ([0, 1, 2, 3, 4, 6.6, 7.6], (5,))
    np.testing.assert_array_equal(series.values[:, 0], [1, 2, NAN, 4, 5, 7, 8])


def test_too_many_rows_are_not_put_in(read):
    told = r"97 rows are missing between 4 rows, the most before line 4 \(97\): too many to put in"
    with pytest.raises(DataError, match=told):
        read("t,x\n0,1\n1,2\n99,3\n100,4\n", gaps="mask")


@given(st.sets(st.integers(2, 57), max_size=15), st.booleans())
def test_removed_rows_come_back_in_their_places(gone, interpolate):
    t = np.arange(60)
    kept = np.setdiff1d(t, list(gone))
    parts = Parts(values=3.0 * kept - 1.0, times=0.25 * kept)
    if interpolate and gone:
        with pytest.warns(RecurraWarning, match=f"{len(gone)} missing values are interpolated"):
            series = assemble(parts, Policies(gaps="interpolate:99"), {})
        np.testing.assert_allclose(series.values[:, 0], 3.0 * t - 1.0, rtol=1e-14)
    else:
        series = assemble(parts, Policies(gaps="mask"), {})
        np.testing.assert_array_equal(series.observed[:, 0], ~np.isin(t, list(gone)))
        np.testing.assert_array_equal(series.values[kept, 0], 3.0 * kept - 1.0)
    np.testing.assert_allclose(series.times, 0.25 * t, rtol=1e-15)
    assert series.breaks == ()


# --- the parts


@given(st.lists(COLUMN, min_size=1, max_size=3))
def test_hold_repeats_the_last_value_that_was_seen(columns):
    table = np.column_stack([column[: min(map(len, columns))] for column in columns])
    held = hold(table)
    for column, ours in zip(table.T, held.T, strict=True):
        last = 0.0
        for value, found in zip(column, ours, strict=True):
            last = last if np.isnan(value) else value
            assert found == last
    assert held is table or np.isnan(table).any()


@given(st.lists(st.booleans(), max_size=40))
def test_runs_write_the_flags_anew(flags):
    starts, lengths = runs(np.array(flags, bool))
    again = np.zeros(len(flags), bool)
    for start, length in zip(starts, lengths, strict=True):
        assert start == 0 or not flags[start - 1]
        again[start : start + length] = True
    assert again.tolist() == flags
