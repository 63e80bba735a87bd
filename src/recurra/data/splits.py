"""Splits that do not leak: in time, by trajectory, by rolling origin; never at random over rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from recurra._types import whole_number
from recurra.data.convert import as_list
from recurra.errors import ConfigError, DataError, unknown
from recurra.series import Series

KINDS = ("time", "trajectory", "rolling-origin")
RANDOM = (
    "a random split of overlapping windows is refused: the rows of a time series depend on their neighbours, and a "
    "window taken for testing shares all but one of its rows with windows that were trained on, so that the score "
    "measures memory and not skill. Split in time, by trajectory, or by rolling origin"
)


def check_kind(kind: Any) -> None:
    """Refuse a way to split that is unknown, and the one that leaks, with the reason."""
    if str(kind).lower() in ("random", "shuffle", "shuffled"):
        raise ConfigError(RANDOM)
    if kind not in KINDS:
        raise ConfigError(unknown("split", kind, KINDS))


def by_time(data: Any, where: float = 0.8, *, gap: int = 0) -> tuple[list[Series], list[Series]]:
    """Cut every trajectory in time: its first part to train on and, `gap` rows later, the rest to test on.

    Args:
        data: a series or a list of them.
        where: fraction of the rows of each trajectory that is trained on, in (0, 1).
        gap: rows left out in between.

    Returns:
        Training parts and test parts, in the order of the trajectories.

    Raises:
        DataError: a trajectory too short to be cut so.
    """
    cuts = [series.split(float(where), gap=gap) for series in as_list(data)]
    return [train for train, _ in cuts], [test for _, test in cuts]


def by_trajectory(data: Any, test: float = 0.2, *, seed: int | None = None) -> tuple[list[Series], list[Series]]:
    """Keep whole trajectories for testing: whether what was learned holds from new initial conditions.

    Args:
        data: two or more series, or one with breaks.
        test: fraction of the trajectories to test on, in (0, 1); at least one, at most all but one.
        seed: draw them with this seed; None takes the last ones.

    Returns:
        Training and test trajectories, each in the order given.

    Raises:
        DataError: fewer than two trajectories, or a test trajectory that begins with the rows of a training one.

    >>> train, test = by_trajectory([np.arange(5.0), 2 * np.arange(5.0) + 1], test=0.5)
    >>> len(train), len(test)
    (1, 1)
    """
    parts = as_list(data)
    if len(parts) < 2:
        raise DataError(f"a split by trajectory needs two or more trajectories, got {len(parts)}: split in time")
    if isinstance(test, bool) or not 0 < float(test) < 1:
        raise ConfigError(f"`test` is the fraction of the trajectories to test on, between 0 and 1, got {test!r}")
    count = min(max(1, round(float(test) * len(parts))), len(parts) - 1)
    order = np.arange(len(parts)) if seed is None else np.random.default_rng(seed).permutation(len(parts))
    chosen = set(order[len(parts) - count :].tolist())
    train = [part for index, part in enumerate(parts) if index not in chosen]
    held = [part for index, part in enumerate(parts) if index in chosen]
    _check_disjoint(train, held)
    return train, held


def rolling_origin(
    series: Series, folds: int, *, horizon: int, gap: int = 0, window: int | None = None
) -> list[tuple[Series, Series]]:
    """Walk forward: in each fold the training part ends later, and the `horizon` rows after it are tested on.

    Args:
        series: one unbroken series.
        folds: how many; their test parts follow each other and end with the series.
        horizon: rows in each test part.
        gap: rows left out between the parts of each fold.
        window: rows of each training part, the latest ones; None trains on all rows so far.

    Returns:
        (training part, test part) of each fold, in the order of time.

    Raises:
        ConfigError: numbers that are not whole or too small.
        DataError: the series is too short: says how many rows it takes.

    Reference: L. J. Tashman, International Journal of Forecasting 16 (2000) 437-450.

    >>> [(len(train), test.times.tolist()) for train, test in rolling_origin(Series(np.arange(10.0)), 3, horizon=2)]
    [(4, [4.0, 5.0]), (6, [6.0, 7.0]), (8, [8.0, 9.0])]
    """
    for name, value, least in (("folds", folds, 1), ("horizon", horizon, 1), ("gap", gap, 0), ("window", window, 1)):
        if value is not None and (not whole_number(value) or value < least):
            raise ConfigError(f"`{name}` must be a whole number of at least {least}, got {value!r}")
    if series.breaks:
        raise DataError(f"a rolling origin needs one unbroken series, this one has {len(series.segments)} segments")
    first = len(series) - folds * horizon
    need = folds * horizon + gap + (2 if window is None else window)
    if len(series) < need:
        raise DataError(
            f"{folds} folds of {horizon} rows with a gap of {gap} need {need} rows, the series has {len(series)}: take "
            f"fewer folds, a shorter horizon or a shorter window"
        )
    cuts = []
    for start in range(first, len(series), horizon):
        stop = start - gap
        cuts.append((series[0 if window is None else stop - window : stop], series[start : start + horizon]))
    return cuts


def _check_disjoint(train: Sequence[Series], held: Sequence[Series]) -> None:
    """A trajectory that is there twice would be tested on after it was learned."""
    starts = {part.values[:2].tobytes() for part in train}
    twice = [index for index, part in enumerate(held) if part.values[:2].tobytes() in starts]
    if twice:
        raise DataError(
            f"{len(twice)} test trajectories begin with the rows of a training one, the first is test trajectory "
            f"{twice[0] + 1}: the same motion on both sides is no test. Leave the copies out"
        )
