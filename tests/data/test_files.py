"""Paths that are no data file, and files by what is inside."""

import hashlib
import io
import os
import pickle
import sys

import numpy as np
import pytest

from recurra.data import read, read_series
from recurra.data.text import parse_text
from recurra.errors import DataError, MissingExtraError


def refused(path, **arguments):
    with pytest.raises(DataError) as caught:
        read_series(path, **arguments)
    assert caught.value.exit_code == 3
    assert os.fspath(path) in str(caught.value)
    return str(caught.value)


def test_a_missing_file(tmp_path):
    assert "no such file" in refused(tmp_path / "gone.csv")


@pytest.mark.bad_input(6)
def test_an_empty_file(tmp_path):
    for name in ("a.csv", "a.npy", "a.npz"):
        (tmp_path / name).touch()
        assert "is empty (0 bytes)" in refused(tmp_path / name)


@pytest.mark.bad_input(38)
def test_a_directory_a_pipe_and_a_device(tmp_path):
    assert "is a directory" in refused(tmp_path)
    os.mkfifo(tmp_path / "pipe.csv")
    assert "not a regular file" in refused(tmp_path / "pipe.csv")  # and does not wait for a writer
    assert "not a regular file" in refused("/dev/zero")


@pytest.mark.bad_input(39)
def test_paths_that_cannot_be():
    with pytest.raises(DataError, match="NUL"):
        read_series("a\0b.csv")
    assert "cannot be opened" in refused("a" * 300 + ".csv")


@pytest.mark.bad_input(39)
def test_strange_names_work(tmp_path):
    for name in ("with space.csv", "-dash.csv", "new\nline.csv", "日本.csv", "CAPITALS.CSV"):
        (tmp_path / name).write_text("x\n1\n")
        assert read_series(tmp_path / name).provenance["source"] == str(tmp_path / name)


def test_a_link_to_a_file_is_followed(tmp_path):
    (tmp_path / "a.csv").write_text("x\n1\n")
    (tmp_path / "b.csv").symlink_to(tmp_path / "a.csv")
    assert len(read_series(tmp_path / "b.csv")) == 1


def test_a_file_over_the_limit(tmp_path):
    (tmp_path / "a.csv").write_text("x\n1\n2\n")
    assert "has 6 bytes, more than the limit of 5" in refused(tmp_path / "a.csv", max_bytes=5)


class Bomb:
    def __reduce__(self):
        return os.mkdir, (os.environ["RECURRA_TEST_BOMB"],)


@pytest.mark.parametrize("name", ["a.pkl", "a.csv", "a.npy", "a.npz", "a.pt"])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickle_is_refused_and_never_run(tmp_path, monkeypatch, name, protocol):
    monkeypatch.setenv("RECURRA_TEST_BOMB", str(tmp_path / "ran"))
    (tmp_path / name).write_bytes(pickle.dumps(Bomb(), protocol))
    assert "Python pickle" in refused(tmp_path / name)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["a.pkl", "a.joblib", "a.rpy"])
def test_a_pickle_by_name(tmp_path, name):
    (tmp_path / name).write_bytes(pickle.dumps([1], 0))
    assert "Python pickle" in refused(tmp_path / name)


@pytest.mark.parametrize(
    ("start", "kind"),
    [(b"\x1f\x8b\x08", "gzip"), (b"BZh9", "bzip2"), (b"\xfd7zXZ\x00", "xz"), (b"\x28\xb5\x2f\xfd", "zstd"),
     (b"\x0e\x03\x13\x01", "HDF4"), (b"\xcd\xf3\x00\x01", "CDF"), (b"TDSm", "TDMS"), (b"fLaC", "FLAC"),
     (b"PARE", "encrypted Parquet"), (b"FEA1", "Feather file of version 1")],
)  # fmt: skip
def test_formats_that_are_not_read_are_named(tmp_path, start, kind):
    (tmp_path / "a.csv").write_bytes(start + b"rest")
    message = refused(tmp_path / "a.csv")
    assert kind in message
    assert "numpy.savez" in message


def test_a_name_that_says_nothing(tmp_path):
    (tmp_path / "data.asc").write_text("x y\n1 2\n")
    assert "ends in .asc, and recurra reads .csv .tsv .txt .dat .npy .npz" in refused(tmp_path / "data.asc")
    assert read_series(tmp_path / "data.asc", delimiter=" ").channels == ("x", "y")


def test_numpy_files_go_by_what_is_inside(tmp_path):
    buffer = io.BytesIO()
    np.save(buffer, np.ones(3))
    (tmp_path / "a.csv").write_bytes(buffer.getvalue())
    assert len(read_series(tmp_path / "a.csv")) == 3
    (tmp_path / "a.npy").write_text("x\n1\n")
    assert "named .npy and does not begin like one" in refused(tmp_path / "a.npy")


def test_the_file_is_not_touched(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("x\n1\n2\n")
    file.chmod(0o400)
    before = file.stat().st_mtime_ns
    series = read_series(file)
    assert file.stat().st_mtime_ns == before
    # sha256sum of "x\n1\n2\n"
    assert series.provenance["sha256"] == "aea284871ddeeebac4b57b7a8ee7dad070886e690408ce2409306b9b6487beb1"


@pytest.mark.bad_input(53)
@pytest.mark.parametrize("later", [b"x\n1\n9\n", b"x\n1\n", b""])
def test_a_file_that_changes_after_it_was_opened_is_read_as_it_was(tmp_path, monkeypatch, later):
    file = tmp_path / "a.csv"
    file.write_bytes(b"x\n1\n2\n")
    monkeypatch.setattr(read, "parse_text", lambda data, ask: (file.write_bytes(later), parse_text(data, ask))[1])
    series = read_series(file)
    assert file.read_bytes() == later
    assert series.values.tolist() == [[1.0], [2.0]]
    assert series.provenance["sha256"] == hashlib.sha256(b"x\n1\n2\n").hexdigest()


@pytest.mark.bad_input(57)
@pytest.mark.parametrize(
    ("suffix", "start"), [(".nc", b"\x89HDF\r\n\x1a\n"), (".parquet", b"PAR1"), (".feather", b"ARROW1\0\0")]
)
def test_a_package_that_is_not_installed_is_named_with_its_extra(tmp_path, monkeypatch, suffix, start):
    for package in ("h5py", "pyarrow", "pyarrow.parquet", "pyarrow.feather"):
        monkeypatch.setitem(sys.modules, package, None)
    (tmp_path / f"a{suffix}").write_bytes(start + bytes(64))
    with pytest.raises(
        MissingExtraError, match=rf"reading \{suffix} needs the io extra: pip install 'recurra\[io\]'"
    ) as caught:
        read_series(tmp_path / f"a{suffix}")
    assert caught.value.exit_code == 2
