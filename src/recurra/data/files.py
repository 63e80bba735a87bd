"""The bytes of a data file, and which kind of file they are: by what is inside, not by the name."""

import stat
from pathlib import Path

from recurra.errors import DataError

MAX_BYTES = 4 * 2**30  # of a file, and of what an archive may inflate to

TEXT_SUFFIXES = (".csv", ".tsv", ".txt", ".dat")

_CODE = "can run code when it is opened"
_PICKLE_SUFFIXES = (".pkl", ".pickle", ".joblib", ".rpy", ".pt", ".pth", ".ckpt")
_FOREIGN = (
    (b"\x89HDF\r\n\x1a\n", "an HDF5 or NetCDF-4 file"),
    (b"CDF\x01", "a NetCDF file"),
    (b"CDF\x02", "a NetCDF file"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"MATLAB 5.0", "a MATLAB file"),
    (b"\x1f\x8b", "compressed with gzip"),
    (b"BZh", "compressed with bzip2"),
    (b"\xfd7zXZ\x00", "compressed with xz"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
)


def read_bytes(path: Path, max_bytes: int = MAX_BYTES) -> bytes:
    """The whole of a regular file, read once, so that what is hashed is what is parsed.

    Raises:
        DataError: the path is missing, unreadable, empty, too large or anything but a regular file.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # before it is opened: a named pipe would be waited for, for ever
            kind = "a directory" if stat.S_ISDIR(status.st_mode) else "a pipe, a socket or a device"
            raise DataError(f"is {kind}, not a regular file: give the file that holds the numbers")
        if status.st_size > max_bytes:
            raise DataError(
                f"has {status.st_size} bytes, more than the limit of {max_bytes}: raise `max_bytes` or cut it"
            )
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"there is no such file: check the path (looked in {Path.cwd()})") from error
    except OSError as error:
        raise DataError(f"cannot be opened: {error.strerror}: check the path and its permissions") from error
    if not data:
        raise DataError("is empty (0 bytes)")
    return data


def kind_of(data: bytes, suffix: str, *, text: bool = False) -> str:
    """What a file holds, from its first bytes: "npy", "npz" or "text".

    Args:
        data: the file.
        suffix: the end of its name, for text files that carry no signature.
        text: the caller says that it is text, whatever the name.

    Raises:
        DataError: a pickle, a format that is not read, or a name that says nothing.
    """
    if data.startswith(b"\x93NUMPY"):
        return "npy"
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "npz"
    if suffix in _PICKLE_SUFFIXES or (data[:1] == b"\x80" and data[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")):
        raise DataError(f"is a Python pickle, which {_CODE}: refused. Save the arrays with numpy.savez")
    for signature, name in _FOREIGN:
        if data.startswith(signature):
            raise DataError(f"is {name}, which is not read: save it as CSV or with numpy.savez")
    if suffix in (".npy", ".npz"):
        raise DataError(f"is named {suffix} and does not begin like one: it is damaged or something else")
    if text or suffix in TEXT_SUFFIXES:
        return "text"
    known = " ".join((*TEXT_SUFFIXES, ".npy", ".npz"))
    raise DataError(
        f"the name ends in {suffix or 'no suffix'}, and recurra reads {known}: rename it, or give "
        "`delimiter` if it is text"
    )
