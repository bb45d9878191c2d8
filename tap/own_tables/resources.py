"""/tables/NAME that can be written to (VOSI 1.2 §3.4, a draft), and /load/NAME as CADC has it and pyvo uses it.

Which kind of body comes is told by the body itself.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from anyio import CapacityLimiter, to_thread
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from schema.description import Description, TableDescription
from schema.load import open_file
from schema.load.reader import LoadError, Reader
from schema.own_tables.changes import OwnTable
from schema.own_tables.rows import NewTable
from schema.publish import Loaded
from schema.vosi_table import MOST_BYTES, is_vosi_table, read_vosi_table
from tap.auth.accounts import AccountStore, NoSuchName
from tap.auth.identity import Account, TokenScope, identity_of
from tap.auth.private import account_of
from tap.config import Config
from tap.form import FormFile, read_parameters
from tap.own_tables.own_tables import AT_ONCE, LONGEST_DAYS, MoreRows, NotYours, OwnTables, TableChange
from tap.part import read_part
from tap.shares.readable_jobs import ReadableJobs
from tap.temp_files import without_path
from tap.turns import Turns
from tap.uploads.upload import file_name_of, unpacking_of, uploads_of
from uws.parameters import ParameterError, Parameters

_FORM = "application/x-www-form-urlencoded"
_GROUP_HEADERS = (("x-vosi-group-read", "x-vosi-group-ro"), ("x-vosi-group-write", "x-vosi-group-rw"))
"""As CADC's OpenAPI spells them, and as its code does."""
_NULL = "null"
_SAYS_NOTHING = {"", "text/plain", "application/octet-stream", _FORM}
"""Types of content that programs give to whatever they send."""
_HEAD = 8192
_AT_ONCE_FOR_ONE = AT_ONCE // 2
_PATIENCE = 120.0
"""Seconds that a change waits for others."""

T = TypeVar("T")
Groups = tuple[str | None, str | None]
"""Which group may read, and which may add rows: an empty name is none, None leaves it as it is."""


WHY = "tables of your own need an account"


def owner_of(request: Request) -> Account:
    """Return who asks to change tables. Raises: Unauthorized for a stranger, OutOfScope for a token without that right."""
    return account_of(request, WHY, TokenScope.TABLES)


