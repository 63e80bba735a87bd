"""`Scaler`: every channel to mean 0 and standard deviation 1, and back."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recurra.errors import DataError


@dataclass(frozen=True, eq=False)
class Scaler:
    """Standard scores, z = (y - μ) / σ for each channel.

    Args:
        mean: μ, shape (channels,), in the units of the data.
        std: σ > 0, shape (channels,), in the units of the data.

    Raises:
        DataError: shapes that differ, or a σ that is not positive and finite.

    >>> scaler = Scaler.fit([np.array([[0.0, 10.0], [2.0, 30.0]])])
    >>> scaler.scale(np.array([[0.0, 30.0]])).tolist()
    [[-1.0, 1.0]]
    """

    mean: np.ndarray
    std: np.ndarray

    def __post_init__(self):
        for name in ("mean", "std"):
            frozen = np.array(getattr(self, name), dtype=np.float64)
            frozen.setflags(write=False)
            object.__setattr__(self, name, frozen)
        if self.mean.ndim != 1 or self.mean.shape != self.std.shape:
            raise DataError(f"`mean` {self.mean.shape} and `std` {self.std.shape} must both be (channels,)")
        bad = ~(np.isfinite(self.mean) & np.isfinite(self.std) & (self.std > 0))
        if bad.any():
            column = bad.argmax()
            raise DataError(
                f"channel {column} has mean {self.mean[column]:g} and standard deviation "
                f"{self.std[column]:g}: it is constant, not finite or too large to scale; leave it out"
            )

    @classmethod
    def fit(cls, tables: Sequence[np.ndarray]) -> "Scaler":
        """Mean and population standard deviation over all rows of all tables; NaN is a missing value and left out.

        Args:
            tables: arrays (time, channels) with the same channels; fit on the training part only.
        """
        return cls(*moments(tables))

    def scale(self, table: np.ndarray) -> np.ndarray:
        """(y - μ) / σ; the last axis is the channels."""
        return (table - self.mean) / self.std

    def unscale(self, table: np.ndarray) -> np.ndarray:
        """z σ + μ: the inverse of `scale` to rounding."""
        return table * self.std + self.mean


def moments(tables: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and population standard deviation of each column over all rows, in two passes; NaN is left out.

    Values whose squares overflow give an infinite or undefined standard deviation, columns without any value an
    undefined mean: the caller refuses them.
    """
    if sum(len(table) for table in tables) == 0:
        raise DataError("there are no rows to take a mean of")
    with np.errstate(over="ignore", invalid="ignore"):
        rows = sum(np.count_nonzero(~np.isnan(table), axis=0) for table in tables)
        mean = sum(_sum(table) for table in tables) / rows
        squares = sum(_sum(np.square(table - mean)) for table in tables)
        return np.asarray(mean), np.sqrt(np.asarray(squares) / rows)


def _sum(table: np.ndarray) -> np.ndarray:
    missing = np.isnan(table)
    return (np.where(missing, 0.0, table) if missing.any() else table).sum(axis=0, dtype=np.float64)
