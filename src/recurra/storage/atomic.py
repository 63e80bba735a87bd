"""Whole files or none: written beside the target, synced, then renamed over it."""

import json
import os
import secrets
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
    """
    path = Path(path)
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
            f"is intact{kept}; free some space or choose a directory that can be written"
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


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
