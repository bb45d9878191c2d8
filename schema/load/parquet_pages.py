"""What reading a group of rows of Parquet takes, by the headers of its pages: those say it, the file's footer need not.

A page is kept whole while its values are read, and a few bytes of one may stand for any number of values. The headers
are Thrift's compact protocol (PageHeader of parquet.thrift).
"""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from schema.load.reader import LoadError

MOST_OPEN_BYTES = 512_000_000
"""Of the pages that are read at once: the largest of each column, and its dictionary."""
MOST_ELEMENTS = 64_000_000
"""Of all arrays of a column in a group of rows."""
_MOST_PAGES = 1_000_000
_DEEPEST = 16
_UNPACKED, _PACKED = 2, 3
_COUNTED = {5, 8}
"""Fields of a page's header that tell, first of all, how many values it has: of data pages, version 1 and 2."""
_BINARY, _LIST, _SET, _MAP, _STRUCT = 8, 9, 10, 11, 12
_WIDTHS = {1: 0, 2: 0, 3: 1, 7: 8}
"""Bytes of truths, which are in the type itself, of bytes and of doubles."""


@dataclass(frozen=True, slots=True)
class Page:
    """Bytes of a page in the file and unpacked, and its values; a dictionary has none of a row."""

    packed: int
    unpacked: int
    values: int


def elements_of_arrays(metadata: Any, group: int, content: mmap.mmap) -> int:
    """Return how many elements the arrays of a group of rows have, after a look at all of its pages.

    `metadata` is what pyarrow tells of the file. Raises: LoadError where reading them would take too much.
    """
    about = metadata.row_group(group)
    open_bytes = elements = 0
    for index in range(about.num_columns):
        pages = list(_pages(about.column(index), content))
        dictionaries = max((page.unpacked for page in pages if not page.values), default=0)
        open_bytes += dictionaries + max((page.unpacked for page in pages if page.values), default=0)
        if metadata.schema.column(index).max_repetition_level:
            elements += _checked(sum(page.values for page in pages))
    if open_bytes > MOST_OPEN_BYTES:
        raise LoadError(
            f"pages of {open_bytes:,} bytes would be read at once; {MOST_OPEN_BYTES:,} are taken: write smaller pages"
        )
    return elements


def _checked(elements: int) -> int:
    if elements > MOST_ELEMENTS:
        raise LoadError(
            f"the arrays of a group of rows have {elements:,} elements; {MOST_ELEMENTS:,} are taken: write smaller groups"
        )
    return elements


def _pages(chunk: Any, content: mmap.mmap) -> Iterator[Page]:
    """Yield the pages of a column. Raises: LoadError."""
    place = chunk.data_page_offset
    if chunk.has_dictionary_page and 0 < chunk.dictionary_page_offset < place:
        place = chunk.dictionary_page_offset
    end = min(place + chunk.total_compressed_size, len(content))
    for _ in range(_MOST_PAGES):
        if place >= end:
            return
        header = _Header(content, place)
        page = header.page()
        place = header.place + page.packed
        yield page
    raise LoadError(f"a column has more than {_MOST_PAGES:,} pages in a group of rows")


class _Header:
    """Reads a header from a place of the file on. Raises: LoadError, IndexError where the file ends."""

    def __init__(self, content: mmap.mmap, place: int) -> None:
        self.place = place
        self._content = content

    def page(self) -> Page:
        numbers = {_UNPACKED: 0, _PACKED: 0}
        values = 0
        for field, kind in self._fields():
            if field in numbers:
                numbers[field] = self._number()
            elif field in _COUNTED and kind == _STRUCT:
                values = max(1, self._first_number())
            else:
                self._skip(kind, 0)
        if min(numbers.values()) < 0:
            raise LoadError("a page says that it has less than nothing")
        return Page(numbers[_PACKED], numbers[_UNPACKED], values)

    def _first_number(self) -> int:
        """Return the first field of a structure, which is a number, and pass over the others."""
        first = 0
        for field, kind in self._fields():
            if field == 1:
                first = self._number()
            else:
                self._skip(kind, 0)
        return first

    def _fields(self) -> Iterator[tuple[int, int]]:
        """Yield number and type of each field of a structure; its value must be read before the next."""
        field = 0
        while byte := self._byte():
            field = field + (byte >> 4) if byte >> 4 else self._number()
            yield field, byte & 15

    def _skip(self, kind: int, depth: int) -> None:
        if depth > _DEEPEST:
            raise LoadError("the header of a page is nested too deeply")
        if kind == _STRUCT:
            for _, inner in self._fields():
                self._skip(inner, depth + 1)
        elif kind in {_LIST, _SET}:
            size = self._byte()
            for _ in range(size >> 4 if size >> 4 < 15 else self._varint()):
                self._skip(size & 15, depth + 1)
        elif kind == _MAP:
            raise LoadError("the header of a page has a map, which no such header has")
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
        raise LoadError("the header of a page has a number without end")

    def _number(self) -> int:
        """Return a number whose lowest bit is its sign."""
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
