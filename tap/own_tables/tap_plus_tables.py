"""Own tables, groups and shares as the TAP+ of the ESA archives has them, which astroquery's TapPlus and Gaia class speak.

It answers exactly 200 where they expect it, and takes their bodies as they come: those of `share` are not escaped.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.parse import parse_qsl

from lxml import etree
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from schema.description import ColumnDescription, Description, TableDescription
from schema.load import open_file
from schema.model import stored_name
from schema.own_tables.rows import NewTable
from schema.vodataservice import writable
from tap.auth.accounts import AccountStore, Group
from tap.auth.identity import Account
from tap.auth.private import account_of
from tap.error_middleware import xml
from tap.form import Form, FormFile, pieces, read_form, read_parameters
from tap.own_tables.own_tables import TableChange
from tap.own_tables.resources import TableResources, owner_of, truth
from tap.shares.groups import Groups
from tap.shares.shares import TABLE, NewShare, Share, Shares
from tap.temp_files import without_path
from tap.uploads.remote import Remote
from tap.uploads.upload import uploads_of
from uws.parameters import ParameterError, Parameters

Element = Any

_NONE = "none"
"""What TapPlus writes for what it does not know."""
_WHY = "only accounts have groups and shares"
_UCDS = {"FLUX": "phot.flux", "MAG": "phot.mag", "PK": "meta.id;meta.main"}
_ITEM = re.compile(r"([^|]+)\|(Group|User)\|(Read|Write)", re.IGNORECASE)
_KEYS = re.compile(
    r"(?:^|&)(action|resource_type|title|description|group_id|users_list|items_list|resource_id)=", re.IGNORECASE
)


@dataclass(frozen=True)
class TapPlusTables:
    """The handlers."""

    resources: TableResources
    shares: Shares
    groups: Groups
    remote: Remote

    @property
    def accounts(self) -> AccountStore:
        return self.shares.accounts

    async def post(self, request: Request) -> Response:
        """Take what TapPlus sends to the service itself where nobody told it of Upload and TableTool."""
        owner_of(request)
        form = await read_form(request, self.resources.config, uploads_of(self.resources.config))
        return await (self._edit if form.parameters.one("ACTION") else self._upload)(request, form)

    async def upload(self, request: Request) -> Response:
        """Make a table of a file, a URL or a job's result; or delete one."""
        owner_of(request)
        form = await read_form(request, self.resources.config, uploads_of(self.resources.config))
        return await self._upload(request, form)

    async def _upload(self, request: Request, form: Form) -> Response:
        try:
            account, name = owner_of(request), form.parameters.required("TABLE_NAME")
            if truth(form.parameters, "DELETE"):
                await self.resources.run(account, self.resources.tables.drop, name)
                return _done("deleted")
            loaded = await self.resources.run(account, self._make, name, form)
        finally:
            form.close()
        return _done(f"{loaded} is there")

    def _make(self, account: Account, name: str, form: Form) -> str:
        if "." in stored_name(name) and not name.startswith('"'):
            raise ParameterError("TABLE_NAME is the name of the table alone, without a schema and a dot")
        about = form.parameters.one("TABLE_DESC")
        about = None if about is None or about.lower() == _NONE else about
        if job_id := form.parameters.one("JOBID"):
            return self._make_of_job(account, name, job_id, about)
        if url := form.parameters.one("URL"):
            return self._make_of_url(account, name, url, about)
        file = next((file for file in form.files if file.name.upper() == "FILE"), None)
        if file is None:
            raise ParameterError("The file is missing: the part FILE of the form, or URL, or JOBID")
        return self._make_of_file(account, name, file, about)

    def _make_of_file(self, account: Account, name: str, file: FormFile, about: str | None) -> str:
        with without_path(file.path):
            reader, description = self.resources.opened(file)
            return self._put(account, NewTable(name, reader, _about(description, about)))

    def _make_of_url(self, account: Account, name: str, url: str, about: str | None) -> str:
        with NamedTemporaryFile(dir=uploads_of(self.resources.config)) as file:
            for piece in self.remote.fetch(url):
                file.write(piece)
            file.flush()
            name_in_url = url.partition("?")[0].rpartition("/")[2]
            return self._make_of_file(account, name, FormFile("FILE", Path(file.name), name_in_url), about)

    def _make_of_job(self, account: Account, name: str, job_id: str, about: str | None) -> str:
        with self.resources.results.opened(account.name, job_id) as (job, path), without_path(path):
            query = Parameters(job.parameters).one("QUERY")
            return self._put(account, NewTable(name, open_file(path), _about(Description(), about or query)))

    def _put(self, account: Account, new: NewTable) -> str:
        return self.resources.tables.make(account, new).table.table_name

    # ---- TableTool

    async def table_tool(self, request: Request) -> Response:
        owner_of(request)
        form = await read_form(request, self.resources.config, uploads_of(self.resources.config))
        return await self._edit(request, form)

    async def _edit(self, request: Request, form: Form) -> Response:
        form.close()
        account, parameters = owner_of(request), form.parameters
        action = parameters.required("ACTION").lower()
        changes: dict[str, Callable[[Account, Parameters], None]] = {
            "rename": self._rename,
            "edit": self._edit_columns,
            "radec": self._set_position,
        }
        if action not in changes:
            raise ParameterError(f"ACTION can be {', '.join(changes)}, not {action[:40]!r}")
        await self.resources.run(account, changes[action], parameters)
        return _done("changed")

    def _rename(self, account: Account, parameters: Parameters) -> None:
        name, new_name = parameters.required("TABLE_NAME"), parameters.one("NEW_TABLE_NAME")
        pairs = [pair.partition(":") for pair in (parameters.one("NEW_COLUMN_NAMES") or "").split(",") if pair]
        columns = {old.strip(): stored_name(new.strip()) for old, _, new in pairs}
        change = TableChange(columns=columns, name=new_name if new_name != name else None)
        if not change:
            raise ParameterError("There is nothing to rename: NEW_TABLE_NAME, NEW_COLUMN_NAMES=old:new")
        self.resources.tables.change(account, name, change)

    def _set_position(self, account: Account, parameters: Parameters) -> None:
        position = TableDescription(ra=parameters.required("RA"), dec=parameters.required("DEC"))
        name = parameters.required("TABLE_NAME")
        self.resources.tables.change(account, name, TableChange(Description(position)))

    def _edit_columns(self, account: Account, parameters: Parameters) -> None:
        """Take what TapPlus says of every column; what it does not know it writes as None, which changes nothing."""
        name, count = parameters.required("TABLE0"), parameters.whole_number("TABLE0_NUMCOLS") or 0
        if (parameters.whole_number("NUMTABLES") or 1) != 1:
            raise ParameterError("One table at a time: NUMTABLES must be 1")
        edits = [_edit(parameters, number) for number in range(count)]
        roles = {edit.flag: edit.column for edit in edits}
        table = TableDescription(ra=roles.get("RA"), dec=roles.get("DEC"))
        columns = {edit.column: edit.description for edit in edits}
        self.resources.tables.change(account, name, TableChange(Description(table, columns=columns)))
        for edit in edits:
            if edit.indexed or edit.flag == "PK":
                self.resources.tables.change(account, name, TableChange(index=(edit.column,)))

    # ---- groups and shares

    async def share(self, request: Request) -> Response:
        account = account_of(request, _WHY)
        if request.method == "GET":
            action = (await read_parameters(request, self.resources.config)).required("ACTION").lower()
            lists: dict[str, Callable[[Account], Element]] = {"getgroups": self._groups, "getshareditems": self._items}
            if action not in lists:
                raise ParameterError("ACTION can be GetGroups or GetSharedItems")
            root = await run_in_threadpool(lists[action], account)
            return xml(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))
        owner_of(request)
        await run_in_threadpool(self._change_shares, account, await self._unescaped(request))
        return _done("done")

    async def _unescaped(self, request: Request) -> Parameters:
        """Read a form that is not escaped: what is between the names that there are is their values."""
        web = self.resources.config.web
        body = b"".join([piece async for piece in pieces(request, web, web.body_limit)])
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError:
            text = body.decode("latin-1")
        if " " not in text and "%" in text:
            return Parameters.of(parse_qsl(text, keep_blank_values=True))
        parts = _KEYS.split(text)
        return Parameters.of(zip(parts[1::2], parts[2::2], strict=True))

    def _change_shares(self, account: Account, parameters: Parameters) -> None:
        action = parameters.required("ACTION").lower()
        changes: dict[str, Callable[[Account, Parameters], None]] = {
            "createorupdategroup": self._put_group,
            "removegroup": self._remove_group,
            "createorupdateitem": self._put_item,
            "removeitem": self._remove_item,
        }
        if action not in changes:
            raise ParameterError(f"ACTION {action[:40]!r} is not known")
        changes[action](account, parameters)

    def _put_group(self, account: Account, parameters: Parameters) -> None:
        title, about = parameters.required("TITLE"), parameters.one("DESCRIPTION")
        number = parameters.one("GROUP_ID")
        if number is None:
            self.groups.make(account, title, about)
            return
        group = self.groups.owned(account, number=number)
        self.groups.describe(group, about)
        wanted = {name.strip().lower() for name in (parameters.one("USERS_LIST") or "").split(",") if name.strip()}
        gone = [name for name in group.members if name.lower() not in wanted and name not in group.owners]
        self.groups.change(group, sorted(wanted), gone)

    def _remove_group(self, account: Account, parameters: Parameters) -> None:
        self.groups.delete(self.groups.owned(account, number=parameters.required("GROUP_ID")))

    def _group(self, group_id: str) -> Group | None:
        return next((group for group in self.accounts.groups() if str(group.group_id) == group_id.strip()), None)

    def _put_item(self, account: Account, parameters: Parameters) -> None:
        """Share a table with each that is listed."""
        title, items = parameters.required("TITLE"), _items_of(parameters.required("ITEMS_LIST"))
        for whom, kind, mode in items:
            group = self._group(whom) if kind.lower() == "group" else None
            if kind.lower() == "group" and group is None:
                raise ParameterError(f"There is no group {whom[:40]}")
            grantee = f"group:{group.name}" if group else f"user:{whom}"
            self.shares.share(account, NewShare(TABLE, title, grantee, mode.lower() == "write"))

    def _remove_item(self, account: Account, parameters: Parameters) -> None:
        share_id = parameters.whole_number("RESOURCE_ID")
        if share_id is None:
            raise ParameterError("The parameter RESOURCE_ID is missing")
        self.shares.revoke(self.shares.find(account, share_id))

    def _groups(self, account: Account) -> Element:
        root = etree.Element("sharedGroups")
        for group in self.groups.of(account):
            owner = group.owners[0] if group.owners else ""
            element = etree.SubElement(root, "sharedGroup", {"id": str(group.group_id), "owner": owner})
            _texts(element, title=group.name, description=group.description)
            users = etree.SubElement(element, "users")
            for name in group.members:
                etree.SubElement(users, "user", {"id": name, "name": name})
        return root

    def _items(self, account: Account) -> Element:
        """Return one item for each share: they are taken back one by one."""
        groups = {group.name: group.group_id for group in self.accounts.groups()}
        root = etree.Element("sharedItems")
        for share in self.shares.given(account):
            if share.kind == TABLE and share.grantee:
                _item(root, share, groups)
        return root

    async def users(self, request: Request) -> Response:
        """Tell whether there is an account of that name."""
        account_of(request, _WHY)
        name = (await read_parameters(request, self.resources.config)).required("USER")
        record = await run_in_threadpool(self.accounts.record, name)
        text = f"{record.account.name}: {record.account.name}\n" if record and record.account.name == name else "\n"
        return Response(text, media_type="text/plain")


