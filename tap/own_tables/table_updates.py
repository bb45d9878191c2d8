"""/table-update: indexes made by jobs (CADC's interface, which pyvo's create_index uses)."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request

from schema.description import Description, TableDescription
from tap.auth.identity import Account
from tap.form import Form
from tap.jobs import JobService
from tap.own_tables.own_tables import OwnTables, TableChange
from tap.own_tables.resources import owner_of, truth
from uws.job import Requester
from uws.parameters import ParameterError, Parameters

TABLE_UPDATE = "table-update"
_POSITION, _PLAIN, _UNIQUE = "long-lat", "x-y", "unique"
_SMALL = 1.0
"""What the making of an index costs, for the queue: few are long."""


@dataclass(frozen=True)
class TableUpdateService(JobService):
    """The list of jobs that change tables, which only accounts have."""

    @property
    def url(self) -> str:
        return f"{self.config.web.base_url}/{TABLE_UPDATE}"

    async def form(self, request: Request) -> Form:
        owner_of(request)
        return await super().form(request)

    def asker(self, request: Request) -> Requester:
        owner_of(request)
        return super().asker(request)

    def cost(self, parameters: Parameters, owner: str | None) -> float | None:
        return _SMALL


def update_table(tables: OwnTables, account: Account, parameters: Parameters) -> None:
    """Do what a job asks for. Raises: ParameterError, NoSuchTable, NotYours, LoadError."""
    name, columns = parameters.required("TABLE"), _columns(parameters)
    kinds = [kind.strip().lower() for kind in parameters.all("INDEX_TYPE") if kind.strip()]
    if unknown := set(kinds) - {_POSITION, _PLAIN, _UNIQUE}:
        raise ParameterError(f"INDEX_TYPE can be {_UNIQUE}, {_POSITION} or {_PLAIN}, not {min(unknown)[:40]!r}")
    if _POSITION in kinds:
        tables.change(account, name, TableChange(_with_position(columns)))
        return
    unique = _UNIQUE in kinds or truth(parameters, "UNIQUE")
    tables.change(account, name, TableChange(index=tuple(columns), unique=unique))


def _columns(parameters: Parameters) -> list[str]:
    columns = [column.strip() for column in (parameters.one("INDEX") or "").split(",") if column.strip()]
    if not columns:
        raise ParameterError("The parameter INDEX is missing: the column, or columns, to index")
    return columns


def _with_position(columns: Sequence[str]) -> Description:
    if len(columns) != 2:
        raise ParameterError(f"INDEX_TYPE={_POSITION} takes two columns: INDEX=ra,dec")
    return Description(TableDescription(ra=columns[0], dec=columns[1]))
