"""Local times to UTC, and the hour that summer time skips or doubles."""

from collections.abc import Callable
from datetime import datetime
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import numpy as np

from recurra.errors import ConfigError, DataError

_HOUR = np.timedelta64(1, "h")
_CHANGES = (3, 4, 9, 10, 11)  # months in which clocks are changed, on a Sunday before the morning


def to_utc(local: np.ndarray, zone: str, place: Callable[[int], str]) -> np.ndarray:
    """Dates of a time zone in UTC.

    The hour that the end of summer time doubles is told apart by the order of the rows: the stamps fall back once,
    and what comes after is the second one.

    Args:
        local: `datetime64[ns]`, without a zone.
        zone: IANA name.
        place: where a row stands.

    Raises:
        ConfigError: no such zone.
        DataError: a time that the zone skips, or one of a doubled hour that the order does not tell apart.
    """
    if zone.upper() in ("UTC", "Z"):
        return local
    try:
        clock = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        near = get_close_matches(zone, sorted(available_timezones()), 1)
        hint = f"did you mean {near[0]!r}?" if near else "give an IANA name such as 'Europe/Oslo', or 'UTC'"
        raise ConfigError(f"unknown time `zone` {zone!r}: {hint}") from error
    first, second = _offsets(local, clock)
    skipped = np.flatnonzero(first < second)
    if skipped.size:
        row = int(skipped[0])
        raise DataError(
            f"{skipped.size} times do not exist in {zone}, the first in {place(row)} ({_shown(local[row])}): clocks "
            "were put forward over it. Give the zone of the instrument, perhaps `zone='UTC'`"
        )
    return local - np.where(_later(local, first > second, zone, place), second, first)


def check_summer_time(local: np.ndarray, place: Callable[[int], str]) -> None:
    """Refuse dates without a zone that jump by just an hour when clocks are put forward or back.

    Raises:
        DataError: the first such jump.
    """
    if len(local) < 3:
        return
    steps = np.diff(local)
    step = np.median(steps.astype(np.int64)).astype("timedelta64[ns]")
    if not np.timedelta64(0) < step <= _HOUR:
        return
    found = np.flatnonzero((steps == step + _HOUR) | (steps == step - _HOUR))
    for row in found[_sunday_night(local[found]) | _sunday_night(local[found + 1])]:
        way = "forward" if steps[row] > step else "back"
        raise DataError(
            f"the times have no zone and jump as where clocks are put {way} by an hour: {_shown(local[row])} -> "
            f"{_shown(local[row + 1])} in {place(int(row) + 1)}. Give `zone`: 'Europe/Oslo', or 'UTC' if they are that"
        )


def _sunday_night(dates: np.ndarray) -> np.ndarray:
    days = dates.astype("datetime64[D]")
    sunday = (days.astype(np.int64) + 4) % 7 == 0  # 1970-01-01 was a Thursday
    month = days.astype("datetime64[M]").astype(np.int64) % 12 + 1
    return sunday & np.isin(month, _CHANGES) & (dates - days <= 3 * _HOUR)


def _offsets(local: np.ndarray, clock: ZoneInfo) -> tuple[np.ndarray, np.ndarray]:
    """How far the zone is ahead of UTC: by the first and by the second reading of each time."""
    # Offsets change on whole quarters of an hour: one look for each quarter that occurs, but before 1973.
    width = 1 if len(local) and local.min() < np.datetime64("1973") else 900
    keys, back = np.unique(local.astype("datetime64[s]").astype(np.int64) // width, return_inverse=True)
    found = np.empty((2, len(keys)), dtype="timedelta64[ns]")
    for index, moment in enumerate((keys * width).astype("datetime64[s]").tolist()):
        for fold in (0, 1):
            found[fold, index] = np.timedelta64(_ahead(moment, clock, fold), "s")
    return found[0][back], found[1][back]


def _ahead(moment: datetime, clock: ZoneInfo, fold: int) -> int:
    ahead = moment.replace(tzinfo=clock, fold=fold).utcoffset()
    return 0 if ahead is None else round(ahead.total_seconds())


def _later(local: np.ndarray, doubled: np.ndarray, zone: str, place: Callable[[int], str]) -> np.ndarray:
    """True where a time of a doubled hour is the second one of that name."""
    later = np.zeros(len(local), bool)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], doubled.astype(np.int8), [0]])))
    for start, stop in edges.reshape(-1, 2):
        falls = np.flatnonzero(np.diff(local[start:stop]) <= np.timedelta64(0))
        if len(falls) != 1:
            raise DataError(
                f"{_shown(local[start])} in {place(int(start))} comes twice in {zone}, as clocks are put back, and the "
                f"order of {stop - start} rows does not tell which it is: write these times in UTC"
            )
        later[start + falls[0] + 1 : stop] = True
    return later


def _shown(date: Any) -> str:
    return str(date.astype("datetime64[s]")).replace("T", " ")
