"""What the caller of `read_series` decides about data that are not as they should be."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from recurra._types import whole_number
from recurra.errors import ConfigError, unknown

GAPS = ("refuse", "split", "interpolate:k", "mask")
DUPLICATES = ("refuse", "first", "mean")
CLOCK_UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}  # in nanoseconds

_INTERPOLATE = re.compile(r"interpolate:([1-9]\d{0,8})", re.ASCII)


@dataclass(frozen=True)
class Policies:
    """Answers to missing values, and to times that repeat, fall back or are uneven; by default all are refused.

    Args:
        gaps: "refuse", "split", "interpolate:k", "mask"; or "keep", for data that are checked when they are learned.
        missing: numbers that mean "no value".
        duplicates: "refuse", "first" or "mean".
        sort: whether rows may be put in the order of time.
        resample: step of the grid onto which uneven times are interpolated, in time units (seconds for dates).
        time_unit: of a numeric time axis; "s", "ms", "us", "ns" turn counts since 1970 into dates.
        zone: IANA name of the time zone of dates that name none.
        units: one a channel.
        dt: step between rows.
    """

    gaps: str = "refuse"
    missing: tuple[float, ...] = ()
    duplicates: str = "refuse"
    sort: bool = False
    resample: float | None = None
    time_unit: str | None = None
    zone: str | None = None
    units: Sequence[str] | None = None
    dt: float | None = None

    def __post_init__(self):
        if self.gaps not in ("refuse", "split", "mask", "keep") and not self.longest:
            raise ConfigError(
                f"`gaps={self.gaps!r}` is unknown: 'refuse', 'split' (leave the rows out), 'interpolate:k' (over at "
                "most k rows, as 'interpolate:3') or 'mask' (declare the values missing)"
            )
        if self.duplicates not in DUPLICATES:
            raise ConfigError(unknown("`duplicates`", self.duplicates, DUPLICATES))
        if not isinstance(self.sort, bool):
            raise ConfigError(f"`sort` must be True or False, got {self.sort!r}")
        if self.resample is not None and not (_is_number(self.resample) and 0 < self.resample < math.inf):
            raise ConfigError(f"`resample` must be a step, positive and finite, got {self.resample!r}")
        if self.resample is not None and self.dt is not None:
            raise ConfigError("`dt` and `resample` both give the step: leave `dt` out")
        if self.dt is not None and not (_is_number(self.dt) and 0 < self.dt < math.inf):
            raise ConfigError(f"`dt` must be a step, positive and finite, got {self.dt!r}")
        if self.time_unit is not None and not isinstance(self.time_unit, str):
            raise ConfigError(f"`time_unit` must be a text such as 's', got {self.time_unit!r}")
        if self.zone is not None and not isinstance(self.zone, str):
            raise ConfigError(f"`zone` must be a text such as 'Europe/Oslo', got {self.zone!r}")

    @property
    def longest(self) -> int:
        """Over how many rows in a row values are interpolated; 0 for the other ways to treat gaps."""
        match = _INTERPOLATE.fullmatch(self.gaps) if isinstance(self.gaps, str) else None
        return int(match[1]) if match else 0

    @property
    def fills(self) -> bool:
        """Whether rows that are missing are put back, without values."""
        return self.gaps == "mask" or self.longest > 0


def _is_number(value: object) -> bool:
    return whole_number(value) or isinstance(value, float)
