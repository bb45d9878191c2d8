"""A query that looks at all rows, as a query for each shard and one that puts their answers together.

COUNT is the sum of the counts, AVG the sum of the sums by that of the counts; of values that shall count once each
shard gives those that it has, once; TOP with ORDER BY are the first of the first.
"""

from dataclasses import dataclass, replace
from typing import Any

from adql import nodes, postgres, sql_names
from adql.comparable import as_geometries, as_numbers, has_geometry
from adql.constants import walk
from adql.functions import function_of
from adql.grouping import aggregate_in
from adql.info import Info
from adql.nodes import Aggregate, Arithmetic, Call, Cast, Field, Node, Output, Relation, Select, SelectItem, Value
from adql.trees import with_children
from schema import types
from schema.types import Type
from tap.sharding.planning.colocation import NotPushable

_DOUBLE = Info(types.DOUBLE)
_BIGINT = Info(types.BIGINT)
_NUMERIC = Type("numeric", "DOUBLE PRECISION", "double")
"""PostgreSQL's own, for values on their way."""


@dataclass(frozen=True, slots=True)
class TwoPhase:
    """What each shard is asked, and the query of the table that its answers come into, whose columns are `gathered`."""

    shard: Select
    coordinator: Select
    gathered: tuple[Output, ...]

    def coordinator_sql(self) -> str:
        """Print the coordinator's query. Geometries come as numbers, since as text they would be rounded; they are made anew."""

        def table_sql(relation: Relation) -> str:
            table = sql_names.stored_table(relation)
            return (
                f"({as_geometries(f'SELECT * FROM {table}', self.gathered)})" if has_geometry(self.gathered) else table
            )

        return postgres.query(nodes.Query(self.coordinator), table_sql)


def split_aggregation(select: Select, gathered: Relation, *, rows_are_whole: bool) -> TwoPhase:
    """Split a query that looks at all rows into its two phases. `rows_are_whole`: each row of the result is made on one shard, there is only to be sorted and cut. Raises: NotPushable."""
    if not rows_are_whole and (select.group_by or select.having or _has_aggregate(select)):
        return _aggregated(select, gathered)
    return _sorted_and_cut(select, gathered, distinct=select.distinct and not rows_are_whole)


def _has_aggregate(select: Select) -> bool:
    return any(aggregate_in(each) for each in (*select.items, *select.order_by))


# ---- sorted and cut


def _sorted_and_cut(select: Select, gathered: Relation, *, distinct: bool) -> TwoPhase:
    values, numbers = _values(select), list[int]()
    for term in select.order_by:
        if not isinstance(term.value, int):
            values.append(term.value)
        numbers.append(term.value if isinstance(term.value, int) else len(values))
    outputs = _outputs(values)
    columns = [Field(gathered.sql_alias, each.sql_name, info=each.info) for each in outputs]
    terms = list(zip(select.order_by, numbers, strict=True))
    most = None if select.top is None else select.top + (select.offset or 0)
    first = tuple(replace(term, value=number) for term, number in terms) if most is not None else ()
    each = _asking(replace(select, top=most, offset=None, order_by=first), values)
    whole = Select(
        tuple(SelectItem(column) for column in columns[: len(select.outputs)]),
        (gathered,),
        distinct=distinct,
        order_by=tuple(replace(term, value=columns[number - 1]) for term, number in terms),
        top=select.top,
        offset=select.offset,
        outputs=select.outputs,
    )
    return TwoPhase(each, whole, outputs)


def _values(select: Select) -> list[Value]:
    return [item.value for item in select.items if isinstance(item, SelectItem)]


def _outputs(values: list[Value]) -> tuple[Output, ...]:
    infos = (replace(value.info, type=value.info.type or types.TEXT) for value in values)
    return tuple(Output(f"c{n}", f"c{n}", info) for n, info in enumerate(infos, 1))


def _asking(select: Select, values: list[Value]) -> Select:
    outputs = as_numbers(_outputs(values))
    return replace(select, items=tuple(SelectItem(value) for value in values), outputs=outputs)


# ---- aggregates


