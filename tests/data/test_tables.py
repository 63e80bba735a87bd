"""Tables of pandas, polars and xarray, in and out to the bit: values, times, units, inputs and missing values."""

import warnings

import cftime
import numpy as np
import pandas as pd
import polars as pl
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from recurra.data import as_list, as_series
from recurra.errors import DataError, RecurraWarning
from recurra.series import Series

NUMBERS = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.just(float("nan")))
START = np.datetime64("2001-05-06T07:08:09.123456789", "ns")
pytestmark = pytest.mark.filterwarnings("ignore:.*if it means that there is no value:recurra.errors.RecurraWarning")


@st.composite
def series(draw):
    """Any finite or missing values, times as numbers or dates, with or without units and inputs."""
    shape = draw(st.tuples(st.integers(2, 12), st.integers(1, 3)))
    rows, width = shape
    step, start = draw(st.integers(1, 100)), draw(st.integers(-(10**6), 10**6))
    dates = START + np.arange(rows) * np.timedelta64(step * draw(st.sampled_from([1, 10**6, 10**10])), "ns")
    times = dates if draw(st.booleans()) else start + 0.125 * step * np.arange(rows)
    drive = draw(hnp.arrays(np.float64, (rows, 1), elements=st.floats(-1, 1)))
    return Series(
        draw(hnp.arrays(np.float64, shape, elements=NUMBERS)),
        times=times,
        channels=[f"x{k}" for k in range(width)],
        units=draw(st.sampled_from([None, ["m", "s", ""][:width]])),
        inputs=Series(drive, times=times, channels=["F"], units=["N"]) if draw(st.booleans()) else None,
    )


def assert_same(back, one, *, plain=False):
    """Bit by bit; `plain` tables know neither units nor which columns drive the others."""
    assert np.ascontiguousarray(back.values).tobytes() == np.ascontiguousarray(one.values).tobytes()
    assert back.times.dtype == one.times.dtype
    np.testing.assert_array_equal(back.times, one.times)
    assert back.channels == one.channels
    if plain:
        return
    assert back.units == one.units
    assert (back.inputs is None) == (one.inputs is None)
    if one.inputs is not None:
        assert back.inputs.values.tobytes() == one.inputs.values.tobytes()
        assert (back.inputs.channels, back.inputs.units) == (("F",), ("N",))


@settings(max_examples=60)
@given(series())
def test_pandas_in_and_out(one):
    frame = one.to_pandas()
    np.testing.assert_array_equal(frame[list(one.channels)].to_numpy(), one.values)
    np.testing.assert_array_equal(frame.index.to_numpy(), one.times)
    assert_same(as_series(frame), one)


@settings(max_examples=60)
@given(series())
def test_xarray_in_and_out(one):
    array = one.to_xarray()
    np.testing.assert_array_equal(array.sel(channel=list(one.channels)).values, one.values)
    np.testing.assert_array_equal(array["time"].values, one.times)
    assert_same(as_series(array), one)
    assert_same(as_series(array.transpose()), one)


@settings(max_examples=60)
@given(series())
def test_polars_in_and_out(one):
    frame = one.to_polars()
    for name, column in zip(one.channels, one.values.T, strict=True):
        assert frame[name].null_count() == np.isnan(column).sum()
        np.testing.assert_array_equal(frame[name].cast(pl.Float64).to_numpy(), column)
    assert_same(as_series(frame.select("time", *one.channels)), one, plain=True)
    assert as_series(frame).channels == (*one.channels, *(() if one.inputs is None else ("F",)))


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame({"x": pd.array([1.5, None, 3.0], dtype="Float64")}),
        pd.DataFrame({"x": pd.array([1.5, None, 3.0], dtype="double[pyarrow]")}),
        pd.DataFrame({"x": [1.5, np.nan, 3.0]}),
        pl.DataFrame({"x": [1.5, None, 3.0]}),
        pl.Series("x", [1.5, float("nan"), 3.0]),
        xr.DataArray([1.5, np.nan, 3.0], dims="time", name="x"),
    ],
)
def test_missing_values_of_every_kind(table):
    found = as_series(table)
    assert (found.channels, found.mask) == (("x",), None)
    np.testing.assert_array_equal(found.values[:, 0], [1.5, np.nan, 3.0])
    np.testing.assert_array_equal(found.masked().mask[:, 0], [True, False, True])


