"""The schema browser: tables found by words, and a table with all that is known of it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import psycopg
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from adql.sql_names import name
from schema.coverage import Coverage, coverage_of
from schema.links import Product, url_of
from schema.model import Catalogue, Column, Table
from schema.own_tables.changes import OwnTable
from schema.per_catalogue import PerCatalogue
from schema.positions import find_position
from schema.search import TableIndex, text_of
from schema.statistics.columns import ColumnStatistics
from schema.statistics.store import cell_counts_of, column_statistics_of
from tap.auth.identity import Account, account_in
from tap.auth.rights import Rights
from tap.bulk.folder import FolderAway
from tap.bulk.manifest import ExportManifest
from tap.bulk.served import bulk_folder
from tap.citation import bibtex
from tap.config import Config
from tap.dal.urls import cone_search_url, image_access_url
from tap.engine.engine import DatabaseAway, Engine, Session
from tap.engine.row_encoding import readable_form
from tap.engine.rows import Interrupted
from tap.errors import NotFound
from tap.form import read_parameters
from tap.pages.cells import Cell, cell_of
from tap.pages.column_values import in_brief, in_full, percent
from tap.pages.footprint import HEIGHT, WIDTH, Footprint, footprint_of
from tap.pages.rendering import CatalogueOf, Pages
from tap.vosi_resources import check_not_withdrawn
from uws.parameters import Parameters

_TABLES, _BRIEF, _SAMPLE = 100, 30, 8
_SAMPLE_SECONDS = 2.0

OwnTableOf = Callable[[Request, str], Awaitable[OwnTable | None]]


@dataclass(frozen=True, slots=True)
class Contents:
    """What a page tells of the rows of a table; `statistics` by the names of columns."""

    coverage: Coverage | None = None
    footprint: Footprint | None = None
    statistics: dict[str, ColumnStatistics] = field(default_factory=dict)
    sample: list[list[Cell]] = field(default_factory=list)


@dataclass(frozen=True)
class SchemaPages:
    """The handlers. `planner` is the engine for what costs next to nothing."""

    pages: Pages
    config: Config
    catalogue: CatalogueOf
    own_table: OwnTableOf
    planner: Engine
    rights: Rights
    indexes: PerCatalogue[TableIndex]

    async def tables(self, request: Request) -> Response:
        """Show the tables that have the words Q, so many from FIRST on."""
        parameters = await read_parameters(request, self.config)
        words, first = parameters.one("Q") or "", min(parameters.whole_number("FIRST") or 0, 10**9)
        brief = parameters.one("BRIEF") is not None
        catalogue, count = await self.catalogue(request), _BRIEF if brief else _TABLES
        found = await run_in_threadpool(lambda: self.indexes.of(catalogue).search(words, first, count))
        template = "_table_list.html" if brief else "tables.html"
        return self.pages.response(request, template, {"found": found, "first": first})

    async def table(self, request: Request) -> Response:
        """Show a table: its columns, keys, some rows, and how to cite it."""
        parameters = await read_parameters(request, self.config)
        catalogue, name = await self.catalogue(request), request.path_params["name"]
        own_table = await self.own_table(request, name)
        name = own_table.table_name if own_table else name
        table = next((table for table in catalogue.tables if table.table_name.lower() == name.lower()), None)
        if table is None:
            check_not_withdrawn(catalogue, name)
            raise NotFound(f"There is no table {name[:100]} that you may read")
        position = position_of(table)
        contents = await run_in_threadpool(self._contents, table, account_in(request))
        values = {
            "table": table,
            "columns": _matching(table, parameters),
            "words": parameters.one("Q") or "",
            "own_table": own_table,
            "keys": [key for key in catalogue.keys if table.table_name in {key.from_table, key.target_table}],
            "versions": _other_versions(table, catalogue),
            "queries": _queries(table),
            "contents": contents,
            "width": WIDTH,
            "height": HEIGHT,
            "in_brief": in_brief,
            "in_full": in_full,
            "percent": percent,
            "products": _products(table, catalogue),
            "bibtex": bibtex(table),
            "position": position,
            "cone_search": cone_search_url(self.config.web, table.table_name) if position else None,
            "image_access": image_access_url(self.config.web) if table.parts == ("ivoa", "obscore") else None,
            "exported": await run_in_threadpool(self._exported, table),
        }
        return self.pages.response(request, "table.html", values)

    def _exported(self, table: Table) -> ExportManifest | None:
        """Return what is there of the table as files, None where nothing is, or where that cannot be told now."""
        try:
            return bulk_folder(self.config.web.bulk).manifest(table.table_name)
        except FolderAway:
            return None

    def _contents(self, table: Table, account: Account | None) -> Contents:
        """Return what is known of a table's rows, and some of them; what does not come at once is left out."""
        contents = Contents()
        try:
            with self.planner.session(_SAMPLE_SECONDS, role=self.rights.role(account)) as session:
                contents = session.run(partial(_known, table))
                return replace(contents, sample=_sample(session, table))
        except (DatabaseAway, Interrupted):
            return contents


