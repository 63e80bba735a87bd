"""NetCDF-3, against files that SciPy writes."""

import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import netcdf_file

from recurra.data import read_series
from recurra.data.columns import Ask
from recurra.data.formats.gather import gather
from recurra.data.formats.netcdf import netcdf3_variables
from recurra.errors import DataError
from recurra.series import Series


def written(fill, version=1):
    buffer = io.BytesIO()
    buffer.close = lambda: None
    file = netcdf_file(buffer, "w", version=version)
    fill(file)
    file.flush()
    return buffer.getvalue()


def add(file, name, values, dims, **attributes):
    for dim, length in zip(dims, np.shape(values), strict=True):
        if dim not in file.dimensions:
            file.createDimension(dim, length)
    variable = file.createVariable(name, np.asarray(values).dtype.newbyteorder(">"), dims)
    variable[:] = values
    for key, value in attributes.items():
        setattr(variable, key, value)


def parts(data, **asked):
    return gather(netcdf3_variables(data, 2**30), Ask(**asked))


@given(
    st.integers(1, 20), st.integers(1, 3), st.sampled_from(["f8", "f4", "i4", "i2", "i1"]), st.sampled_from([1, 2]),
    st.booleans(), st.integers(0, 2**31),
)  # fmt: skip
def test_what_scipy_writes_comes_back(rows, width, dtype, version, records, seed):
    values = np.random.default_rng(seed).integers(-100, 100, (rows, width)).astype(dtype)
    times = 3 + 0.25 * np.arange(rows)

    def fill(file):
        file.createDimension("time", None if records else rows)
        file.title = "a title"
        add(file, "time", times, ["time"], units="s")
        for column in range(width):
            add(file, f"x{column}", values[:, column], ["time"], units=f"u{column}")

    found = parts(written(fill, version), channels=[f"x{column}" for column in range(width)])
    np.testing.assert_array_equal(found.values, values)
    np.testing.assert_array_equal(found.times, times)
    assert found.units == tuple(f"u{column}" for column in range(width))
    assert found.provenance["time_unit"] == "s"


def test_dates_fill_values_and_packing(tmp_path):
    def fill(file):
        add(file, "time", np.arange(4, dtype="i4"), ["time"], units="hours since 2000-01-01 12:00")
        add(file, "p", np.array([0, 10, -99, 20], "i2"), ["time"], units="hPa", scale_factor=0.5, add_offset=1000.0,
            _FillValue=np.int16(-99))  # fmt: skip

    (tmp_path / "a.nc").write_bytes(written(fill))
    series = read_series(tmp_path / "a.nc", gaps="mask")
    np.testing.assert_array_equal(series.values[:, 0], [1000.0, 1005.0, np.nan, 1010.0])
    assert series.times[0] == np.datetime64("2000-01-01T12:00")
    assert (series.dt, series.units, series.mask[2, 0]) == (3600.0, ("hPa",), False)
    with pytest.raises(DataError, match="1 missing value"):
        read_series(tmp_path / "a.nc")


def cube(file):
    add(file, "lat", np.array([10.0, 20.0]), ["lat"])
    add(file, "lon", np.array([1.0, 2.0, 3.0]), ["lon"])
    add(file, "level", np.array([1000.0]), ["level"])
    add(file, "time", np.arange(5.0), ["time"], units="days since 2000-01-01")
    add(file, "air", np.arange(30.0).reshape(2, 1, 5, 3), ["lat", "level", "time", "lon"], units="K")


def test_a_place_in_a_cube(tmp_path, refused):
    (tmp_path / "a.nc").write_bytes(written(cube))
    message = refused(tmp_path / "a.nc", code=2)
    assert "2 axes beside time, lat (2), lon (3)" in message
    assert "`variable='air[0, :, :, 0]'`" in message
    one = read_series(tmp_path / "a.nc", variable="air[1, :, :, 2]")
    np.testing.assert_array_equal(one.values[:, 0], 15 + 3 * np.arange(5) + 2)
    assert (one.dt, one.units) == (86400.0, ("K",))
    row = read_series(tmp_path / "a.nc", variable="air[0, 0, :, 1:3]")
    np.testing.assert_array_equal(row.values, np.arange(30.0).reshape(2, 1, 5, 3)[0, 0, :, 1:3])
    part = read_series(tmp_path / "a.nc", variable="air[0, 0, 2:5, 0]")
    assert part.times[0] == np.datetime64("2000-01-03")
    np.testing.assert_array_equal(part.values[:, 0], [6.0, 9.0, 12.0])


