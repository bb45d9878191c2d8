"""A rewritten query on sharded tables → what each shard is asked, and what is made of the answers.

In this order: a query whose cells all lie on one shard is asked there as it is; one whose rows can be made on each
shard, on each, in halves if it looks at all rows; of others the rows that can matter come to the coordinator, one
table after the other, and it runs there. What is none of these is left to PostgreSQL's own way between servers.
"""

from contextlib import suppress
from dataclasses import dataclass, replace

from adql import postgres
from adql.nodes import And, Node, Output, Query, Relation, Select
from adql.spread.cells import EVERYWHERE, Cells, without_pixels
from adql.spread.conditions import as_inner
from adql.spread.partial import halves
from adql.spread.placed import (
    Apart,
    Placed,
    Tables,
    cells_of_relation,
    looks_at_all_rows,
    place_body,
    place_select,
    relations_of,
)
from adql.spread.reduced import MOST, RowNames, Step, reduced, row_columns
from adql.spread.travels import UPLOADED, Travels, travelling
from adql.trees import mapped
from schema import types
from schema.model import Pixel, Range, Table

MOST_ROWS_THAT_TRAVEL = 50_000
"""Of a table of the coordinator's that is sent to the shards for a query."""


@dataclass(frozen=True, slots=True)
class Division:
    """How a table in the SQL of a Gather is divided, and of which cells it is read; `mark` stands where it shall stand.

    `rows`: names for the columns that tell its rows apart, if it shall have them.
    """

    mark: str
    schema_name: str
    pixel: Pixel
    ranges: tuple[Range, ...]
    cells: Cells
    rows: RowNames | None = None

    def of(self, shard: str) -> tuple[Range, ...]:
        return tuple(each for each in self.ranges if each.shard == shard)

    def part(self, there: tuple[Range, ...]) -> str:
        """The tables of these ranges. They are named one by one: what else lies there, while it moves, is not read."""
        wanted = [each for each in there if each.has(self.cells)]
        names = [f"{postgres.name(self.schema_name)}.{postgres.name(each.partition)}" for each in wanted or there]
        if len(names) == 1 and wanted and not self.rows:
            return names[0]
        nothing = "" if wanted else " WHERE false"
        columns = row_columns(self.rows) if self.rows else "*"
        return f"({' UNION ALL '.join(f'SELECT {columns} FROM {each}{nothing}' for each in names)})"


@dataclass(frozen=True, slots=True)
class Gather:
    """A query that shards are asked, and the temporary table that the answers come into, if they are not the result.

    That has an index on `position`. With more than `most` rows it is not worth while. `range_by_range`: rows that belong
    together lie in one range, so that a join is one of small tables, one pair after the other.
    """

    sql: str
    outputs: tuple[Output, ...]
    shards: tuple[str, ...]
    divisions: tuple[Division, ...]
    travels: tuple[Travels, ...]
    table: str | None = None
    position: tuple[str, str] | None = None
    most: int | None = None
    range_by_range: bool = False

    @property
    def is_tied(self) -> bool:
        """To other tables, so that no planner knows how many rows it has."""
        return bool(self.travels)

    def ranges(self, shards: tuple[str, ...]) -> tuple[Range, ...]:
        """Which of those that shards have are searched."""
        division = self.divisions[0]
        return tuple(each for each in division.ranges if each.shard in shards and each.has(division.cells))

    def asked(self, shard: str) -> str:
        """Its SQL for one shard."""
        theirs = [each.of(shard) for each in self.divisions]
        if not self.range_by_range:
            return self._of(theirs)
        return " UNION ALL ".join(f"({self._of([(each,) for each in ranges])})" for ranges in zip(*theirs, strict=True))

    def _of(self, theirs: list[tuple[Range, ...]]) -> str:
        sql = self.sql
        for division, ranges in zip(self.divisions, theirs, strict=True):
            sql = sql.replace(division.mark, division.part(ranges))
        return sql


@dataclass(frozen=True, slots=True)
class Spread:
    """Without `final` the rows of the one Gather are the result, `top` of them at most; else it runs when all is gathered.

    `sorts`: whether it does so only to put all rows into an order. `steps`: whether each Gather needs what those before
    it brought, and `final` what the coordinator has beside.
    """

    gathers: tuple[Gather, ...]
    final: str | None = None
    top: int | None = None
    sorts: bool = False
    steps: bool = False


def spread(query: Query, read: tuple[Table, ...]) -> Spread | None:
    """None if no table of it lies on shards, or if PostgreSQL must see to it. `read` are the tables that it names."""
    sharded: dict[tuple[str, ...], Table] = {
        table.stored_parts: table for table in read if table.pixel is not None and table.ranges
    }
    if not sharded:
        return None
    travelling = frozenset(t.stored_parts for t in read if t.pixel is None and _may_travel(t))
    tables, query = Tables(sharded, travelling), as_inner(query)
    for way in (_on_one_shard, _on_each, _in_steps):
        with suppress(Apart):
            return way(query, tables)
    return None


