"""Leaks between training and test in what a user prepared: windows that share rows, scaling with the whole series."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from recurra._types import whole_number
from recurra.data.check import warn
from recurra.errors import ConfigError, DataError
from recurra.series import Series

_EXACT = 1e-9  # a mean this close to 0 and a standard deviation this close to 1 were made, not measured
_OTHER = 1e-6  # a part whose own are further away was not scaled by itself


def check_split(train: Any, test: Any, *, window: int, horizon: int = 1) -> None:
    """Refuse test windows that share rows with training windows.

    The window that starts at row i takes the rows i ... i + window - 1 and its target, row i + window - 1 + horizon.
    Windows from rows that lie less than window + horizon apart have rows in common: a network that remembers the one
    knows a part of the other, and its score on the "test" is memory and not skill. A random split of overlapping
    windows does this to nearly all of them.

    Args:
        train, test: first rows of the windows of each part, whole numbers, in any order.
        window: rows of a window.
        horizon: steps from its last row to its target.

    Raises:
        ConfigError: numbers that cannot be.
        DataError: windows that overlap: how many, the first, and what to do.

    >>> check_split(range(80), range(85, 100), window=4)
    """
    for name, value in (("window", window), ("horizon", horizon)):
        if not whole_number(value) or value < 1:
            raise ConfigError(f"`{name}` must be a whole number of at least 1, got {value!r}")
    span = window + horizon  # rows of a window with its target
    known, asked = np.sort(_starts(train, "train")), _starts(test, "test")
    after = np.searchsorted(known, asked)
    near = np.full(len(asked), np.iinfo(np.int64).max)
    for neighbour in (after - 1, after):
        there = (neighbour >= 0) & (neighbour < len(known))
        near[there] = np.minimum(near[there], np.abs(known[neighbour[there]] - asked[there]))
    shared = np.flatnonzero(near < span)
    if shared.size:
        first, rows = asked[shared[0]], span - near[shared]
        raise DataError(
            f"{shared.size} of {len(asked)} test windows share rows with training windows, the first is test window "
            f"{shared[0] + 1} (rows {first} to {first + span - 1}, {rows[0]} of them in one training window). What was "
            "learned by heart there looks like skill here. Split in time, and leave out all windows that start less "
            f"than {window} + {horizon} = {span} rows from those of the other part (`recurra.data.splits`)"
        )


def check_scaling(train: Any, test: Any) -> None:
    """Refuse a training part that was standardised with the mean and standard deviation of the whole series.

    Then the training has seen the level and the spread of the test rows. It shows: the two parts together have exactly
    the mean 0 and the standard deviation 1, and the training part alone has others.

    Args:
        train, test: the two parts, one or a list of series or arrays (time, channels) each.

    Raises:
        DataError: the channels in which this is so; scale with the training part alone (`Scaler.fit([train])`; an
            estimator does so by itself).

    >>> check_scaling(np.array([0.0, 1.0, 2.0]), np.array([3.0, 4.0]))
    """
    parts = [np.concatenate([_values(each) for each in _many(part)]) for part in (train, test)]
    if leaks := _scaled_as_whole(parts[0], np.concatenate(parts)):
        raise DataError(f"{_sentence(leaks, parts[0])}. {_REMEDY}")


def warn_of_whole_scaling(data: Any) -> None:
    """Point at training rows that are cut from a series which was standardised as a whole.

    Only a slice tells where it was cut from: of an array it is a view, and of a `Series` too. Copies say nothing.

    Warns:
        RecurraWarning: as `check_scaling` refuses.
    """
    for part in _many(data):
        values = part.values if isinstance(part, Series) else part
        whole = values.base if isinstance(values, np.ndarray) else None
        if (
            not isinstance(whole, np.ndarray)
            or isinstance(whole, np.memmap)  # it may be larger than memory
            or whole.dtype.kind != "f"
            or whole.shape[1:] != values.shape[1:]
            or len(whole) <= len(values)
        ):
            continue
        if leaks := _scaled_as_whole(_values(part), _values(whole)):
            warn(f"{_sentence(leaks, _values(part))}. {_REMEDY}")


_REMEDY = (
    "The training rows have seen the level and the spread of the rows they are to forecast: give the data as they were "
    "measured (an estimator scales by its training rows alone), or scale by `recurra.data.Scaler.fit([train])`"
)


def _sentence(leaks: list[int], train: np.ndarray) -> str:
    mean, std = train[:, leaks[0]].mean(), train[:, leaks[0]].std()
    return (
        f"the whole series was standardised, not the training part: in {len(leaks)} of {train.shape[1]} channels the "
        f"training and the later rows together have mean 0 and standard deviation 1, and the training rows alone have "
        f"{mean:.3g} and {std:.3g} (channel {leaks[0]})"
    )


def _scaled_as_whole(train: np.ndarray, whole: np.ndarray) -> list[int]:
    """Channels that have mean 0 and standard deviation 1 (of either kind) in the whole and not in the training rows."""
    if len(whole) < 3 or not len(train) or whole.shape[1] != train.shape[1]:
        return []
    mean, std = whole.mean(axis=0), [whole.std(axis=0, ddof=ddof) for ddof in (0, 1)]
    made = (np.abs(mean) < _EXACT) & (np.minimum(*(np.abs(each - 1) for each in std)) < _EXACT)
    own = (np.abs(train.mean(axis=0)) > _OTHER) | (np.abs(train.std(axis=0) - 1) > _OTHER)
    return np.flatnonzero(made & own).tolist()


def _many(data: Any) -> Sequence[Any]:
    tables = isinstance(data, list | tuple) and any(isinstance(part, Series | np.ndarray) for part in data)
    return data if tables else [data]


def _values(part: Any) -> np.ndarray:
    found = np.asarray(part.values if isinstance(part, Series) else part, dtype=np.float64)
    return found[:, None] if found.ndim == 1 else found


def _starts(given: Any, what: str) -> np.ndarray:
    found = np.asarray(list(given) if isinstance(given, range) else given)
    if found.ndim != 1 or not found.size or found.dtype.kind not in "iu":
        raise ConfigError(f"`{what}` must be the first rows of windows, a list of whole numbers, got {given!r}")
    return found.astype(np.int64)