PARIS = pd.DatetimeIndex(["2024-03-31 00:30", "2024-03-31 01:30", "2024-03-31 03:30"], tz="Europe/Paris")
INSTANTS = pl.Series(np.array(["2024-03-30T23:30", "2024-03-31T00:30", "2024-03-31T01:30"], "M8[us]"))


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame({"x": [1.0, 2.0, 3.0]}, index=PARIS),
        pl.DataFrame(
            {"when": INSTANTS.dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Paris"), "x": [1.0, 2.0, 3.0]}
        ),
    ],
)
def test_a_time_zone_becomes_utc(table):
    """In the night in which the clocks go forward, three local times are an hour apart."""
    found = as_series(table)
    assert found.times.astype("datetime64[m]").astype(str).tolist() == [
        "2024-03-30T23:30", "2024-03-31T00:30", "2024-03-31T01:30"
    ]  # fmt: skip
    assert (found.dt, found.provenance["zone"]) == (3600.0, "UTC")


def test_periods_begin_where_they_begin_and_spans_are_seconds():
    found = as_series(pd.DataFrame({"x": [1.0, 2.0]}, index=pd.period_range("2020-02-28", periods=2, freq="D")))
    assert found.times.tolist() == np.array(["2020-02-28", "2020-02-29"], "M8[ns]").tolist()
    spans = np.array([0, 1500, 3000], "m8[ms]")
    values = [1.0, 2.0, 3.0]
    for table in (
        pd.DataFrame({"x": values}, index=pd.TimedeltaIndex(spans)),
        pl.DataFrame({"t": spans, "x": values}),
        xr.DataArray(values, coords={"time": spans}, dims="time", name="x"),
    ):
        found = as_series(table)
        assert (found.times.tolist(), found.provenance["time_unit"]) == ([0.0, 1.5, 3.0], "s")


def test_periods_and_dates_out_of_range():
    index = pd.PeriodIndex(["3000", "3001"], freq="Y")
    with pytest.raises(DataError, match=r"the index has periods that are no dates .*: use a numeric time axis"):
        as_series(pd.DataFrame({"x": [1.0, 2.0]}, index=index))
    for table in (
        pd.DataFrame({"x": [1.0, 2.0]}, index=pd.DatetimeIndex(np.array(["2300", "2301"], "M8[s]"))),
        pl.DataFrame({"t": np.array(["2300", "2301"], "M8[us]"), "x": [1.0, 2.0]}),
        xr.DataArray([1.0, 2.0], coords={"time": np.array(["2300", "2301"], "M8[s]")}, dims="time"),
    ):
        with pytest.raises(DataError, match="2 dates lie outside the years 1678 to 2261, the first is 2300-01-01"):
            as_series(table)


@pytest.mark.bad_input(20)
@pytest.mark.parametrize(
    ("calendar", "start", "days"),
    [
        ("noleap", (2000, 2, 27), [0, 1, 2, 3]),  # no 29 February in between
        ("360_day", (1, 2, 29), [0, 1, 2, 3]),  # and a 30
        ("julian", (1900, 2, 28), [0, 1, 2, 3]),
    ],
)
def test_calendars_are_kept_as_metadata(calendar, start, days):
    first = cftime.datetime(*start, 6, calendar=calendar)
    dates = [first + pd.Timedelta(days=day).to_pytimedelta() for day in days]
    found = as_series(xr.DataArray(np.arange(4.0), coords={"time": dates}, dims="time", name="x"))
    since = "{:04d}-{:02d}-{:02d}".format(*start)
    assert found.times.tolist() == [0.25, 1.25, 2.25, 3.25]
    said = {key: found.provenance[key] for key in ("calendar", "time_since", "time_unit")}
    assert said == {"calendar": calendar, "time_since": since, "time_unit": "d"}


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (pl.DataFrame({"x": [1.0], "who": ["me"]}), "column 'who' has dtype String"),
        (pl.DataFrame({"x": [1.0], "on": [True]}), "column 'on' has dtype Boolean"),
        (pl.DataFrame({"x": [1.0], "a": [[1.0]]}), r"column 'a' has dtype List\(Float64\)"),
        (pl.DataFrame({"x": [1.0], "o": [object()]}), "column 'o' has dtype Object"),
        (pl.DataFrame({"x": [1.0], "n": [None]}), "column 'n' has dtype Null"),
        (pl.DataFrame({"t": ["2020-01-01"], "x": [1.0]}), "the time column 't' has dtype String"),
        (pl.DataFrame({"t": [1, None], "x": [1.0, 2.0]}), "1 missing or infinite times, the first in row 1"),
        (pl.DataFrame({"t": [1.0, 1.0], "x": [1.0, 2.0]}), "1 duplicate times"),
        (pl.DataFrame({"t": [1.0, 2.0], "x": [1.0, 2.0]}).cast({"t": pl.Float32}), "'t' is float32"),
        (pl.DataFrame(), "the frame has no columns"),
        (pd.DataFrame({"x": [1.0], "c": pd.Categorical([1.0])}), "column 'c' has dtype category"),
        (pd.DataFrame({"x": [1.0], "o": [object()]}), "column 'o' has dtype object"),
        (pd.DataFrame({"x": [1.0, np.inf]}), "row 1, column 'x': inf is not a finite number"),
        (pd.DataFrame(index=[1.0]), "no column is left for the channels"),
        (pd.DataFrame({"x": [1.0, 2.0]}, index=pd.TimedeltaIndex(["1s", None])), "1 missing or infinite times"),
        (xr.DataArray([1j, 2], dims="time", name="z"), "'z' has dtype complex128"),
        (xr.DataArray([True, False], dims="time", name="on"), "'on' has dtype bool"),
        (xr.DataArray(["a", "b"], dims="time", name="who"), "'who' has dtype <U1"),
        (
            xr.DataArray(np.zeros((2, 2)), dims=("a", "b")),
            r"none of the dimensions \{'a': 2, 'b': 2\} is known to be time",
        ),
        (xr.DataArray(np.zeros((2, 3, 3)), dims=("time", "y", "x"), name="p"), "'p' has the dimensions .*`.isel`"),
        (xr.DataArray([1.0], coords={"time": ["a"]}, dims="time"), "coordinate 'time' has dtype <U1"),
        (xr.Dataset(coords={"time": [1.0]}), "the dataset has no variables"),
        (xr.Dataset({"p": ("time", [1.0]), "s": 3.0}), "'s' has the dimensions"),
        (pd.DataFrame({"x": [1.0]}).assign(y=2.0), None),
    ],
)
def test_tables_are_refused_by_column(frame, told):
    if told is None:
        assert as_series(frame).channels == ("x", "y")
        return
    with pytest.raises(DataError, match=told):
        as_series(frame)


