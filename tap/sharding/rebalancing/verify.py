"""Whether all partitions are as they were loaded: where they lie, how many rows they have, and their checksums."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
from psycopg import sql

from schema.model import split_name, stored_name
from tap.sharding.loading.checksum import held
from tap.sharding.loading.partitions import ShardUnreachable, connected
from tap.sharding.rebalancing.orphans import orphans
from tap.sharding.shards import Shard, known_shards

_RANGES = "SELECT table_name, shard_name, partition, nrows, checksum FROM armillary.ranges ORDER BY table_name, first"

LoadedRange = tuple[str, str, str, int, int | None]


def check_ranges(connection: psycopg.Connection) -> list[str]:
    """Return what is not as it should be, in words; `connection` is the owner's on the coordinator."""
    shards = known_shards(connection)
    ranges: list[LoadedRange] = connection.execute(_RANGES).fetchall()
    with ThreadPoolExecutor(max(1, len(shards))) as threads:
        of_shards = threads.map(lambda shard: [_problem(row, shard) for row in ranges if row[1] == shard.name], shards)
        return [problem for problems in of_shards for problem in problems if problem]


def unused(connection: psycopg.Connection) -> list[str]:
    """Return what lies on the shards for nobody, and loads that have not ended, in words."""
    loads = connection.execute("SELECT table_name FROM armillary.loads ORDER BY 1").fetchall()
    return [
        *(
            f"{name}: a load has not ended; if it was interrupted, the same command goes on with it"
            for (name,) in loads
        ),
        *(
            f"{orphan.partition.table_name}, {orphan.partition.partition} on {orphan.shard.name}: no table uses it;"
            " armillary shards drop-orphans drops it"
            for orphan in orphans(connection)
        ),
    ]


def _problem(loaded: LoadedRange, shard: Shard) -> str | None:
    table_name, _, partition, rows, checksum = loaded
    schema_name = stored_name(split_name(table_name)[0])
    where = f"{table_name}, {partition} on {shard.name}"
    try:
        with connected(shard) as on_shard:
            content = held(on_shard, sql.Identifier(schema_name, partition))
    except (psycopg.Error, ShardUnreachable) as error:
        return f"{where}: {str(error).strip()}"
    if content.rows != rows:
        return f"{where}: {content.rows:,} rows where {rows:,} were loaded"
    if checksum is not None and content.checksum != checksum:
        return f"{where}: values are other than they were loaded"
    return None
