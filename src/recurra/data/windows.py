"""Windows over series: what goes in, what is to come out, and where each window starts."""

from collections.abc import Sequence

import numpy as np

from recurra._types import whole_number
from recurra.errors import ConfigError


def windows(values: np.ndarray, length: int, horizon: int = 1, stride: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Every window of one series and the row `horizon` steps after it, as read-only views: nothing is copied.

    inputs[i] = values[i s : i s + length] and targets[i] = values[i s + length + horizon - 1], s the stride.

    Args:
        values: array (time, channels).
        length: rows in a window.
        horizon: steps from the last row of a window to its target.
        stride: rows from one window to the next.

    Returns:
        inputs, shape (windows, length, channels), and targets, (windows, channels). With n rows and stride 1
        there are n - length - horizon + 1 windows.

    Raises:
        ConfigError: there is not one window; a length, horizon or stride that is not a whole number above 0.

    >>> inputs, targets = windows(np.arange(5.0)[:, None], length=3)
    >>> inputs[:, :, 0].tolist(), targets[:, 0].tolist()
    ([[0.0, 1.0, 2.0], [1.0, 2.0, 3.0]], [3.0, 4.0])
    """
    _check_positive(length=length, horizon=horizon, stride=stride)
    rows = len(values)
    count = rows - length - horizon + 1
    if count < 1:
        fitting = f"take a window of at most {rows - horizon}" if rows > horizon else "take more rows"
        raise ConfigError(
            f"{rows} rows hold no window of {length} rows and a target {horizon} further on: that takes "
            f"{length} + {horizon} = {length + horizon} rows: {fitting}"
        )
    every = np.lib.stride_tricks.sliding_window_view(values, length, axis=0)
    inputs = np.moveaxis(every, -1, 1)[:count:stride]
    targets = values[length + horizon - 1 :: stride]
    targets.flags.writeable = False  # of this view alone
    return inputs, targets


def window_starts(lengths: Sequence[int], window: int, stride: int = 1) -> np.ndarray:
    """Where windows start in the concatenation of several series, none of them bridging two.

    Args:
        lengths: rows of each series.
        window: rows in a window.
        stride: rows from one window to the next within a series.

    Returns:
        Row numbers, int64; none for a series shorter than `window`.

    Raises:
        ConfigError: a window or stride that is not a whole number above 0.

    >>> window_starts([4, 2, 3], window=3).tolist()
    [0, 1, 6]
    """
    _check_positive(window=window, stride=stride)
    starts, offset = [np.empty(0, np.int64)], 0
    for rows in lengths:
        starts.append(np.arange(offset, offset + max(rows - window + 1, 0), stride, dtype=np.int64))
        offset += rows
    return np.concatenate(starts)


def _check_positive(**given: int) -> None:
    for name, value in given.items():
        if not whole_number(value) or value < 1:
            raise ConfigError(f"`{name}` must be a whole number above 0, got {value!r}")
