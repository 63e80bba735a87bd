"""The CF conventions: stored numbers to physical ones, and numbers "since" a date to times."""

import base64
import binascii
import math
import re
import struct
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np

from recurra.data.formats.extra import package
from recurra.errors import DataError

# Lengths in seconds. Months and years have none, but in a calendar of twelve months of 30 days.
_SECONDS = {
    **dict.fromkeys(("nanosecond", "nanoseconds", "nsec", "ns"), 1e-9),
    **dict.fromkeys(("microsecond", "microseconds", "microsec", "us"), 1e-6),
    **dict.fromkeys(("millisecond", "milliseconds", "msec", "msecs", "ms"), 1e-3),
    **dict.fromkeys(("second", "seconds", "sec", "secs", "s"), 1.0),
    **dict.fromkeys(("minute", "minutes", "min", "mins"), 60.0),
    **dict.fromkeys(("hour", "hours", "hr", "hrs", "h"), 3600.0),
    **dict.fromkeys(("day", "days", "d"), 86400.0),
}
_SINCE = re.compile(r"\s*(?P<unit>[A-Za-z]+)\s+since\s+(?P<date>.+?)\s*", re.ASCII | re.IGNORECASE)
_REFERENCE = re.compile(
    r"(?P<year>[+-]?\d{1,5})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"
    r"([T ]+(?P<hour>\d{1,2}):(?P<minute>\d{1,2})(:(?P<second>\d{1,2})(\.(?P<fraction>\d+))?)?)?"
    r"\s*(?P<zone>Z|UTC|GMT|[+-]\d{1,2}(:?\d\d)?)?",
    re.ASCII,
)
_CIVIL = ("standard", "gregorian", "proleptic_gregorian")  # calendars that the dates of NumPy can follow
_SWITCH = (1582, 10, 15)  # before it the standard calendar is the Julian one
_FAR = 10**7 * 86400.0  # seconds, beyond all dates
_YEARS = (1678, 2261)  # that datetime64[ns] can hold whole


def text(found: Any) -> str:
    """An attribute as text; "" where it is none."""
    if isinstance(found, bytes):
        return found.decode("utf-8", "replace")
    if isinstance(found, np.ndarray) and found.size == 1:
        return text(found.reshape(-1)[0])
    return str(found) if isinstance(found, str) else ""


def is_time(attributes: Mapping[str, Any]) -> bool:
    """Whether a coordinate says of itself that it is the time."""
    says = text(attributes.get("axis")) == "T" or text(attributes.get("standard_name")) == "time"
    return says or _SINCE.fullmatch(text(attributes.get("units"))) is not None


def physical(stored: np.ndarray, attributes: Mapping[str, Any]) -> np.ndarray:
    """The numbers meant: `scale_factor` x + `add_offset` in float64, and NaN where a fill value stands."""
    missing = np.zeros(stored.shape, bool)
    for name in ("_FillValue", "missing_value"):
        for fill in _numbers(attributes.get(name)):
            missing |= stored == fill
    if text(attributes.get("_Unsigned")) == "true" and stored.dtype.kind == "i":
        stored = stored.view(f"{stored.dtype.byteorder}u{stored.dtype.itemsize}")
    scale, offset = _number(attributes.get("scale_factor"), 1.0), _number(attributes.get("add_offset"), 0.0)
    if not missing.any() and (scale, offset) == (1.0, 0.0):
        return stored
    values = stored.astype(np.float64)
    values = values if (scale, offset) == (1.0, 0.0) else values * scale + offset
    values[missing] = np.nan
    return values


def _numbers(found: Any) -> list[float]:
    """The numbers of an attribute; in JSON, xarray writes the bytes of a float as base64."""
    if found is None:
        return []
    if isinstance(found, str):
        try:
            return [float(found)] if found.lower() in ("nan", "infinity", "-infinity") else [_decoded(found)]
        except (ValueError, struct.error, binascii.Error):
            return []
    flat = np.asarray(found).reshape(-1)
    return list(flat) if flat.dtype.kind in "iuf" else []


def _decoded(found: str) -> float:
    return float(struct.unpack("<d", base64.b64decode(found, validate=True))[0])


def _number(found: Any, default: float) -> float:
    numbers = _numbers(found)
    return float(numbers[0]) if numbers else default


