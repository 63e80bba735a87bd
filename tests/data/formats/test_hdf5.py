"""HDF5 and NetCDF-4, against files that h5py and xarray write; links, other files and plug-ins are not followed."""

import io
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from recurra.data import read_series
from recurra.data.columns import Ask
from recurra.data.files import kind_of
from recurra.data.formats import parse
from recurra.series import Series


def written(tmp_path, fill, name="a.h5", **options):
    with h5py.File(tmp_path / name, "w", **options) as file:
        fill(file)
    return tmp_path / name


@given(
    st.integers(2, 20),
    st.integers(1, 3),
    st.sampled_from(["f8", ">f4", "i4", "u2"]),
    st.booleans(),
    st.integers(0, 2**31),
)
@settings(max_examples=30)
def test_a_table_comes_back(rows, width, dtype, packed, seed):
    rows = max(rows, width)
    values = np.random.default_rng(seed).integers(0, 100, (rows, width)).astype(dtype)
    options = {"compression": "gzip", "shuffle": True, "fletcher32": True} if packed else {}

    with h5py.File(buffer := io.BytesIO(), "w", userblock_size=512 if packed else 0) as file:
        file.create_dataset("run/x", data=values, **options).attrs["units"] = "m"
        file["run/time"] = 0.5 * np.arange(rows)
    assert kind_of(buffer.getvalue(), "") == "hdf5"
    found = parse("hdf5", buffer.getvalue(), Path("a.h5"), Ask())
    np.testing.assert_array_equal(found.values, values)
    np.testing.assert_array_equal(found.times, 0.5 * np.arange(rows))
    assert found.units == ("m",) * width


@given(st.integers(2, 12), st.integers(1, 3), st.booleans(), st.booleans(), st.integers(0, 2**31))
@settings(max_examples=20)
def test_netcdf_of_a_series_comes_back(tmp_path_factory, rows, width, dated, driven, seed):
    rng = np.random.default_rng(seed)
    times = np.datetime64("2001-05-06T07:08", "ns") + np.arange(rows) * np.timedelta64(90, "s")
    series = Series(
        rng.normal(size=(rows, width)),
        times=times if dated else 3 + 0.25 * np.arange(rows),
        channels=[f"x{k}" for k in range(width)],
        units=["m", "s", "K"][:width],
        inputs=rng.normal(size=rows) if driven else None,
    )
    path = tmp_path_factory.mktemp("nc") / "a.nc"
    series.to_xarray().rename("y").to_netcdf(path, engine="h5netcdf", invalid_netcdf=False)
    assert read_series(path, inputs=["u0"] if driven else None).sha256 == series.sha256


@pytest.mark.bad_input(54)
def test_candidates_a_wrong_path_and_a_wrong_group(tmp_path, refused):
    def fill(file):
        file["lab/a"], file["lab/b"] = np.zeros(5), np.zeros((5, 2))

    path = written(tmp_path, fill)
    assert "2 could be meant; the file holds lab/a (5,), lab/b (5, 2)" in refused(path, code=2)
    assert "no variable 'lab/c', did you mean 'lab/" in refused(path, code=2, variable="lab/c")
    assert "unknown group 'lob': did you mean 'lab'?" in refused(path, code=2, group="lob")
    assert read_series(path, group="lab", variable="b").channels == ("b0", "b1")
    assert read_series(path, variable="/lab/a").channels == ("a",)


@pytest.mark.bad_input(54)
@pytest.mark.parametrize("version", ["earliest", "latest"])
def test_a_file_that_another_handle_has_locked(tmp_path, version):
    """The bytes are read once, without a lock of HDF5: what another handle holds open for writing can be read."""
    with h5py.File(tmp_path / "a.h5", "w", libver=version, locking=True) as file:
        file["x"] = np.arange(3.0)
        file.flush()
        np.testing.assert_array_equal(read_series(tmp_path / "a.h5").values[:, 0], [0, 1, 2])


def test_links_and_other_files_are_not_followed(tmp_path, refused):
    np.arange(4.0).tofile(tmp_path / "secret.raw")
    written(tmp_path, lambda file: file.__setitem__("x", np.ones(4)), "other.h5")

    def fill(file):
        file["x"] = np.zeros(4)
        file["soft"] = h5py.SoftLink("/x")
        file["far"] = h5py.ExternalLink("other.h5", "/x")
        file.create_dataset("raw", (4,), "f8", external=[(str(tmp_path / "secret.raw"), 0, 32)])
        layout = h5py.VirtualLayout((4,), "f8")
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", (4,))
        file.create_virtual_dataset("seen", layout)

    path = written(tmp_path, fill)
    assert "soft link to '/x' and is not followed" in refused(path, variable="soft")
    assert "external link to 'other.h5:/x' and is not followed" in refused(path, variable="far")
    assert "keeps its numbers in another file" in refused(path, variable="raw")
    assert "virtual data set, which reads from other files" in refused(path, variable="seen")
    np.testing.assert_array_equal(read_series(path).values[:, 0], np.zeros(4))  # they are no candidates


