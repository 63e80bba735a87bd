import errno
import json
import os

import pytest

from recurra.errors import RunDirectoryError
from recurra.storage import write_atomic, write_json


def test_writes_and_replaces(tmp_path):
    write_atomic(tmp_path / "a", b"one")
    write_atomic(tmp_path / "a", b"two")
    assert (tmp_path / "a").read_bytes() == b"two"
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def test_permissions_follow_the_umask(tmp_path):
    (tmp_path / "plain").touch()
    write_atomic(tmp_path / "a", b"")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, code):
    write_atomic(tmp_path / "a", b"old")

    def fail(handle):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(RunDirectoryError, match="intact") as caught:
        write_atomic(tmp_path / "a", b"new")
    assert caught.value.exit_code == 6
    assert os.strerror(code) in str(caught.value)
    assert (tmp_path / "a").read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def test_the_previous_file_can_be_kept(tmp_path):
    for content in (b"one", b"two", b"three"):
        write_atomic(tmp_path / "a", content, previous=tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == b"three"
    assert (tmp_path / "b").read_bytes() == b"two"


def test_a_failure_between_the_two_moves_says_where_the_old_file_is(tmp_path, monkeypatch):
    write_atomic(tmp_path / "a", b"old")
    replace = os.replace

    def fail_at_the_second(source, target):
        if target == tmp_path / "a":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail_at_the_second)
    with pytest.raises(RunDirectoryError, match=r"intact \(there or in b\)"):
        write_atomic(tmp_path / "a", b"new", previous=tmp_path / "b")
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"b": b"old"}


def test_json_is_readable_and_strict(tmp_path):
    write_json(tmp_path / "a.json", {"θ": [1.0, None]})
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert json.loads(text) == {"θ": [1.0, None]}
    assert "θ" in text
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"loss": float("inf")})
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == text
