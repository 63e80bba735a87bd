"""miniSEED: its records are walked, once and forward alone, to say which channels it holds and what to do."""

import struct
from dataclasses import dataclass, field

_HEADER = 48  # bytes of the fixed part of a record
_BLOCKETTES = 16  # in a record
_RECORDS = 1_000_000
_SHOWN = 12
_ADVICE = (
    "Convert each channel to CSV, each stretch without a gap by itself, with a time column (ObsPy: read it with "
    'format="MSEED", then write every trace)'
)


@dataclass
class Channel:
    """What the records of one channel say: how many, of how many samples, at which rates."""

    records: int = 0
    samples: int = 0
    rates: set[float] = field(default_factory=set)


def describe_miniseed(data: bytes) -> str:
    """What the file holds, and what to do: the words of a refusal."""
    if data.startswith(b"MS\x03"):
        found, walked, stop = _walk3(data)
    else:
        found, walked, stop = _walk2(data)
    names = [_shown(name, channel) for name, channel in sorted(found.items())]
    rest = f", ... ({len(names) - _SHOWN} more)" if len(names) > _SHOWN else ""
    listed = f"{len(found)} channels: {', '.join(names[:_SHOWN])}{rest}" if found else "no channel that can be told"
    return f"is a miniSEED file, which is not read: {walked} records of {listed}{stop}. {_ADVICE}"


def _shown(name: str, channel: Channel) -> str:
    rates = ", ".join(f"{rate:g} Hz" for rate in sorted(channel.rates)) or "no rate"
    return f"{name!r} ({channel.records} records, {channel.samples} samples, {rates})"


def _walk2(data: bytes) -> tuple[dict[str, Channel], int, str]:
    """Version 2: every step goes forward by a record's length, 128 bytes or more, so the walk ends."""
    found: dict[str, Channel] = {}
    at = walked = 0
    while at + _HEADER <= len(data):
        if walked == _RECORDS:
            return found, walked, f" (and more: the walk ended after {_RECORDS})"
        head = data[at : at + _HEADER]
        order = _order(head)
        length = _length(data, at, order)
        if head[6:7] in b"DRQM" and order and length:
            station, place, code, net = (
                head[a:b].decode("latin-1").strip() for a, b in ((8, 13), (13, 15), (15, 18), (18, 20))
            )
            samples, factor, multiplier = struct.unpack(f"{order}Hhh", head[30:36])
            _count(found, f"{net}.{station}.{place}.{code}", samples, _rate(factor, multiplier))
        elif head[6:7] not in b"VAST":
            return found, walked, f"; what follows at byte {at} is no record"
        if not length:
            return found, walked, f"; the record at byte {at} does not say how long it is"
        walked += 1
        at += length
    left = len(data) - at
    return found, walked, f"; it is truncated: {-left} bytes of the last record are missing" if left < 0 else ""


def _walk3(data: bytes) -> tuple[dict[str, Channel], int, str]:
    """Version 3: a header of 40 bytes says how long the rest is."""
    found: dict[str, Channel] = {}
    at = walked = 0
    while at + 40 <= len(data):
        if walked == _RECORDS or not data.startswith(b"MS\x03", at):
            return found, walked, f"; what follows at byte {at} is not looked at"
        rate, samples, _, _, name, extra, payload = struct.unpack("<dIIBBHI", data[at + 16 : at + 40])
        _count(
            found,
            data[at + 40 : at + 40 + name].decode("utf-8", "replace"),
            samples,
            rate if rate > 0 else -1 / rate if rate else 0,
        )
        walked += 1
        at += 40 + name + extra + payload
    return found, walked, "; it is truncated within its last record" if at > len(data) else ""


def _count(found: dict[str, Channel], name: str, samples: int, rate: float) -> None:
    channel = found.setdefault(name, Channel())
    channel.records += 1
    channel.samples += samples
    if rate > 0:
        channel.rates.add(rate)


def _order(head: bytes) -> str:
    """The byte order in which the start has a year and a day; "" where neither has."""
    for order in "><":
        year, day = struct.unpack(f"{order}HH", head[20:24])
        if 1900 <= year <= 2100 and 1 <= day <= 366:
            return order
    return ""


def _length(data: bytes, at: int, order: str) -> int:
    """The length of a record: what blockette 1000 says, else up to the next header at a power of two; 0 if neither."""
    if order:
        place = at + struct.unpack(f"{order}H", data[at + 46 : at + 48])[0]
        for _ in range(_BLOCKETTES):  # a chain that points back would never end
            if not at + _HEADER <= place <= len(data) - 8:
                break
            kind, following = struct.unpack(f"{order}HH", data[place : place + 4])
            if kind == 1000 and 7 <= data[place + 6] <= 20:
                return 1 << data[place + 6]
            if at + following <= place:
                break
            place = at + following
    for power in range(7, 21):
        following = at + (1 << power)
        if following >= len(data) or (
            data[following : following + 6].isdigit() and data[following + 6 : following + 7] in b"DRQMVAST"
        ):
            return 1 << power if following <= len(data) else 0
    return 0


def _rate(factor: int, multiplier: int) -> float:
    """Samples a second, from the two signed numbers of a header."""
    if not factor or not multiplier:
        return 0.0
    rate = float(factor) if factor > 0 else -1.0 / factor
    return rate * multiplier if multiplier > 0 else rate / -multiplier
