"""What a fit has to know of all rows beforehand, in one pass: mean and standard deviation, a sample, the last rows."""

import hashlib
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from recurra.errors import DataError
from recurra.storage import write_atomic
from recurra.sweeps.task import Pause
from recurra.sweeps.zarr_rows import ZarrRows

UNIT = 1000  # steps that are worked on at once; their number decides the bits
_VALUES = 2**21  # values of a unit at most


@dataclass(frozen=True, eq=False)
class Survey:
    """One pass over the rows of an array.

    Args:
        count: rows.
        mean: of each column.
        squares: sum of squared deviations from it.
        low, high: the extremes of each column.
        sampled: which rows are in the sample.
        sample: their values.
        tail: the last rows.
        sha256: of all values, as 32 bytes.
    """

    count: np.ndarray
    mean: np.ndarray
    squares: np.ndarray
    low: np.ndarray
    high: np.ndarray
    sampled: np.ndarray
    sample: np.ndarray
    tail: np.ndarray
    sha256: np.ndarray

    @staticmethod
    def of(rows: ZarrRows, sampled: np.ndarray, tail: int, pause: Pause) -> "Survey":
        """Read all rows once.

        Args:
            rows: what to read.
            sampled: which rows to keep, ascending.
            tail: how many of the last rows to keep.
            pause: called between the pieces.

        Raises:
            DataError: a value that is not finite, with its row and column.
        """
        width, digest = rows.columns, hashlib.sha256()
        count, mean, squares = 0, np.zeros(width), np.zeros(width)
        low, high = np.full(width, np.inf), np.full(width, -np.inf)
        sample, last = [], np.empty((0, width))
        for table in rows.steps(unit_of(width)):
            pause()
            new = table if count == 0 else table[1:]  # the first one was seen before
            _refuse_holes(new, rows, count)
            digest.update(np.ascontiguousarray(new).data)
            mean, squares = _merged((count, mean, squares), _moments(new))
            low, high = np.minimum(low, new.min(axis=0)), np.maximum(high, new.max(axis=0))
            inside = sampled[(sampled >= count) & (sampled < count + len(new))]
            sample.append(new[inside - count])
            count += len(new)
            last = np.concatenate([last, new])[-tail:]
        hashed = np.frombuffer(digest.digest(), np.uint8)
        return Survey(np.array(count), mean, squares, low, high, sampled, np.concatenate(sample), last, hashed)

    def write(self, path: Path) -> None:
        """Write it to a file, whole or not at all."""
        write_arrays(path, **{field.name: getattr(self, field.name) for field in fields(self)})

    @staticmethod
    def read(path: Path) -> "Survey":
        """What `write` wrote."""
        return Survey(**read_arrays(path))


def unit_of(columns: int) -> int:
    """Steps to work on at once: fewer of very wide rows."""
    return max(1, min(UNIT, _VALUES // columns))


def moments_of(surveys: Sequence[Survey]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and population standard deviation of each column over the rows of several surveys."""
    count, mean, squares = 0, np.zeros_like(surveys[0].mean), np.zeros_like(surveys[0].mean)
    for each in surveys:
        mean, squares = _merged((count, mean, squares), (int(each.count), each.mean, each.squares))
        count += int(each.count)
    return mean, np.sqrt(squares / count)


Moments = tuple[int, np.ndarray, np.ndarray]


def _moments(table: np.ndarray) -> Moments:
    with np.errstate(over="ignore", invalid="ignore"):
        mean = table.mean(axis=0)
        return len(table), mean, ((table - mean) ** 2).sum(axis=0)


def _merged(old: Moments, new: Moments) -> tuple[np.ndarray, np.ndarray]:
    """Mean and sum of squares of both together.

    Reference: T. F. Chan, G. H. Golub, R. J. LeVeque, The American Statistician 37 (1983) 242-247.
    """
    (n, mean, squares), (m, other, more) = old, new
    with np.errstate(over="ignore", invalid="ignore"):
        apart = other - mean
        return mean + apart * (m / (n + m)), squares + more + apart**2 * (n * m / (n + m))


def _refuse_holes(table: np.ndarray, rows: ZarrRows, before: int) -> None:
    bad = ~np.isfinite(table)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise DataError(
            f"{rows.name!r} has {bad.sum()} values that are not finite among rows {before} to {before + len(table)}, "
            f"the first in row {before + row}, column {rows.header[column]!r}: rows that are read in parts have to be "
            "complete"
        )


def write_arrays(path: Path, **arrays: np.ndarray) -> None:
    """Write named arrays to one file, whole or not at all."""
    stream = io.BytesIO()
    np.savez(stream, **arrays)  # pyright: ignore[reportArgumentType]
    write_atomic(path, stream.getvalue())


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """What `write_arrays` wrote.

    Raises:
        DataError: another file, or a damaged one.
    """
    try:
        with np.load(path, allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is damaged ({error}): remove it, and repeat the command") from error
