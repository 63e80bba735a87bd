"""Numbers and words that mean "no value": marked when they are named, pointed at when they look like it."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recurra.data import as_series, read_series
from recurra.data.assemble import assemble
from recurra.data.columns import Parts
from recurra.data.policies import Policies
from recurra.data.sentinels import divided
from recurra.errors import ConfigError, DataError, RecurraWarning

WAVE = [0.1, 0.7, 1.0, 0.6, -0.2, -0.8, -0.9, -0.3, 0.4, 0.9]


def table(cells, name="x"):
    return f"t,{name}\n" + "".join(f"{row},{cell}\n" for row, cell in enumerate(cells))


# --- named


@pytest.mark.bad_input(2)
def test_named_numbers_and_words_are_missing_and_counted(read):
    text = "t,x,v\n0,1,2\n1,-999,bad\n2,3,-999.0\n3,4,Bad\n4,5,9999\n"
    series = read(text, missing=[-999, "bad", 9999], gaps="mask")
    nan = np.nan
    np.testing.assert_array_equal(series.values, [[1, 2], [nan, nan], [3, nan], [4, nan], [5, nan]])
    assert series.provenance["missing"] == {"bad": 2, "-999": 2, "9999": 1}


@pytest.mark.bad_input(2)
def test_named_numbers_are_refused_as_missing_values_are(read):
    with pytest.raises(DataError, match="2 missing values, the first in line 4, column 'x'; by column: 'x' 2"):
        read(table([1, 2, -999, -999, 5]), missing=[-999])


def test_a_name_that_never_comes_is_pointed_out(read):
    with pytest.warns(RecurraWarning, match="`missing` names 'n.a.', '-99', and no value of the chosen columns"):
        series = read(table([1, 2, 3]), missing=["n.a.", -99])
    assert series.provenance["missing"] == {"n.a.": 0, "-99": 0}


def test_numbers_are_compared_in_the_precision_of_the_file(tmp_path):
    values = np.array([0.5, -99.9, 1e20, 2.5], np.float32)
    np.savez(tmp_path / "a.npz", values=values, inputs=np.array([1.0, 2.0, 3.0, -99.9]))
    series = read_series(tmp_path / "a.npz", missing=[-99.9, 1e20], gaps="split")
    assert series.values.tolist() == [[0.5]]
    assert series.provenance["missing"] == {"-99.9": 2, "1e+20": 1}


def test_a_number_beyond_float32_is_not_infinity(tmp_path):
    np.savez(tmp_path / "a.npz", values=np.array([0.5, np.inf, 1.5], np.float32))
    with (
        pytest.warns(RecurraWarning, match="names '1e[+]300'"),
        pytest.raises(DataError, match="row 1, column 'c0': inf"),
    ):
        read_series(tmp_path / "a.npz", missing=[1e300])
    assert read_series(tmp_path / "a.npz", missing=[np.inf], gaps="split").values[:, 0].tolist() == [0.5, 1.5]


def test_whole_numbers_are_compared_exactly(tmp_path):
    np.save(tmp_path / "a.npy", np.array([1, -32768, 3], np.int16))
    series = read_series(tmp_path / "a.npy", missing=[-32768.0], gaps="mask")
    np.testing.assert_array_equal(series.observed[:, 0], [True, False, True])


def test_counts_of_numbers_alike_in_six_digits_are_kept_apart(read):
    text = table([1, 9999999, 9999998, 9999999, 2])
    series = read(text, missing=[9999999, 9999998], gaps="split")
    assert series.provenance["missing"] == {"9999999.0": 2, "9999998.0": 1}


@pytest.mark.parametrize(
    ("given_", "numbers", "words"),
    [(-999, (-999.0,), ()), ("bad", (), ("bad",)), (["-1e3", " x "], (-1000.0,), ("x",)), ((), (), ()),
     ([np.float32(0.5), np.int64(7)], (0.5, 7.0), ()), ([float("nan")], (), ())],
)  # fmt: skip
def test_numbers_and_words(given_, numbers, words):
    assert divided(given_) == (numbers, words)


@pytest.mark.parametrize("wrong", [None, True, [True], [None], {"x": 1}, [[1]]])
def test_other_things_are_no_names(read, wrong):
    with pytest.raises(ConfigError, match="`missing` must be a list of numbers and words"):
        read("x\n1\n2\n", missing=wrong)


# --- suspected


@pytest.mark.bad_input(2)
@pytest.mark.parametrize(
    ("code", "given_"),
    [("-999", "-999"), ("9999", "9999"), ("-99.99", "-99.99"), ("2147483647", "2147483647.0"), ("1e20", "1e+20"),
     ("9.969209968386869e36", "9.969209968386869e+36")],
)  # fmt: skip
def test_a_repeated_extreme_constant_is_pointed_at(read, code, given_):
    cells = [*WAVE[:4], code, *WAVE[4:], code]
    told = r"comes 2 times in column 'x', far outside the rest \(-0\.9 to 1\), the first in line 6"
    with pytest.warns(RecurraWarning, match=rf"{told}: .*`missing=\[{re.escape(given_)}\]`"):
        series = read(table(cells))
    assert series.values[4, 0] == float(code)  # nothing is changed unasked
    cured = read(table(cells), missing=[float(given_)], gaps="split")
    np.testing.assert_array_equal(cured.values[:, 0], WAVE)


def test_other_constants_have_to_come_more_often_and_lie_farther_off(read):
    read(table([*WAVE, -50, -50, -50]))
    with pytest.warns(RecurraWarning, match=r"-50 comes 4 times in column 'x', .* the first in line 12"):
        read(table([*WAVE, -50, -50, -50, -50]))
    read(table([*WAVE, -8, -8, -8, -8]))


def test_both_ends_and_every_column_are_looked_at(read):
    columns = zip([*WAVE, 99, 99, -99, -99], [*WAVE, 0, 999, 999, 0], strict=True)
    text = "x,v\n" + "".join(f"{x},{v}\n" for x, v in columns)
    with pytest.warns(RecurraWarning) as caught:
        read(text)
    assert [str(warning.message).partition(", far")[0] for warning in caught] == [
        "-99 comes 2 times in column 'x'", "99 comes 2 times in column 'x'", "999 comes 2 times in column 'v'",
    ]  # fmt: skip


def test_frames_are_looked_at_too():
    import pandas as pd

    with pytest.warns(RecurraWarning, match="-999 comes 3 times in column 'p', .* the first in row 10"):
        as_series(pd.DataFrame({"p": [*WAVE, -999, -999, -999]}))


@pytest.mark.parametrize(
    "cells",
    [
        WAVE * 3,
        [*WAVE, -999],  # once: it may be a value
        np.clip(np.array(WAVE) * 3, -1, 1),  # a detector that saturates
        [0, 0, 0, 0, 0, 0.2, 7.1, 0, 3.5, 0, 0.1, 0],  # rain
        [0, 1, 0, 0, 1, 1, 0],  # a switch
        [999, 998, 1000, 999, 997, 999, 1001, 999],  # a pressure
        [5, 5, 5, 5],
    ],
)
def test_clean_data_are_read_without_a_warning(read, cells):
    np.testing.assert_array_equal(read(table(cells)).values[:, 0], cells)


@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=40, unique=True))
def test_values_that_never_repeat_are_not_suspected(values):
    assert len(assemble(Parts(values=np.array(values)), Policies(), {})) == len(values)


@pytest.mark.parametrize("given", ["inf", "INF", ["inf"]])
def test_an_infinity_that_means_no_value_is_a_word(read, given):
    assert np.isnan(read("x\n1\nInf\n2\n", missing=given, gaps="mask").values[:, 0]).tolist() == [False, True, False]