class _Columns:
    """The columns that shards are asked for, each once, and how the whole is made of them."""

    def __init__(self, gathered: Relation) -> None:
        self.values: list[Value] = []
        self._gathered = gathered

    def column(self, value: Value) -> Field:
        if value not in self.values:
            self.values.append(value)
        return Field(self._gathered.sql_alias, f"c{self.values.index(value) + 1}", info=value.info)


def _aggregated(select: Select, gathered: Relation) -> TwoPhase:
    columns, group_by = _Columns(gathered), dict.fromkeys(select.group_by)
    for each in (*group_by, *_once(select)):
        columns.column(each)
    groups = tuple(columns.values)

    def whole(node: Any) -> Any:
        return _whole(node, tuple(group_by), columns)

    items = tuple(replace(item, value=whole(item.value)) for item in select.items if isinstance(item, SelectItem))
    final = replace(
        select,
        items=items,
        tables=(gathered,),
        where=None,
        group_by=tuple(columns.column(each) for each in group_by),
        having=whole(select.having) if select.having else None,
        order_by=tuple(t if isinstance(t.value, int) else replace(t, value=whole(t.value)) for t in select.order_by),
    )
    asked = replace(select, distinct=False, top=None, offset=None, order_by=(), having=None, fenced=False)
    if not columns.values:
        columns.column(Aggregate("COUNT", None, info=_BIGINT))
    return TwoPhase(_asking(replace(asked, group_by=groups), columns.values), final, _outputs(columns.values))


def _once(select: Select) -> list[Value]:
    """Return what is counted or summed up once for each value."""
    parts = [part for part in (*select.items, select.having, *select.order_by) if part is not None]
    found = [each for part in parts for each in walk(part) if isinstance(each, Aggregate)]
    return [each.argument for each in found if each.distinct and each.argument is not None]


def _whole(node: Node, group_by: tuple[Value, ...], columns: _Columns) -> Any:
    """Return an expression of groups and aggregates over the gathered columns. Raises: NotPushable."""
    if node in group_by:
        return columns.column(node)
    match node:
        case Aggregate():
            return _combined(node, columns)
        case nodes.Query(body=body):
            raise NotPushable("a query stands among aggregates", body.span)
        case Call(name=name) if function_of(node).is_aggregate:
            raise NotPushable(f"{name.lower()} of all rows cannot be made of those of each shard", node.span)
    return with_children(node, lambda child: _whole(child, group_by, columns))


def _combined(node: Aggregate, columns: _Columns) -> Value:
    if node.distinct and node.argument is not None:
        return replace(node, argument=columns.column(node.argument))
    match node.name:
        case "COUNT":
            return _count(node, columns)
        case "AVG" if node.type is types.DOUBLES:
            raise NotPushable("the mean of arrays cannot be made of those of each shard", node.span)
        case "AVG":
            return _average(node, columns)
        case "SUM" if node.argument is not None and node.argument.type is types.BIGINT:
            # The sum of one shard may be larger than that of all; as text it has room.
            total = columns.column(replace(node, info=replace(node.info, type=types.TEXT)))
            return replace(node, argument=Cast(total, "NUMERIC", info=Info(_NUMERIC)))
    return replace(node, argument=columns.column(node))


def _count(node: Aggregate, columns: _Columns) -> Value:
    total = Aggregate("SUM", columns.column(node), info=_BIGINT)
    return Call("COALESCE", (total, nodes.Number("0", info=_BIGINT)), info=_BIGINT)


def _average(node: Aggregate, columns: _Columns) -> Value:
    argument = node.argument
    if argument is None:
        raise AssertionError(node)
    double = Cast(argument, "DOUBLE PRECISION", info=_DOUBLE)
    total = Aggregate("SUM", columns.column(Aggregate("SUM", double, info=_DOUBLE)), info=_DOUBLE)
    count = Aggregate("SUM", columns.column(Aggregate("COUNT", argument, info=_BIGINT)), info=_DOUBLE)
    some = Call("NULLIF", (count, nodes.Number("0", info=_BIGINT)), info=_DOUBLE)
    return Arithmetic(("/",), (total, some), info=_DOUBLE)
