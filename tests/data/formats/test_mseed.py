"""miniSEED with records made by hand: the channels are listed, and a chain of blockettes in a circle ends."""

import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recurra.data import read_series
from recurra.errors import DataError


def record(
    code="BHZ", *, number=1, day=1, second=0, samples=100, factor=20, multiplier=1, blockettes=None, order=">", size=9
):
    """One record of version 2.4, of 2^size bytes: the fixed header, blockettes, and no samples worth reading."""
    head = f"{number:06d}D ".encode() + b"ANMO 00".ljust(7) + f"{code:3}IU".encode()
    head += struct.pack(f"{order}HHBBBBH", 2010, day, 0, second // 60, second % 60, 0, 0)
    head += struct.pack(f"{order}Hhh", samples, factor, multiplier)
    chain = struct.pack(f"{order}HHBBBB", 1000, 0, 11, 1, size, 0) if blockettes is None else blockettes
    head += struct.pack(f"{order}BBBBiHH", 0, 0, 0, 1 if chain else 0, 0, 64, 48 if chain else 0)
    assert len(head) == 48
    return (head + chain).ljust(1 << size, b"\0")


def saved(path, *records):
    path.write_bytes(b"".join(records))
    return path


@pytest.mark.bad_input(56)
@pytest.mark.parametrize("order", "><")
def test_several_channels_are_listed_with_their_rates(tmp_path, refused, order):
    records = [record(code, number=k + 1, order=order) for k, code in enumerate(["BHZ", "BHN", "BHZ"])]
    path = saved(tmp_path / "a.mseed", *records, record("LHZ", samples=7, factor=-10, order=order))
    message = refused(path)
    assert "4 records of 3 channels: 'IU.ANMO.00.BHN' (1 records, 100 samples, 20 Hz)" in message
    assert "'IU.ANMO.00.BHZ' (2 records, 200 samples, 20 Hz)" in message
    assert "'IU.ANMO.00.LHZ' (1 records, 7 samples, 0.1 Hz)" in message
    assert "Convert each channel to CSV" in message


@pytest.mark.parametrize(
    ("factor", "multiplier", "rate"),
    [
        (20, 1, "20"),
        (20, 5, "100"),
        (20, -4, "5"),
        (-10, 1, "0.1"),
        (-10, 2, "0.2"),
        (-2, -5, "0.1"),
        (0, 1, "no rate"),
    ],
)
def test_the_rate_of_two_signed_numbers(tmp_path, refused, factor, multiplier, rate):
    """The four cases of the SEED manual, chapter 8."""
    path = saved(tmp_path / "a.mseed", record(factor=factor, multiplier=multiplier))
    assert f"samples, {rate}" + (" Hz)" if rate != "no rate" else ")") in refused(path)


@pytest.mark.bad_input(56)
def test_records_that_overlap_are_not_joined(tmp_path, refused):
    """100 samples at 20 Hz last 5 s, and the next record starts after 3."""
    path = saved(tmp_path / "a.mseed", record(second=0), record(number=2, second=3))
    message = refused(path)
    assert "(2 records, 200 samples, 20 Hz)" in message
    assert "each stretch without a gap by itself" in message


@pytest.mark.bad_input(56)
@pytest.mark.parametrize("following", [48, 0, 1, 47, 40])
def test_a_chain_of_blockettes_that_points_to_itself_or_back_ends(tmp_path, refused, following):
    """The first blockette says that the next stands where it stands itself, or before it."""
    looped = record(blockettes=struct.pack(">HHi", 201, following, 0))
    began = time.monotonic()
    message = refused(saved(tmp_path / "a.mseed", *[looped] * 200))
    assert time.monotonic() - began < 10
    assert "200 records of 1 channels: 'IU.ANMO.00.BHZ' (200 records, 20000 samples, 20 Hz)" in message


def test_a_long_chain_is_not_followed_for_ever(tmp_path, refused):
    chain = b"".join(struct.pack(">HHi", 201, 48 + 8 * (k + 1), 0) for k in range(40))
    chain += struct.pack(">HHBBBB", 1000, 0, 11, 1, 9, 0)
    assert "2 records of 1 channels" in refused(saved(tmp_path / "a.mseed", *[record(blockettes=chain)] * 2))


@pytest.mark.parametrize("size", [8, 9, 12])
def test_records_that_do_not_say_how_long_they_are(tmp_path, refused, size):
    """Without a blockette 1000 a record reaches to the next header."""
    bare = record(blockettes=b"", size=size)
    assert "3 records of 1 channels: 'IU.ANMO.00.BHZ' (3 records, 300 samples" in refused(
        saved(tmp_path / "a.mseed", bare, bare, bare)
    )


def test_truncated_and_other_bytes(tmp_path, refused):
    path = saved(tmp_path / "a.mseed", record(), record()[:-100])
    assert "2 records of 1 channels" in refused(path)
    assert "it is truncated: 100 bytes of the last record are missing" in refused(path)
    saved(path, record(), b"x" * 600)
    assert "1 records of 1 channels: 'IU.ANMO.00.BHZ' (1 records, 100 samples, 20 Hz); what follows at byte 512" in (
        refused(path)
    )


def version3(name, rate, samples, payload=64):
    head = b"MS\x03" + bytes(5) + struct.pack("<HHBBB", 2020, 1, 0, 0, 0) + bytes(1)
    head = head.ljust(16, b"\0") + struct.pack("<dIIBBHI", rate, samples, 0, 1, len(name), 0, payload)
    return head + name + bytes(payload)


def test_version_3(tmp_path, refused):
    one, other = version3(b"FDSN:IU_ANMO_00_B_H_Z", 40.0, 50), version3(b"FDSN:IU_ANMO_00_L_H_Z", -10.0, 5)
    path = saved(tmp_path / "a.mseed", one, other, one)
    message = refused(path)
    assert "3 records of 2 channels: 'FDSN:IU_ANMO_00_B_H_Z' (2 records, 100 samples, 40 Hz)" in message
    assert "'FDSN:IU_ANMO_00_L_H_Z' (1 records, 5 samples, 0.1 Hz)" in message
    saved(path, one, other[:-10])
    assert "it is truncated within its last record" in refused(path)
    saved(path, one, bytes(100))
    assert f"what follows at byte {len(one)} is not looked at" in refused(path)


@settings(max_examples=100)
@given(st.integers(8, 600), st.binary(min_size=1, max_size=8), st.booleans())
def test_damage_is_refused(tmp_path_factory, at, garbage, newer):
    whole = version3(b"FDSN:IU_ANMO_00_B_H_Z", 40.0, 50, 600) if newer else record() + record(number=2)
    path = saved(tmp_path_factory.mktemp("a") / "a.mseed", whole[:at] + garbage + whole[at + len(garbage) :])
    with pytest.raises(DataError, match=r"a\.mseed"):
        read_series(path)
