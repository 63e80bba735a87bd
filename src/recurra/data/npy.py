"""`.npy`: one array. The header is checked against the bytes that are there before anything is allocated."""

import io
import math
import tokenize
from dataclasses import dataclass

import numpy as np

from recurra.data.columns import Ask, Parts, choose
from recurra.errors import ConfigError, DataError

HEADER_BYTES = 12_000  # NumPy's own limit of 10,000, and the preamble


@dataclass(frozen=True)
class Header:
    """What the header of an array claims.

    Args:
        shape: of the array.
        dtype: of its elements.
        fortran: whether columns, not rows, are contiguous.
        offset: where the numbers start, in bytes.
        size: how many bytes they take.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    fortran: bool
    offset: int
    size: int


def parse_npy(data: bytes, ask: Ask | None = None) -> Parts:
    """The array of a `.npy` file, (time, channels) or (time,), without a copy.

    Its columns have no names: `channels` names them all, or they are called c0, c1, ...

    Raises:
        DataError: objects, a dtype that is no real number, a header that claims more or less than there is,
            or more channels than rows and no `time_axis`.
        ConfigError: a name that no column has.
    """
    ask = ask or Ask()
    return from_table(oriented(read_array(read_header(data), data), "the array", ask.time_axis), ask)


def from_table(table: np.ndarray, ask: Ask) -> Parts:
    """The parts of a table (time, columns) whose columns have no names."""
    chosen = choose(None, table.shape[1], time=ask.time, channels=ask.channels, inputs=ask.inputs)
    return Parts(
        values=take(table, chosen.channels),
        channels=chosen.names_of(chosen.channels),
        times=None if chosen.time is None else table[:, chosen.time],
        inputs=take(table, chosen.inputs) if chosen.inputs else None,
        input_names=chosen.names_of(chosen.inputs) if chosen.inputs else None,
        time_name=None if chosen.time is None else chosen.names[chosen.time],
    )


def read_header(data: bytes, what: str = "the array") -> Header:
    """The header at the start of `data`; refuses Python objects and what is no header."""
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        if version == (1, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
        elif version == (2, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_2_0(stream)
        else:
            raise DataError(f"{what} has the format version {version[0]}.{version[1]}: save plain numbers")
    except (ValueError, TypeError, SyntaxError, tokenize.TokenError, RecursionError, MemoryError) as error:
        raise DataError(f"{what} has a header that cannot be read ({error}): save it again") from error
    if dtype.hasobject:
        raise DataError(f"{what} contains Python objects, which can run code: refused. Save plain numbers")
    if any(length < 0 for length in shape):
        raise DataError(f"{what} has a header with the impossible shape {shape}")
    return Header(shape, dtype, fortran, stream.tell(), math.prod(shape) * dtype.itemsize)


def check_size(header: Header, available: int, what: str = "the array") -> None:
    """Refuse a header that claims more, or less, than the `available` bytes of header and numbers."""
    held = available - header.offset
    if header.size > held:
        raise DataError(
            f"{what} is truncated, or its header claims more than there is: shape {header.shape} of "
            f"{header.dtype} needs {header.size} bytes, the file holds {held}"
        )
    if header.size < held:
        raise DataError(f"{what} is followed by {held - header.size} bytes that are not its own: save it again")
    if held == 0:
        raise DataError(f"{what} is empty: shape {header.shape}")


def read_array(header: Header, data: bytes, what: str = "the array") -> np.ndarray:
    """The array, a read-only view of `data`."""
    check_size(header, len(data), what)
    flat = np.frombuffer(data, header.dtype, math.prod(header.shape), header.offset)
    return flat.reshape(header.shape, order="F" if header.fortran else "C")


def oriented(found: np.ndarray, what: str, time_axis: int | None = None) -> np.ndarray:
    """A table (time, channels) of real numbers, from (time,), (time, channels) or, with `time_axis=1`, its transpose.

    Raises:
        DataError: another dtype or shape, or more channels than rows where `time_axis` does not say which is which.
        ConfigError: a time axis that is neither 0 nor 1.
    """
    if time_axis not in (None, 0, 1) or isinstance(time_axis, bool):
        raise ConfigError(f"`time_axis` must be 0 (time down the rows) or 1 (along the columns), got {time_axis!r}")
    if found.dtype.kind not in "iuf":
        raise DataError(f"{what} has dtype {found.dtype}, expected real numbers: convert it to float64 first")
    if found.ndim not in (1, 2):
        raise DataError(f"{what} has shape {found.shape}, expected (time, channels) or (time,)")
    if found.ndim == 1:
        return found[:, None]
    table = found.T if time_axis == 1 else found
    if time_axis is None and table.shape[1] > table.shape[0]:
        raise DataError(
            f"{what} has {table.shape[0]} rows and {table.shape[1]} channels: time runs down the rows, so this looks "
            "transposed: give `time_axis=1` if time runs along the columns, 0 if not"
        )
    return table


def take(table: np.ndarray, columns: tuple[int, ...]) -> np.ndarray:
    """These columns: the table itself where they are all of it, so that nothing is copied."""
    return table if columns == tuple(range(table.shape[1])) else table[:, list(columns)]
