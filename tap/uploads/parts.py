"""The rows of a large upload, in parts whose rows lie together on the sky; none of them needs much memory.

They are encoded once, sorted by their HEALPix cell, and wait in a file. So a list of any length meets the catalogue
cell by cell, in the order in which the catalogue lies on its disk, and it is known how many rows remain.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import IO, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tap.sharding.execution.upload_routing import AllShards
from tap.sharding.layout import NOWHERE, cells_of
from tap.temp_files import TempFiles
from tap.uploads.load import Allowance, Declared

ORDER = 3
"""768 cells of some 7 degrees."""

_SORTED_BYTES = 4 << 20
_PIECE = 1 << 18

_SEGMENT = np.dtype(
    [("place", np.int16), ("cell", np.int16), ("start", np.int64), ("size", np.int32), ("rows", np.int32)]
)
"""Rows for one place, of one cell, that stand together in the file; there may be hundreds of thousands of them."""

Ints = npt.NDArray[np.int64]
Segments = npt.NDArray[np.void]
Position = tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class UploadPart:
    """Some rows: how many, and their bytes as COPY BINARY has them."""

    rows: int
    pieces: Iterator[bytes]


@dataclass(frozen=True, slots=True)
class Sorting:
    """How uploads are divided, and where they wait."""

    part_rows: int
    room: TempFiles


class Owners(Protocol):
    """Tells which of several places must have which rows: their numbers, and for each that of a place.

    `position` are the numbers of the columns by which they are sorted.
    """

    @property
    def places(self) -> int: ...

    @property
    def position(self) -> Position: ...

    def of(self, batch: pa.RecordBatch) -> tuple[Ints, Ints]: ...


@contextmanager
def in_parts(
    upload: Declared, position: Position, sorting: Sorting, allowance: Allowance, tell: Callable[[int], None]
) -> Iterator[list[UploadPart]]:
    """Yield all rows of an upload, as parts that are there as long as the block lasts.

    `tell` hears of rows that were read. `position` are the places of its longitude and latitude, in degrees, if it has
    any. Few rows are one part, in their own order. Raises: LoadError, OSError where the disk is full.
    """
    with in_parts_for(AllShards(1, position), upload, sorting, allowance, tell) as (parts,):
        yield parts


@contextmanager
def in_parts_for(
    owners: Owners,
    upload: Declared,
    sorting: Sorting,
    allowance: Allowance,
    tell: Callable[[int], None],
) -> Iterator[list[list[UploadPart]]]:
    """Yield the parts for each place."""
    batches = upload.batches(allowance)
    first = list(_beyond(sorting.part_rows, batches))
    rows = sum(batch.num_rows for batch in first)
    if rows <= sorting.part_rows:
        tell(rows)
        yield _in_memory(owners, upload, first)
        return
    with sorting.room.file() as file:
        segments: list[Segments] = []
        for batch in _large(chain(first, batches)):
            sorting.room.check()
            segments.append(_write(file, upload, batch, owners, sorting.part_rows))
            tell(batch.num_rows)
        file.flush()
        joined = np.concatenate(segments)
        joined = joined[np.lexsort((joined["cell"], joined["place"]))]
        cuts = np.searchsorted(joined["place"], np.arange(owners.places + 1))
        # Places may read at the same time: what was in memory must be a file before they begin.
        descriptor = file.fileno()
        yield [list(_joined(joined[a:b], sorting.part_rows, descriptor)) for a, b in pairwise(cuts)]


def _in_memory(owners: Owners, upload: Declared, batches: list[pa.RecordBatch]) -> list[list[UploadPart]]:
    """Return one part for each place."""
    counts, pieces = np.zeros(owners.places, np.int64), [list[bytes]() for _ in range(owners.places)]
    for batch in batches:
        rows, places = owners.of(batch)
        order = np.argsort(places, kind="stable")
        data, starts = upload.encode(batch if owners.places == 1 else batch.take(pa.array(rows[order])))
        cuts = np.searchsorted(places[order], np.arange(owners.places + 1))
        ends = np.append(starts, len(data))
        for of_place, (a, b) in zip(pieces, pairwise(cuts), strict=True):
            of_place.append(data[ends[a] : ends[b]])
        counts += np.diff(cuts)
    return [[UploadPart(count, iter(of_place))] for count, of_place in zip(counts.tolist(), pieces, strict=True)]


def _beyond(rows: int, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the first batches, until there are more than so many rows."""
    for batch in batches:
        yield batch
        rows -= batch.num_rows
        if rows < 0:
            return


def _large(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Join batches until there are so many rows that sorting them is worth it."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        if sum(b.nbytes for b in waiting) >= _SORTED_BYTES:
            yield pa.concat_batches(waiting)
            waiting = []
    if waiting:
        yield pa.concat_batches(waiting)


def _write(file: IO[bytes], upload: Declared, batch: pa.RecordBatch, owners: Owners, part_rows: int) -> Segments:
    numbers, places = owners.of(batch)
    cells = _cells(batch, owners.position)[numbers]
    order = np.lexsort((cells, places))
    rows, starts = upload.encode(batch.take(pa.array(numbers[order])))
    begin = file.tell()
    file.write(rows)
    sorted_cells, sorted_places = cells[order], places[order]
    cuts = np.flatnonzero(np.diff(sorted_cells, prepend=NOWHERE - 1) | np.diff(sorted_places, prepend=-1))
    # A cell that has too many rows for a part is several segments.
    cuts = np.union1d(cuts, np.arange(0, len(order), part_rows))
    segments = np.empty(len(cuts), _SEGMENT)
    segments["place"], segments["cell"] = sorted_places[cuts], sorted_cells[cuts]
    segments["start"] = begin + starts[cuts]
    segments["size"] = np.diff(starts[cuts], append=len(rows))
    segments["rows"] = np.diff(cuts, append=len(order))
    return segments


def _cells(batch: pa.RecordBatch, position: Position) -> Ints:
    if position is None:
        return np.full(batch.num_rows, NOWHERE, np.int64)
    lon, lat = (batch.column(number) for number in position)
    return cells_of(lon, lat, ORDER, threads=1)


def _joined(segments: Segments, most: int, file: int) -> Iterator[UploadPart]:
    """Yield parts of neighbouring cells, as many as have no more than `most` rows together."""
    begin, rows = 0, 0
    for index, count in enumerate(segments["rows"].tolist()):
        if rows and rows + count > most:
            yield UploadPart(rows, _pieces(segments[begin:index], file))
            begin, rows = index, 0
        rows += count
    if rows:
        yield UploadPart(rows, _pieces(segments[begin:], file))


def _pieces(segments: Segments, file: int) -> Iterator[bytes]:
    for start, size in zip(segments["start"].tolist(), segments["size"].tolist(), strict=True):
        for place in range(start, start + size, _PIECE):
            yield os.pread(file, min(_PIECE, start + size - place), place)