@dataclass(frozen=True)
class TableResources:
    """The handlers."""

    tables: OwnTables
    accounts: AccountStore
    results: ReadableJobs
    config: Config
    limiter: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(AT_ONCE))
    turns: Turns = field(default_factory=lambda: Turns(AT_ONCE, AT_ONCE, _PATIENCE))

    async def put(self, request: Request) -> Response:
        """Make a table: of a VOSI description without rows, or of any file that can be loaded."""
        account, parameters = owner_of(request), Parameters.of(request.query_params.multi_items())
        change = TableChange(days=_days(parameters), groups=await self._groups(request))
        async with self._body(request) as file:
            loaded = await self.run(account, self._make, request.path_params["name"], file, parameters)
        if change:
            await self.run(account, self.tables.change, loaded.table.table_name, change)
        return self.made(loaded)

    def _make(self, account: Account, name: str, file: FormFile, parameters: Parameters) -> Loaded:
        with without_path(file.path):
            new = NewTable(name, *self.opened(file), replacing=truth(parameters, "REPLACE"))
            return self.tables.make(account, replace(new, description=described(new.description, parameters)))

    def opened(self, file: FormFile) -> tuple[Reader, Description]:
        """Return a reader of a file, and what the file says of its table. Raises: LoadError."""
        if is_vosi_table(_head(file.path)):
            reader, description = read_vosi_table(_read_small(file.path))
            return reader, replace(description, columns={})
        return open_file(file.path, name=_name_of(file), unpacking=unpacking_of(self.config)), Description()

    def _more(self, file: FormFile) -> MoreRows:
        return MoreRows(file.path, _name_of(file), unpacking=unpacking_of(self.config))

    def made(self, loaded: Loaded) -> Response:
        """Tell of a new table, and what was done unasked."""
        name = loaded.table.table_name
        text = "\n".join([f"{loaded.table.nrows or 0} rows are in {name}", *loaded.notes, *loaded.warnings])
        headers = {"location": f"{self.config.web.base_url}/tables/{quote(name)}"}
        return Response(f"{text}\n", 201, headers, media_type="text/plain")

    async def post(self, request: Request) -> Response:
        """Add rows, describe anew, or do what the parameters of a form say."""
        account, name = owner_of(request), request.path_params["name"]
        groups = await self._groups(request)
        if _is_form(request):
            return await self._change(request, account, groups)
        async with self._body(request) as file:
            await self.run(account, self._describe_or_append, name, file)
        if groups != (None, None):
            await self.run(account, self.tables.change, name, TableChange(groups=groups))
        return Response(status_code=204)

    def _describe_or_append(self, account: Account, name: str, file: FormFile) -> None:
        with without_path(file.path):
            if is_vosi_table(_head(file.path)):
                self._describe(account, name, _read_small(file.path))
            else:
                self.tables.append(account, name, self._more(file))

    def _describe(self, account: Account, name: str, document: bytes) -> None:
        """Change what can be changed of a table as it stands (VOSI 1.2 §3.4.2): never its columns."""
        reader, description = read_vosi_table(document)
        table = self.tables.columns(account, name)
        said, there = {column.name for column in reader.columns}, {column.name for column in table.columns}
        if said != there:
            odd = ", ".join(sorted(said ^ there))[:300]
            raise LoadError(f"columns cannot be added, taken away or renamed by a description; it differs in {odd}")
        self.tables.change(account, name, TableChange(description))

    async def _change(self, request: Request, account: Account, groups: Groups) -> Response:
        name, parameters = request.path_params["name"], await read_parameters(request, self.config)
        change = _change_of(parameters, groups)
        if job_id := parameters.one("JOB"):
            loaded = await self.run(account, self._keep_result, name, job_id, parameters)
            if change.is_owners:
                await self.run(account, self.tables.change, loaded.table.table_name, replace(change, description=None))
            return self.made(loaded)
        if not change and not any(header.startswith("x-vosi-") for header in request.headers):
            raise ParameterError(
                "Nothing is asked for: a body with rows or a description, or JOB, DESCRIPTION, POSITION, INDEX, DAYS or RENAME"
            )
        await self.run(account, self.tables.change, name, change)
        return Response(status_code=204)

    def _keep_result(self, account: Account, name: str, job_id: str, parameters: Parameters) -> Loaded:
        with self.results.opened(account.name, job_id) as (_, path), without_path(path):
            description = described(Description(), parameters)
            new = NewTable(name, open_file(path), description, replacing=truth(parameters, "REPLACE"))
            return self.tables.make(account, new)

    async def delete(self, request: Request) -> Response:
        await self.run(owner_of(request), self.tables.drop, request.path_params["name"])
        return Response(status_code=204)

    async def load(self, request: Request) -> Response:
        """Add rows, and say how many they were."""
        account, name = owner_of(request), request.path_params["name"]
        async with self._body(request) as file:
            table_name, added = await self.run(account, self._append, name, file)
        return Response(f"Inserted {added} rows to table {table_name}\n", media_type="text/plain")

    def _append(self, account: Account, name: str, file: FormFile) -> tuple[str, int]:
        with without_path(file.path):
            return self.tables.append(account, name, self._more(file))

    # ---- whose it is

    async def table(self, request: Request, name: str) -> OwnTable | None:
        """Return the own table that a name means to who asks, None for any other."""
        identity = identity_of(request)
        return await run_in_threadpool(self.tables.table, identity.account, name) if identity else None

    async def full_name(self, request: Request, name: str) -> str:
        """Return the name in full of the own table that a name means to who asks; other names as they are."""
        table = await self.table(request, name)
        return table.table_name if table else name

    async def _groups(self, request: Request) -> Groups:
        """Return the groups that the headers let read, and add rows: their names as they are spelt here."""
        if request.headers.get("x-vosi-auth-read", _NULL).lower() == "false":
            raise NotYours("A table is made public by publication only, which a moderator accepts")
        readers, writers = (_group_named(request, names) for names in _GROUP_HEADERS)
        if not readers and not writers:
            return readers, writers
        return await run_in_threadpool(self._spelt, readers, writers)

    def _spelt(self, readers: str | None, writers: str | None) -> Groups:
        try:
            return (
                self.accounts.group_name(readers) if readers else readers,
                self.accounts.group_name(writers) if writers else writers,
            )
        except NoSuchName as error:
            raise ParameterError(str(error)) from error

    # ----

    @asynccontextmanager
    async def _body(self, request: Request) -> AsyncIterator[FormFile]:
        file = await read_part(request, self.config, uploads_of(self.config), self.config.uploads.upload_bytes)
        try:
            yield replace(file, media_type=request.headers.get("content-type", ""))
        finally:
            file.path.unlink(missing_ok=True)

    async def run(self, account: Account, step: Callable[..., T], *arguments: object) -> T:
        """Run what blocks for long in the name of an account, few of them at once, and of one account fewer.

        Raises: Busy where others take too long, and whatever `step` raises.
        """
        turn = await self.turns.take(account.name, _AT_ONCE_FOR_ONE)
        try:
            return await to_thread.run_sync(step, account, *arguments, limiter=self.limiter)
        finally:
            turn.end()


