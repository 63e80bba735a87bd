"""`.npz`: the layouts, and archives that lie, blow up or could run."""

import io
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recurra.data import read_series
from recurra.data.columns import Ask
from recurra.data.npz import parse_npz
from recurra.errors import ConfigError, DataError
from recurra.series import Series

TABLE = np.arange(12.0).reshape(6, 2)


def saved(**named):
    buffer = io.BytesIO()
    np.savez(buffer, **named)
    return buffer.getvalue()


def zipped(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return buffer.getvalue()


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def refused(data, **arguments):
    with pytest.raises(DataError) as caught:
        parse_npz(data, Ask(**arguments))
    assert caught.value.exit_code == 3
    return str(caught.value)


@given(st.integers(2, 30), st.integers(1, 2), st.booleans(), st.integers(0, 2**31))
def test_a_series_comes_back_whole(rows, width, compressed, seed):
    rng = np.random.default_rng(seed)
    original = Series(
        rng.normal(size=(rows, width)),
        times=rng.normal() + 0.25 * np.arange(rows),
        channels=["x", "v"][:width],
        units=["m", "m/s"][:width],
        inputs=rng.normal(size=(rows, 1)),
    )
    buffer = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(
        buffer, values=original.values, times=original.times, channels=original.channels,
        units=original.units, inputs=original.inputs.values,
    )  # fmt: skip
    parts = parse_npz(buffer.getvalue())
    back = Series(parts.values, times=parts.times, channels=parts.channels, units=parts.units, inputs=parts.inputs)
    assert back.sha256 == original.sha256


def test_values_alone_and_with_a_step(tmp_path):
    np.savez(tmp_path / "a.npz", values=TABLE, dt=0.25)
    series = read_series(tmp_path / "a.npz")
    assert (series.dt, series.channels, series.units) == (0.25, ("c0", "c1"), ("", ""))
    np.testing.assert_array_equal(series.values, TABLE)
    assert read_series(tmp_path / "a.npz", dt=0.25, units=["m", "s"]).units == ("m", "s")
    with pytest.raises(ConfigError, match=r"`dt` is 0\.5, and the file says 0\.25"):
        read_series(tmp_path / "a.npz", dt=0.5)


def test_columns_of_values_by_name():
    data = saved(values=np.arange(18.0).reshape(6, 3), channels=["t", "F", "x"], units=["s", "N", "m"])
    parts = parse_npz(data, Ask(inputs=["F"]))
    np.testing.assert_array_equal(parts.times, np.arange(0.0, 18, 3))
    np.testing.assert_array_equal(parts.inputs[:, 0], np.arange(1.0, 18, 3))
    np.testing.assert_array_equal(parts.values[:, 0], np.arange(2.0, 18, 3))
    assert (parts.channels, parts.input_names, parts.units) == (("x",), ("F",), ("m",))
    assert parse_npz(data, Ask(time="F")).channels == ("t", "x")


def test_two_time_axes_are_one_too_many():
    data = saved(values=TABLE, channels=["t", "x"], times=np.arange(6.0))
    with pytest.raises(ConfigError, match="the array 'times' and the column 't'"):
        parse_npz(data)
    np.testing.assert_array_equal(parse_npz(data, Ask(channels=["x"], time="t")).times, TABLE[:, 0])


def test_inputs_may_be_named(tmp_path):
    np.savez(tmp_path / "a.npz", values=TABLE, inputs=np.arange(6.0))
    assert read_series(tmp_path / "a.npz").inputs.channels == ("u0",)
    series = read_series(tmp_path / "a.npz", inputs=["F"])
    assert (series.inputs.channels, series.inputs.values[:, 0].tolist()) == (("F",), [0, 1, 2, 3, 4, 5])


def test_one_array_a_channel():
    data = saved(t=np.arange(6.0), x=TABLE[:, 0], v=TABLE[:, 1], F=np.ones(6), note=np.array(["text"]))
    parts = parse_npz(data, Ask(channels=["v", "x"], inputs=["F"]))
    np.testing.assert_array_equal(parts.values, TABLE[:, ::-1])
    np.testing.assert_array_equal(parts.times, np.arange(6.0))
    assert (parts.channels, parts.input_names) == (("v", "x"), ("F",))


def test_a_single_array_and_a_table_of_columns():
    parts = parse_npz(saved(time=np.arange(6.0), q=TABLE))
    assert parts.channels == ("q0", "q1")
    np.testing.assert_array_equal(parts.values, TABLE)
    assert parse_npz(saved(q=TABLE[:, 0])).channels == ("q",)


def test_several_arrays_and_no_name():
    with pytest.raises(ConfigError, match=r"`channels`: the file holds a \(6,\), b \(6, 2\)"):
        parse_npz(saved(a=TABLE[:, 0], b=TABLE))


@pytest.mark.parametrize("arguments", [{"channels": ["z"]}, {"time": "z"}, {"inputs": ["z"]}])
@pytest.mark.parametrize("named", [{"a": TABLE}, {"values": TABLE, "channels": ["x", "v"]}])
def test_names_that_are_not_there(named, arguments):
    with pytest.raises(ConfigError, match="'z'"):
        parse_npz(saved(**named), Ask(**arguments))


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ({"values": np.ones(3, complex)}, "array 'values' has dtype complex128"),
        ({"values": np.ones((2, 5))}, "2 rows and 5 channels: time runs down the rows"),
        ({"values": np.ones((2, 2, 2))}, "shape (2, 2, 2)"),
        ({"values": TABLE, "channels": ["x"]}, "array 'channels' must hold 2 texts"),
        ({"values": TABLE, "units": [1.0, 2.0]}, "array 'units' must hold 2 texts"),
        ({"values": TABLE, "dt": "fast"}, "array 'dt' must be one number"),
        ({"values": TABLE, "dt": [0.1, 0.2]}, "array 'dt' must be one number"),
        ({"values": TABLE, "times": np.ones((6, 2))}, "array 'times' is the time axis and has shape (6, 2)"),
        ({"values": np.array([1, None])}, "array 'values' contains Python objects"),
        ({"x": TABLE, "extra": np.array([{}])}, "array 'extra' contains Python objects"),
    ],
)
def test_arrays_are_refused_by_name(named, told):
    assert told in refused(saved(**named))


