"""Shards that are workers of Citus: it places, moves and balances rows, and we call it."""

from collections.abc import Callable
from functools import partial

import psycopg
from psycopg import sql

from schema.copy_rows import Progress
from schema.description import Description
from schema.load.reader import Reader
from schema.publish import Loaded
from schema.statistics.measure import Measurable, TableMeasure, measure_table
from tap.config import Config
from tap.engine.database import Say
from tap.sharding.engines.citus import maintenance
from tap.sharding.engines.citus.load import load_distributed
from tap.sharding.engines.citus.setup import init_workers
from tap.sharding.engines.engine import ShardState
from tap.sharding.shards import ShardsFile


class Citus:
    """The engine for those who outgrow a handful of servers."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def init(self, config: Config, shards: ShardsFile, say: Say) -> None:
        init_workers(config, shards.shards, say, shards.coordinator)

    def load(
        self,
        open_reader: Callable[[], Reader],
        table_name: str,
        description: Description,
        progress: Progress,
    ) -> Loaded:
        return load_distributed(self._connection, open_reader, table_name, description, progress)

    def measure(self, table: Measurable) -> TableMeasure:
        self._connection.execute(sql.SQL("ANALYZE {}").format(table.target))
        return measure_table(self._connection, table)

    def states(self) -> list[ShardState]:
        return maintenance.states(self._connection)

    def problems(self) -> list[str]:
        return maintenance.problems(self._connection)

    def unused(self) -> list[str]:
        return maintenance.unused(self._connection)

    def drop_unused(self, *, unfinished: bool) -> list[str]:
        return maintenance.drop_unused(self._connection, unfinished=unfinished)

    def move(
        self,
        table_name: str,
        pieces: tuple[str, ...],
        target: str,
        patience: float,
        say: Say,
    ) -> None:
        move = partial(maintenance.move, self._connection, table_name, pieces, target, say)
        maintenance.with_patience(move, patience)

    def rebalance(self, table_name: str | None, patience: float, say: Say, *, dry_run: bool) -> None:
        maintenance.rebalance(self._connection, table_name, say, dry_run=dry_run)
