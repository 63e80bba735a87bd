"""EDF and BDF: the header alone is read, to say what the file holds and what to do; channels may differ in rate."""

import math
from dataclasses import dataclass

from recurra.errors import DataError

_SHOWN = 12
_ADVICE = "export the channels of one rate to CSV, each stretch without a gap by itself, with a time column in seconds"


@dataclass(frozen=True)
class Signal:
    """One signal of the header: its label, unit, and samples in a data record."""

    label: str
    unit: str
    samples: int


def describe_edf(data: bytes) -> str:
    """What the file holds, and what to do: the words of a refusal.

    Raises:
        DataError: a damaged header.
    """
    kind, article = ("BDF", "a") if data[:1] == b"\xff" else ("EDF", "an")
    records, duration, signals = _header(data)
    reserved = data[192:236].decode("ascii", "replace").strip()
    noted = [signal for signal in signals if signal.label.startswith(("EDF Annotations", "BDF Annotations"))]
    waves = [signal for signal in signals if signal not in noted]
    if not waves:
        return f"is {article} {kind}+ file with annotations alone and no signals: give the recording itself"
    shown = ", ".join(_shown(signal, duration) for signal in waves[:_SHOWN])
    rest = f", ... ({len(waves) - _SHOWN} more)" if len(waves) > _SHOWN else ""
    rates = {signal.samples / duration for signal in waves} if duration else set()
    several = f"; they have {len(rates)} different sampling rates" if len(rates) > 1 else ""
    broken = (
        f"; it is discontinuous ({reserved[:5]}), with gaps between its records"
        if reserved[:5] in ("EDF+D", "BDF+D")
        else ""
    )
    held = (len(data) - 256 * (len(signals) + 1)) // max(
        sum(s.samples for s in signals) * (3 if kind == "BDF" else 2), 1
    )
    short = f"; it is truncated: expected {records} records, got {held}" if 0 <= held < records else ""
    return (
        f"is {article} {kind} file, which is not read: {records} records of {duration:g} s, {len(waves)} channels: "
        f"{shown}{rest}{several}{broken}{short}. {_ADVICE[0].upper()}{_ADVICE[1:]}"
    )


def _header(data: bytes) -> tuple[int, float, list[Signal]]:
    count = int(data[252:256])
    if len(data) < 256 * (count + 1):
        raise DataError(f"is truncated within its EDF header: expected {256 * (count + 1)} bytes, got {len(data)}")

    def column(start: int, width: int) -> list[str]:
        """One field of all signals: the header goes by fields, not by signals."""
        first = 256 + start * count
        return [data[first + k * width : first + (k + 1) * width].decode("latin-1").strip() for k in range(count)]

    try:
        records, duration = int(data[236:244]), float(data[244:252])
        samples = [int(text) for text in column(216, 8)]
        if not (0 <= duration < math.inf and min(samples, default=1) > 0):
            raise ValueError(f"records of {duration:g} s with {min(samples, default=1)} samples")
    except ValueError as error:
        raise DataError(f"is an EDF file with a damaged header ({error}): export it again") from error
    return records, duration, [Signal(*three) for three in zip(column(0, 16), column(96, 8), samples, strict=True)]


def _shown(signal: Signal, duration: float) -> str:
    rate = f"{signal.samples / duration:g} Hz" if duration else f"{signal.samples} samples a record"
    return f"{signal.label!r} ({rate}{f', {signal.unit}' if signal.unit else ''})"
