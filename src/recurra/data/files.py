"""The bytes of a data file, and which kind of file they are: by what is inside, not by the name."""

import hashlib
import io
import stat
import struct
import zipfile
from pathlib import Path

from recurra.errors import DataError

MAX_BYTES = 4 * 2**30  # of a file, and of what an archive may inflate to

TEXT_SUFFIXES = (".csv", ".tsv", ".txt", ".dat")
SUFFIXES = (
    *(".npy", ".npz", ".wav", ".parquet", ".pq", ".feather", ".arrow"),
    *(".nc", ".nc4", ".h5", ".hdf5", ".mat", ".zarr"),
)
ZARR_FILES = ("zarr.json", ".zgroup", ".zarray")  # that say what a directory holds

_CODE = "can run code when it is opened"
_PICKLE_SUFFIXES = (".pkl", ".pickle", ".joblib", ".rpy", ".pt", ".pth", ".ckpt")
_HDF5 = b"\x89HDF\r\n\x1a\n"
_KINDS = (
    (b"\x93NUMPY", "npy"),
    (b"CDF\x01", "netcdf3"),
    (b"CDF\x02", "netcdf3"),
    (b"CDF\x05", "netcdf3"),
    (b"PAR1", "parquet"),
    (b"ARROW1\0\0", "arrow"),
    (b"MATLAB 5.0", "matlab"),
    (b"MATLAB 7.3", "matlab73"),
    (_HDF5, "hdf5"),
    (b"RF64", "wav"),
    (b"MS\x03", "miniseed"),
)
_FOREIGN = (
    (b"PARE", "an encrypted Parquet file"),
    (b"FEA1", "a Feather file of version 1"),
    (b"\x0e\x03\x13\x01", "an HDF4 file"),
    (b"\xcd\xf3\x00\x01", "a CDF file"),
    (b"\xcd\xf2\x60\x02", "a CDF file"),
    (b"TDSm", "a TDMS file"),
    (b"fLaC", "a FLAC file"),
    (b"OggS", "an Ogg file"),
    (b"FORM", "an AIFF file"),
    (b"\x1f\x8b", "compressed with gzip"),
    (b"BZh", "compressed with bzip2"),
    (b"\xfd7zXZ\x00", "compressed with xz"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
)


def load(path: Path, max_bytes: int = MAX_BYTES, *, text: bool = False) -> tuple[str, bytes, str]:
    """Kind, bytes and SHA-256 of a data file; of a Zarr directory the kind alone, for its files are read by the format.

    Args:
        path: a regular file, or a directory that holds a Zarr store.
        max_bytes: the largest file.
        text: the caller says that it is text, whatever the name.

    Raises:
        DataError: as in `read_bytes` and `kind_of`.
    """
    if _is_store(path):
        return "zarr", b"", ""
    data = read_bytes(path, max_bytes)
    return kind_of(data, path.suffix.lower(), text=text), data, hashlib.sha256(data).hexdigest()


def _is_store(path: Path) -> bool:
    try:
        return path.is_dir() and any((path / name).is_file() for name in ZARR_FILES)
    except OSError:
        return False  # `read_bytes` says what is wrong with it


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
    """What a file holds, from its first bytes: "npy", "npz", "wav", "parquet", "hdf5", ... or "text".

    Args:
        data: the file.
        suffix: the end of its name, for text files that carry no signature.
        text: the caller says that it is text, whatever the name.

    Raises:
        DataError: a pickle, a format that is not read, or a name that says nothing.
    """
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zarr" if _is_zarr(data) else "npz"
    for signature, kind in _KINDS:
        if data.startswith(signature):
            return kind
    if data[:4] in (b"RIFF", b"RIFX") and data[8:12] == b"WAVE":
        return "wav"
    if suffix in _PICKLE_SUFFIXES or (data[:1] == b"\x80" and data[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")):
        raise DataError(f"is a Python pickle, which {_CODE}: refused. Save the arrays with numpy.savez")
    for signature, name in _FOREIGN:
        if data.startswith(signature):
            raise DataError(f"is {name}, which is not read: save it as CSV or with numpy.savez")
    if any(data[offset : offset + 8] == _HDF5 for offset in (512, 1024, 2048, 4096)):  # behind a user's block
        return "hdf5"
    recording = _recording(data)
    if recording:
        return recording
    if suffix == ".mat":  # MATLAB 4 has no signature
        return "matlab"
    if suffix in SUFFIXES:
        raise DataError(f"is named {suffix} and does not begin like one: it is damaged or something else")
    if text or suffix in TEXT_SUFFIXES:
        return "text"
    raise DataError(
        f"the name ends in {suffix or 'no suffix'}, and recurra reads {' '.join((*TEXT_SUFFIXES, *SUFFIXES))}: rename "
        "it, or give `delimiter` if it is text"
    )


def _is_zarr(data: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return any(name.rpartition("/")[2] in ZARR_FILES for name in archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error):
        return False  # the reader of archives says what is wrong


def _recording(data: bytes) -> str:
    """ "edf" or "miniseed", whose signatures are weak: a text could begin like them, so the header must make sense."""
    signals = data[252:256].strip()
    if data[:8] in (b"0       ", b"\xffBIOSEMI") and signals.isdigit():
        return "edf" if data[184:192].strip() == str(256 * (int(signals) + 1)).encode() else ""
    number, kind = data[:6], data[6:8]
    if (
        len(data) >= 48
        and number.strip(b" \0").isdigit()
        and kind[:1] in (b"D", b"R", b"Q", b"M")
        and kind[1:] in (b" ", b"\0")
    ):
        dates = [struct.unpack(f"{order}HH", data[20:24]) for order in "<>"]
        return "miniseed" if any(1900 <= year <= 2100 and 1 <= day <= 366 for year, day in dates) else ""
    return "miniseed" if number.isdigit() and kind == b"V " and data[8:11] == b"010" else ""
