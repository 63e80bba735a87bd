"""MATLAB files: 4 to 7 as SciPy writes them, 7.3 as HDF5 with MATLAB's header and its order of axes."""

import io
import struct
import zlib

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.io import savemat
from scipy.io.matlab import MatlabObject
from scipy.sparse import csc_matrix

from recurra.data import read_series

FORMATS = ("4", "5", "7", "7.3")


def saved(path, variables, version="5"):
    """`variables` as MATLAB's version 4, 5, 7 (compressed) or 7.3 would hold them."""
    if version == "7.3":
        return saved73(path, variables)
    savemat(path, variables, format="4" if version == "4" else "5", do_compression=version == "7", oned_as="column")
    return path


def saved73(path, variables):
    """HDF5 behind a header of 512 bytes; MATLAB's arrays run down the columns, so HDF5 sees their axes reversed."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, values in variables.items():
            put(file, name, values)
    head = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + struct.pack("<H2s", 0x200, b"IM")
    path.write_bytes(head.ljust(512, b"\0") + path.read_bytes()[512:])
    return path


def put(group, name, values):
    if isinstance(values, dict):
        inside = group.create_group(name)
        inside.attrs["MATLAB_class"] = np.bytes_("struct")
        for key, value in values.items():
            put(inside, key, value)
        return
    table = np.atleast_2d(values)
    table = table.T if np.ndim(values) == 1 else table
    kind = {"f8": "double", "f4": "single", "b1": "logical"}.get(table.dtype.str[1:], table.dtype.name)
    stored = table.T.astype("u1") if kind == "logical" else table.T
    group.create_dataset(name, data=stored).attrs["MATLAB_class"] = np.bytes_(kind)


@settings(max_examples=40)
@given(
    st.sampled_from(FORMATS), st.sampled_from(["f8", "f4", "i4", "i2", "u2", "u1"]), st.integers(3, 20),
    st.integers(1, 3), st.integers(0, 2**31),
)  # fmt: skip
def test_a_matrix_comes_back_to_the_bit(tmp_path_factory, version, dtype, rows, width, seed):
    values = np.random.default_rng(seed).integers(0, 200, (rows, width)).astype(dtype)
    series = read_series(saved(tmp_path_factory.mktemp("a") / "a.mat", {"x": values}, version))
    np.testing.assert_array_equal(series.values, values)
    assert series.channels == (("x",) if width == 1 else tuple(f"x{k}" for k in range(width)))


@given(
    hnp.arrays(np.float64, (5, 2), elements=st.floats(allow_nan=False, allow_infinity=False)), st.sampled_from(FORMATS)
)
@settings(max_examples=30)
@pytest.mark.filterwarnings("ignore::recurra.errors.RecurraWarning")  # numbers that look like missing values
def test_doubles_come_back_to_the_bit(tmp_path_factory, values, version):
    path = saved(tmp_path_factory.mktemp("a") / "a.mat", {"x": values}, version)
    assert np.ascontiguousarray(read_series(path).values).tobytes() == values.tobytes()


@pytest.mark.parametrize("version", FORMATS)
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("upright", [False, True])
def test_a_vector_of_times_beside_a_matrix(tmp_path, version, turned, upright):
    """The times stand in a row or a column; time runs along whichever axis of the matrix has their length."""
    values, times = np.arange(15.0).reshape(5, 3), 2 + 0.25 * np.arange(5)
    beside = {"x": values.T if turned else values, "t": times[:, None] if upright else times[None, :]}
    series = read_series(saved(tmp_path / "a.mat", beside, version))
    np.testing.assert_array_equal(series.values, values)
    np.testing.assert_array_equal(series.times, times)
    cut = read_series(tmp_path / "a.mat", variable="x[0, 1:4]" if turned else "x[1:4, 0]")
    assert cut.times.tolist() == [2.25, 2.5, 2.75]
    assert cut.values[:, 0].tolist() == [3.0, 6.0, 9.0]


@pytest.mark.parametrize("version", FORMATS)
def test_a_step_and_an_axis_that_must_be_named(tmp_path, refused, version):
    path = saved(tmp_path / "a.mat", {"x": np.arange(12.0).reshape(2, 6), "dt": np.array([0.5])}, version)
    assert "'x' has 2 rows and 6 channels" in refused(path)
    series = read_series(path, time_axis=1)
    assert (series.dt, len(series), series.values[1].tolist()) == (0.5, 6, [1.0, 7.0])


@pytest.mark.parametrize("version", FORMATS)
def test_several_candidates_are_listed_with_their_shapes(tmp_path, refused, version):
    path = saved(tmp_path / "a.mat", {"a": np.zeros((6, 3)), "b": np.ones(6), "t": np.arange(6.0)}, version)
    message = refused(path, code=2)
    assert "say which to read with `variable`: 2 could be meant" in message
    assert all(shown in message for shown in ("a (6, 3)", "b (6, 1)", "t (6, 1)"))
    assert read_series(path, channels=["a", "b"]).channels == ("a0", "a1", "a2", "b")
    assert read_series(path, variable="a", inputs=["b"]).inputs.channels == ("b",)
    assert "did you mean 'a'" in refused(path, code=2, variable="a1")


@pytest.mark.parametrize("version", ["5", "7", "7.3"])
def test_the_fields_of_a_struct(tmp_path, refused, version):
    run = {"x": np.arange(4.0), "t": 0.5 * np.arange(4), "deep": {"y": np.eye(3)}}
    path = saved(tmp_path / "a.mat", {"run": run}, version)
    series = read_series(path, variable="run.x")
    assert (series.channels, series.dt, series.values[:, 0].tolist()) == (("x",), 0.5, [0.0, 1.0, 2.0, 3.0])
    np.testing.assert_array_equal(read_series(path, variable="run.deep.y[:, 1]").values[:, 0], [0, 1, 0])
    np.testing.assert_array_equal(read_series(path, group="run", variable="x").values, series.values)
    assert "unknown group 'ran': did you mean 'run'" in refused(path, code=2, group="ran")
    assert "run.deep.y (3, 3)" in refused(path, code=2)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    ("values", "told"),
    [
        (np.array([1.0, "a"], object), "cells"),
        (MatlabObject(np.array([(1.0,)], [("a", object)]), "Motor"), "a MATLAB object (object), which is never"),
        (np.array([(1.0,), (2.0,)], [("a", object)]), "an array of 2 structs"),
        (csc_matrix(np.eye(3)), "a sparse matrix: save full(x)"),
        (np.array([True, False]), "booleans"),
        (np.array([1j, 2]), "dtype complex128"),
        ("a text", "text"),
    ],
)
def test_what_is_no_matrix_of_numbers_is_refused_by_name(tmp_path, refused, compressed, values, told):
    path = saved(tmp_path / "a.mat", {"q": values, "good": np.zeros(3)}, "7" if compressed else "5")
    assert f"'q' holds {told}" in refused(path, variable="q")
    assert len(read_series(path, variable="good")) == 3


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (np.array([1.0, "a"], object), "cells"),
        (MatlabObject(np.array([(1.0,)], [("a", object)]), "Motor"), "a MATLAB object (MatlabObject), which is never"),
        (csc_matrix(np.eye(3)), "a MATLAB object (csc_"),
        (np.array([True, False]), "booleans"),
        (np.array([1j, 2]), "complex numbers"),
        ("a text", "text"),
    ],
)
def test_nor_are_fields_of_a_struct_that_are_none(tmp_path, refused, values, told):
    path = saved(tmp_path / "a.mat", {"s": {"q": values, "good": np.zeros(3)}})
    assert f"'s.q' holds {told}" in refused(path, variable="s.q")
    assert read_series(path).channels == ("good",)


def element(kind, data):
    return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)


def matrix(mx_class, name, *inside):
    head = element(6, struct.pack("<II", mx_class, 0)) + element(5, struct.pack("<ii", 1, 1)) + element(1, name)
    return element(14, head + b"".join(inside))


def test_a_function_handle_is_refused_by_name(tmp_path, refused):
    """By hand, from MATLAB's description of the format: class 16 is a function."""
    handle = matrix(16, b"f", matrix(4, b"", element(4, "@(x) x".encode("utf-16-le"))))
    number = matrix(6, b"x", element(9, struct.pack("<d", 7.5)))
    start = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H2s", 0x100, b"IM")
    for elements in (
        [handle, number],
        [element(15, zlib.compress(e))[: 8 + len(zlib.compress(e))] for e in (handle, number)],
    ):
        (tmp_path / "a.mat").write_bytes(start + b"".join(elements))
        assert "'f' holds a MATLAB object (function), which is never made" in refused(tmp_path / "a.mat", variable="f")
        assert read_series(tmp_path / "a.mat").values.tolist() == [[7.5]]


