"""`Series`: what it accepts, refuses, keeps and shares."""

import copy
import math
import pickle
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recurra.errors import DataError, MissingExtraError
from recurra.series import Series


@pytest.fixture
def driven():
    values = np.arange(20.0).reshape(10, 2)
    return Series(
        values,
        times=100 + 0.5 * np.arange(10),
        channels=["x", "v"],
        units=["m", "m/s"],
        inputs=np.linspace(-1, 1, 10),
        provenance={"source": "made", "time_unit": "s"},
    )


# --- shape and dtype


def test_one_dimension_becomes_a_column_with_unit_step():
    series = Series([1, 2, 3])
    assert series.values.dtype == np.float64
    np.testing.assert_array_equal(series.values, [[1.0], [2.0], [3.0]])
    assert (series.dt, series.times.tolist()) == (1.0, [0.0, 1.0, 2.0])
    assert (series.channels, series.units, series.inputs) == (("c0",), ("",), None)


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64, np.float16, np.float32, ">f8", np.longdouble])
def test_real_numbers_become_float64(dtype):
    series = Series(np.array([[1, 2], [3, 4]], dtype=dtype))
    assert series.values.dtype == np.float64
    np.testing.assert_array_equal(series.values, [[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize(
    ("values", "named"),
    [
        (np.ones(3, complex), "complex128"),
        (np.ones(3, bool), "bool"),
        (np.array(["a", "b"]), "<U1"),
        (np.array(["2020-01-01"], dtype="M8[D]"), "datetime64"),
        (np.array([1, None]), "Python objects"),
        ("abc", "<U3"),
        (None, "Python objects"),
    ],
)
def test_other_types_are_refused_by_name(values, named):
    with pytest.raises(DataError, match=named):
        Series(values)


@pytest.mark.parametrize("shape", [(), (2, 3, 4), (5, 0)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(DataError, match="shape"):
        Series(np.zeros(shape))


def test_ragged_lists_are_refused():
    with pytest.raises(DataError, match="ragged"):
        Series([[1.0, 2.0], [3.0]])


def test_masked_values_are_refused():
    with pytest.raises(DataError, match="2 masked"):
        Series(np.ma.array([1.0, 2.0, 3.0], mask=[True, False, True]))
    assert len(Series(np.ma.array([1.0, 2.0]))) == 2


# --- immutability and sharing


def test_values_are_copied_once_and_read_only():
    table = np.zeros((4, 2))
    series = Series(table)
    table[0, 0] = 7.0
    assert series.values[0, 0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        series.values[0, 0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        series.times[0] = 1.0
    assert table.flags.writeable


def test_frozen_arrays_are_not_copied():
    table = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    table.setflags(write=False)
    assert Series(table).values is table
    assert np.shares_memory(Series(table[:, 0]).values, table)


def test_a_read_only_view_of_a_writable_array_is_copied():
    table = np.zeros((3, 2))
    view = table[:]
    view.setflags(write=False)
    series = Series(view, times=_read_only_view(clock := np.arange(3.0)))
    table[:], clock[1] = 9.0, 1.5
    np.testing.assert_array_equal(series.values, np.zeros((3, 2)))
    np.testing.assert_array_equal(series.times, [0.0, 1.0, 2.0])


def _read_only_view(array):
    view = array[:]
    view.setflags(write=False)
    return view


def test_attributes_cannot_be_set(driven):
    with pytest.raises(AttributeError, match="immutable"):
        driven.dt = 3.0
    with pytest.raises(TypeError):
        driven.provenance["source"] = "other"


def test_pickle_and_deepcopy_keep_everything(driven):
    for other in (pickle.loads(pickle.dumps(driven)), copy.deepcopy(driven)):
        assert other.sha256 == driven.sha256
        assert dict(other.provenance) == dict(driven.provenance)
        assert not other.values.flags.writeable


# --- names


def test_names_and_units_are_kept(driven):
    assert driven.channels == ("x", "v")
    assert driven.units == ("m", "m/s")
    assert driven.inputs.channels == ("u0",)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"channels": ["x"]}, "`channels` needs 2 names"),
        ({"channels": "xy"}, "`channels` needs 2 names"),
        ({"channels": ["x", "x"]}, "repeats 'x'"),
        ({"units": ["m"]}, "`units` needs 2 names"),
        ({"units": []}, "`units` needs 2 names"),
        ({"inputs": np.zeros(4)}, "4 rows for 5 rows"),
        ({"inputs": Series(np.zeros(4))}, "4 rows for 5 rows"),
        ({"inputs": Series(np.zeros(5), channels=["c1"])}, "'c1' cannot be both"),
        ({"inputs": np.zeros(5, complex)}, "complex128"),
    ],
)
def test_names_and_inputs_are_refused(arguments, told):
    with pytest.raises(DataError, match=told):
        Series(np.zeros((5, 2)), **arguments)


def test_units_may_be_an_array():
    assert Series(np.zeros((2, 1)), units=np.array(["m"])).units == ("m",)


# --- slices and splits


def test_slices_keep_time_and_inputs_and_share_memory(driven):
    part = driven[2:8:3]
    np.testing.assert_array_equal(part.values, driven.values[2:8:3])
    np.testing.assert_array_equal(part.times, [101.0, 102.5])
    np.testing.assert_array_equal(part.inputs.values, driven.inputs.values[2:8:3])
    assert (part.dt, part.inputs.dt, part.next_time) == (1.5, 1.5, 104.0)
    assert (part.channels, part.units) == (driven.channels, driven.units)
    assert np.shares_memory(part.values, driven.values)


def test_slices_count_from_the_end(driven):
    np.testing.assert_array_equal(driven[-3:].values, driven.values[7:])
    assert len(driven[20:]) == 0


def test_only_forward_slices(driven):
    with pytest.raises(DataError, match="forward"):
        driven[::-1]
    with pytest.raises(TypeError, match="sliced in time"):
        driven[3]


@pytest.mark.parametrize(
    ("where", "gap", "rows"), [(0.8, 0, (8, 2)), (3, 0, (3, 7)), (0.5, 2, (5, 3)), (np.int64(9), 0, (9, 1))]
)
def test_split(driven, where, gap, rows):
    first, second = driven.split(where, gap=gap)
    assert (len(first), len(second)) == rows
    np.testing.assert_array_equal(second.values, driven.values[rows[0] + gap :])
    assert second.times[0] == driven.times[rows[0] + gap]


@pytest.mark.parametrize("where", [0, 10, 11, -1, 0.0, 1.0, 1.5, -0.1, math.nan, math.inf, True, 0.01])
def test_split_refuses_empty_parts(driven, where):
    with pytest.raises(DataError, match="split"):
        driven.split(where)


@pytest.mark.parametrize("gap", [-1, 2])
def test_split_refuses_a_gap_that_leaves_nothing(driven, gap):
    with pytest.raises(DataError, match="gap"):
        driven.split(8, gap=gap)


@given(st.integers(2, 50), st.data())
def test_a_split_loses_nothing(rows, data):
    at = data.draw(st.integers(1, rows - 1))
    series = Series(np.random.default_rng(rows).normal(size=(rows, 2)))
    first, second = series.split(at)
    np.testing.assert_array_equal(np.concatenate([first.values, second.values]), series.values)
    np.testing.assert_array_equal(np.concatenate([first.times, second.times]), series.times)


# --- identity


def test_sha256_sees_every_part(driven):
    base = {
        "values": driven.values, "times": driven.times, "channels": driven.channels, "units": driven.units,
        "inputs": driven.inputs,
    }  # fmt: skip
    changed = [
        {"values": driven.values + np.eye(10, 2) * 1e-12},
        {"times": driven.times + 1, "inputs": driven.inputs.values},
        {"channels": ["x", "w"]},
        {"units": ["m", "km/s"]},
        {"inputs": driven.inputs.values + 1},
        {"inputs": None},
    ]
    digests = {Series(**{**base, **change}).sha256 for change in ({}, *changed)}
    assert len(digests) == len(changed) + 1
    assert Series(**base, provenance={"source": "elsewhere"}).sha256 == driven.sha256
    assert len(driven.sha256) == 64


def test_sha256_does_not_depend_on_memory_layout():
    table = np.arange(12.0).reshape(4, 3)
    assert Series(table).sha256 == Series(np.asfortranarray(table)).sha256


def test_sha256_of_nothing_else_repeats_for_neighbouring_slices(driven):
    assert driven[:5].sha256 != driven[5:].sha256


# --- other libraries


def test_to_pandas(driven):
    frame = driven.to_pandas()
    assert list(frame.columns) == ["x", "v", "u0"]
    assert frame.index.name == "time"
    np.testing.assert_array_equal(frame.index.to_numpy(), driven.times)
    np.testing.assert_array_equal(frame[["x", "v"]].to_numpy(), driven.values)
    frame.iloc[0, 0] = 99.0
    assert driven.values[0, 0] == 0.0


def test_to_pandas_of_dates():
    series = Series(np.zeros(2), times=np.array(["2020-01-01", "2020-01-02"], "M8[D]"))
    assert isinstance(series.to_pandas().index, pd.DatetimeIndex)


def test_to_xarray(driven):
    array = driven.to_xarray()
    assert array.dims == ("time", "channel")
    np.testing.assert_array_equal(array.sel(channel="v").to_numpy(), driven.values[:, 1])
    np.testing.assert_array_equal(array.coords["u0"].to_numpy(), driven.inputs.values[:, 0])
    assert array.attrs == {"dt": 0.5, "units": ["m", "m/s"], "inputs": ["u0"]}


@pytest.mark.parametrize(("package", "method"), [("pandas", "to_pandas"), ("xarray", "to_xarray")])
def test_a_missing_package_is_named(driven, monkeypatch, package, method):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"{package}: pip install 'recurra\[io\]'"):
        getattr(driven, method)()


def test_repr_is_short(driven):
    assert repr(driven) == "Series(10 rows, dt=0.5, channels=['x', 'v'], inputs=['u0'])"


def test_a_drive_at_other_times_is_refused():
    """Row k of the drive is the moment of row k of the values, whatever the step it was made with."""
    drive = Series(np.ones(50), dt=0.5)
    with pytest.raises(DataError, match=r"`inputs` has times from 0.0 with step 0.5, the values .* step 0.1"):
        Series(np.zeros(50), dt=0.1, inputs=drive)


def test_a_series_is_an_array_to_numpy():
    series = Series([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(np.asarray(series), [[1.0, 2.0], [3.0, 4.0]])
    assert np.asarray(series, dtype=np.float32).dtype == np.float32


def test_what_leads_to_a_time():
    assert Series(np.zeros(3), dt=0.1).leads_to(0.3)
    assert not Series(np.zeros(3), dt=0.1).leads_to(0.4)
    days = Series(np.zeros(2), times=np.array(["2024-01-01", "2024-01-02"], dtype="datetime64[D]"))
    assert days.leads_to(np.datetime64("2024-01-03"))
    assert not days.leads_to(3.0)


def test_a_data_frame_is_not_stripped_of_its_names():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(DataError, match=r"as_series` keeps them"):
        Series(pandas.DataFrame({"x": [1.0, 2.0]}))
