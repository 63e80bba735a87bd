"""Which rows a run trains on and which it forecasts: a cut in time or between trajectories, segment by segment."""

import warnings
from dataclasses import dataclass
from itertools import pairwise

from recurra.data import splits
from recurra.errors import ConfigError, DataError, RecurraWarning
from recurra.series import Series


@dataclass(frozen=True)
class Piece:
    """Rows of the whole series that are forecast in one go, and the unbroken rows before them."""

    before: tuple[int, int]
    rows: tuple[int, int]

    def of(self, series: Series) -> tuple[Series, Series]:
        """What is known, and the truth."""
        return series[slice(*self.before)], series[slice(*self.rows)]


@dataclass(frozen=True)
class Rows:
    """The rows of a run by their part in it.

    Args:
        series: all rows.
        trained: how many are trained on.
        start: the first row of the test part.
        pieces: what is forecast of it.
    """

    series: Series
    trained: int
    start: int
    pieces: list[Piece]

    @staticmethod
    def of(series: Series, trained: int, start: int, memory: int) -> "Rows":
        """The rows of a run with this cut, and the pieces for a learner with this memory."""
        return Rows(series, trained, start, pieces(series, start, memory))

    @property
    def shown(self) -> Piece:
        """The piece that is drawn and written out: the one that the training rows lead up to, else the longest."""
        if self.pieces[0].before[0] < self.start:
            return self.pieces[0]
        return max(self.pieces, key=lambda piece: piece.rows[1] - piece.rows[0])


def cut(series: Series, split: float, split_by: str, gap: int) -> tuple[int, int]:
    """The row after the last one that is trained on, and the first row of the test part.

    Args:
        series: all rows.
        split: fraction that is trained on, of the rows or of the trajectories.
        split_by: "time" or "trajectory": the segments of the series, the last ones of which are tested on.
        gap: rows left out in between.

    Raises:
        ConfigError: another way to split; a random one is refused with the reason.
        DataError: a part would be empty.
    """
    splits.check_kind(split_by)
    if split_by == "time":
        train, test = series.split(split, gap=gap)
        return len(train), len(series) - len(test)
    if split_by != "trajectory":
        raise ConfigError(
            f"a run has one test part, and `split_by={split_by!r}` makes several: `recurra.data.splits` does that, and "
            "so does `backtest`"
        )
    if gap:
        raise ConfigError(
            "`gap` leaves out rows between the parts of one trajectory: it has no meaning between several"
        )
    train, _ = splits.by_trajectory(series, 1 - split)
    at = sum(map(len, train))
    return at, at


def pieces(series: Series, start: int, memory: int) -> list[Piece]:
    """The test part as problems to forecast, one for each segment.

    Args:
        series: all rows.
        start: the first row of the test part.
        memory: rows that a segment gives as its own history where no rows lead up to it.

    Raises:
        DataError: no segment is long enough.

    Warns:
        RecurraWarning: segments that are too short are not forecast.
    """
    found, short = [], []
    for low, high in pairwise([start, *(row for row in series.breaks if row > start), len(series)]):
        known = max(row for row in (0, *series.breaks) if row <= low)
        if known < low:  # no break: the rows before it lead up to it
            found.append(Piece((known, low), (low, high)))
        elif high - low > memory:
            found.append(Piece((low, low + memory), (low + memory, high)))
        else:
            short.append(high - low)
    if not found:
        raise DataError(
            f"no test segment is long enough to be forecast: each needs {memory} rows of its own as history and more "
            f"to score, the longest has {max(short)}: give longer segments, or a shorter `warmup`"
        )
    if short:
        warnings.warn(
            f"{len(short)} of {len(found) + len(short)} test segments have {memory} rows or fewer, all of which the "
            "warm-up needs: they are not scored",
            RecurraWarning,
            stacklevel=2,
        )
    return found