def test_arrays_of_different_length():
    assert "differ in length: {'a': 6, 'b': 5}" in refused(saved(a=np.ones(6), b=np.ones(5)), channels=["a", "b"])


@pytest.mark.parametrize(
    ("times", "told"),
    [
        (np.arange(6, dtype=np.float32), "float32"),
        (np.arange(5.0), r"shape \(5,\) for 6 rows"),
        (np.array([0, 1, 1, 2, 3, 4.0]), "1 duplicate times in column 'times', the first in row 2"),
        (np.array([5, 4, 3, 2, 1, 0.0]), "backwards in 5 rows of column 'times', first in row 1"),
    ],
)
def test_times_are_refused(tmp_path, times, told):
    np.savez(tmp_path / "a.npz", values=TABLE, times=times)
    with pytest.raises(DataError, match=told):
        read_series(tmp_path / "a.npz")


# --- archives


@pytest.mark.bad_input(29)
def test_an_archive_that_would_blow_up():
    bomb = zipped(values=npy(np.zeros(10**6)))
    assert len(bomb) < 20_000
    assert "would inflate to 8000128 bytes, more than the limit of 1000000" in refused(bomb, max_bytes=10**6)


def test_a_header_that_claims_more_than_the_member_holds():
    body = b"{'descr': '<f8', 'fortran_order': False, 'shape': (100000000000,)}"
    lie = b"\x93NUMPY\x01\x00" + len(body).to_bytes(2, "little") + body + bytes(48)
    assert "needs 800000000000 bytes, the file holds 48" in refused(zipped(values=lie))


def test_a_directory_that_lies_about_the_size():
    data = bytearray(zipped(values=npy(TABLE)))
    entry = data.rindex(b"PK\x01\x02")  # the central directory: the true size stands at +24
    (size,) = struct.unpack_from("<I", data, entry + 24)
    for wrong in (size - 8, size + 8):
        struct.pack_into("<I", data, entry + 24, wrong)
        assert "array 'values'" in refused(bytes(data))


@pytest.mark.bad_input(31)
def test_truncated_and_damaged_archives():
    data = saved(values=TABLE)
    for length in range(4, len(data), 7):
        assert "damaged or truncated" in refused(data[:length])
    flipped = bytearray(data)
    flipped[data.index(TABLE.tobytes()) + 40] ^= 1
    assert "array 'values' is damaged" in refused(bytes(flipped))


@pytest.mark.parametrize(
    ("member", "told"),
    [("archive/data.pkl", "Python pickle inside"), ("[Content_Types].xml", "not a .npz of arrays"),
     ("a.txt", "a.txt")],
)  # fmt: skip
def test_other_archives(member, told):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(member, b"anything")
    assert told in refused(buffer.getvalue())


def test_no_members_and_two_of_a_name():
    buffer = io.BytesIO()
    zipfile.ZipFile(buffer, "w").close()
    assert "it is empty" in refused(buffer.getvalue())
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("x.npy", npy(TABLE))
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("x.npy", npy(TABLE))
    assert "two arrays of the name 'x.npy'" in refused(buffer.getvalue())


def test_a_compression_that_numpy_does_not_write():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("x.npy", npy(TABLE))
    assert "compressed in an unusual way" in refused(buffer.getvalue())


def test_nothing_is_written_outside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parts = parse_npz(zipped(**{"../escaped": npy(TABLE)}))
    assert parts.channels == ("../escaped0", "../escaped1")
    assert list(tmp_path.parent.glob("escaped*")) == []


@given(st.data())
def test_any_byte_changed_is_read_or_refused(data):
    whole = bytearray(saved(values=TABLE, dt=0.5))
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        parts = parse_npz(bytes(whole))
    except (DataError, ConfigError):
        return
    assert parts.values.shape == (6, 2)
