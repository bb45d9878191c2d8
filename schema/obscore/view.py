"""ivoa.obscore: a view of all tables of observations that are described, each row for those who may read its table.

A view runs as its owner, so each part of it looks by itself whether who asks may read the table. When what it is made of
changes, a new view takes the place of the old one in TAP_SCHEMA, as tables do that are loaded again: queries that run
keep the old one, which is dropped when the last of them has ended.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from schema.description import Description, DescriptionError
from schema.existing import make_readable
from schema.listing import make_schema, publish_known
from schema.load.reader import LoadError
from schema.loaded import Known
from schema.model import Column, Table
from schema.obscore.mapping import MappedValue, TableMapping, check_mapping
from schema.obscore.model import (
    COLUMNS,
    MANDATORY,
    NEVER_NULL,
    POLARIZATIONS,
    PRODUCT_TYPES,
    SCHEMA,
    SCHEMA_DESCRIPTION,
    TABLE,
    TABLE_DESCRIPTION,
    TABLE_UTYPE,
    ObsCoreColumn,
)
from schema.readers import ASKS_ITSELF
from schema.statements import statement
from schema.tap_schema import count_change_of, remove_table

_NAME = "obscore"


@dataclass(frozen=True, slots=True)
class ObservedTable:
    """A published table that is in the view: `source` is the table in the database, `columns` the SQL of each column."""

    table_name: str
    source: str
    columns: Mapping[str, str]
    indexed: frozenset[str]


def check_observations(columns: Sequence[Column], description: Description) -> None:
    """Raise DescriptionError for what [obscore] says that is not possible of columns, before they have rows."""
    mapping = check_mapping(description.obscore or {}, "[obscore]")
    _ = TableMapping(mapping, {column.name: column for column in columns}).expressions


def map_observations(
    connection: psycopg.Connection, known: Known, values: Mapping[str, object] | None
) -> tuple[str, ...]:
    """Put a table that is being published into the view as its description says, and return notes.

    None leaves what was said before, nothing under [obscore] takes the table out of the view.
    Raises: DescriptionError, LoadError.
    """
    name = known.table.table_name
    row = connection.execute(statement("mapping_of"), (name,)).fetchone()
    if not values and row is None:
        return ()
    connection.execute(statement("lock_catalogue"))
    notes: tuple[str, ...] = ()
    if values is not None and not values:
        connection.execute(statement("drop_mapping"), (name,))
    else:
        notes = _put_mapping(connection, known, check_mapping(values or (row or ({},))[0], "[obscore]"))
    rebuild_view(connection)
    return notes


def take_out(connection: psycopg.Connection, table_name: str, *, forget: bool) -> None:
    """Take a table that is published no longer out of the view; what its description said is kept, or forgotten."""
    if connection.execute(statement("mapping_of"), (table_name,)).fetchone() is None:
        return
    connection.execute(statement("lock_catalogue"))
    if forget:
        connection.execute(statement("drop_mapping"), (table_name,))
    rebuild_view(connection)


# ---- one table


def _put_mapping(connection: psycopg.Connection, known: Known, values: dict[str, MappedValue]) -> tuple[str, ...]:
    if known.division:
        raise DescriptionError(f"[obscore] {known.table.table_name} lies on shards, which ivoa.obscore cannot read yet")
    mapping = TableMapping(values, {column.name: column for column in known.table.columns})
    source = sql.Identifier(*known.table.stored_parts)
    expressions = mapping.expressions
    _check_rows(connection, source, expressions)
    readable = {name: _if_readable(expressions[name], known.table.table_name) for name in mapping.constants}
    columns = {name: expression.as_string(connection) for name, expression in (expressions | readable).items()}
    note = _index_region(connection, known, columns.get("s_region"))
    indexed = mapping.indexed | ({"s_region"} if known.loaded and "s_region" in columns else set())
    connection.execute(
        statement("put_mapping"),
        (known.table.table_name, source.as_string(connection), Jsonb(values), Jsonb(columns), sorted(indexed)),
    )
    return (note,) if note else ()


def _if_readable(constant: sql.Composable, table_name: str) -> sql.Composable:
    """Return a constant that is NULL to whoever may not read the table: conditions on it are looked at before those of rows."""
    return sql.SQL("(SELECT {} WHERE armillary.is_readable({}))").format(constant, sql.Literal(table_name))


def _check_rows(
    connection: psycopg.Connection, source: sql.Identifier, expressions: Mapping[str, sql.Composable]
) -> None:
    """Raise DescriptionError for rows that ObsCore does not allow."""
    rules = [(wrong, condition) for names, wrong, condition in _rules() if names <= expressions.keys()]
    counts = sql.SQL(", ").join(sql.SQL("count(*) FILTER (WHERE {})").format(condition) for _, condition in rules)
    items = sql.SQL(", ").join(
        sql.SQL("{} AS {}").format(expression, sql.Identifier(name)) for name, expression in expressions.items()
    )
    repeated = sql.SQL("count(obs_publisher_did) - count(DISTINCT obs_publisher_did)")
    query = sql.SQL("SELECT {}, {} FROM (SELECT {} FROM {}) AS o").format(counts, repeated, items, source)
    row = connection.execute(query).fetchone() or ()
    for (wrong, _), number in zip([*rules, ("obs_publisher_did is that of another row", None)], row, strict=True):
        if number:
            raise DescriptionError(f"[obscore] {wrong} in {number:,} rows")


def _rules() -> Iterator[tuple[set[str], str, sql.Composable]]:
    """Yield columns, what is wrong with them, and the condition of rows in which it is."""
    for name in NEVER_NULL:
        yield {name}, f"{name} is NULL", sql.SQL("{} IS NULL").format(sql.Identifier(name))
    kinds = sql.SQL(", ").join(map(sql.Literal, PRODUCT_TYPES))
    yield (
        {"dataproduct_type"},
        f"dataproduct_type is none of {', '.join(PRODUCT_TYPES)}",
        sql.SQL("dataproduct_type NOT IN ({})").format(kinds),
    )
    yield {"calib_level"}, "calib_level is not from 0 to 4", sql.SQL("calib_level NOT BETWEEN 0 AND 4")
    states = f"^/(({'|'.join(POLARIZATIONS)})/)+$"
    yield (
        {"pol_states"},
        "pol_states is no list such as /I/Q/U/",
        sql.SQL("pol_states !~ {}").format(sql.Literal(states)),
    )
    for least, most in (("t_min", "t_max"), ("em_min", "em_max")):
        condition = sql.SQL("{} > {}").format(sql.Identifier(least), sql.Identifier(most))
        yield {least, most}, f"{least} is larger than {most}", condition


def _index_region(connection: psycopg.Connection, known: Known, region: str | None) -> str | None:
    """Make the index that searches by s_region need; of a table that is not ours, return the command for it."""
    row = connection.execute(statement("mapped_region"), (known.table.table_name,)).fetchone()
    source = sql.Identifier(*known.table.stored_parts)
    if region is None or row == (source.as_string(connection), region):
        return None
    command = sql.SQL("CREATE INDEX ON {} USING gist (({}))").format(source, sql.SQL(region))
    if known.loaded:
        connection.execute(command)
        return None
    return f"searches of ivoa.obscore by region need an index: {command.as_string(connection)}"


# ---- the view


def rebuild_view(connection: psycopg.Connection) -> None:
    """Publish the view of what is described and published now, or take it away. Raises: LoadError."""
    tables = [
        ObservedTable(name, source, columns, frozenset(indexed))
        for name, source, columns, indexed in connection.execute(statement("mapped_tables")).fetchall()
    ]
    current = _current_view(connection)
    if not tables:
        if current:
            count_change_of(connection, TABLE)
            remove_table(connection, TABLE)
        return
    make_schema(connection, SCHEMA)
    columns = [column for column in COLUMNS.values() if column in MANDATORY or _is_given(tables, column)]
    view = _create_view(connection, tables, columns)
    _publish_view(connection, view, tables, columns)


def _is_given(tables: list[ObservedTable], column: ObsCoreColumn) -> bool:
    return any(column.name in table.columns for table in tables)


def _current_view(connection: psycopg.Connection) -> str | None:
    """Return the name of the view that is published, None if none is. Raises: LoadError for one that is not ours."""
    row = connection.execute(statement("stored_and_loaded"), (TABLE,)).fetchone()
    if row is None:
        return None
    name = str(row[0] or _NAME)
    if name not in _our_views(connection):
        raise LoadError(
            f"{TABLE} is published already, and not made of descriptions; unpublish it, or leave out [obscore]"
        )
    return name


def _our_views(connection: psycopg.Connection) -> list[str]:
    return [str(name) for (name,) in connection.execute(statement("views_with_mark"), (SCHEMA, ASKS_ITSELF)).fetchall()]


def _create_view(connection: psycopg.Connection, tables: list[ObservedTable], columns: list[ObsCoreColumn]) -> str:
    """Make a view beside those that are there; return its name."""
    relations = connection.execute(statement("relations_in"), (SCHEMA,)).fetchall()
    taken = {str(name) for (name,) in relations}
    name = next(name for name in (_NAME, *map(f"{_NAME}_{{}}".format, range(2, len(taken) + 3))) if name not in taken)
    view = sql.Identifier(SCHEMA, name)
    parts = sql.SQL(" UNION ALL ").join(_part(table, columns) for table in tables)
    connection.execute(sql.SQL("CREATE VIEW {} AS {}").format(view, parts))
    connection.execute(sql.SQL("COMMENT ON VIEW {} IS {}").format(view, ASKS_ITSELF))
    return name


_IS_READABLE = "(SELECT armillary.is_readable({}))"
"""Is asked once in a query, before the first row is looked at."""


def _part(table: ObservedTable, columns: list[ObsCoreColumn]) -> sql.Composable:
    items = sql.SQL(", ").join(
        sql.SQL("{} AS {}").format(_item(table, column), sql.Identifier(column.name)) for column in columns
    )
    readable = sql.SQL(_IS_READABLE).format(sql.Literal(table.table_name))
    return sql.SQL("SELECT {} FROM {} WHERE {}").format(items, sql.SQL(table.source), readable)


def _item(table: ObservedTable, column: ObsCoreColumn) -> sql.Composable:
    text = table.columns.get(column.name)
    return sql.SQL(text) if text else sql.SQL("NULL::" + column.type.name)


def _publish_view(
    connection: psycopg.Connection, view: str, tables: list[ObservedTable], columns: list[ObsCoreColumn]
) -> None:
    indexed = frozenset.intersection(*(table.indexed for table in tables))
    number = count(1)
    table = Table(
        SCHEMA,
        TABLE,
        tuple(column.published(next(number), indexed=column.name in indexed) for column in columns),
        "view",
        TABLE_DESCRIPTION,
        TABLE_UTYPE,
        storage=view if view != _NAME else None,
    )
    make_readable(connection, table)
    known = Known(table, position=("s_ra", "s_dec"), schema_description=SCHEMA_DESCRIPTION, loaded=False)
    publish_known(connection, known)


def drop_replaced_views(connection: psycopg.Connection) -> None:
    """Drop views that another one took the place of, when the last query that reads them has ended."""
    with connection.transaction():
        if not (views := _our_views(connection)):
            return
        row = connection.execute(statement("stored_and_loaded"), (TABLE,)).fetchone()
        current = str(row[0] or _NAME) if row else None
        for name in views:
            if name != current:
                connection.execute(sql.SQL("DROP VIEW {}").format(sql.Identifier(SCHEMA, name)))
