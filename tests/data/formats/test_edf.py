"""EDF and BDF with headers made by hand: what the file holds is told, and nothing of it is read as if it were even."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recurra.data import read_series
from recurra.errors import DataError


def field(value, width):
    return str(value).encode("latin-1").ljust(width)


def written(path, signals, *, records=3, duration="1", kind="", bdf=False, data=None):
    """A recording of `signals` (label, unit, samples a record), as the specification of 1992 and 2003 lays it out."""
    count = len(signals)
    head = b"\xffBIOSEMI" if bdf else field(0, 8)
    head += field("patient", 80) + field("recording", 80) + field("01.02.03", 8) + field("04.05.06", 8)
    head += field(256 * (count + 1), 8) + field(kind, 44) + field(records, 8) + field(duration, 8) + field(count, 4)
    columns = [[field(label, 16) for label, _, _ in signals], [bytes(80).replace(b"\0", b" ")] * count]
    columns += [[field(unit, 8) for _, unit, _ in signals]]
    columns += [[field(value, 8)] * count for value in (-100, 100, -32768, 32767)] + [[field("", 80)] * count]
    columns += [[field(samples, 8) for _, _, samples in signals], [field("", 32)] * count]
    head += b"".join(part for column in columns for part in column)
    assert len(head) == 256 * (count + 1)
    size = (3 if bdf else 2) * sum(samples for _, _, samples in signals if isinstance(samples, int))
    path.write_bytes(head + (bytes(max(records, 0) * size) if data is None else data))
    return path


EEG = [("Fp1", "uV", 128), ("Fp2", "uV", 128)]


def test_channels_of_one_rate_are_listed(tmp_path, refused):
    message = refused(written(tmp_path / "a.edf", EEG, duration="0.5"))
    assert (
        "is an EDF file, which is not read: 3 records of 0.5 s, 2 channels: 'Fp1' (256 Hz, uV), 'Fp2' (256" in message
    )
    assert "Export the channels of one rate to CSV" in message
    assert not any(word in message for word in ("truncated", "with gaps", "different"))


@pytest.mark.bad_input(55)
@pytest.mark.parametrize("bdf", [False, True])
def test_several_rates(tmp_path, refused, bdf):
    signals = [*EEG, ("Resp", "", 16), ("EDF Annotations", "", 30)]
    message = refused(written(tmp_path / "a.dat", signals, duration="2", bdf=bdf))
    assert f"is {'a BDF' if bdf else 'an EDF'} file" in message
    assert "3 channels: 'Fp1' (64 Hz, uV), 'Fp2' (64 Hz, uV), 'Resp' (8 Hz); they have 2 different sampling" in message


@pytest.mark.bad_input(55)
@pytest.mark.parametrize("kind", ["EDF+D", "BDF+D"])
def test_a_discontinuous_recording_is_not_joined(tmp_path, refused, kind):
    message = refused(written(tmp_path / "a.edf", EEG, kind=kind, bdf=kind == "BDF+D"))
    assert f"it is discontinuous ({kind}), with gaps between its records" in message
    assert "each stretch without a gap by itself" in message
    assert "with gaps between" not in refused(written(tmp_path / "b.edf", EEG, kind="EDF+C"))


@pytest.mark.bad_input(55)
def test_annotations_alone(tmp_path, refused):
    path = written(tmp_path / "a.edf", [("EDF Annotations", "", 60)], kind="EDF+C", duration="0")
    assert "is an EDF+ file with annotations alone and no signals: give the recording itself" in refused(path)
    path = written(tmp_path / "b.bdf", [("BDF Annotations", "", 60)], bdf=True)
    assert "is a BDF+ file with annotations alone" in refused(path)


def test_truncated_records_and_a_truncated_header(tmp_path, refused):
    path = written(tmp_path / "a.edf", EEG, records=10)
    whole = path.read_bytes()
    path.write_bytes(whole[: 768 + 4 * 512 + 100])
    assert "it is truncated: expected 10 records, got 4" in refused(path)
    path.write_bytes(whole[:700])
    assert "is truncated within its EDF header: expected 768 bytes, got 700" in refused(path)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"duration": "nan"}, "records of nan s"),
        ({"duration": "-1"}, "records of -1 s"),
        ({"duration": "inf"}, "records of inf s"),
        ({"duration": "1,5"}, "could not convert"),
        ({"signals": [("x", "", 0)]}, "with 0 samples"),
        ({"signals": [("x", "", -4)]}, "with -4 samples"),
        ({"signals": [("x", "", "many")]}, "invalid literal"),
    ],
)
def test_numbers_of_the_header_that_make_no_sense(tmp_path, refused, arguments, told):
    message = refused(written(tmp_path / "a.edf", **{"signals": EEG, **arguments}, data=b""))
    assert "is an EDF file with a damaged header (" in message
    assert told in message


def test_many_channels_are_counted(tmp_path, refused):
    message = refused(written(tmp_path / "a.edf", [(f"c{k}", "uV", 4) for k in range(40)]))
    assert "40 channels: 'c0'" in message
    assert "'c11' (4 Hz, uV), ... (28 more)" in message


@settings(max_examples=100)
@given(st.integers(8, 767), st.binary(min_size=1, max_size=8))
def test_damage_is_refused(tmp_path_factory, at, garbage):
    path = written(tmp_path_factory.mktemp("a") / "a.edf", EEG)
    whole = path.read_bytes()
    path.write_bytes(whole[:at] + garbage + whole[at + len(garbage) :])
    with pytest.raises(DataError, match=r"a\.edf"):
        read_series(path)