def _may_travel(table: Table) -> bool:
    """Uploads do, being loaded there; of other tables those that are small and have no geometries."""
    if table.storage_schema == UPLOADED:
        return True
    if any(column.type is types.MOC or column.type.is_geometry for column in table.columns):
        return False
    return table.nrows is not None and table.nrows <= MOST_ROWS_THAT_TRAVEL


# ---- on one shard


def _on_one_shard(query: Query, tables: Tables) -> Spread:
    """The query as it is. Raises: Apart unless all that it reads of sharded tables lies on one shard."""
    owners = set()
    for select, relation in relations_of(query):
        table = tables.sharded.get(relation.parts)
        if table is not None:
            owners |= set(_shards_of(table.ranges, cells_of_relation(relation.sql_alias, select)))
        elif len(relation.parts) > 1 and relation.parts not in tables.travelling:
            raise Apart
    if len(owners) > 1:
        raise Apart
    return Spread((_gather(query, tables, tuple(owners)),))


def _shards_of(ranges: tuple[Range, ...], cells: Cells) -> tuple[str, ...]:
    """Those that have some of the cells, in the order of the sky; one even if there are no such cells."""
    found = dict.fromkeys(each.shard for each in ranges if each.has(cells))
    return tuple(found) or (ranges[0].shard,)


# ---- on each


def _on_each(query: Query, tables: Tables) -> Spread:
    """Raises: Apart."""
    known = tables.knowing(query)
    if isinstance(query.body, Select):
        return _spread_select(query, query.body, known)
    placed, _ = place_body(query.body, known)
    if query.body.order_by:
        raise Apart
    return Spread((_gather_placed(query, known, placed),))


def _spread_select(query: Query, select: Select, tables: Tables) -> Spread:
    placed = place_select(select, tables)
    whole = not looks_at_all_rows(select, placed.keys)
    if whole and not select.order_by and select.offset is None:
        return Spread((_gather_placed(query, tables, placed),), top=select.top)
    gathered = Relation(("pg_temp", "g1"), "g1")
    parts = halves(select, gathered, rows_are_whole=whole)
    asked = replace(query, body=parts.each)
    gather = replace(_gather_placed(asked, tables, placed), table="g1")
    return Spread((gather,), postgres.query(Query(parts.whole)), sorts=whole and select.top is None)


def _in_steps(query: Query, tables: Tables) -> Spread:
    """Raises: Apart."""
    steps, final = reduced(query, tables)
    gathers = tuple(
        _step(step, replace(tables, travelling=tables.travelling | {("pg_temp", s.table) for s in steps}))
        for step in steps
    )
    return Spread(gathers, postgres.query(final), steps=True)


def _step(step: Step, tables: Tables) -> Gather:
    table, cells = tables.sharded[step.of.parts], _cells_of_all(step.query)[step.of.sql_alias]
    gather = _gather(step.query, tables, _shards_of(table.ranges, cells), rows=step.rows)
    return replace(gather, table=step.table, position=step.position, most=MOST)


def _gather_placed(query: Query, tables: Tables, placed: Placed) -> Gather:
    """Raises: Apart where nothing of it lies on shards."""
    ranges = [t.ranges for t in tables.sharded.values() if t.pixel and t.pixel.layout == placed.layout]
    if not ranges:
        raise Apart
    gather = _gather(query, tables, _shards_of(ranges[0], placed.cells))
    return replace(gather, range_by_range=len(gather.divisions) > 1)


def _gather(query: Query, tables: Tables, shards: tuple[str, ...], rows: RowNames | None = None) -> Gather:
    divisions: list[Division] = []
    travels = travelling(query, tables)
    there = {each.parts: ("pg_temp", each.there) for each in travels}
    cells = _cells_of_all(query)

    def marked(node: Node) -> Node:
        if isinstance(node, And):
            return without_pixels(node)
        if not isinstance(node, Relation):
            return node
        table = tables.sharded.get(node.parts)
        if table is None or table.pixel is None:
            return replace(node, parts=there.get(node.parts, node.parts))
        mark = f"\x00{len(divisions)}\x00"
        known = cells.get(node.sql_alias, EVERYWHERE)
        divisions.append(Division(mark, table.stored_parts[0], table.pixel, table.ranges, known, rows=rows))
        return replace(node, mark=mark)

    sql = postgres.query(mapped(query, marked))
    return Gather(sql, query.outputs, shards, tuple(divisions), travels)


def _cells_of_all(query: Query) -> dict[str, Cells]:
    return {r.sql_alias: cells_of_relation(r.sql_alias, select) for select, r in relations_of(query)}
