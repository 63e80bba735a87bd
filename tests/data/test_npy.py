"""`.npy`: numbers without a copy; anything that lies or could run is refused."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from recurra.data import read_series
from recurra.data.columns import Ask
from recurra.data.npy import parse_npy
from recurra.errors import ConfigError, DataError
from recurra.series import Series

TABLE = np.arange(12.0).reshape(6, 2)


def saved(array, **options):
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def refused(data):
    with pytest.raises(DataError) as caught:
        parse_npy(data)
    assert caught.value.exit_code == 3
    return str(caught.value)


def with_header(header):
    body = header.encode("latin-1")
    return b"\x93NUMPY\x01\x00" + len(body).to_bytes(2, "little") + body


@given(arrays.arrays(np.float64, st.tuples(st.integers(3, 12), st.integers(1, 3))), st.booleans())
def test_every_bit_comes_back(table, fortran):
    data = saved(np.asfortranarray(table) if fortran else table)
    np.testing.assert_array_equal(parse_npy(data).values.view(np.int64), table.view(np.int64))


def test_nothing_is_copied():
    data = saved(TABLE)
    parts = parse_npy(data)
    assert np.shares_memory(parts.values, np.frombuffer(data, np.uint8))
    assert np.shares_memory(Series(parts.values).values, parts.values)


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<i4", "u1", "<f2"])
def test_other_real_numbers(tmp_path, dtype):
    np.save(tmp_path / "a.npy", TABLE.astype(dtype))
    series = read_series(tmp_path / "a.npy", dt=0.1)
    np.testing.assert_array_equal(series.values, TABLE)
    assert (series.dt, series.channels) == (0.1, ("c0", "c1"))


def test_names_for_columns_without_names():
    assert parse_npy(saved(TABLE), Ask(channels=["x", "v"])).channels == ("x", "v")
    np.testing.assert_array_equal(parse_npy(saved(TABLE), Ask(channels=["c1"])).values, TABLE[:, 1:])
    parts = parse_npy(saved(TABLE), Ask(time="c0"))
    np.testing.assert_array_equal(parts.times, TABLE[:, 0])
    np.testing.assert_array_equal(parts.values, TABLE[:, 1:])
    with pytest.raises(ConfigError, match=r"'x'.*'c0', 'c1'"):
        parse_npy(saved(TABLE), Ask(channels=["x"]))


def test_one_dimension():
    np.testing.assert_array_equal(parse_npy(saved(np.arange(3.0))).values, [[0.0], [1.0], [2.0]])


@pytest.mark.bad_input(30)
def test_a_header_that_claims_more_than_there_is():
    data = with_header("{'descr': '<f8', 'fortran_order': False, 'shape': (100000000000, 1)}") + bytes(48)
    message = refused(data)
    assert "shape (100000000000, 1) of float64 needs 800000000000 bytes, the file holds 48" in message


def test_more_than_any_integer():
    data = with_header("{'descr': '<f8', 'fortran_order': False, 'shape': (" + "9" * 400 + ", 1)}") + bytes(48)
    assert "the file holds 48" in refused(data)


@pytest.mark.bad_input(31)
@pytest.mark.parametrize("cut", [1, 8, 95])
def test_a_truncated_file(cut):
    assert f"needs 96 bytes, the file holds {96 - cut}" in refused(saved(TABLE)[:-cut])


def test_a_cut_within_the_header():
    data = saved(TABLE)
    for length in range(1, 127):
        assert "header" in refused(data[:length])


def test_bytes_behind_the_array():
    assert "followed by 1 bytes that are not its own" in refused(saved(TABLE) + b"x")
    assert "followed by" in refused(saved(TABLE) + saved(TABLE))


@pytest.mark.bad_input(27)
def test_python_objects():
    assert "contains Python objects" in refused(saved(np.array([1, None]), allow_pickle=True))
    record = np.array([(1.0, None)], dtype=[("x", "f8"), ("o", "O")])
    assert "contains Python objects" in refused(saved(record, allow_pickle=True))


@pytest.mark.bad_input(24)
@pytest.mark.parametrize(
    ("array", "dtype"),
    [(np.ones(3, complex), "complex128"), (np.ones(3, bool), "bool"), (np.array(["a", "b"]), "<U1"),
     (np.array(["2020-01-01"], "M8[D]"), "datetime64"),
     (np.zeros(3, [("x", "f8"), ("y", "f8")]), "('x', '<f8')")],
)  # fmt: skip
def test_other_types_are_refused_by_name(array, dtype):
    message = refused(saved(array))
    assert dtype in message
    assert "real numbers" in message


@pytest.mark.parametrize("shape", [(), (4, 2, 2), (2, 2, 2, 1)])
def test_other_shapes(shape):
    assert f"has shape {shape}" in refused(saved(np.zeros(shape)))


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_no_numbers(shape):
    assert f"is empty: shape {shape}" in refused(saved(np.zeros(shape)))


@pytest.mark.bad_input(23)
def test_time_runs_down_the_rows():
    message = refused(saved(TABLE.T))
    assert "2 rows and 6 channels: time runs down the rows" in message
    assert "`time_axis=1`" in message
    for axis, table in ((0, TABLE.T), (1, TABLE)):
        np.testing.assert_array_equal(parse_npy(saved(TABLE.T), Ask(time_axis=axis)).values, table)


@pytest.mark.parametrize(
    "header",
    ["", "{", "{}", "[]", "1" * 5000, "(" * 9000, "'" * 7, "{'descr': '<f8'}", "{[]: 1}", "{1: 2, 'a': 3}",
     "\t x\n y", "{'descr': '<f8', 'fortran_order': 2, 'shape': (1,)}",
     "{'descr': '<f8', 'fortran_order': False, 'shape': 3}",
     "{'descr': 'nonsense', 'fortran_order': False, 'shape': (1,)}", "a" * 20000,
     "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}", "__import__('os').abort()"],
)  # fmt: skip
def test_headers_that_are_none(header):
    assert "header" in refused(with_header(header) + bytes(8))


def test_versions():
    data = saved(TABLE)
    assert "format version 9.0" in refused(data[:6] + b"\x09\x00" + data[8:])


@given(st.integers(6, 127), st.integers(0, 255))
def test_any_byte_of_the_header_changed_is_read_or_refused(position, byte):
    data = bytearray(saved(TABLE))
    data[position] = byte
    try:
        parts = parse_npy(bytes(data))
    except DataError:
        return
    assert parts.values.size <= 96
