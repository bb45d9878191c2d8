"""A point that a query in FROM, or an upload, makes of two numbers → those numbers, where it is measured with.

pgSphere's points snap to longitude 0, latitude 0 and the poles within 0.2 mas (docs/adr/0013). So a query in FROM gives
the coordinates beside its points, and whatever is called with such a point is called with POINT of them: exact as written
out, and served by the same index.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from adql.constants import walk
from adql.info import Info
from adql.nodes import Call, CommonTable, DerivedTable, Field, Node, Output, Query, Relation, Select, SelectItem, Value
from adql.trees import mapped
from schema import types

Wanted = set[tuple[str, str]]
"""Points of queries: the alias or the name of the query, and the point's column."""


def coordinates_of_points(query: Query) -> Query:
    points = [point for node in walk(query) if isinstance(node, Call) for point in node.arguments if _is_column(point)]
    if not points:
        return query
    bodies = dict(_bodies(query))
    owners = {name: name for name in bodies} | dict(_references(query, bodies))
    point_columns: Wanted = set()
    for point in points:
        _want(point, bodies, owners, point_columns)
    return mapped(query, partial(_changed, owners=owners, point_columns=point_columns))


def _bodies(query: Query) -> Iterator[tuple[str, Select]]:
    """Yield the queries that give the same rows with further columns, by alias or name."""
    for node in walk(query):
        match node:
            case DerivedTable(query=Query(body=Select(distinct=False) as body), sql_alias=name):
                yield name, body
            case CommonTable(body=Select(distinct=False) as body, sql_name=name):
                yield name, body


def _references(query: Query, bodies: dict[str, Select]) -> Iterator[tuple[str, str]]:
    """Yield the aliases of queries after WITH, each with the name of its query."""
    for node in walk(query):
        if isinstance(node, Relation) and len(node.parts) == 1 and node.parts[0] in bodies:
            yield node.sql_alias, node.parts[0]


def _want(point: Value, bodies: dict[str, Select], owners: dict[str, str], point_columns: Wanted) -> bool:
    """Note a point whose query can give its coordinates, and the points it comes from; return whether it can."""
    if not isinstance(point, Field) or not _is_column(point):
        return False
    if point.info.coordinates:
        return True
    owner = owners.get(point.source)
    if owner is None:
        return False
    value = next(item.value for item, output in _columns(bodies[owner]) if output.sql_name == point.name)
    if not (_is_made(value) or _want(value, bodies, owners, point_columns)):
        return False
    point_columns.add((owner, point.name))
    return True


def _is_column(value: Value) -> bool:
    return isinstance(value, Field) and value.type is types.POINT


def _columns(select: Select) -> Iterator[tuple[SelectItem, Output]]:
    for item, output in zip(select.items, select.outputs, strict=True):
        if isinstance(item, SelectItem):
            yield item, output


def _is_made(value: Value) -> bool:
    return isinstance(value, Call) and value.name == "POINT" and len(value.coordinates) == 2


def _changed(node: Node, owners: dict[str, str], point_columns: Wanted) -> Node:
    match node:
        case Call(arguments=arguments):
            points = tuple(_written_out(argument, owners, point_columns) for argument in arguments)
            return node if points == arguments else replace(node, arguments=points)
        case DerivedTable(query=Query(body=Select() as body) as query, sql_alias=name):
            return replace(node, query=replace(query, body=_with_coordinates(body, name, owners, point_columns)))
        case CommonTable(body=Select() as body, sql_name=name):
            return replace(node, body=_with_coordinates(body, name, owners, point_columns))
    return node


def _written_out(point: Value, owners: dict[str, str], point_columns: Wanted) -> Value:
    """Return POINT(longitude, latitude) for a column whose coordinates stand beside it, any other value as it is."""
    if not isinstance(point, Field) or not _is_column(point):
        return point
    names = point.info.coordinates
    if (owners.get(point.source), point.name) in point_columns:
        names = _names(point.name)
    if names is None:
        return point
    fields = tuple(Field(point.source, name, info=Info(types.DOUBLE, "deg")) for name in names)
    return Call("POINT", fields, span=point.span, info=Info(types.POINT))


def _with_coordinates(select: Select, name: str, owners: dict[str, str], point_columns: Wanted) -> Select:
    items, outputs = list(select.items), list(select.outputs)
    for item, output in _columns(select):
        point = _written_out(item.value, owners, point_columns)
        if (name, output.sql_name) in point_columns and isinstance(point, Call):
            items += [SelectItem(value) for value in point.coordinates]
            outputs += [Output(column, column, Info(types.DOUBLE, "deg")) for column in _names(output.sql_name)]
    return replace(select, items=tuple(items), outputs=tuple(outputs))


def _names(point: str) -> tuple[str, str]:
    return f"{point}_lon", f"{point}_lat"
