"""What is wrong with a query, and what it would cost, without running it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from adql.errors import AdqlError, Span, quoted_line
from adql.lints import Lint
from adql.repairs import Repair, repairs
from adql.translate import Translation, translate
from schema.model import Catalogue, Schema
from tap.engine.engine import Session
from tap.query.reading import plan_nodes
from tap.sharding.planning import CitusPlan, DistributedPlan, plan_query

Seconds = tuple[float, float]
"""Between which four of five finished jobs of like cost lay."""
_WHOLE = {"Seq Scan"}
_NEED_ALL = {"Sort", "Incremental Sort", "Aggregate", "WindowAgg", "Unique", "SetOp"}
_BY_INDEX = {"Index Scan", "Index Only Scan", "Bitmap Heap Scan"}


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that is wrong with a query, or may be, and where; `quoted` is that line of it, marked.

    `code` tells programs the kind of it (docs/checks.md).
    """

    message: str
    span: Span
    hint: str | None = None
    repairs: tuple[Repair, ...] = ()
    quoted: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class TableRead:
    """A table that a query reads; `access` is `index`, `first rows`, `all rows`, or empty where the planner does not tell."""

    name: str
    rows: int | None
    access: str = ""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the planner expects: rows and bytes of the result, its cost, and the seconds that such jobs took here, once some have."""

    rows: int
    bytes: int
    seconds: Seconds | None
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """Where a job would wait: its lane, and how many are before it there."""

    lane: str
    ahead: int


@dataclass(frozen=True, slots=True)
class Report:
    """What can be said of a query; `strategy` and `shards` of one that reads tables on several servers, `queue` of one with a cost."""

    error: Remark | None = None
    warnings: tuple[Remark, ...] = ()
    tables: tuple[TableRead, ...] = ()
    columns: tuple[str, ...] = ()
    estimate: Estimate | None = None
    strategy: str = ""
    shards: tuple[str, ...] = ()
    queue: QueuePlace | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def check(
    query: str,
    session: Session,
    maxrec: int,
    seconds: Callable[[float], Seconds | None],
    uploaded: Schema | None = None,
) -> Report:
    """Check a query against what the session may read, and tables that shall come with it.

    `seconds` tells how long jobs of a cost took. What a query with uploads costs is not known before these are there.
    Raises: psycopg.Error, DatabaseAway.
    """
    catalogue = session.catalogue.joined_by(uploaded) if uploaded else session.catalogue
    try:
        translation = translate(query, catalogue)
    except AdqlError as error:
        return Report(error=_remark(query, error, catalogue))
    plan = plan_query(translation, session.placements)
    # Which rows a TOP gives is said of a result that it has cut.
    warnings = tuple(_warning(lint) for lint in translation.lints if not lint.when_cut)
    columns = tuple(output.name for output in translation.outputs)
    if uploaded:
        return Report(warnings=warnings, columns=columns, tables=tuple(_read(translation, [])))
    if plan.distributed is not None:
        return _on_shards(
            Report(warnings=warnings, columns=columns, tables=tuple(_read(translation, []))), plan.distributed
        )
    root = session.plan(translation.sql)
    rows = min(int(root["Plan Rows"]), maxrec)
    cost = float(root["Total Cost"])
    estimate = Estimate(rows, rows * int(root["Plan Width"]), seconds(cost), cost)
    return Report(
        warnings=warnings, columns=columns, tables=tuple(_read(translation, plan_nodes(root))), estimate=estimate
    )


def _remark(query: str, error: AdqlError, catalogue: Catalogue) -> Remark:
    mending = repairs(query, error, lambda text: translate(text, catalogue))
    return Remark(error.message, error.span, error.hint, tuple(mending), "\n".join(quoted_line(error)), error.code)


def _warning(lint: Lint) -> Remark:
    mending = (Repair(lint.span, lint.repair),) if lint.repair else ()
    return Remark(lint.message, lint.span, repairs=mending, code=lint.code)


def _on_shards(report: Report, distributed: DistributedPlan | CitusPlan) -> Report:
    queries = () if isinstance(distributed, CitusPlan) else distributed.shard_queries
    shards = tuple(dict.fromkeys(shard for query in queries for shard in query.shards))
    return replace(report, strategy=distributed.name, shards=shards)


def _read(translation: Translation, nodes: Iterable[dict[str, Any]]) -> Iterator[TableRead]:
    kinds: dict[tuple[str, str], set[str]] = {}
    nodes = list(nodes)
    # With a TOP, and nothing that needs all rows first, the database stops where it has enough.
    ends_early = (
        translation.top is not None
        and len(translation.tables) == 1
        and not any(node["Node Type"] in _NEED_ALL for node in nodes)
    )
    for node in nodes:
        if "Relation Name" in node:
            kinds.setdefault((node["Schema"], node["Relation Name"]), set()).add(node["Node Type"])
    for table in translation.tables:
        how = kinds.get(table.stored_parts, set())
        access = "all rows" if how & _WHOLE else "index" if how & _BY_INDEX else ""
        if access == "all rows" and ends_early:
            access = "first rows"
        yield TableRead(table.table_name, table.nrows, access)
