"""Thrift's compact protocol, as Parquet's footers and pages have it, read from bytes that may be broken."""

import mmap
from collections.abc import Iterator

from schema.load.reader import LoadError

STRUCT, LIST = 12, 9
_BINARY, _SET, _MAP = 8, 10, 11
_TRUTHS = {1, 2}
_WIDTHS = {1: 0, 2: 0, 3: 1, 7: 8}
"""Bytes of truths, which are in the type itself, of bytes and of doubles."""
_DEEPEST = 16


class Compact:
    """Reads from a place on. Every method raises LoadError for what is none, and IndexError where the bytes end."""

    def __init__(self, content: mmap.mmap, place: int) -> None:
        self.place = place
        self._content = content

    def fields(self) -> Iterator[tuple[int, int]]:
        """Yield number and type of each field of a structure; its value must be read before the next."""
        field = 0
        while byte := self._byte():
            field = field + (byte >> 4) if byte >> 4 else self.number()
            yield field, byte & 15

    def items(self) -> Iterator[int]:
        """Yield the type of each element of a list; it must be read before the next."""
        byte = self._byte()
        for _ in range(byte >> 4 if byte >> 4 < 15 else self._varint()):
            yield byte & 15

    def number(self) -> int:
        """Return a whole number, whose lowest bit is its sign."""
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def numbers(self, *wanted: int) -> list[int]:
        """Return these fields of a structure, 0 where one is missing, and pass over the others."""
        values = dict.fromkeys(wanted, 0)
        for field, kind in self.fields():
            if field in values:
                values[field] = self.number()
            else:
                self.skip(kind)
        return list(values.values())

    def skip(self, kind: int, depth: int = 0) -> None:
        """Pass over a value."""
        if depth > _DEEPEST:
            raise LoadError("its structures are nested too deeply")
        if kind == STRUCT:
            for _, inner in self.fields():
                self.skip(inner, depth + 1)
        elif kind in {LIST, _SET}:
            for inner in self.items():
                self.skip(3 if inner in _TRUTHS else inner, depth + 1)
        elif kind == _MAP:
            raise LoadError("it has a map where Parquet has none")
        elif kind in _WIDTHS:
            self.place += _WIDTHS[kind]
        else:
            number = self._varint()
            self.place += number if kind == _BINARY else 0

    def _byte(self) -> int:
        byte = self._content[self.place]
        self.place += 1
        return byte

    def _varint(self) -> int:
        value = shift = 0
        while shift < 64:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
        raise LoadError("it has a number without end")