def test_inputs_that_no_column_has():
    frame = pd.DataFrame({"x": [1.0], "F": [2.0]})
    frame.attrs["inputs"] = ["G"]
    with pytest.raises(DataError, match="the attribute `inputs` names 'G', and the columns are 'x', 'F'"):
        as_series(frame)
    frame.attrs["inputs"] = ["F", "x"]
    with pytest.raises(DataError, match="no column is left for the channels"):
        as_series(frame)


def test_a_dataset_puts_its_variables_side_by_side():
    data = xr.Dataset(
        {
            "p": (("place", "time"), [[1.0, 2.0], [3.0, 4.0]], {"units": "Pa"}),
            "level": (("one", "time"), [[5, 6]], {"units": "m"}),
            "F": ("time", [7.0, 8.0], {"units": "N"}),
        },
        coords={"time": ("time", [0.0, 0.5], {"units": "ms"}), "place": ["north", "south"]},
        attrs={"inputs": "F"},
    )
    found = as_series(data)
    assert (found.channels, found.units) == (("north", "south", "level"), ("Pa", "Pa", "m"))
    np.testing.assert_array_equal(found.values, [[1, 3, 5], [2, 4, 6]])
    assert (found.inputs.channels, found.inputs.units, found.inputs.values.tolist()) == (("F",), ("N",), [[7], [8]])
    assert (found.dt, found.provenance["time_unit"]) == (0.5, "ms")
    with pytest.raises(DataError, match="'north' is the name of two columns"):
        as_series(data.assign(q=data["p"]))


def test_rows_that_are_missing_break_the_series():
    frame = pl.DataFrame({"t": [0.0, 1.0, 2.0, 6.0, 7.0], "x": [0.0, 1.0, 2.0, 6.0, 7.0]})
    with pytest.warns(RecurraWarning, match="jumps in 1 places, where 3 rows are missing"):
        found = as_series(frame)
    assert found.breaks == (3,)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert [len(part) for part in as_list([frame, frame])] == [3, 2, 3, 2]


def test_the_tables_are_not_modified():
    """Nor does a later change of them reach the series, nor the other way round."""
    frame = pd.DataFrame({"x": [1.0, 2.0], "F": [3.0, 4.0]}, index=[0.0, 0.5])
    frame.attrs = {"units": {"x": "m"}, "inputs": ["F"]}
    array = xr.DataArray(np.eye(2), dims=("time", "channel"), attrs={"units": ["a", "b"]})
    for table in (frame, array, pl.DataFrame({"t": [0.0, 0.5], "x": [1.0, 2.0]})):
        before = table.clone() if isinstance(table, pl.DataFrame) else table.copy(deep=True)
        found = as_series(table)
        assert not found.values.flags.writeable
        assert table.equals(before)
        assert getattr(table, "attrs", None) == getattr(before, "attrs", None)
    found = as_series(array)
    array[0, 0] = 99.0
    assert found.values[0, 0] == 1.0
    out = found.to_xarray()
    out[0, 0] = 77.0
    assert found.values[0, 0] == 1.0
