"""Whole tables, read from the workers' shards themselves: through the coordinator each row would be parsed and printed twice.

Which worker has a shard is asked once. A shard that moves meanwhile stays whole where it was for a while, so it is read
there or is missed with an error, never read twice.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import groupby

from psycopg import sql

from adql import Translation
from adql.nodes import Output
from tap.engine.cancellation import Cancellation
from tap.engine.engine import Access, Session
from tap.engine.row_encoding import RowEncoding
from tap.engine.rows import Block, RowStream
from tap.sharding.execution.gather import Stream, gathered
from tap.sharding.planning import CitusStatement

LEAST = 100_000
"""Rows that may come; for fewer the sessions on workers are not worth while."""
_SHARDS = "SELECT worker, shard FROM armillary.shards_of_workers(%s) ORDER BY 1, 2"


@contextmanager
def exported_rows(
    session: Session, statement: CitusStatement, outputs: tuple[Output, ...], encoding: RowEncoding, maxrec: int
) -> Iterator[RowStream]:
    """Yield the rows, as long as the block lasts. Raises: ShardAway, Interrupted, psycopg.Error."""
    (table,), top = statement.distributed, statement.top
    most = maxrec if top is None else min(top, maxrec)
    shards = session.records(_SHARDS, (sql.Identifier(*table).as_string(),))
    session.end_transaction()
    streams = list[Stream]()
    for worker, group in groupby(shards, key=lambda record: str(record[0])):
        text = " UNION ALL ".join(f"({statement.on_shard(str(shard))})" for _, shard in group)
        translation = Translation(text, outputs, ())
        streams.append(partial(_rows_of_worker, session, worker, translation, (encoding, most)))
    tells = top is None or top > maxrec
    with gathered(streams, most, session.cancellation, tells=tells) as rows:
        yield rows


def _rows_of_worker(
    session: Session,
    worker: str,
    translation: Translation,
    wanted: tuple[RowEncoding, int],
    cancellation: Cancellation,
) -> Iterator[Block]:
    """One more than is wanted tells whether there are more."""
    encoding, most = wanted
    with session.engine.shards.session(worker, session.limit, cancellation, Access.READ_ONLY) as there:
        yield from there.rows(translation, encoding, most + 1, overflow=False)
