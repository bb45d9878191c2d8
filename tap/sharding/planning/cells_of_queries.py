"""Queries in FROM and WITH that give ids of a hashed table → those that give the cell beside the id, so that they are joined by it too."""

from dataclasses import replace

from adql.info import Info
from adql.nodes import CommonTable, DerivedTable, Field, Node, Output, Query, QueryBody, Relation, Select, SelectItem
from adql.trees import mapped
from schema import types
from tap.sharding.model import HealpixPartitioning
from tap.sharding.planning.cell_sets import Partitionings
from tap.sharding.planning.required_conditions import always_there

CELL = "armillary_cell"
"""What the column of the cell is called where it is none of a published table's."""


def with_cells_of_queries(query: Query, partitionings: Partitionings) -> tuple[Query, Partitionings]:
    """Return the query and, by their aliases, how the rows are divided of its tables and of the queries in it."""
    known, common = dict(partitionings), dict[str, HealpixPartitioning]()

    def change(node: Node) -> Node:
        if isinstance(node, Relation) and len(node.parts) == 1 and node.parts[0] in common:
            known[node.sql_alias] = common[node.parts[0]]
        if not isinstance(node, DerivedTable):
            return node
        body, partitioning = _giving_cells(node.query.body, known)
        if partitioning:
            known[node.sql_alias] = partitioning
        return replace(node, query=replace(node.query, body=body))

    common_tables: list[CommonTable] = []
    for table in query.common_tables:
        body, partitioning = _giving_cells(mapped(table.body, change), known)
        if partitioning:
            common[table.sql_name] = partitioning
        common_tables.append(replace(table, body=body))
    return replace(query, body=mapped(query.body, change), common_tables=tuple(common_tables)), known


def _giving_cells(body: QueryBody, partitionings: Partitionings) -> tuple[QueryBody, HealpixPartitioning | None]:
    """Return a query with the cell as its last column, if it gives an id; and how its rows are divided."""
    if not isinstance(body, Select):
        return body, None
    always = frozenset[str]().union(*map(always_there, body.tables))
    for item, output in zip(body.items, body.outputs, strict=True):
        field = item.value if isinstance(item, SelectItem) else None
        # The NULLs that an outer join makes up are on all shards, and Citus takes them for rows of one.
        is_certain = isinstance(field, Field) and field.source in always
        partitioning = partitionings.get(field.source) if isinstance(field, Field) and is_certain else None
        if isinstance(field, Field) and partitioning and partitioning.key == field.name:
            cell = Field(field.source, partitioning.column, info=Info(types.INTEGER))
            items, outputs = (*body.items, SelectItem(cell)), (*body.outputs, Output(CELL, CELL, cell.info))
            group_by = (*body.group_by, cell) if body.group_by else ()
            given = replace(partitioning, column=CELL, ra=None, dec=None, key=output.sql_name)
            return replace(body, items=items, outputs=outputs, group_by=group_by), given
    return body, None