def test_functions_and_objects_of_version_73(tmp_path, refused):
    path = saved73(
        tmp_path / "a.mat", {"x": np.arange(3.0), "f": np.zeros(3), "b": np.array([True, False]), "e": np.zeros(2)}
    )
    with h5py.File(path, "r+") as file:
        file["f"].attrs["MATLAB_class"] = np.bytes_("function_handle")
        file["e"].attrs["MATLAB_empty"] = np.uint8(1)
        file.create_dataset("c", shape=2, dtype=h5py.ref_dtype).attrs["MATLAB_class"] = np.bytes_("cell")
        file["sp/data"] = np.arange(3.0)
        file["sp"].attrs["MATLAB_sparse"] = np.uint64(3)
        file["#refs#/a"] = np.zeros(3)
    assert "'f' holds a MATLAB object (function_handle), which is never made" in refused(path, variable="f")
    assert "'b' holds booleans" in refused(path, variable="b")
    assert "'c' holds cells" in refused(path, variable="c")
    assert "'e' is empty" in refused(path, variable="e")
    assert "'sp.data' holds a sparse matrix" in refused(path, variable="sp.data")
    assert "#refs#" not in refused(path, variable="f")
    assert read_series(path).values[:, 0].tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("version", FORMATS)
def test_a_truncated_file(tmp_path, refused, version):
    path = saved(tmp_path / "a.mat", {"x": np.arange(1000.0), "y": np.ones(5)}, version)
    whole = path.read_bytes()
    for length in (len(whole) - 3, len(whole) - 45):
        path.write_bytes(whole[:length])
        message = refused(path)
        assert "is truncated" in message
        assert version in ("7", "7.3") or f"got {length}" in message  # the last two count from the tag, and the header
    path.write_bytes(whole[: 600 if version == "7.3" else 130])
    assert "truncated" in refused(path)


