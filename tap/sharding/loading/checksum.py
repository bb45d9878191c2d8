"""A checksum of a partition that the client computes from what it sends, and PostgreSQL from what is there.

A row's is the exclusive or of the hashes of its values, each column with a seed of its own; a partition's is the sum
of those of its rows, modulo 2⁶⁴, so that their order does not matter. It covers whole and floating numbers, texts,
booleans and timestamps, the cell among them; arrays and bytes are not covered. The hashes are those by which PostgreSQL
divides hash-partitioned tables, which it keeps as they are from version to version.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg import sql

from schema import types
from schema.load.copy_binary import CopyField
from schema.types import Type

Words = npt.NDArray[np.uint32]
Hashes = npt.NDArray[np.uint64]

_OF_TYPE = {
    types.SMALLINT.name: "hashint2extended({}, {})",
    types.INTEGER.name: "hashint4extended({}, {})",
    types.BIGINT.name: "hashint8extended({}, {})",
    types.REAL.name: "hashfloat4extended({}, {})",
    types.DOUBLE.name: "hashfloat8extended({}, {})",
    types.BOOLEAN.name: "hashint4extended({}::integer, {})",
    types.TIMESTAMP.name: "timestamp_hash_extended({}, {})",
    types.TEXT.name: "hashtextextended({}, {})",
}
_SQUARE = 2**64


@dataclass(frozen=True, slots=True)
class PartitionContent:
    """What a partition holds: as it was sent, or as it is found."""

    rows: int
    checksum: int


def held(connection: psycopg.Connection, partition: sql.Identifier) -> PartitionContent:
    """Return what a partition holds; `connection` is one to its shard."""
    columns = connection.execute(
        "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        (partition.as_string(connection),),
    ).fetchall()
    hashes: list[sql.Composable] = [sql.SQL("0::bigint")]
    hashes += [
        sql.SQL(f"coalesce({_OF_TYPE[type_]}, 0)").format(sql.Identifier(name), seed)
        for seed, (name, type_) in enumerate(columns, 1)
        if type_ in _OF_TYPE
    ]
    command = sql.SQL("SELECT count(*), coalesce(sum({}), 0) FROM ONLY {}").format(
        sql.SQL(" # ").join(hashes), partition
    )
    rows, total = connection.execute(command).fetchone() or (0, 0)
    return PartitionContent(rows, int(total) % _SQUARE)


def row_hashes(fields: list[CopyField], columns: tuple[Type, ...]) -> Hashes:
    """Return the hash of each row, shape (rows,), as PostgreSQL would have it."""
    total = np.zeros(len(fields[0].null), np.uint64)
    for seed, (field, type_) in enumerate(zip(fields, columns, strict=True), 1):
        if type_.name in _OF_TYPE:
            total ^= np.where(field.null, np.uint64(0), _hashes(field, type_, seed))
    return total


def _hashes(field: CopyField, type_: Type, seed: int) -> Hashes:
    if field.lengths is not None:
        return _of_bytes(field.values, field.lengths, seed)
    if type_ in (types.REAL, types.DOUBLE):
        doubles = field.values.astype(np.float64)
        # PostgreSQL gives both zeros the seed itself.
        return np.where(doubles == 0, np.uint64(seed), _of_doubles(doubles, seed))
    values = field.values.astype(np.int64)
    low, high = values.astype(np.uint32), (values >> 32).astype(np.uint32)
    folded = low ^ np.where(values >= 0, high, ~high) if field.values.dtype.itemsize == 8 else low
    a, b, c = _seeded(np.full(1, 4, np.uint32), seed)
    return _final(a + folded, b + np.zeros_like(folded), c + np.zeros_like(folded))


def _of_doubles(values: npt.NDArray[np.float64], seed: int) -> Hashes:
    words = values.astype("<f8").view("<u4").reshape(-1, 2)
    a, b, c = _seeded(np.full(1, 8, np.uint32), seed)
    return _final(a + words[:, 0], b + words[:, 1], c + np.zeros(len(values), np.uint32))


def _of_bytes(data: npt.NDArray[np.generic], lengths: npt.NDArray[np.int64], seed: int) -> Hashes:
    """Return the hashes of texts: twelve bytes at a time of all that have them, then the rest of each."""
    padded = np.concatenate([data.view(np.uint8), np.zeros(12, np.uint8)])
    words = np.ndarray((len(padded) - 3,), "<u4", padded, 0, (1,))
    starts, blocks = np.cumsum(lengths) - lengths, lengths // 12
    a, b, c = _seeded(lengths.astype(np.uint32), seed)
    for block in range(int(blocks.max(initial=0))):
        rows = np.flatnonzero(blocks > block)
        places = starts[rows] + 12 * block
        a[rows], b[rows], c[rows] = _mix(
            a[rows] + words[places], b[rows] + words[places + 4], c[rows] + words[places + 8]
        )
    places, remaining = starts + 12 * blocks, lengths - 12 * blocks
    a += _some(words[places], remaining)
    b += _some(words[places + 4], remaining - 4)
    # The lowest byte of the third word is kept for the length.
    c += _some(words[places + 8], remaining - 8) << np.uint32(8)
    return _final(a, b, c)


def _some(words: Words, count: npt.NDArray[np.int64]) -> Words:
    """Return the first bytes of each word, up to `count` of them."""
    bits = np.uint64(8) * np.clip(count, 0, 4).astype(np.uint64)
    return words & ((np.uint64(1) << bits) - np.uint64(1)).astype(np.uint32)


# ---- Bob Jenkins' lookup3 as PostgreSQL has it (hashfn.c, the "extended" functions)


def _seeded(length: Words, seed: int) -> tuple[Words, Words, Words]:
    start = length + np.uint32((0x9E3779B9 + 3923095) % 2**32)
    return _mix(start + np.uint32(seed >> 32), start + np.uint32(seed % 2**32), start.copy())


def _rot(x: Words, bits: int) -> Words:
    return (x << np.uint32(bits)) | (x >> np.uint32(32 - bits))


def _mix(a: Words, b: Words, c: Words) -> tuple[Words, Words, Words]:
    for first, second, third in ((4, 6, 8), (16, 19, 4)):
        a = (a - c) ^ _rot(c, first)
        c = c + b
        b = (b - a) ^ _rot(a, second)
        a = a + c
        c = (c - b) ^ _rot(b, third)
        b = b + a
    return a, b, c


def _final(a: Words, b: Words, c: Words) -> Hashes:
    c = (c ^ b) - _rot(b, 14)
    a = (a ^ c) - _rot(c, 11)
    b = (b ^ a) - _rot(a, 25)
    c = (c ^ b) - _rot(b, 16)
    a = (a ^ c) - _rot(c, 4)
    b = (b ^ a) - _rot(a, 14)
    c = (c ^ b) - _rot(b, 24)
    return (b.astype(np.uint64) << np.uint64(32)) | c
