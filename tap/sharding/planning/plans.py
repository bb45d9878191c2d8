"""Plans of queries on tables on shards: what each shard is asked, and what is made of the answers."""

from dataclasses import dataclass, field

from adql import postgres, sql_names
from adql.nodes import Output, Query, Relation
from adql.translate import Translation
from tap.sharding.model import CellRange, HealpixPartitioning
from tap.sharding.planning.broadcast import Broadcast
from tap.sharding.planning.cell_sets import CellSet
from tap.sharding.planning.citus import CitusPlan
from tap.sharding.planning.colocation import NotPushable
from tap.sharding.planning.semijoin import RowNames, row_columns


@dataclass(frozen=True, slots=True)
class PartitionedTable:
    """A table on shards as a ShardQuery names it, by its alias there, and the cells of which it is read.

    `rows`: names for the columns that tell its rows apart, if it shall have them.
    """

    alias: str
    schema_name: str
    partitioning: HealpixPartitioning
    ranges: tuple[CellRange, ...]
    cells: CellSet
    rows: RowNames | None = None

    def on(self, shard: str) -> tuple[CellRange, ...]:
        return tuple(each for each in self.ranges if each.shard == shard)

    def sql(self, ranges: tuple[CellRange, ...]) -> str:
        """Name the partitions of these ranges one by one: what else lies on a shard, while it moves, is not read."""
        wanted = [each for each in ranges if each.meets(self.cells)]
        names = [f"{sql_names.name(self.schema_name)}.{sql_names.name(each.partition)}" for each in wanted or ranges]
        if len(names) == 1 and wanted and not self.rows:
            return names[0]
        nothing = "" if wanted else " WHERE false"
        columns = row_columns(self.rows) if self.rows else "*"
        return f"({' UNION ALL '.join(f'SELECT {columns} FROM {name}{nothing}' for name in names)})"


@dataclass(frozen=True, slots=True)
class ShardQuery:
    """A query for shards, and the temporary table that the answers come into, if they are not the result.

    That has an index on `position`. With more than `most` rows it is not worth while. `range_by_range`: rows that belong
    together lie in one range, so that a join is one of small tables, one pair after the other.
    """

    query: Query
    outputs: tuple[Output, ...]
    shards: tuple[str, ...]
    partitioned: tuple[PartitionedTable, ...]
    broadcasts: tuple[Broadcast, ...]
    table: str | None = None
    position: tuple[str, str] | None = None
    most: int | None = None
    range_by_range: bool = False

    @property
    def is_tied(self) -> bool:
        """Return whether other tables are broadcast to it, so that no planner knows how many rows it has."""
        return bool(self.broadcasts)

    def ranges(self, shards: tuple[str, ...]) -> tuple[CellRange, ...]:
        """Return which of those that shards have are searched."""
        table = self.partitioned[0]
        return tuple(each for each in table.ranges if each.shard in shards and each.meets(table.cells))

    def sql(self, shard: str) -> str:
        """Print it for one shard."""
        ranges = [table.on(shard) for table in self.partitioned]
        if not self.range_by_range:
            return self._sql(ranges)
        return " UNION ALL ".join(f"({self._sql([(each,) for each in pair])})" for pair in zip(*ranges, strict=True))

    def _sql(self, ranges: list[tuple[CellRange, ...]]) -> str:
        tables = {t.alias: t.sql(own) for t, own in zip(self.partitioned, ranges, strict=True)}

        def table_sql(relation: Relation) -> str:
            return tables.get(relation.sql_alias) or sql_names.stored_table(relation)

        return postgres.query(self.query, table_sql)


@dataclass(frozen=True, slots=True)
class DistributedPlan:
    """Without `final_sql` the rows of the one ShardQuery are the result, `top` of them at most; else it runs when all is gathered.

    `sorts`: whether it does so only to put all rows into an order. `in_steps`: whether each ShardQuery needs what those
    before it brought, and `final_sql` what the coordinator has beside.
    """

    strategy: str
    shard_queries: tuple[ShardQuery, ...]
    final_sql: str | None = None
    top: int | None = None
    sorts: bool = False
    in_steps: bool = False

    @property
    def name(self) -> str:
        """Return the strategy as people are told it."""
        return self.strategy


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """How a query is run: its SQL for the coordinator, and the plan for shards, if it names tables there and one can be made.

    `refusals` say of each strategy that was tried before why it cannot serve.
    """

    translation: Translation
    distributed: DistributedPlan | CitusPlan | None = None
    refusals: tuple[tuple[str, NotPushable], ...] = field(default=(), compare=False)