def test_a_file_that_blows_up(tmp_path, refused):
    path = saved(tmp_path / "a.mat", {"x": np.zeros(10**6)}, "7")
    assert path.stat().st_size < 10_000
    assert "would inflate to 80000" in refused(path, max_bytes=10**6)
    half = saved(tmp_path / "b.mat", {"x": np.zeros(10**6, "u1")}, "7")
    assert "'x' (1000000, 1) declares 8000000 bytes of numbers" in refused(half, max_bytes=2 * 10**6)
    header = path.read_bytes()[:128].replace(b"MATLAB 5.0", b"OTHER  5.0")  # what SciPy would read, unchecked
    path.write_bytes(header + path.read_bytes()[128:])
    assert "no MATLAB file" in refused(path, max_bytes=10**6)


def test_sizes_of_version_4_that_lead_back(tmp_path, refused):
    """SciPy walks from matrix to matrix by their sizes, and from a negative one back to where it was, for ever."""
    for rows, columns in ((-3, 1), (1, -3), (-22, 1)):
        head = struct.pack("<5i", 50 if rows == -22 else 0, rows, columns, 0, 4)
        (tmp_path / "a.mat").write_bytes(head + b"xyz\0" + np.arange(3.0).tobytes())
        assert "the header at byte 0 makes no sense" in refused(tmp_path / "a.mat")
    (tmp_path / "a.mat").write_bytes(struct.pack("<5i", 0, 10**9, 100, 0, 2) + b"x\0" + bytes(24))
    assert "is truncated: expected 800000000022 bytes, got 46" in refused(tmp_path / "a.mat")


def test_version_4_of_a_machine_with_the_other_byte_order(tmp_path):
    data = struct.pack(">5i", 1000, 3, 2, 0, 2) + b"x\0" + np.arange(6.0).astype(">f8").tobytes()
    (tmp_path / "a.mat").write_bytes(data)
    np.testing.assert_array_equal(read_series(tmp_path / "a.mat").values, [[0, 3], [1, 4], [2, 5]])


@settings(max_examples=100)
@given(st.sampled_from(FORMATS), st.floats(0, 1), st.binary(min_size=1, max_size=6))
def test_damage_is_refused_or_read(tmp_path_factory, version, place, garbage):
    variables = {"x": np.arange(30.0)} if version == "4" else {"x": np.arange(30.0), "s": {"y": np.ones(3)}}
    path = saved(tmp_path_factory.mktemp("a") / "a.mat", variables, version)
    whole = path.read_bytes()
    at = int(place * (len(whole) - len(garbage)))
    path.write_bytes(whole[:at] + garbage + whole[at + len(garbage) :])
    try:
        read_series(path, variable="x", max_bytes=2**20)
    except Exception as error:
        if type(error).__module__ != "recurra.errors":
            raise


def test_a_name_that_comes_twice(tmp_path, refused):
    savemat(buffer := io.BytesIO(), {"x": np.zeros(3)})
    (tmp_path / "a.mat").write_bytes(buffer.getvalue() + buffer.getvalue()[128:])
    assert "holds 'x' twice" in refused(tmp_path / "a.mat")
