"""What a learner trains on: scaled series, and held-out origins for closed-loop validation."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recurra._types import Known
from recurra.data.check import warn
from recurra.data.gaps import hold
from recurra.errors import DataError
from recurra.estimators.frame import Frame
from recurra.forecasting import Origins
from recurra.series import Series

Scaled = tuple[np.ndarray, np.ndarray]  # values (time, channels), NaN where missing, and drive (time, drive)

_MANY = 5  # from this many series on, whole series are held out


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Scaled training series and, where the caller gave them, validation series.

    Args:
        frame: names, step and scaling.
        parts: the training series.
        held: validation series given by the caller; None to hold rows out of `parts`.
        checkpoint, progress: as given to `fit`.
        quiet: nobody is told what is unusual: of a setting that is only tried.
        known: what is known of the next row, in scaled units: the rest is to be learnt.
    """

    frame: Frame
    parts: list[Scaled]
    held: list[Scaled] | None
    checkpoint: Path | None
    progress: Callable[[dict[str, Any]], None] | None
    quiet: bool = False
    known: Known | None = None

    @staticmethod
    def of(
        frame: Frame, parts: list[Series], held: list[Series] | None, checkpoint: Path | None, progress: Any
    ) -> "TrainingSet":
        """Scale the series of a `fit`."""
        scaled_held = None if held is None else [frame.scaled(part) for part in held]
        return TrainingSet(frame, [frame.scaled(part) for part in parts], scaled_held, checkpoint, progress)

    def pause(self) -> None:
        """A point where a training without epochs may be stopped: `progress` looks whether it is to."""
        if self.progress is not None:
            self.progress({"stage": "solving"})

    def warn(self, message: str) -> None:
        """Tell the user something about the fit."""
        if not self.quiet:
            warn(message)

    def cuts(self, fraction: float) -> list[int]:
        """Rows of each series that are trained on while the rest validates.

        The last `fraction` of every series is held out or, of many series, the last ones whole. Where the caller gave
        validation series, all rows are trained on.
        """
        lengths = [len(values) for values, _ in self.parts]
        if self.held is not None:
            return lengths
        if len(lengths) >= _MANY:
            kept = len(lengths) - max(1, round(fraction * len(lengths)))
            return [*lengths[:kept], *(0 for _ in lengths[kept:])]
        return [rows - max(2, round(fraction * rows)) for rows in lengths]

    def trained(self, cuts: list[int]) -> list[Scaled]:
        """The rows that are trained on."""
        return [(v[:at], u[:at]) for (v, u), at in zip(self.parts, cuts, strict=True) if at > 0]

    def validation(self, cuts: list[int], warmup: int) -> list[Scaled]:
        """The series that validate.

        Of a series that is cut they include the `warmup` rows before the cut: these only warm the state up, as the
        rows before any forecast do.
        """
        if self.held is not None:
            return self.held
        starts = [max(0, at - warmup - 1) for at in cuts]
        pairs = zip(self.parts, cuts, starts, strict=True)
        return [(v[start:], u[start:]) for (v, u), at, start in pairs if at < len(v)]


def steps(part: Scaled) -> tuple[np.ndarray, np.ndarray]:
    """Inputs [y[t], u[t+1]] and targets y[t+1] of a scaled series, one row less than it has.

    Missing values are held at the last observed one in the inputs, and are NaN in the targets: nothing is compared to
    them.
    """
    values, drive = part
    return np.concatenate([hold(values)[:-1], drive[1:]], axis=1), values[1:]


def unknown_part(known: Known | None, inputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """What is left of the targets beside what is known of them from the inputs."""
    return targets if known is None else targets - known(inputs)


def validation_origins(held: list[Scaled], warmup: int, horizon: int | None, default: int, count: int) -> Origins:
    """About `count` closed-loop problems spread evenly over the validation series.

    Args:
        held: scaled validation series.
        warmup: rows before the last known one of each origin.
        horizon: steps of each forecast, shortened to what the longest series allows.
        default: where `horizon` is None; shortened to half of that, so that there are several origins.
        count: number of origins.

    Raises:
        DataError: no series is long enough for a warm-up and one step; nothing was measured in any of the rows that
            validate.
    """
    longest = max(len(values) for values, _ in held)
    room = longest - warmup - 1
    if room < 1:
        raise DataError(
            f"closed-loop validation needs a warm-up of {warmup} rows and at least 2 more; the validation rows have "
            f"{longest}: give more rows, a shorter `warmup`, or more `validation`"
        )
    horizon = min(default, -(-room // 2)) if horizon is None else min(horizon, room)
    usable = [part for part in held if len(part[0]) > warmup + horizon]
    share = -(-count // len(usable))
    cuts = []
    for values, drive in usable:
        last = len(values) - horizon - 1
        rows = np.unique(np.linspace(warmup, last, share).round().astype(int)).tolist()
        cuts.append(Origins.cut(values, drive, rows, warmup, horizon))
    origins = Origins.join(cuts).scored()
    if len(origins) == 0:
        raise DataError("nothing was measured in the rows that validate: give other `validation` rows, or more of them")
    return origins