@dataclass(frozen=True, slots=True)
class _Edit:
    """What is said of one column: its role as TapPlus calls it, in upper case."""

    column: str
    description: ColumnDescription
    flag: str
    indexed: bool


def _edit(parameters: Parameters, number: int) -> _Edit:
    key = f"TABLE0_COL{number}"
    column, flag = parameters.required(key), _known(parameters, f"{key}_FLAGS") or ""
    ucd = _known(parameters, f"{key}_UCD")
    description = ColumnDescription(
        ucd=_UCDS.get(flag.upper()) if ucd is None else ucd, utype=_known(parameters, f"{key}_UTYPE")
    )
    return _Edit(stored_name(column), description, flag.upper(), truth(parameters, f"{key}_INDEXED"))


def _items_of(text: str) -> list[tuple[str, str, str]]:
    """Return whom an item is shared with, of which kind they are, and what they may do. Raises: ParameterError."""
    items = [match.groups() for item in text.split(",") if (match := _ITEM.fullmatch(item.strip()))]
    if not items:
        raise ParameterError("ITEMS_LIST is id|Group|Read, several joined by commas")
    return [(whom, kind, mode) for whom, kind, mode in items]


def _known(parameters: Parameters, name: str) -> str | None:
    value = next(iter(parameters.all(name)), None)
    return None if value is None or value.lower() == _NONE else value


def _about(description: Description, text: str | None) -> Description:
    """Return a description with a text of the table, if there is one."""
    return replace(description, table=replace(description.table, description=text)) if text else description


def _item(root: Element, share: Share, groups: dict[str, int]) -> None:
    kind, _, name = (share.grantee or "").partition(":")
    element = etree.SubElement(root, "sharedItem", {"id": str(share.share_id), "type": "0"})
    _texts(element, title=share.title or share.name, description=None)
    to = etree.SubElement(element, "sharedToItems")
    whom = str(groups.get(name, "")) if kind == "group" else name
    mode = "Write" if share.may_write else "Read"
    etree.SubElement(to, "sharedToItem", {"shareTo": whom, "shareType": kind.capitalize(), "shareMode": mode})


def _texts(element: Element, **texts: str | None) -> None:
    """Write each text, the empty ones too: TapPlus misses what is not there."""
    for name, text in texts.items():
        etree.SubElement(element, name).text = writable(text or "")


def _done(text: str) -> Response:
    return Response(f"{text}\n", media_type="text/plain")
