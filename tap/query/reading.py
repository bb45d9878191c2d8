"""What PostgreSQL read for a query, by its own counters of the transaction."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from schema.model import Table
from tap.engine.row_encoding import limited
from tap.query.row_streams import QueryRun

_ON_SERVERS = "Its tables are on several servers, each of which counts for itself."
_OF_VIEWS = "It reads views, whose tables nobody knows here."
_SHARED = "Several processes of PostgreSQL shared the work, and each counts for itself."
_TABLES = """
SELECT c.oid, c.relkind FROM unnest(%s::text[], %s::text[]) AS t (schema_name, table_name)
JOIN pg_namespace AS n ON n.nspname = t.schema_name JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = t.table_name
"""
_COUNTERS = """
WITH tables AS (SELECT oid, reltoastrelid FROM pg_class WHERE oid = ANY (%s)),
     relations AS (
    SELECT oid, true AS has_rows FROM tables
    UNION ALL SELECT reltoastrelid, false FROM tables WHERE reltoastrelid <> 0
    UNION ALL SELECT indexrelid, true FROM pg_index WHERE indrelid IN (SELECT oid FROM tables)
)
SELECT coalesce(sum(pg_stat_get_xact_tuples_returned(oid)) FILTER (WHERE has_rows), 0)::bigint,
       coalesce(sum(pg_stat_get_xact_blocks_fetched(oid)), 0)::bigint, coalesce(sum(pg_stat_get_xact_blocks_hit(oid)), 0)::bigint
FROM relations
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """How many rows of published tables scans gave, or entries of their indexes, how many blocks were read, and how many of
    these were in memory; else `why` that is not known.
    """

    rows: int | None = None
    blocks: int | None = None
    cached: int | None = None
    why: str | None = None


class ReadMeter:
    """Counts what a session reads of published tables for a query, from when it is made. Raises: psycopg.Error."""

    def __init__(self, run: QueryRun, tables: Sequence[Table]) -> None:
        self._run = run
        schemas, names = ([table.stored_parts[part] for table in tables] for part in (0, 1))
        relations = run.session.records(_TABLES, (schemas, names))
        self._why = _ON_SERVERS if run.plan.distributed else None
        if any(kind not in {"r", "m"} for _, kind in relations):
            self._why = self._why or _OF_VIEWS
        self._tables = [oid for oid, _ in relations]
        # Those of the transaction before are told too until PostgreSQL has collected them.
        self._before = (0, 0, 0) if self._why else self._counters()

    def reading(self) -> Reading:
        """Return what was read up to now."""
        if self._why is None and _has_workers(self._run.session.plan(self._sql)):
            self._why = _SHARED
        if self._why:
            return Reading(why=self._why)
        rows, blocks, cached = (now - before for now, before in zip(self._counters(), self._before, strict=True))
        return Reading(rows, blocks, cached)

    @property
    def _sql(self) -> str:
        return limited(self._run.plan.translation, self._run.encoding, self._run.maxrec + (self._run.maxrec > 0))

    def _counters(self) -> tuple[int, int, int]:
        ((rows, blocks, cached),) = self._run.session.records(_COUNTERS, (self._tables,))
        return rows, blocks, cached


def _has_workers(plan: dict[str, Any]) -> bool:
    return any("Workers Planned" in node for node in plan_nodes(plan))


def plan_nodes(root: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield all nodes of a plan, as EXPLAIN (FORMAT JSON) has them."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.get("Plans", ()))
