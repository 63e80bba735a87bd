"""WAV: sound, and what else a recorder samples. The declared sizes are checked against the bytes that are there."""

import struct
from dataclasses import dataclass, replace

import numpy as np

from recurra.data.columns import Ask, Parts
from recurra.data.files import MAX_BYTES
from recurra.data.npy import from_table
from recurra.errors import DataError

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_CODES = {2: "ADPCM", 6: "A-law", 7: "mu-law", 17: "IMA ADPCM", 85: "MP3"}
_BITS = {_PCM: (8, 16, 24, 32), _FLOAT: (32, 64)}


@dataclass(frozen=True)
class Format:
    """The `fmt` chunk: code 1 (integers) or 3 (floats), channels, rate in hertz, bits a sample, byte order."""

    code: int
    channels: int
    rate: int
    bits: int
    order: str

    @property
    def row(self) -> int:
        """Bytes of one row."""
        return self.channels * self.bits // 8


def parse_wav(data: bytes, ask: Ask) -> Parts:
    """The samples of a WAV file as a series: channels c0, c1, ..., step 1 / rate in seconds.

    Raises:
        DataError: as in `read_wav`.
    """
    table, rate, bits = read_wav(data, ask.max_bytes)
    facts = {"rate": rate, "bits": bits, "time_unit": "s"}
    return replace(from_table(table, ask), dt=1 / rate, provenance=facts)


def read_wav(data: bytes, max_bytes: int = MAX_BYTES) -> tuple[np.ndarray, int, int]:
    """The samples of a WAV file (time, channels), its rate in hertz and the bits of a sample.

    Integers are divided by 2^(bits - 1), so that full scale is [-1, 1); 8 bits are unsigned and centred first.
    Floats stay what they are. Chunks other than `fmt` and `data` are skipped.

    Raises:
        DataError: a truncated file, a compressed one, or a header that contradicts itself.
    """
    order = ">" if data[:4] == b"RIFX" else "<"
    if data[:4] == b"RF64":
        raise DataError("is an RF64 file, WAV beyond 4 GiB, which is not read: cut it into shorter WAV files")
    if data[:4] not in (b"RIFF", b"RIFX") or data[8:12] != b"WAVE":
        raise DataError("is named .wav and does not begin like one: it is damaged or something else")
    layout, offset = None, 12
    while offset + 8 <= len(data):
        name, size = struct.unpack_from(f"{order}4sI", data, offset)
        start = offset + 8
        if name == b"fmt ":
            layout = _format(data[start : start + size], order)
        elif name == b"data":
            if layout is None:
                raise DataError("has a `data` chunk and no `fmt ` chunk before it: it is damaged, export it again")
            samples = _samples(data, start, size, layout)
            if 8 * samples.size > max_bytes:
                raise DataError(
                    f"holds {samples.size} samples, {8 * samples.size} bytes as float64, more than the limit of "
                    f"{max_bytes}: raise `max_bytes` or cut it"
                )
            return _scaled(samples, layout), layout.rate, layout.bits
        offset = start + size + size % 2
    raise DataError(f"has no `data` chunk in {len(data)} bytes: it is truncated or damaged, copy or export it again")


def _format(chunk: bytes, order: str) -> Format:
    if len(chunk) < 16:
        raise DataError(f"has a `fmt ` chunk of {len(chunk)} bytes, expected 16 or more: it is truncated or damaged")
    code, channels, rate, _, row, bits = struct.unpack_from(f"{order}HHIIHH", chunk)
    if code == _EXTENSIBLE and len(chunk) >= 26:
        (code,) = struct.unpack_from(f"{order}H", chunk, 24)
    if code not in _BITS:
        raise DataError(
            f"is compressed ({_CODES.get(code, f'code {code}')}), which is not read: export plain PCM samples"
        )
    if bits not in _BITS[code]:
        raise DataError(f"has {bits} bits a sample, expected one of {_BITS[code]}: export it as 16-bit or float WAV")
    if not channels or not rate or row != channels * bits // 8:
        raise DataError(
            f"has a header that contradicts itself: {channels} channels of {bits} bits, {row} bytes a row, "
            f"{rate} rows a second: export it again"
        )
    return Format(code, channels, rate, bits, order)


def _samples(data: bytes, start: int, size: int, layout: Format) -> np.ndarray:
    """The numbers as they are stored, (time, channels); a view of the file but for 24 bits."""
    held = len(data) - start
    if size > held:
        raise DataError(
            f"is truncated: expected {size} bytes of samples ({size // layout.row} rows), got {held} "
            f"({held // layout.row} rows): copy or export it again"
        )
    if size == 0 or size % layout.row:
        raise DataError(f"has {size} bytes of samples, expected a positive multiple of {layout.row}: it is damaged")
    rows, order = size // layout.row, layout.order
    if layout.bits == 24:
        padded = np.zeros((rows, layout.channels, 4), np.uint8)
        low = 1 if order == "<" else 0  # the three bytes become the upper ones of four
        padded[..., low : low + 3] = np.frombuffer(data, np.uint8, size, start).reshape(rows, layout.channels, 3)
        return padded.view(f"{order}i4")[..., 0]
    kind = "f" if layout.code == _FLOAT else "u" if layout.bits == 8 else "i"
    return np.frombuffer(data, f"{order}{kind}{layout.bits // 8}", size // (layout.bits // 8), start).reshape(rows, -1)


def _scaled(samples: np.ndarray, layout: Format) -> np.ndarray:
    if layout.code == _FLOAT:
        return samples.astype(np.float64)
    if layout.bits == 8:
        return (samples.astype(np.float64) - 128) / 128
    return samples.astype(np.float64) / 2.0 ** (samples.dtype.itemsize * 8 - 1)
