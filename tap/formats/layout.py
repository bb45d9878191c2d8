"""Where the fields of COPY BINARY's rows are, for all rows of a block at once, with numpy.

A row is `int16 number of fields, (int32 length, bytes) of each`, big-endian; length -1 is NULL.
Arrays of "places" are offsets into the block, one for each row.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tap.engine.rows import Block

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_PADDING = 16


@dataclass(frozen=True, slots=True)
class BlockColumn:
    """A field of every row: the place of its bytes, their number, and which rows have NULL (None: none)."""

    places: Places
    lengths: Places | int
    null: Mask | None


@dataclass(frozen=True, slots=True)
class BlockLayout:
    data: Bytes
    rows: int
    columns: tuple[BlockColumn, ...]


def view(data: Bytes, dtype: str) -> npt.NDArray[np.generic]:
    """Return the bytes as values that begin at every byte, shape (bytes - width + 1,)."""
    kind = np.dtype(dtype)
    return np.ndarray((max(data.nbytes - kind.itemsize + 1, 0),), kind, data, 0, (1,))


def read_layout(block: Block, widths: tuple[int | None, ...]) -> BlockLayout:
    """Find the fields of a block's rows. `widths`: the bytes of each field where they are always as many, else None."""
    padding = bytes(_PADDING + max([0, *(w or 0 for w in widths)]))
    data = np.frombuffer(block.data + padding, np.uint8)
    lengths = np.fromiter(block.lengths, np.int64, len(block.lengths))
    place = np.cumsum(lengths) - lengths + 2
    columns = []
    for width in widths:
        column, place = _column(data, place, width)
        columns.append(column)
    return BlockLayout(data, len(lengths), tuple(columns))


def _column(data: Bytes, place: Places, width: int | None) -> tuple[BlockColumn, Places]:
    if width is None:
        lengths = view(data, ">i4")[place].astype(np.int64)
        null = lengths < 0
        any_null = bool(null.any())
        if any_null:
            lengths[null] = 0
        return BlockColumn(place + 4, lengths, null if any_null else None), place + 4 + lengths
    null = data[place] > 127  # the first byte of -1
    if not null.any():
        return BlockColumn(place + 4, width, None), place + (4 + width)
    return BlockColumn(place + 4, width, null), place + np.where(null, 4, 4 + width)


def move(target: Bytes, to: Places, source: Bytes, places: Places, lengths: Places) -> None:
    """Copy pieces of varying length: for the few lengths that most columns have, each in one go."""
    distinct = _distinct(lengths)
    if len(distinct) <= max(16, len(lengths) // 64):
        for length in distinct[distinct > 0]:
            rows = np.flatnonzero(lengths == length) if len(distinct) > 1 else slice(None)
            kind = f"V{length}"
            view(target, kind)[to[rows]] = view(source, kind)[places[rows]]
        return
    inside = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    target[np.repeat(to, lengths) + inside] = source[np.repeat(places, lengths) + inside]


def pieces(layout: BlockLayout, column: BlockColumn) -> tuple[Places, Bytes]:
    """Return where each piece begins and the last one ends, shape (rows + 1,), and the pieces one after the other.

    They may be of varying length.
    """
    lengths = np.broadcast_to(np.asarray(column.lengths), layout.rows)
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    data = np.empty(int(offsets[-1]), np.uint8)
    move(data, offsets[:-1], layout.data, column.places, lengths)
    return offsets, data


def _distinct(lengths: Places) -> Places:
    most = int(lengths.max(initial=0))
    if len(lengths) and int(lengths.min()) == most:
        return lengths[:1]
    return np.flatnonzero(np.bincount(lengths)) if most < 1 << 16 else np.unique(lengths)
