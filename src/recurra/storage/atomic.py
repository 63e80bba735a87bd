"""Whole files or none: written beside the target, synced, then renamed over it."""

import errno
import json
import os
import secrets
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

from recurra.errors import RunDirectoryError

TEMPORARY = ".recurra-"  # every temporary file starts so and ends in .tmp: a killed writer leaves one behind


def write_atomic(path: str | os.PathLike[str], data: bytes, *, previous: Path | None = None) -> None:
    """Write a file so that a reader, or a crash at any moment, sees the old content or the new, no mixture.

    Args:
        path: the file.
        data: all of its bytes.
        previous: where the old file is kept instead of being replaced. It is moved there first: after a crash
            between the two moves `path` is missing, and the old content is in `previous`.

    Raises:
        RunDirectoryError: the disk is full, the directory is missing or not writable. The old content is intact,
            at `path` or in `previous`.
        BrokenPipeError: `path` is a pipe, and its reader has gone.

    A device or a pipe holds nothing that could be lost: it is written to, not replaced.
    """
    path = Path(path)
    if _is_stream(path):
        _write_stream(path, data)
        return
    temporary = path.parent / f"{TEMPORARY}{secrets.token_hex(8)}.tmp"
    try:
        _write_synced(temporary, data)
        if previous is not None and path.exists():
            os.replace(path, previous)
        os.replace(temporary, path)
        _sync_directory(path.parent)
    except OSError as error:
        kept = "" if previous is None else f" (there or in {previous.name})"
        raise RunDirectoryError(
            f"cannot write {path} ({len(data):,} bytes): {error.strerror or error}. What stood there before "
            f"is intact{kept}; {_advice(error, path.parent, len(data))}"
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def probe(path: str | os.PathLike[str]) -> None:
    """Refuse now, before any work, a file that could not be written later: its directory must take a new file.

    Raises:
        RunDirectoryError: the directory is missing, read-only, full, or not a directory.
    """
    path = Path(path)
    try:
        if _is_stream(path):
            return
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a directory")
        temporary = path.parent / f"{TEMPORARY}{secrets.token_hex(8)}.tmp"
        try:
            _write_synced(temporary, b"probe")
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise RunDirectoryError(
            f"cannot write {path}: {error.strerror or error}. {_advice(error, path.parent, 0).capitalize()}"
        ) from error


def write_json(path: str | os.PathLike[str], document: Any) -> None:
    """Write a document as readable JSON, atomically. NaN and infinity are no JSON and raise `ValueError`."""
    text = json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False)
    write_atomic(path, (text + "\n").encode("utf-8"))


def _write_synced(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _is_stream(path: Path) -> bool:
    """Whether there is something that takes bytes and is not a file: a device, a pipe, a socket."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _write_stream(path: Path, data: bytes) -> None:
    try:
        with open(path, "wb") as stream:
            stream.write(data)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise RunDirectoryError(
            f"cannot write {path} ({len(data):,} bytes): {error.strerror or error}. {path} is no file; name one"
        ) from error


def _advice(error: OSError, directory: Path, need: int) -> str:
    """What to do, with the numbers where space is what is missing."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        with suppress(OSError):
            free = shutil.disk_usage(directory).free
            limit = " within your limit on the size of files or your quota" if free > need else ""
            return f"{need:,} bytes are needed and {free:,} are free on that disk: make room{limit}, then repeat"
    return "choose a directory that can be written"
