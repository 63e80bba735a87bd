"""Arrow files (Feather 2): what their batches say that they inflate to, read from the footer before that is done."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from recurra.errors import DataError

_DICTIONARIES, _BATCHES = 2, 3  # fields of the footer, each a list of blocks
_BLOCK, _BUFFER = 24, 16  # bytes of one


@dataclass(frozen=True)
class _Table:
    """A table of a flatbuffer: its fields are found through offsets, and may be absent."""

    data: bytes
    at: int

    def field(self, number: int) -> int:
        """Where a field lies; 0 if it is absent."""
        known = self.at - _number("<i", self.data, self.at)
        slot = 4 + 2 * number
        offset = _number("<H", self.data, known + slot) if slot < _number("<H", self.data, known) else 0
        return self.at + offset if offset else 0

    def table(self, number: int) -> "_Table":
        """The table that a field points to."""
        return _root(self.data, self.field(number))

    def items(self, number: int, size: int) -> Iterator[int]:
        """Where the items of a list of structs lie, each of `size` bytes."""
        place = self.field(number)
        if place:
            start = place + _number("<I", self.data, place)
            for item in range(_number("<I", self.data, start)):
                yield start + 4 + size * item


def declared(data: bytes) -> tuple[int, int]:
    """The rows of all batches, and the bytes of all buffers once they are inflated, also those of dictionaries.

    Raises:
        DataError: a footer that leads out of the file.
    """
    try:
        footer = _root(data, len(data) - 10 - _number("<i", data, len(data) - 10))
        rows = total = 0
        for field in (_DICTIONARIES, _BATCHES):
            for block in footer.items(field, _BLOCK):
                offset, length = struct.unpack_from("<qi", data, block)
                message = _root(data, offset + (8 if data[offset : offset + 4] == b"\xff\xff\xff\xff" else 4))
                batch = message.table(2) if field == _BATCHES else message.table(2).table(1)
                rows += _number("<q", data, batch.field(0)) if field == _BATCHES and batch.field(0) else 0
                total += _inflated(data, batch, offset + length)
    except struct.error as error:
        raise DataError("is damaged or truncated (its footer leads out of it): copy or save it again") from error
    return rows, total


def _inflated(data: bytes, batch: _Table, body: int) -> int:
    """The bytes of the buffers of a batch: a compressed one begins with what it inflates to, or -1 where it is not."""
    packed, total = batch.field(3), 0
    for item in batch.items(2, _BUFFER):
        offset, length = struct.unpack_from("<qq", data, item)
        total += max(length, _number("<q", data, body + offset)) if packed and length else length
    return total


def _root(data: bytes, at: int) -> _Table:
    return _Table(data, at + _number("<I", data, at))


def _number(code: str, data: bytes, at: int) -> int:
    return struct.unpack_from(code, data, at)[0]