def test_groups_that_hold_each_other_end(tmp_path):
    def fill(file):
        file["a/x"] = np.arange(3.0)
        file["a/b"] = file["a"]
        file["a/root"] = file["/"]

    assert len(read_series(written(tmp_path, fill))) == 3


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (np.zeros(3, [("a", "f8"), ("b", "i4")]), "a table with the fields a, b"),
        (np.array(["a", "b"], object), "text"),
        (np.array([b"a", b"b"]), "text"),
        (np.array([True, False]), "booleans"),
        (np.array([1j, 2]), "complex|r, i"),
        (np.zeros(2, "V5"), "opaque"),
    ],
)
def test_what_is_no_number_is_named(tmp_path, refused, values, told):
    def fill(file):
        string = h5py.string_dtype() if values.dtype == object else None
        file.create_dataset("q", data=values, dtype=string)

    message = refused(written(tmp_path, fill), variable="q")
    assert any(word in message for word in told.split("|"))


def test_rows_of_different_length_and_references(tmp_path, refused):
    def fill(file):
        file.create_dataset("v", (2,), h5py.vlen_dtype(np.float64))
        file.create_dataset("r", (2,), h5py.ref_dtype)
        file.create_dataset("e", data=h5py.Empty("f8"))

    path = written(tmp_path, fill)
    assert "references or rows of different length" in refused(path, variable="v")
    assert "references or rows of different length" in refused(path, variable="r")
    assert "is empty, without a shape" in refused(path, variable="e")
    assert "no variable of real numbers" in refused(path)


def test_a_filter_from_a_plug_in(tmp_path, refused):
    def fill(file):
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((4,))
        plist.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, (3,))
        h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_DOUBLE, h5py.h5s.create_simple((4,)), plist)

    assert "filter 32015" in refused(written(tmp_path, fill), variable="x")


@pytest.mark.bad_input(30)
def test_a_header_that_claims_745_gib(tmp_path, refused):
    path = written(tmp_path, lambda file: file.create_dataset("x", (10**11,), "f8", chunks=(1000,)))
    assert path.stat().st_size < 10_000
    assert "declares 800000000000 bytes of numbers, more than the limit" in refused(path)
    assert len(read_series(path, variable="x[0:5]")) == 5
    chunky = written(tmp_path, lambda file: file.create_dataset("x", (10**8,), "f8", chunks=(10**8,)), "b.h5")
    assert "has chunks of (100000000,)" in refused(chunky, variable="x[0:5]", max_bytes=10**6)


@pytest.mark.bad_input(31)
def test_a_truncated_file(tmp_path, refused):
    path = written(tmp_path, lambda file: file.__setitem__("x", np.arange(1000.0)))
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    assert f"truncated: expected {len(whole)} bytes, got {len(whole) - 100}" in refused(path)
    for length in (40, 8):
        path.write_bytes(whole[:length])
        assert "truncated" in refused(path)


@given(st.integers(8, 3000), st.binary(min_size=1, max_size=4))
@settings(max_examples=60)
def test_damage_is_refused_or_read(at, garbage):
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["g/x"] = np.arange(64.0)
        file["g/x"].attrs["units"] = "m"
    whole = buffer.getvalue()
    at = min(at, len(whole) - len(garbage))
    try:
        parse("hdf5", whole[:at] + garbage + whole[at + len(garbage) :], Path("a.h5"), Ask(max_bytes=2**20))
    except Exception as error:
        if type(error).__module__ != "recurra.errors":
            raise


def test_a_dataset_of_xarray_with_groups(tmp_path):
    data = xr.Dataset(
        {"p": ("time", np.array([1.0, np.nan, 3.0]), {"units": "Pa"}), "q": ("time", np.arange(3.0))},
        coords={"time": xr.date_range("2001-01-01", periods=3, freq="D", calendar="noleap", use_cftime=True)},
    )
    data.to_netcdf(tmp_path / "a.nc", group="deep/er", engine="h5netcdf")
    series = read_series(tmp_path / "a.nc", group="deep/er", variable="p", inputs=["q"], gaps="mask")
    np.testing.assert_array_equal(series.values[:, 0], [1.0, np.nan, 3.0])
    assert (series.units, series.provenance["calendar"], series.dt) == (("Pa",), "noleap", 1.0)
