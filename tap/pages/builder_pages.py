"""Pages that write ADQL: a query of one table, and a cross-match of two."""

from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from urllib.parse import quote

from anyio import CapacityLimiter, to_thread
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from schema.model import Catalogue, Table
from schema.per_catalogue import PerCatalogue
from tap.config import Config
from tap.errors import NotFound
from tap.form import read_parameters
from tap.pages.builder import (
    OPERATORS,
    Choice,
    Cut,
    Side,
    match_of,
    number,
    query_of,
    region_of,
    side_of_list,
    side_of_table,
)
from tap.pages.rendering import CatalogueOf, Pages, see
from tap.pages.resolver import position_of_name
from tap.pages.schema_pages import position_of
from uws.parameters import ParameterError, Parameters

_LIST = "your list"
_CUTS = 4
_NAMES_AT_ONCE = 4
_MOST_TABLES = 500


@dataclass(frozen=True)
class BuilderPages:
    """The handlers."""

    pages: Pages
    config: Config
    catalogue: CatalogueOf
    limiter: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_NAMES_AT_ONCE))
    positional: PerCatalogue[list[Table]] = field(default_factory=lambda: PerCatalogue(_with_positions))

    async def build(self, request: Request) -> Response:
        """Show the form, or lead to the query that it means."""
        parameters, catalogue = await read_parameters(request, self.config), await self.catalogue(request)
        tables = list(catalogue.tables)[:_MOST_TABLES]
        table = _table(catalogue, parameters.one("TABLE")) if parameters.one("TABLE") else None
        message = ""
        if table and parameters.one("WRITE"):
            try:
                choice = _choice(table, await self._resolved(parameters))
                return self._to_editor(query_of(choice, position_of(table)))
            except ParameterError as error:
                message = str(error)
        values: dict[str, Any] = {
            "tables": tables,
            "table": table,
            "position": position_of(table) if table else None,
            "operators": OPERATORS,
            "cuts": [*_cuts(parameters), *[Cut("", "")] * _CUTS][:_CUTS],
            "given": parameters,
            "message": message,
            "resolver": bool(self.config.web.name_resolver),
        }
        return self.pages.response(request, "build.html", values, 400 if message else 200)

    async def _resolved(self, parameters: Parameters) -> Parameters:
        """Return the choices with a cone round the object that they name, if they name one. Raises: ParameterError."""
        name, resolver = parameters.one("OBJECT"), self.config.web.name_resolver
        if not name or not resolver:
            return parameters
        radius = number(parameters.one("RADIUS") or "0.1")
        longitude, latitude = await self._position(resolver, name)
        others = tuple(pair for pair in parameters.pairs if pair[0] not in {"SHAPE", "REGION"})
        return Parameters((*others, ("SHAPE", "cone"), ("REGION", f"{longitude} {latitude} {radius}")))

    async def _position(self, resolver: str, name: str) -> tuple[float, float]:
        """Raises: ParameterError. Few threads wait for a service that may be slow."""
        if not self.limiter.available_tokens:
            raise ParameterError("Many ask for names just now; try again, or write the position in degrees")
        return await to_thread.run_sync(position_of_name, resolver, name, limiter=self.limiter)

    async def cross_match(self, request: Request) -> Response:
        """Show the form, or lead to the query that it means."""
        parameters, catalogue = await read_parameters(request, self.config), await self.catalogue(request)
        message = ""
        if parameters.one("WRITE"):
            try:
                left, right = _sides(catalogue, parameters)
                radius, find = parameters.required("RADIUS"), parameters.one("FIND") or "all"
                query = match_of(left, right, radius, find, parameters.whole_number("NEAREST") or 3)
                return self._to_editor(query, with_list=parameters.one("LEFT") == _LIST)
            except (ParameterError, NotFound) as error:
                message = str(error)
        positional = await run_in_threadpool(self.positional.of, catalogue)
        values = {"tables": positional, "list": _LIST, "given": parameters, "message": message}
        return self.pages.response(request, "crossmatch.html", values, 400 if message else 200)

    def _to_editor(self, query: str, *, with_list: bool = False) -> Response:
        location = f"{self.pages.root}/?{'list=1&' if with_list else ''}query={quote(query, safe='')}"
        return see(location)


def _with_positions(catalogue: Catalogue) -> list[Table]:
    return list(islice((table for table in catalogue.tables if position_of(table)), _MOST_TABLES))


def _table(catalogue: Catalogue, name: str | None) -> Table:
    table = next((table for table in catalogue.tables if table.table_name == name), None)
    if table is None:
        raise NotFound(f"There is no table {(name or '')[:100]} that you may read")
    return table


def _choice(table: Table, parameters: Parameters) -> Choice:
    region = region_of(parameters.one("SHAPE") or "cone", parameters.one("REGION") or "")
    order = parameters.one("ORDER") or ""
    if order and parameters.one("DESC"):
        order += " DESC"
    return Choice(
        table, tuple(parameters.all("SELECT")), region, _cuts(parameters), order, parameters.whole_number("TOP")
    )


def _cuts(parameters: Parameters) -> tuple[Cut, ...]:
    rows = zip(parameters.all("COLUMN"), parameters.all("OP"), parameters.all("VALUE"), strict=False)
    return tuple(Cut(column, operator, value) for column, operator, value in rows if column)


def _sides(catalogue: Catalogue, parameters: Parameters) -> tuple[Side, Side]:
    left, right = parameters.required("LEFT"), _table(catalogue, parameters.required("RIGHT"))
    right_side = side_of_table(right, position_of(right))
    if left == _LIST:
        return side_of_list(parameters.one("RA") or "", parameters.one("DEC") or ""), right_side
    table = _table(catalogue, left)
    return side_of_table(table, position_of(table)), right_side
