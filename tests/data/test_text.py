"""Text tables: exact numbers, and every bad cell refused by line, column and count."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recurra.data import read_series
from recurra.data.assemble import assemble
from recurra.data.columns import Ask
from recurra.data.policies import Policies
from recurra.data.text import parse_text
from recurra.errors import ConfigError, DataError, RecurraWarning

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
GOOD = "t,x,v\n0.0,1,2\n0.5,3,4\n1.0,5,6\n"


def parse(text, **arguments):
    return parse_text(text if isinstance(text, bytes) else text.encode(), Ask(**arguments))


def read(text, **arguments):
    """The series of a text, and not of its file: what the reader of text and the policies make of it together."""
    return assemble(parse(text, **arguments), Policies(), {})


def refused(text, **arguments):
    """The message of the refusal of a file with this text, and the check that it is one for bad data."""
    with pytest.raises(DataError) as caught:
        read(text, **arguments)
    assert caught.value.exit_code == 3
    return str(caught.value)


# --- exact


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=20), st.sampled_from(",;\t "))
def test_written_with_repr_and_read_back_to_the_bit(rows, mark):
    text = f"x{mark}v\n" + "".join(f"{x!r}{mark}{v!r}\n" for x, v in rows)
    table = parse(text).values
    np.testing.assert_array_equal(table.view(np.int64), np.array(rows).view(np.int64))


def test_a_file_of_each_kind(tmp_path):
    for suffix, mark in ((".csv", ","), (".tsv", "\t"), (".txt", "   "), (".dat", ";")):
        file = tmp_path / f"data{suffix}"
        file.write_text(GOOD.replace(",", mark))
        series = read_series(file, units=["m", "m/s"])
        np.testing.assert_array_equal(series.values, [[1, 2], [3, 4], [5, 6]])
        assert (series.dt, series.channels, series.units) == (0.5, ("x", "v"), ("m", "m/s"))


@pytest.mark.parametrize("cell", ["1", "+1", "1.", "1.0", "01", "1e0", "10E-1", ".1e+1", " 1 "])
def test_ways_to_write_one(cell):
    assert parse(f"x,y\n{cell},0\n").values[0, 0] == 1.0


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_comments_blanks_and_byte_order_mark(end):
    text = "\ufeff# made today\n\nx,v\n  # more\n1,2\n\n3,4".replace("\n", end)
    parts = parse(text)
    assert parts.channels == ("x", "v")
    np.testing.assert_array_equal(parts.values, [[1, 2], [3, 4]])


def test_no_header():
    parts = parse("1,2\n3,4\n")
    assert parts.channels == ("c0", "c1")
    assert parts.times is None
    assert parse("1,2\n3,4\n", channels=["x", "v"]).channels == ("x", "v")


def test_quotes():
    parts = parse('"speed, km/h", "t"\n"1.5", 2\n')
    assert parts.channels == ("speed, km/h", "t")
    assert parts.values.tolist() == [[1.5, 2.0]]


def test_numbers_may_be_names():
    assert parse("depth,10,20\n0,1,2\n").channels == ("depth", "10", "20")


def test_a_single_column():
    np.testing.assert_array_equal(parse("x\n1\n2\n").values, [[1.0], [2.0]])
    np.testing.assert_array_equal(parse("1\n2\n").values, [[1.0], [2.0]])


# --- time, channels, inputs


@pytest.mark.parametrize("name", ["t", "T", "time", "Time", "DATE"])
def test_a_first_column_of_that_name_is_the_time(name):
    parts = parse(GOOD.replace("t,", f"{name},"))
    assert parts.channels == ("x", "v")
    np.testing.assert_array_equal(parts.times, [0.0, 0.5, 1.0])


def test_only_the_first_column_and_only_unless_told():
    assert parse("x,t\n1,2\n").channels == ("x", "t")
    assert parse("t,x,s\n5,1,0\n5,2,1\n", time="s").channels == ("t", "x")
    assert parse("t,x\n5,1\n5,2\n", channels=["t", "x"]).times is None


def test_channels_and_inputs_by_name_in_the_order_asked():
    parts = parse("t,F,x,v\n0,9,1,2\n1,8,3,4\n", channels=["v", "x"], inputs=["F"])
    np.testing.assert_array_equal(parts.values, [[2, 1], [4, 3]])
    np.testing.assert_array_equal(parts.inputs, [[9], [8]])
    assert (parts.channels, parts.input_names) == (("v", "x"), ("F",))
    assert parse("t,F,x\n0,9,1\n", inputs=["F"]).channels == ("x",)


def test_columns_that_are_not_chosen_may_hold_anything():
    parts = parse("t,x,note\n0,1,good\n1,2,\n", channels=["x"])
    np.testing.assert_array_equal(parts.values, [[1.0], [2.0]])


@pytest.mark.parametrize(
    "arguments",
    [{"channels": ["y"]}, {"time": "y"}, {"inputs": ["y"]}, {"channels": ["x", "x"]}, {"channels": []},
     {"channels": ["x"], "inputs": ["x"]}, {"time": "x", "channels": ["x"]}, {"inputs": ["x", "v"]}],
)  # fmt: skip
def test_names_that_do_not_fit(arguments):
    with pytest.raises(ConfigError, match=r"'[xy]'|a list|no column is left"):
        parse(GOOD, **arguments)


def test_the_nearest_name_is_shown():
    with pytest.raises(ConfigError, match="'t', 'speed': did you mean 'speed'"):
        parse("t,speed\n0,1\n", channels=["sped"])


def test_dates(tmp_path):
    file = tmp_path / "days.csv"
    file.write_text("date,x\n2024-02-28,1\n2024-02-29,2\n2024-03-01,3\n")
    series = read_series(file)
    assert series.dt == 86400.0
    assert series.times[-1] == np.datetime64("2024-03-01")
    assert series.provenance["time_unit"] == "s"


@pytest.mark.parametrize(
    ("first", "second"),
    [("2024-01-01T00:00:00Z", "2024-01-01T00:00:00.250Z"), ("2024-01-01 00:00", "2024-01-01 00:00:00.25"),
     ("2024-01-01T00:00+00:00", "2024-01-01T00:00:00.25Z")],
)  # fmt: skip
def test_dates_with_time_and_utc(first, second):
    parts = parse(f"time,x\n{first},1\n{second},2\n")
    assert np.diff(parts.times)[0] == np.timedelta64(250, "ms")


@pytest.mark.parametrize(
    ("dates", "told"),
    [
        (["2024-01-01", "01/02/2024"], "line 3, column 'date': '01/02/2024' is not an ISO 8601 date"),
        (["yesterday", "today"], "line 2, column 'date': 'yesterday' is not an ISO 8601 date"),
        (["2024-01-01", ""], "line 3, column 'date': a missing time"),
        (
            ["2023-02-28", "2023-02-29"],
            "line 3, column 'date': there is no such date or time as '2023-02-29'",
        ),
        (["2024-01-01T00:00Z", "2024-01-01T01:00"], "line 3, column 'date': times with and without a zone"),
        (["3024-01-01"], "the year of '3024-01-01' is not in 1678 to 2261"),
        (["2024-01-02", "2024-01-02"], "1 duplicate times in column 'date', the first in line 3"),
    ],
)
def test_dates_are_refused_by_line(dates, told):
    assert told in refused("date,x\n" + "".join(f"{date},1\n" for date in dates))


@pytest.mark.parametrize(
    ("times", "told"),
    [
        ([0, 1, 1, 1], "2 duplicate times in column 't', the first in line 5 (1.0, as in line 4)"),
        ([3, 2, 1], "time runs backwards in 2 rows of column 't', first in line 4 (3.0 -> 2.0)"),
        ([0, "", 2], "1 missing or infinite times, the first in line 4, column 't'"),
        (["nan", 1], "1 missing or infinite times, the first in line 3, column 't'"),
        ([0, "late"], "line 4, column 't': 'late' is not a number"),
    ],
)
def test_times_are_refused_by_line(times, told):
    assert told in refused("# a comment counts as a line\nt,x\n" + "".join(f"{t},1\n" for t in times))


# --- bad cells


@pytest.mark.parametrize("cell", ["", "nan", "NaN", "-nan", "NA", "N/A", "null", "None"])
def test_missing_values_are_counted(cell):
    message = refused(f"t,x,v\n0,1,2\n1,{cell},4\n2,5,{cell}\n3,{cell},8\n")
    assert "3 missing values, the first in line 3, column 'x'; by column: 'x' 2, 'v' 1" in message


def test_nothing_but_missing_values_in_the_first_row_is_no_header():
    assert "2 missing values, the first in line 1, column 'c0'" in refused("nan,NA\n1,2\n3,4\n")


@pytest.mark.bad_input(3)
@pytest.mark.parametrize("cell", ["inf", "-inf", "Infinity", "1e400", "-1e999"])
def test_infinity_is_refused(cell):
    message = refused(f"t,x\n0,1\n1,{cell}\n")
    assert f"line 3, column 'x': {cell!r} is not a finite number; 1 in all" in message


@pytest.mark.bad_input(10)
@pytest.mark.parametrize(
    ("cell", "advice"),
    [
        ("abc", "choose the columns"), ("1_000", "without underscores"), ("٣", "digits 0 to 9"),
        ("１", "digits 0 to 9"), ("−1", "digits 0 to 9"), ("0x10", ""), ("1 2", ""), ("1-2", ""), ("--1", ""),
        ("1e", ""), ("\x1c1", ""), ("1\xa0", "digits 0 to 9"), (".", ""), ("e5", ""),
        ("True", ""), ("1+2j", ""),
    ],
)  # fmt: skip
def test_words_are_refused_with_their_text(cell, advice):
    message = refused(f"t,x,v\n0,1,1\n1,{cell},1\n2,{cell},oops\n")
    assert f"line 3, column 'x': {cell!r} is not a number; 3 in all ('x' 2, 'v' 1)" in message
    assert advice in message


def test_words_come_first_and_infinite_values_are_counted():
    message = refused("x,v\n,inf\n1,word\n")
    assert "line 3, column 'v': 'word' is not a number; 1 in all ('v' 1)" in message
    assert message.endswith("; besides 1 infinite values")


def test_a_row_of_numbers_with_a_word_is_no_header():
    assert "line 1, column 'c1': 'err' is not a number" in refused("0.5,err\n0.6,1\n")


@pytest.mark.bad_input(11)
@pytest.mark.parametrize(
    "text",
    ["x;v\n0,5;1\n0,6;2\n", "0,5 1,5\n0,6 1,6\n", "t,x\n0,0,1,5\n1,0,1,6\n", "x\n0,5\n",
     'x,v\n"0,5","1"\n', "x\tv\n1\t0,5\n"],
)  # fmt: skip
def test_a_decimal_comma_is_recognised(text):
    message = refused(text)
    assert "decimal comma" in message
    assert "`decimal=','`" in message
    assert "line 2" in message or "line 1" in message


# --- bad shapes


@pytest.mark.bad_input(12)
def test_ragged_rows():
    message = refused("# head\na,b,c\n1,2,3\n4,5\n6,7,8\n9,10,11,12\n")
    assert "line 4 has 2 cells, expected 3 as in line 2; 2 of 5 lines are ragged" in message


@pytest.mark.bad_input(14)
def test_repeated_names():
    assert "line 1: the header repeats 'x' (columns 2, 4)" in refused("t,x,v,x\n0,1,2,3\n")


def test_a_column_without_a_name():
    assert "column 1 has no name" in refused(",x\n0,1\n1,2\n")
    assert parse(",x\n0,1\n1,2\n", channels=["x"]).channels == ("x",)


@pytest.mark.bad_input(6)
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("\n\n", "holds no rows"),
        ("# only a comment\n", "holds no rows"),
        ("t,x\n", "holds a header (t, x) and no rows of numbers"),
        ("my measurement\n1,2\n3,4\n", "line 1 seems separated by white space and line 2 by commas"),
        ('a,b\n1,"2\n3"\n', "line 2: a quoted cell runs over several lines"),
        ('a,b\n1,2\n1,"2\n', "line 3"),
        ('a,b\n1,"2"3\n', "line 2"),
        ("x\n1\n\n2\n", "1 missing values: empty lines within a single column, the first is line 3"),
        ("\t\t\n1\t2\t3\n4\t5\t6\n", "3 missing values, the first in line 1"),
    ],
)
def test_other_shapes(text, told):
    assert told in refused(text)


def test_an_empty_line_of_tabs_between_white_space():
    assert "line 1 holds no cells" in refused("\t\n1 2\n", delimiter=" ")


# --- bytes


@pytest.mark.bad_input(13)
@pytest.mark.parametrize(
    ("data", "told"),
    [
        (GOOD.encode("utf-16"), "UTF-16"),
        (GOOD.encode("utf-32"), "UTF-16 or UTF-32"),
        (b"t,x\n0,\x001\n\x00", "holds 2 NUL bytes, the first at offset 6 (line 2)"),
        ("t,temp\xe9rature\n0,1\n".encode("latin-1"), "is not UTF-8: byte 0xe9 at offset 6 (line 1)"),
        (b"\xef\xbb\xbfx\n\xff\n", "byte 0xff at offset 5 (line 2)"),
    ],
)
def test_bytes_that_are_no_text(data, told):
    assert told in refused(data)


# --- delimiters


def test_a_delimiter_given_is_used():
    np.testing.assert_array_equal(parse("x|v\n1|2\n", delimiter="|").values, [[1, 2]])
    np.testing.assert_array_equal(parse("x v\n1\t2\n", delimiter=" ").values, [[1, 2]])
    assert parse("a,b;c\n1;2\n", delimiter=";").channels == ("a,b", "c")


@pytest.mark.parametrize("delimiter", ["", ", ", "1", "e", ".", "-", '"', "#", "\n"])
def test_a_delimiter_that_cannot_be(delimiter):
    with pytest.raises(ConfigError, match="delimiter"):
        parse(GOOD, delimiter=delimiter)


# --- a header in a comment


def test_a_header_in_a_comment_is_mentioned():
    with pytest.warns(RecurraWarning, match="'# t x' looks like a header and is skipped"):
        parse("# t x\n0 1\n1 2\n")


def test_other_comments_are_not():
    assert parse("# measured in May by us\n0 1\n1 2\n").values[1, 1] == 2
    assert parse("# t x\n0 1\n1 2\n", time="c0").times.tolist() == [0, 1]
    assert parse("# 3 4\n0 1\n1 2\n").values.tolist() == [[0, 1], [1, 2]]


# --- nothing else escapes


def survives(data):
    """Read, and then finite, or refused; any other exception fails the test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RecurraWarning)
        try:
            series = read(data, delimiter=",")
        except (DataError, ConfigError):  # the latter for counts since 1970 without a unit
            return
    assert np.isfinite(series.values).all()
    assert (np.diff(series.times) > np.diff(series.times[:1]).dtype.type(0)).all()


@given(st.text(alphabet="tx,;\t \n\r\"'#0123456789.eE+-_nanif\u0663\u2028\x0b", max_size=40))
def test_any_text_is_read_or_refused(text):
    survives(text)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data):
    survives(data)
