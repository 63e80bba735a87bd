"""WAV, against files that the standard library and `struct` write."""

import io
import struct
import wave
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recurra.data import read_series
from recurra.data.formats.wav import read_wav
from recurra.errors import DataError


def riff(*chunks, order="<"):
    body = b"WAVE" + b"".join(
        name + struct.pack(f"{order}I", len(data)) + data + b"\0" * (len(data) % 2) for name, data in chunks
    )
    return (b"RIFX" if order == ">" else b"RIFF") + struct.pack(f"{order}I", len(body)) + body


def layout(code, channels, bits, rate=100, order="<", extra=b""):
    row = channels * bits // 8
    return b"fmt ", struct.pack(f"{order}HHIIHH", code, channels, rate, rate * row, row, bits) + extra


def by_standard_library(table, bits, rate):
    raw = b"".join(
        (int(value) + 128 if bits == 8 else int(value)).to_bytes(bits // 8, "little", signed=bits != 8)
        for value in table.reshape(-1)
    )
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(table.shape[1])
        file.setsampwidth(bits // 8)
        file.setframerate(rate)
        file.writeframes(raw)
    return buffer.getvalue()


@given(st.sampled_from([8, 16, 24, 32]), st.integers(1, 20), st.integers(1, 3), st.integers(1, 200_000), st.randoms())
def test_integers_are_scaled_to_full_scale(bits, rows, channels, rate, random):
    whole = np.array(
        [[random.randrange(-(2 ** (bits - 1)), 2 ** (bits - 1)) for _ in range(channels)] for _ in range(rows)]
    )
    values, read_rate, read_bits = read_wav(by_standard_library(whole, bits, rate))
    np.testing.assert_array_equal(values * 2.0 ** (bits - 1), whole)  # powers of two are exact
    assert (read_rate, read_bits) == (rate, bits)


@given(
    st.sampled_from([32, 64]),
    st.sampled_from("<>"),
    st.integers(1, 3),
    st.lists(st.floats(-2, 2, width=32), min_size=1),
)
def test_floats_stay_what_they_are(bits, order, channels, numbers):
    table = np.resize(np.array(numbers), (len(numbers), channels))
    data = table.astype(f"{order}f{bits // 8}").tobytes()
    values, _, _ = read_wav(riff(layout(3, channels, bits, order=order), (b"data", data), order=order))
    np.testing.assert_array_equal(values, table)


def test_a_24_bit_file_of_the_other_byte_order():
    data = b"".join(value.to_bytes(3, "big", signed=True) for value in (1, -1, 2**23 - 1))
    values, _, _ = read_wav(riff(layout(1, 1, 24, order=">"), (b"data", data), order=">"))
    np.testing.assert_array_equal(values[:, 0] * 2**23, [1, -1, 2**23 - 1])


def test_a_recording_as_a_series(tmp_path):
    table = np.array([[-32768, 0], [16384, 8192], [0, 1]])
    (tmp_path / "a.wav").write_bytes(by_standard_library(table, 16, 8000))
    series = read_series(tmp_path / "a.wav", channels=["left", "right"])
    assert (series.channels, series.dt, len(series)) == (("left", "right"), 1 / 8000, 3)
    np.testing.assert_array_equal(series.values[:2], [[-1.0, 0.0], [0.5, 0.25]])
    assert (series.provenance["rate"], series.provenance["bits"]) == (8000, 16)
    driven = read_series(tmp_path / "a.wav", inputs=["c1"])
    assert (driven.channels, driven.inputs.channels) == (("c0",), ("c1",))


def test_chunks_that_say_other_things_are_skipped():
    data = struct.pack("<3h", 1, 2, 3)
    plain = read_wav(riff(layout(1, 1, 16), (b"data", data)))[0]
    guid = struct.pack("<HHI", 22, 16, 0) + struct.pack("<H", 1) + bytes(14)
    odd = riff(
        (b"LIST", b"odd"), layout(0xFFFE, 1, 16, extra=guid), (b"bext", bytes(602)), (b"data", data), (b"id3 ", b"x")
    )
    np.testing.assert_array_equal(read_wav(odd)[0], plain)


@pytest.mark.bad_input(31)
def test_a_truncated_recording(tmp_path, refused):
    whole = by_standard_library(np.zeros((100, 2)), 16, 8000)
    (tmp_path / "a.wav").write_bytes(whole[:-40])
    message = refused(tmp_path / "a.wav")
    assert "truncated: expected 400 bytes of samples (100 rows), got 360 (90 rows)" in message
    (tmp_path / "a.wav").write_bytes(whole[:30])
    assert "truncated" in refused(tmp_path / "a.wav")


@pytest.mark.bad_input(30)
def test_a_header_that_claims_gigabytes(tmp_path, refused):
    lying = riff(layout(1, 1, 16)) + b"data" + struct.pack("<I", 2**32 - 2)
    (tmp_path / "a.wav").write_bytes(lying)
    assert f"expected {2**32 - 2} bytes" in refused(tmp_path / "a.wav")
    (tmp_path / "b.wav").write_bytes(by_standard_library(np.zeros((100, 1)), 8, 8000))
    assert "800 bytes as float64, more than the limit of 500" in refused(tmp_path / "b.wav", max_bytes=500)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (riff(layout(6, 1, 8), (b"data", b"ab")), "compressed (A-law)"),
        (riff(layout(99, 1, 8), (b"data", b"ab")), "compressed (code 99)"),
        (riff(layout(1, 1, 12), (b"data", b"ab")), "12 bits a sample"),
        (riff(layout(1, 0, 16), (b"data", b"ab")), "contradicts itself: 0 channels"),
        (riff(layout(1, 1, 16, rate=0), (b"data", b"ab")), "contradicts itself"),
        (riff(layout(1, 2, 16), (b"data", b"ab")), "2 bytes of samples, expected a positive multiple of 4"),
        (riff(layout(1, 1, 16), (b"data", b"")), "0 bytes of samples"),
        (riff((b"data", b"ab")), "no `fmt ` chunk"),
        (riff((b"fmt ", b"abc")), "3 bytes"),
        (riff(layout(1, 1, 16)), "no `data` chunk"),
        (b"RF64" + bytes(100), "RF64"),
    ],
)
def test_files_that_are_refused(tmp_path, refused, data, told):
    (tmp_path / "a.wav").write_bytes(data)
    assert told in refused(tmp_path / "a.wav")


@given(st.binary(max_size=200), st.integers(0, 60))
def test_garbage_is_refused_or_read(garbage, at):
    whole = riff(layout(1, 1, 16), (b"data", struct.pack("<8h", *range(8))))
    with suppress(DataError):
        read_wav(whole[:at] + garbage)
