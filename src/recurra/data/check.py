"""What makes a series unfit for training, each with where and how many."""

import sys
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from recurra.data.scale import moments
from recurra.errors import DataError, RecurraWarning
from recurra.series import Series

_EPSILON = np.finfo(np.float64).eps
_FLAT = 32 * _EPSILON  # of the mean: below this a standard deviation is rounding noise
_FINE = 1e-6  # of the mean: below this a float32 file would have lost most of the variation
_WHOLE = 2**53  # above it float64 no longer holds every whole number


def warn(message: str) -> None:
    """Issue a `RecurraWarning` that points at the first line outside recurra: at what the user wrote."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "recurra":
        level, frame = level + 1, frame.f_back
    warnings.warn(message, RecurraWarning, stacklevel=level)


def check_whole_numbers(data: Any) -> None:
    """Point at integers that float64 cannot tell from their neighbours.

    Warns:
        RecurraWarning: an array of integers reaches beyond 2^53.
    """
    for part in data if isinstance(data, list | tuple) else [data]:
        values = part if isinstance(part, np.ndarray) else getattr(part, "values", None)
        if isinstance(values, np.ndarray) and values.dtype.kind in "iu" and values.size:
            far = int(np.count_nonzero((values > _WHOLE) | (values < -_WHOLE if values.dtype.kind == "i" else False)))
            if far:
                warn(
                    f"{far} whole numbers lie beyond 2^53 = {_WHOLE}, where float64 rounds them to multiples of 2 or "
                    "more: subtract an offset before they become floating-point numbers"
                )


def check_finite(series: Series, what: str = "series") -> None:
    """Refuse NaN and infinity, in values and inputs; where a mask says that a value is missing, it may be.

    Args:
        series: what to look at.
        what: its name in the message.

    Raises:
        DataError: with the count, the first row and channel, and the count in each channel.
    """
    bad = ~np.isfinite(series.values) & series.observed
    if bad.any():
        row, column = np.argwhere(bad)[0]
        infinite = int(np.isinf(series.values).sum())
        kinds = {"NaN": int(bad.sum()) - infinite, "infinite": infinite}
        share = {series.channels[index]: int(count) for index, count in enumerate(bad.sum(axis=0)) if count}
        split = ", ".join(f"{count} {kind}" for kind, count in kinds.items() if count)
        raise DataError(
            f"the {what} has {bad.sum()} values that are not finite ({split}), the first in row {row}, "
            f"channel {series.channels[column]!r}; by channel: {share}. Cut the series there, fill the gap, or say "
            "that NaN means missing (`series.masked()`)"
        )
    if series.inputs is not None:
        check_finite(series.inputs, f"drive of the {what}")


def check_trainable(parts: Sequence[Series], *, rows: int) -> None:
    """Refuse series that no model can learn from.

    Args:
        parts: the training data, one or more series.
        rows: how many rows in one piece the training needs.

    Raises:
        DataError: NaN or infinity; parts that differ in channels, units, inputs or step; a channel or input
            that is constant, never measured, or so large that its variance overflows; more channels than rows; no part
            with `rows` rows.

    Warns:
        RecurraWarning: some parts have fewer than `rows` rows, so that nothing may be learned from them; a channel
            varies little beside its mean; a channel runs like a clock.
    """
    if not parts:
        raise DataError("there are no series to learn from")
    for index, part in enumerate(parts):
        check_finite(part, _label(index, parts))
        _check_alike(parts[0], part, index)
    _check_length(parts, rows)
    _check_shape(parts)
    _check_spread(parts)
    _warn_of_clocks(parts[0])
    if parts[0].inputs is not None:
        _check_spread([part.inputs for part in parts if part.inputs is not None], "input")


def _label(index: int, parts: Sequence[Series]) -> str:
    return "series" if len(parts) == 1 else f"series {index + 1} of {len(parts)}"


def _check_alike(first: Series, part: Series, index: int) -> None:
    ours = {"channels": first.channels, "units": first.units, **_drive(first)}
    theirs = {"channels": part.channels, "units": part.units, **_drive(part)}
    for what, expected in ours.items():
        if theirs[what] != expected:
            raise DataError(
                f"series {index + 1} has the {what} {theirs[what]}, series 1 has {expected}: series that "
                "are learned together need the same, in the same order"
            )
    if not np.isclose(part.dt, first.dt, rtol=1e-6, atol=0):
        raise DataError(
            f"series {index + 1} has dt {part.dt:g}, series 1 has {first.dt:g}: resample to one step, or "
            "learn them apart"
        )


def _drive(series: Series) -> dict[str, tuple[str, ...]]:
    drive = series.inputs
    return {
        "inputs": () if drive is None else drive.channels,
        "input units": () if drive is None else drive.units,
    }


def _check_length(parts: Sequence[Series], rows: int) -> None:
    lengths = [len(part) for part in parts]
    longest, short = max(lengths), [index for index, length in enumerate(lengths) if length < rows]
    if longest < rows:
        have = f"{longest} rows" if len(parts) == 1 else f"at most {longest} rows in each of {len(parts)} series"
        wide = len(parts[0].channels)
        turned = f" If time runs along the {wide} columns, transpose the array." if wide > longest else ""
        raise DataError(
            f"too short: the training needs at least {rows} rows in one piece and there are {have}, "
            f"{rows} - {longest} = {rows - longest} too few: give more data, or shorter windows.{turned}"
        )
    if short:
        warn(
            f"{len(short)} of {len(parts)} series have fewer than the {rows} rows that the training needs in "
            f"one piece, the first is series {short[0] + 1} with {lengths[short[0]]}: they count for mean and standard "
            "deviation, but the network learns nothing from them. Leave them out, or take shorter windows"
        )


def _check_shape(parts: Sequence[Series]) -> None:
    wide, rows = len(parts[0].channels), sum(map(len, parts))
    if wide > rows:
        raise DataError(
            f"{wide} channels and {rows} rows: rows are moments and columns are channels, and there are fewer moments "
            "than channels. If time runs along the columns, transpose the array"
        )


def _check_spread(parts: Sequence[Series], what: str = "channel") -> None:
    mean, std = moments([part.values for part in parts])
    names, flat = parts[0].channels, std <= _FLAT * np.maximum(abs(mean), np.finfo(np.float64).tiny)
    for index, name in enumerate(names):
        column = np.concatenate([part.values[:, index][part.observed[:, index]] for part in parts])
        if column.size == 0:
            raise DataError(f"{what} {name!r} has no value at all: every row of it is missing. Leave it out")
        if not np.isfinite(std[index]):
            raise DataError(
                f"{what} {name!r} reaches {np.abs(column).max():g}, and its variance overflows: give it in a larger "
                "unit"
            )
        if flat[index] or column.min() == column.max():
            every = f" So are all {len(names)}." if flat.all() and len(names) > 1 else ""
            raise DataError(
                f"{what} {name!r} is constant ({mean[index]:g} in all {column.size} rows, standard deviation "
                f"{std[index]:g}): there is nothing to learn in it.{every} Leave it out, or subtract its offset"
            )
        if std[index] < _FINE * abs(mean[index]):
            warn(
                f"{what} {name!r} varies by {std[index]:g} around {mean[index]:g}, a ratio of "
                f"{std[index] / abs(mean[index]):.1g}: it is centred in float64, whose steps are "
                f"{_EPSILON * abs(mean[index]):.1g} there. Numbers that have been float32 hold none of it: subtract "
                "the offset before they are stored"
            )


def _warn_of_clocks(part: Series) -> None:
    """A channel that grows by the same amount in every row is a time axis that was not named as one."""
    if len(part) < 4:
        return
    steps = np.diff(part.values, axis=0)
    mean = steps.mean(axis=0)
    even = (mean != 0) & (np.abs(steps - mean) <= 1e-6 * np.abs(mean)).all(axis=0)
    for index in np.flatnonzero(even):
        warn(
            f"channel {part.channels[index]!r} changes by the same {steps[0, index]:g} in every row, like a clock: "
            "if it is the time, name it so (`time=`), or leave it out of the channels"
        )
