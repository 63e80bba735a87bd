"""Arrays, lists and pandas objects as series."""

import numpy as np
import pandas as pd
import pytest

from recurra.data import as_list, as_series
from recurra.errors import DataError
from recurra.series import Series


def test_a_series_is_itself():
    series = Series([1.0, 2.0])
    assert as_series(series) is series
    assert as_list(series)[0] is series


@pytest.mark.parametrize("obj", [[1, 2, 3], (1.0, 2.0, 3.0), np.array([1, 2, 3]), [[1], [2], [3]]])
def test_numbers_become_one_column(obj):
    np.testing.assert_array_equal(as_series(obj).values, [[1.0], [2.0], [3.0]])
    assert len(as_list(obj)) == 1


def test_lists_of_series_and_arrays_are_many():
    parts = as_list([Series([1.0, 2.0]), np.zeros((5, 1)), pd.Series([1.0, 2.0, 3.0])])
    assert [len(part) for part in parts] == [2, 5, 3]
    assert [len(part) for part in as_list((np.zeros(3), np.zeros(4)))] == [3, 4]


def test_numpy_numbers_in_a_list_are_numbers():
    assert len(as_list([np.float64(1), np.float64(2)])) == 1


@pytest.mark.parametrize("obj", [[], ()])
def test_an_empty_list_is_refused(obj):
    with pytest.raises(DataError, match="no series"):
        as_list(obj)


@pytest.mark.parametrize(
    ("obj", "told"),
    [("data.csv", "<U8"), (None, "objects"), ([[1, 2], [3]], "ragged"), ({"x": 1}, "objects")],
)
def test_other_things_are_refused(obj, told):
    with pytest.raises(DataError, match=told):
        as_series(obj)


def test_a_frame_with_a_plain_range_has_unit_step():
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0], "v": [4, 5, 6]})
    for series in (as_series(frame), as_series(frame[1:])):
        assert (series.channels, series.dt, series.times[0]) == (("x", "v"), 1.0, 0.0)
    np.testing.assert_array_equal(as_series(frame).values, [[1, 4], [2, 5], [3, 6]])


def test_a_numeric_index_is_the_time():
    frame = pd.DataFrame({"x": [1.0, 2.0]}, index=[10.0, 10.5])
    assert (as_series(frame).dt, as_series(frame).times.tolist()) == (0.5, [10.0, 10.5])
    assert as_series(pd.Series([1.0, 2.0], index=[3, 5], name="p")).dt == 2.0
    assert as_series(pd.Series([1.0, 2.0], name="p")).channels == ("p",)
    assert as_series(pd.Series([1.0, 2.0])).channels == ("c0",)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC"])
def test_dates_of_any_resolution_have_dt_in_seconds(unit, zone):
    index = pd.date_range("2024-01-01", periods=3, freq="h", tz=zone).as_unit(unit)
    series = as_series(pd.DataFrame({"x": [1.0, 2.0, 3.0]}, index=index))
    assert series.dt == 3600.0
    assert series.times[1] == np.datetime64("2024-01-01T01:00")


def test_missing_values_of_nullable_columns_become_nan():
    frame = pd.DataFrame({"x": pd.array([1, None, 3], dtype="Int64")})
    np.testing.assert_array_equal(as_series(frame).values[:, 0], [1.0, np.nan, 3.0])


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (pd.DataFrame({"x": [1.0], "who": ["me"]}), "column 'who' has dtype"),
        (pd.DataFrame({"x": [True, False]}), "column 'x' has dtype bool"),
        (pd.DataFrame({"z": [1j]}), "column 'z' has dtype complex128"),
        (pd.DataFrame({"d": pd.to_datetime(["2020-01-01"])}), "column 'd' has dtype datetime64"),
        (pd.DataFrame([[1.0, 2.0]], columns=["x", "x"]), "repeats 'x'"),
        (pd.DataFrame({"x": [1.0]}, index=["a"]), "cannot be a time axis"),
        (pd.DataFrame({"x": [1.0]}, index=pd.MultiIndex.from_tuples([(0, 1)])), "cannot be a time axis"),
        (pd.DataFrame({"x": [1.0, 2.0]}, index=np.array([0, 1], np.float32)), "float32"),
        (pd.DataFrame({"x": [1.0, 2.0]}, index=[1.0, 1.0]), "1 duplicate times"),
    ],
)  # fmt: skip
def test_frames_are_refused_by_column_or_index(frame, told):
    with pytest.raises(DataError, match=told):
        as_series(frame)


def test_pandas_round_trip():
    series = Series(np.random.default_rng(0).normal(size=(5, 2)), times=3 + 0.25 * np.arange(5), channels=["x", "v"])
    back = as_series(series.to_pandas())
    assert back.sha256 == series.sha256


def test_the_frame_is_not_modified():
    frame = pd.DataFrame({"x": [1.0, 2.0]}, index=[0.0, 1.0])
    series = as_series(frame)
    frame.iloc[0, 0] = 99.0
    assert series.values[0, 0] == 1.0