def decoded_times(name: str, stored: np.ndarray, attributes: Mapping[str, Any]) -> tuple[np.ndarray, dict[str, Any]]:
    """The times of a time coordinate, and what of them the numbers do not say.

    Numbers "since" a date of the civil calendar become dates in UTC. In another calendar, as noleap or 360_day, or
    with dates that datetime64 cannot hold, they stay numbers: days of the model, counted from the date in `time_since`.

    Raises:
        DataError: a unit or a date that means nothing certain.
        MissingExtraError: dates from before 1582-10-15 need cftime.
    """
    units = text(attributes.get("units"))
    match = _SINCE.fullmatch(units)
    numbers = physical(stored, attributes)
    if match is None:
        return numbers, {"time_unit": units} if units else {}
    calendar = (text(attributes.get("calendar")) or "standard").lower()
    length, date = _length(name, match["unit"].lower(), calendar), _REFERENCE.fullmatch(match["date"])
    if date is None:
        raise DataError(f"{name!r} has the units {units!r}: {match['date']!r} is no date as 2000-01-31 12:00:00")
    if numbers.size and not np.isfinite(numbers.astype(np.float64)).all():
        raise DataError(f"{name!r} is the time axis and has missing values: cut these rows")
    if calendar in _CIVIL and numbers.size:
        dates = _dates(name, numbers, length, date, calendar)
        if dates is not None:
            return dates, {"calendar": calendar, "zone": "UTC"}
    days = numbers.astype(np.float64) * (length / 86400.0)
    return days, {"calendar": calendar, "time_since": match["date"], "time_unit": "d"}


def _length(name: str, unit: str, calendar: str) -> float:
    """Seconds of a time unit."""
    if calendar == "360_day" and unit in ("month", "months"):
        return 30 * 86400.0
    if unit not in _SECONDS:
        known = "seconds, minutes, hours or days"
        raise DataError(f"{name!r} counts in {unit!r}, which has no fixed length: write the times in {known}")
    return _SECONDS[unit]


def _dates(name: str, numbers: np.ndarray, length: float, date: re.Match[str], calendar: str) -> np.ndarray | None:
    """Dates in UTC, in nanoseconds as far as the stored numbers resolve them; None beyond the years they can hold."""
    if np.abs(numbers.astype(np.float64)).max() > _FAR / length:
        return None
    days, rest = _split(numbers, length)
    clock = sum(int(date[part] or 0) * size for part, size in (("hour", 3600), ("minute", 60), ("second", 1))) * 10**9
    clock += int((date["fraction"] or "0").ljust(9, "0")[:9]) - _zone(date["zone"])
    first = _reference(name, date, int(days.min()), calendar)
    if first is None:
        return None
    whole = first + (days - days.min()).astype("timedelta64[D]")
    years = whole.astype("datetime64[Y]").astype(np.int64) + 1970
    if years.min() <= _YEARS[0] or years.max() >= _YEARS[1]:
        return None
    return whole.astype("datetime64[ns]") + (rest + clock).astype("timedelta64[ns]")


def _split(numbers: np.ndarray, length: float) -> tuple[np.ndarray, np.ndarray]:
    """Whole days and the nanoseconds that are left, rounded to what the stored numbers resolve."""
    a_day = round(86400.0 / length)
    if numbers.dtype.kind in "iu":
        days = numbers.astype(np.int64) // a_day
        return days, (numbers.astype(np.int64) - days * a_day) * round(length * 1e9)
    numbers = numbers.astype(np.float64)
    days = np.floor(numbers / a_day)
    resolved = max(float(np.spacing(np.abs(numbers).max())) * length * 1e9, 1.0)
    quantum = 10 ** math.ceil(math.log10(resolved))
    rest = np.round((numbers - days * a_day) * (length * 1e9) / quantum) * quantum
    return days.astype(np.int64), rest.astype(np.int64)


def _reference(name: str, date: re.Match[str], days: int, calendar: str) -> np.datetime64 | None:
    """The day that is `days` after the reference, in the calendar of today; None where that calendar has none."""
    year, month, day = (int(date[part]) for part in ("year", "month", "day"))
    if calendar == "proleptic_gregorian" or (year, month, day) >= _SWITCH:
        start = (np.datetime64(year - 1970, "Y").astype("datetime64[M]") + (month - 1)).astype("datetime64[D]") + (
            day - 1
        )
        if not 1 <= month <= 12 or start.astype("datetime64[M]") != np.datetime64(start - (day - 1), "M"):
            raise DataError(f"{name!r} counts from {date.group()!r}, and there is no such date")
        return start + days
    if year == 0:
        return None
    cftime = package("cftime", f"times that count from {date.group()!r}")
    try:
        moved = cftime.datetime(year, month, day, calendar="standard") + timedelta(days=days)
    except ValueError as error:
        raise DataError(f"{name!r} counts from {date.group()!r}, and there is no such date") from error
    if (moved.year, moved.month, moved.day) < _SWITCH:
        return None
    return np.datetime64(f"{moved.year:04d}-{moved.month:02d}-{moved.day:02d}", "D")


def _zone(zone: str | None) -> int:
    """How far a zone is ahead of UTC, in nanoseconds."""
    if zone is None or zone[0] not in "+-":
        return 0
    digits = zone[1:].replace(":", "")
    hours, minutes = (digits, "0") if len(digits) <= 2 else (digits[:-2], digits[-2:])
    return (-1 if zone[0] == "-" else 1) * (int(hours) * 60 + int(minutes)) * 60 * 10**9
