"""Shards behind postgres_fdw: ranges of cells, each a partition that is loaded, verified and moved by us."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
from psycopg import sql

from schema.copy_rows import Progress
from schema.description import Description
from schema.load.reader import Reader
from schema.publish import Loaded
from schema.statistics.measure import Measurable, TableMeasure, measure_table, measure_together
from tap.config import Config
from tap.engine.database import Say
from tap.sharding.engines.engine import ShardState
from tap.sharding.loading.load import load_sharded
from tap.sharding.loading.partitions import connected
from tap.sharding.placements import read_placements
from tap.sharding.rebalancing import orphans
from tap.sharding.rebalancing.balance import RangeMove, balancing, first_of, layout_of, layouts, placed
from tap.sharding.rebalancing.move import move_range, sweep
from tap.sharding.rebalancing.verify import check_ranges, unused
from tap.sharding.setup import init_shards, shard_states
from tap.sharding.shards import Shard, ShardsFile, known_shards


class PostgresFdw:
    """The engine that needs nothing but PostgreSQL."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def init(self, config: Config, shards: ShardsFile, say: Say) -> None:
        init_shards(config, shards.shards, say)

    def load(
        self,
        open_reader: Callable[[], Reader],
        table_name: str,
        description: Description,
        progress: Progress,
    ) -> Loaded:
        return load_sharded(self._connection, open_reader, table_name, description, progress)

    def measure(self, table: Measurable) -> TableMeasure:
        names = {cell_range.shard for cell_range in read_placements(self._connection)[table.names].ranges}
        shards = [shard for shard in known_shards(self._connection) if shard.name in names]
        with ThreadPoolExecutor(len(shards)) as threads:
            return measure_together(list(threads.map(lambda shard: _measured(shard, table), shards)))

    def states(self) -> list[ShardState]:
        return shard_states(self._connection)

    def problems(self) -> list[str]:
        return check_ranges(self._connection)

    def unused(self) -> list[str]:
        return unused(self._connection)

    def drop_unused(self, *, unfinished: bool) -> list[str]:
        if unfinished:
            orphans.forget_loads(self._connection)
        return [
            f"{orphan.partition.table_name}: {orphan.partition.partition} dropped on {orphan.shard.name}"
            for orphan in orphans.drop_orphans(self._connection)
        ]

    def move(
        self,
        table_name: str,
        pieces: tuple[str, ...],
        target: str,
        patience: float,
        say: Say,
    ) -> None:
        layout = layout_of(self._connection, table_name)
        for first in [first_of(placed(self._connection, layout), piece) for piece in pieces]:
            move_range(self._connection, layout, first, target, say)
        sweep(self._connection, layout, patience, say)

    def rebalance(self, table_name: str | None, patience: float, say: Say, *, dry_run: bool) -> None:
        names = [shard.name for shard in known_shards(self._connection)]
        for layout in [layout_of(self._connection, table_name)] if table_name else layouts(self._connection):
            moves = balancing(placed(self._connection, layout), names)
            for move in moves:
                say(f"{layout}: cells from {move.first}, {move.rows:,} rows: {move.source} to {move.target}")
            if moves and not dry_run:
                _carry_out(self._connection, layout, moves, patience, say)
            elif not moves:
                say(f"{layout}: nothing to move")


def _measured(shard: Shard, table: Measurable) -> TableMeasure:
    with connected(shard) as connection:
        connection.execute(sql.SQL("ANALYZE {}").format(table.target))
        measure = measure_table(connection, table)
        connection.commit()
    return measure


def _carry_out(connection: psycopg.Connection, layout: str, moves: list[RangeMove], patience: float, say: Say) -> None:
    for move in moves:
        move_range(connection, layout, move.first, move.target, say)
    sweep(connection, layout, patience, say)
