"""What may stand where a model file is expected, and is none: refused without waiting for it."""

import os

import pytest


def _fifo(path, target):
    os.mkfifo(path)


PLACES = {
    "fifo": _fifo,
    "directory": lambda path, target: path.mkdir(),
    "device": lambda path, target: path.symlink_to("/dev/zero"),
    "terminal": lambda path, target: path.symlink_to("/dev/tty"),
    "link to a fifo": lambda path, target: (_fifo(target, None), path.symlink_to(target)),
    "link to nothing": lambda path, target: path.symlink_to(target),
    "link to itself": lambda path, target: path.symlink_to(path),
    "link to a file that is no model": lambda path, target: (
        target.write_bytes(b"root:x:0:0"),
        path.symlink_to(target),
    ),
    "nothing": lambda path, target: None,
}


@pytest.mark.bad_input(38)
@pytest.mark.parametrize("place", PLACES)
def test_anything_but_a_regular_file_is_refused_without_waiting(place, run, good, canary, refused, tmp_path):
    path = run / "model.safetensors"
    path.unlink()
    try:
        PLACES[place](path, tmp_path / "target")
        refused(run, canary, "")
    finally:
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
        path.write_bytes(good)