@pytest.mark.parametrize(
    ("variable", "told"),
    [
        ("air[0, 0]", "2 indices and 'air' has 4 axes"),
        ("air[2, 0, :, 0]", "'2' is outside of an axis of length 2"),
        ("air[0, 0, 3:9, 0]", "'3:9' is outside of an axis of length 5"),
        ("air[0, 0, 0, 0]", "leave the axis of time as `:`"),
        ("air[0, 0, , 0]", "'' is no index"),
        ("wind", "there is no variable 'wind'"),
        ("air2", "did you mean 'air'"),
    ],
)
def test_addresses_that_lead_nowhere(tmp_path, refused, variable, told):
    (tmp_path / "a.nc").write_bytes(written(cube))
    assert told in refused(tmp_path / "a.nc", code=2, variable=variable)


@pytest.mark.bad_input(54)
def test_several_candidates_are_listed(tmp_path, refused):
    def fill(file):
        add(file, "time", np.arange(5.0), ["time"])
        add(file, "u", np.zeros(5), ["time"])
        add(file, "v", np.ones(5), ["time"])

    (tmp_path / "a.nc").write_bytes(written(fill))
    message = refused(tmp_path / "a.nc", code=2)
    assert "say which to read with `variable`: 2 could be meant" in message
    assert "u (time: 5), v (time: 5)" in message
    assert read_series(tmp_path / "a.nc", variable="v", inputs=["u"]).inputs.channels == ("u",)
    assert read_series(tmp_path / "a.nc", inputs=["u"]).channels == ("v",)


def test_an_axis_of_time_that_must_be_named(tmp_path, refused):
    def fill(file):
        add(file, "x", np.arange(12.0).reshape(6, 2), ["row", "k"])

    (tmp_path / "a.nc").write_bytes(written(fill))
    assert "none of the axes of 'x', row (6), k (2), is known to be time" in refused(tmp_path / "a.nc", code=2)
    assert read_series(tmp_path / "a.nc", time_axis=0).channels == ("x0", "x1")


@pytest.mark.bad_input(20)
@pytest.mark.parametrize(("calendar", "year"), [("360_day", "1850"), ("noleap", "0001"), ("standard", "0000")])
def test_calendars_that_dates_cannot_follow(tmp_path, calendar, year):
    def fill(file):
        add(file, "time", np.arange(4.0), ["time"], units=f"days since {year}-01-01", calendar=calendar)
        add(file, "x", np.arange(4.0), ["time"])

    (tmp_path / "a.nc").write_bytes(written(fill))
    series = read_series(tmp_path / "a.nc")
    np.testing.assert_array_equal(series.times, np.arange(4.0))
    assert (series.provenance["calendar"], series.provenance["time_since"]) == (calendar, f"{year}-01-01")


@pytest.mark.bad_input(31)
def test_a_truncated_file(tmp_path, refused):
    whole = written(cube)
    (tmp_path / "a.nc").write_bytes(whole[:-24])
    assert f"truncated: 'lat' (2,) needs {len(whole) - 8} bytes in the file, got {len(whole) - 24}" in refused(
        tmp_path / "a.nc"
    )
    (tmp_path / "a.nc").write_bytes(whole[:60])
    assert "truncated within its header" in refused(tmp_path / "a.nc")


@pytest.mark.bad_input(30)
def test_a_header_that_claims_gigabytes(tmp_path, refused):
    whole = written(lambda file: add(file, "x", np.zeros(7, "f8"), ["time"]))
    at = whole.index(b"time") + 4
    (tmp_path / "a.nc").write_bytes(whole[:at] + struct.pack(">I", 100_000_000) + whole[at + 4 :])
    assert "needs 8000000" in refused(tmp_path / "a.nc")


def test_the_sixty_four_bit_variant():
    """CDF-5, written by hand from its specification: one dimension, one variable of whole numbers."""
    name = struct.pack(">Q", 1) + b"y\0\0\0"
    head = (
        b"CDF\x05"
        + struct.pack(">QIQ", 0, 10, 1)
        + struct.pack(">Q", 1)
        + b"n\0\0\0"
        + struct.pack(">Q", 3)
        + struct.pack(">IQ", 0, 0)
    )
    head += struct.pack(">IQ", 11, 1) + name + struct.pack(">QQ", 1, 0) + struct.pack(">IQ", 0, 0)
    begin = len(head) + 4 + 8 + 8
    data = head + struct.pack(">IQQ", 10, 24, begin) + struct.pack(">3q", 5, -6, 7)
    np.testing.assert_array_equal(parts(data).values[:, 0], [5, -6, 7])


@given(st.integers(0, 400), st.binary(min_size=1, max_size=8))
def test_damage_is_refused_or_read(at, garbage):
    whole = written(cube)
    at = min(at, len(whole) - len(garbage))
    damaged = whole[:4] + (whole[:at] + garbage + whole[at + len(garbage) :])[4:]
    try:
        Series(parts(damaged, variable="air[0, 0, :, 0]").values)
    except Exception as error:
        if type(error).__module__ != "recurra.errors":
            raise