def _change_of(parameters: Parameters, groups: Groups) -> TableChange:
    """Return what the parameters of a form ask for. Raises: ParameterError."""
    says = parameters.one("DESCRIPTION") or parameters.one("POSITION")
    return TableChange(
        described(Description(), parameters) if says else None,
        tuple(_list(parameters.one("INDEX") or "")),
        truth(parameters, "UNIQUE"),
        _days(parameters),
        name=parameters.one("RENAME"),
        groups=groups,
    )


def _days(parameters: Parameters) -> int | None:
    days = parameters.whole_number("DAYS")
    if days is not None and days > LONGEST_DAYS:
        raise ParameterError(f"DAYS can be {LONGEST_DAYS} at most; 0 is for as long as may be")
    return days


def described(description: Description, parameters: Parameters) -> Description:
    """Return a description with what the parameters say: DESCRIPTION, POSITION, INVALID_POSITIONS. Raises: ParameterError."""
    table = description.table
    if text := parameters.one("DESCRIPTION"):
        table = replace(table, description=text)
    if position := parameters.one("POSITION"):
        names = _list(position)
        if len(names) != 2:
            raise ParameterError("POSITION is the columns of right ascension and declination, as in POSITION=ra,dec")
        table = replace(table, ra=names[0], dec=names[1])
    return replace(description, table=_with_invalid_positions(table, parameters))


def _with_invalid_positions(table: TableDescription, parameters: Parameters) -> TableDescription:
    value = parameters.one("INVALID_POSITIONS")
    if value not in {None, "null", "refuse"}:
        raise ParameterError("INVALID_POSITIONS can be null or refuse")
    return replace(table, invalid_positions=value) if value else table


def truth(parameters: Parameters, name: str) -> bool:
    """Return whether a parameter is true; it is false where it is missing. Raises: ParameterError."""
    value = (parameters.one(name) or "false").lower()
    if value not in {"true", "false", "1", "0"}:
        raise ParameterError(f"{name} can be true or false, not {value[:40]!r}")
    return value in {"true", "1"}


def _list(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _is_form(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_empty = request.headers.get("content-length", "0") == "0" and "transfer-encoding" not in request.headers
    return kind == _FORM or is_empty


def _name_of(file: FormFile) -> Path:
    """Return a name that tells the kind of file; text of which nobody says more is CSV, as of `curl -T`."""
    name, kind = file.file_name or file_name_of(file.media_type), file.media_type.partition(";")[0].strip().lower()
    is_csv = "." not in name and kind in _SAYS_NOTHING and _is_text(_head(file.path))
    return Path(f"{name}.csv" if is_csv else name)


def _is_text(head: bytes) -> bool:
    """Return whether a file that begins like this is text; its last character may be cut."""
    with suppress(UnicodeDecodeError):
        head[:-3].decode("utf-8")
        return b"\0" not in head and not head.lstrip().startswith(b"<")
    return False


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD)


def _read_small(path: Path) -> bytes:
    if path.stat().st_size > MOST_BYTES:
        raise LoadError(f"a description of a table has {MOST_BYTES:,} bytes at most")
    return path.read_bytes()


def _group_named(request: Request, names: tuple[str, ...]) -> str | None:
    """Return what a header says: a name, or a URI that ends in ?name; an empty text for `null`, None where there is none."""
    value = next((request.headers[name] for name in names if name in request.headers), None)
    if value is None:
        return None
    return "" if value.lower() == _NULL else value.rpartition("?")[2]


def rights_headers(table: OwnTable) -> dict[str, str]:
    """Return the headers that tell whose table it is, and who may read it."""
    writers = [grantee for grantee in table.writers if grantee.startswith("group:")]
    readers = [grantee for grantee in table.readers if grantee.startswith("group:") and grantee not in writers]
    headers = {"x-vosi-owner": quote(table.account), "x-vosi-auth-read": "true"}
    for names, groups in zip(_GROUP_HEADERS, (readers, writers), strict=True):
        if groups:
            headers |= dict.fromkeys(names, quote(groups[0].removeprefix("group:")))
    return headers