def _known(table: Table, connection: psycopg.Connection) -> Contents:
    counts = cell_counts_of(connection, table.table_name)
    return Contents(
        coverage_of(connection, table.table_name),
        footprint_of(counts) if counts and len(counts.cells) else None,
        column_statistics_of(connection, table.table_name),
    )


def _sample(session: Session, table: Table) -> list[list[Cell]]:
    columns = ", ".join(_readable(column) for column in table.columns)
    sql = f"SELECT {columns} FROM {'.'.join(map(name, table.stored_parts))} LIMIT {_SAMPLE}"
    return [_cells(table, row) for row in session.records(sql, ())]


def _cells(table: Table, values: Sequence[object]) -> list[Cell]:
    """Return a row of cells, those of columns with links leading there."""
    row = dict(zip((column.name for column in table.columns), values, strict=True))
    cells = [cell_of(value) for value in values]
    return [
        replace(cell, link=url_of(column.link, row) or "") if column.link else cell
        for column, cell in zip(table.columns, cells, strict=True)
    ]


def _products(table: Table, catalogue: Catalogue) -> list[Product]:
    """Return the products of a table that one may read."""
    readable = {other.table_name for other in catalogue.tables}
    return [product for product in table.linking.products if product.table in readable] if table.linking else []


def _other_versions(table: Table, catalogue: Catalogue) -> list[Table]:
    """Return what has the name of a table but for the version behind it."""
    schema_name, name = table.parts
    stem = name.partition("@")[0]
    return [
        other
        for other in catalogue.tables
        if other is not table and other.parts[0] == schema_name and other.parts[1].partition("@")[0] == stem
    ]


def _readable(column: Column) -> str:
    """Return the SQL of a column; of types that psycopg does not read, what results in CSV have."""
    sql = name(column.stored)
    return readable_form(column.type, sql) if column.type.is_geometry or column.xtype else sql


def _matching(table: Table, parameters: Parameters) -> list[Column]:
    words = (parameters.one("Q") or "").lower().split()
    return [column for column in table.columns if all(word in text_of(column) for word in words)]


def position_of(table: Table) -> tuple[Column, Column] | None:
    """Return the columns of longitude and latitude; None where they cannot be told."""
    return find_position(table.columns).position


def _queries(table: Table) -> list[tuple[str, str]]:
    """Return first queries on a table, with what they are for."""
    principal = [column.column_name for column in table.columns if column.principal] or ["*"]
    columns = "*" if len(principal) == len(table.columns) else ", ".join(principal)
    queries = [("First 100 rows", f"SELECT TOP 100 {columns}\nFROM {table.table_name}")]
    if position := position_of(table):
        longitude, latitude = (column.column_name for column in position)
        cone = f"DISTANCE(POINT({longitude}, {latitude}), POINT(56.75, 24.12)) < 0.5"
        queries.append(("Cone search", f"SELECT TOP 1000 {columns}\nFROM {table.table_name}\nWHERE {cone}"))
    queries.append(("Count", f"SELECT COUNT(*) AS n\nFROM {table.table_name}"))
    return queries
