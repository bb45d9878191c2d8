"""What the client computes of rows is what PostgreSQL finds in them."""

import datetime as dt
import random

import numpy as np
import psycopg
import pyarrow as pa
import pytest
from psycopg import sql

from schema import types
from schema.load.copy_binary import HEADER, TRAILER, fields_of, interleave
from schema.load.reader import ARROW_OF
from schema.types import Type
from tap.sharding.loading.checksum import held, row_hashes

random.seed(11)
VALUES: list[tuple[Type, list[object]]] = [
    (types.SMALLINT, [0, 1, -1, 32767, -32768, None]),
    (types.INTEGER, [0, 1, -1, 2**31 - 1, -(2**31), None]),
    (types.BIGINT, [0, 1, -1, 2**63 - 1, -(2**63), 2**32, -(2**32), 4295806720, None]),
    (types.REAL, [0.0, -0.0, 1.5, -1e-38, 3.4e38, float("inf"), float("nan"), None]),
    (types.DOUBLE, [0.0, -0.0, 0.1, -359.999, 5e-324, 1.7e308, float("-inf"), float("nan"), None]),
    (types.BOOLEAN, [True, False, None]),
    (types.TIMESTAMP, [dt.datetime(2000, 1, 1), dt.datetime(1543, 5, 24, 3, 2, 1, 7), dt.datetime(2345, 6, 7), None]),
    (types.TEXT, ["", None, "Ærø ✦", *("x" * n for n in range(40)), "".join(map(chr, range(1, 200)))]),
    (types.REALS, [[1.0], None]),
]


def written(owner: psycopg.Connection, batch: pa.RecordBatch, columns: tuple[Type, ...]) -> sql.Identifier:
    """A table of the connection's own with these rows."""
    parts = [sql.SQL("{} " + c.name).format(sql.Identifier(f"c{i}")) for i, c in enumerate(columns)]
    owner.execute(sql.SQL("CREATE TEMPORARY TABLE summed ({})").format(sql.SQL(", ").join(parts)))
    with owner.cursor() as cursor, cursor.copy("COPY summed FROM STDIN (FORMAT binary)") as copy:
        copy.write(HEADER + interleave(fields_of(batch, columns), batch.num_rows)[0] + TRAILER)
    return sql.Identifier("summed")


@pytest.mark.parametrize(("type_", "values"), VALUES, ids=lambda v: v.name if isinstance(v, Type) else "")
def test_each_type_has_the_hashes_that_postgresql_has(
    owner: psycopg.Connection, type_: Type, values: list[object]
) -> None:
    batch = pa.record_batch([pa.array(values, ARROW_OF[type_])], ["c0"])
    found = held(owner, written(owner, batch, (type_,)))
    hashes = row_hashes(fields_of(batch, (type_,)), (type_,))
    assert (found.rows, found.checksum) == (len(values), sum(map(int, hashes)) % 2**64)


def test_values_that_change_places_are_noticed(owner: psycopg.Connection) -> None:
    columns = (types.DOUBLE, types.DOUBLE, types.TEXT)
    values = [[random.random() for _ in range(500)], [random.random() for _ in range(500)], ["a", "b"] * 250]
    batch = pa.record_batch([pa.array(v) for v in values], ["a", "b", "c"])
    table = written(owner, batch, columns)
    sent = int(row_hashes(fields_of(batch, columns), columns).sum(dtype=np.uint64))
    assert held(owner, table).checksum == sent
    for change in ("c0 = c1, c1 = c0", "c2 = CASE c2 WHEN 'a' THEN 'b' ELSE 'a' END", "c0 = c0 * (1 + 2e-16)"):
        with owner.transaction(force_rollback=True):
            owner.execute(f"UPDATE summed SET {change}".encode())
            assert held(owner, table).checksum != sent
