"""What a message of Arrow's IPC takes when it is unpacked, by the lengths that stand before each of its buffers.

Message.fbs and RecordBatch's BodyCompression; the metadata, a table of Flatbuffers, have been verified by pyarrow.
"""

import pyarrow as pa

_DICTIONARY, _BATCH = 2, 3
_BUFFER, _LENGTH = 16, 8
"""Bytes of what is said of a buffer, and of the length that a packed one begins with."""


def unpacked_bytes(message: pa.ipc.Message) -> int:
    """Return the bytes of a message's buffers once they are unpacked; 0 where none is packed."""
    metadata = _Flat(message.metadata.to_pybytes())
    table = metadata.follow(0)
    kind = metadata.byte(metadata.field(table, 1))
    if kind not in {_DICTIONARY, _BATCH}:
        return 0
    batch = metadata.follow(metadata.field(table, 2))
    if kind == _DICTIONARY:
        batch = metadata.follow(metadata.field(batch, 1))
    if not metadata.field(batch, 3):
        return 0
    buffers = metadata.follow(metadata.field(batch, 2))
    places = range(buffers + 4, buffers + 4 + metadata.number(buffers, 4) * _BUFFER, _BUFFER)
    pairs = ((metadata.number(place, 8), metadata.number(place + 8, 8)) for place in places)
    return sum(_unpacked(message.body, place) for place, size in pairs if size >= _LENGTH)


def _unpacked(body: pa.Buffer, place: int) -> int:
    """Return the length before a buffer; a negative one says that it is not packed."""
    if place > body.size - _LENGTH:
        return 0
    return max(0, int.from_bytes(body.slice(place, _LENGTH).to_pybytes(), "little", signed=True))


class _Flat:
    """Bytes of Flatbuffers."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def number(self, place: int, width: int, *, signed: bool = False) -> int:
        return int.from_bytes(self._content[place : place + width], "little", signed=signed)

    def byte(self, place: int) -> int:
        return self.number(place, 1)

    def follow(self, place: int) -> int:
        """Return where the reference at a place leads."""
        return place + self.number(place, 4)

    def field(self, table: int, index: int) -> int:
        """Return where a field of a table stands, 0 where it has its default."""
        names = table - self.number(table, 4, signed=True)
        slot = 4 + 2 * index
        offset = self.number(names + slot, 2) if slot < self.number(names, 2) else 0
        return table + offset if offset else 0
