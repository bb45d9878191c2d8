"""Whole tables, read from the workers' shards themselves: through the coordinator each row would be parsed and printed twice.

Which worker has a shard is asked once. A shard that moves meanwhile stays whole where it was for a while, so it is read
there or is missed with an error, never read twice.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import groupby

from psycopg import sql

from adql.nodes import Output
from adql.translate import Translation
from tap.engine.cancellation import Cancellation
from tap.engine.engine import Access, Session
from tap.engine.row_encoding import RowEncoding
from tap.engine.rows import Block, RowStream
from tap.sharding.execution.gather import Stream, gathered
from tap.sharding.planning import CitusStatement

LEAST = 100_000
"""Rows that may come; for fewer the sessions on workers are not worth while."""
ShardNames = list[tuple[str, str]]
_SHARDS = "SELECT worker, shard FROM armillary.shards_of_workers(%s) ORDER BY 1, 2"


def shards_of_workers(session: Session, statement: CitusStatement) -> ShardNames:
    """Return worker and name of each shard of the table; nothing where some lie on a node that was not made known here."""
    (table,) = statement.distributed
    shards = session.records(_SHARDS, (sql.Identifier(*table).as_string(),))
    return [] if any(worker is None for worker, _ in shards) else [(str(worker), str(name)) for worker, name in shards]


@contextmanager
def exported_rows(
    session: Session,
    statement: CitusStatement,
    shards: ShardNames,
    wanted: tuple[tuple[Output, ...], RowEncoding, int],
) -> Iterator[RowStream]:
    """Yield the rows, as long as the block lasts; at most as many as is the last of `wanted`. Raises: ShardAway, Interrupted, psycopg.Error."""
    (outputs, encoding, maxrec), top = wanted, statement.top
    most = maxrec if top is None else min(top, maxrec)
    session.end_transaction()
    streams = list[Stream]()
    for worker, group in groupby(shards, key=lambda record: record[0]):
        text = " UNION ALL ".join(f"({statement.on_shard(shard)})" for _, shard in group)
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
