"""What reading a group of rows of Parquet takes, by the headers of its pages: those say it, the file's footer need not.

A page is kept whole while its values are read, and a few bytes of one may stand for any number of values. Read without
pyarrow, which ends the process over some broken footers (structures of parquet.thrift).
"""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass

from schema.load.reader import LoadError
from schema.load.thrift import LIST, STRUCT, Compact

_TAIL = 8
_MOST_PAGES = 1_000_000
_DATA_PAGES = {5, 8}
"""Fields of a page's header that tell of its values, of versions 1 and 2."""


@dataclass(frozen=True, slots=True)
class ColumnChunk:
    """Where the pages of a column are, those of a group of rows."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class RowGroup:
    """`rows` in number."""

    rows: int
    chunks: tuple[ColumnChunk, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Bytes of a page in the file and unpacked, and its values; a dictionary has none of a row."""

    packed: int
    unpacked: int
    values: int


def row_groups(content: mmap.mmap) -> list[RowGroup]:
    """Return the groups of a file's footer. Raises: LoadError, IndexError where it is broken."""
    size = int.from_bytes(content[-_TAIL : 4 - _TAIL], "little")
    footer = Compact(content, len(content) - _TAIL - size)
    for field, kind in footer.fields():
        if field == 4 and kind == LIST:
            return [_row_group(footer) for _ in footer.items()]
        footer.skip(kind)
    return []


def _row_group(footer: Compact) -> RowGroup:
    rows, chunks = 0, list[ColumnChunk]()
    for field, kind in footer.fields():
        if field == 1 and kind == LIST:
            chunks = [_chunk(footer) for _ in footer.items()]
        elif field == 3:
            rows = footer.number()
        else:
            footer.skip(kind)
    return RowGroup(rows, tuple(chunks))


def _chunk(footer: Compact) -> ColumnChunk:
    chunk = None
    for field, kind in footer.fields():
        if field == 3 and kind == STRUCT:
            size, start, dictionary = footer.numbers(7, 9, 11)
            start = dictionary if 0 < dictionary < start else start
            chunk = ColumnChunk(start, start + size)
        else:
            footer.skip(kind)
    if chunk is None or not 0 <= chunk.start <= chunk.end:
        raise LoadError("its footer does not say where a column is")
    return chunk


def elements(group: RowGroup, content: mmap.mmap, most_at_once: int | None) -> list[int]:
    """Return how many elements each column of a group has, after a look at all of its pages.

    Raises: LoadError where more bytes would be unpacked at once, IndexError where a page is broken.
    """
    counts, at_once = [], 0
    for chunk in group.chunks:
        largest = {True: 0, False: 0}
        counts.append(0)
        for page in _pages(chunk, content):
            is_dictionary = page.values == 0
            largest[is_dictionary] = max(largest[is_dictionary], page.unpacked)
            counts[-1] += page.values
        at_once += sum(largest.values())
    if most_at_once is not None and at_once > most_at_once:
        raise LoadError(
            f"pages of {at_once:,} bytes would be read at once; {most_at_once:,} are taken: write smaller pages"
        )
    return counts


def _pages(chunk: ColumnChunk, content: mmap.mmap) -> Iterator[Page]:
    place = chunk.start
    for _ in range(_MOST_PAGES):
        if place >= min(chunk.end, len(content)):
            return
        header = Compact(content, place)
        page = _page(header)
        place = header.place + page.packed
        yield page
    raise LoadError(f"a column has more than {_MOST_PAGES:,} pages in a group of rows")


def _page(header: Compact) -> Page:
    unpacked = packed = values = 0
    for field, kind in header.fields():
        if field == 2:
            unpacked = header.number()
        elif field == 3:
            packed = header.number()
        elif field in _DATA_PAGES and kind == STRUCT:
            values = max(1, header.numbers(1)[0])
        else:
            header.skip(kind)
    if packed < 0 or unpacked < 0:
        raise LoadError("a page says that it has less than nothing")
    return Page(packed, unpacked, values)
