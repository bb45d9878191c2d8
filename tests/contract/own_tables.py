"""An account's own tables as a client over HTTP sees them, and what tests put into them: rows that numpy or astropy made."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO, StringIO
from typing import Any
from urllib.parse import quote, unquote, urlencode

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy import units as u
from astropy.table import MaskedColumn, Table

from tests.contract.client import Reply, get
from tests.contract.test_uws_1_1 import FORM, HREF, call
from tests.contract.xsd import UWS
from tests.people import Person, basic, bearer

VOTABLE = "application/x-votable+xml"
XML = "text/xml"
CSV = "text/csv"
VOSI = (
    '<vosi:table xmlns:vosi="http://www.ivoa.net/xml/VOSITables/v1.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xmlns:vod="http://www.ivoa.net/xml/VODataService/v1.1" type="output"><name>another_name</name>'
)
_FOR_PROGRAMS = re.compile(r"/(async|sync|tables|load|table-update)\b")


@dataclass(frozen=True)
class Asker:
    """One who asks: an account with its password or with a token, or a stranger."""

    service: str
    person: Person | None = None
    token: str = ""

    @property
    def name(self) -> str:
        return self.person.name if self.person else ""

    @property
    def headers(self) -> dict[str, str]:
        if self.token:
            return bearer(self.token)
        return basic(self.person.name, self.person.password) if self.person else {}

    def own(self, table: str) -> str:
        """The full name of a table in the account's schema, as ADQL and /tables have it."""
        return f'"{self.name}".{table}'

    def call(self, method: str, path: str, body: bytes | None = None, /, **headers: str) -> Reply:
        url = path if path.startswith("http") else f"{self.service}/{path}"
        return call(method, url, body, **self._credentials(url, headers), **headers)

    def _credentials(self, url: str, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the password, or where programs ask a token of the account, which costs the service much less."""
        is_for_programs = _FOR_PROGRAMS.match(url.removeprefix(self.service)) and "html" not in headers.get(
            "Accept", ""
        )
        if self.person and not self.token and is_for_programs and self.person.token:
            return bearer(self.person.token)
        return self.headers

    def post_form(self, path: str, **form: str) -> Reply:
        return self.call("POST", path, urlencode(form).encode(), Content_Type=FORM["Content-Type"])

    # ---- /tables/NAME

    def put(self, table: str, body: bytes, kind: str = VOTABLE, /, **headers: str) -> Reply:
        return self.call("PUT", path(table), body, Content_Type=kind, **headers)

    def post(self, table: str, body: bytes, kind: str = VOTABLE, /, **headers: str) -> Reply:
        return self.call("POST", path(table), body, Content_Type=kind, **headers)

    def let(self, table: str, **headers: str) -> Reply:
        """POST headers that change rights, and no body."""
        return self.call("POST", path(table), **headers)

    def change(self, table: str, **form: str) -> Reply:
        return self.post_form(path(table), **form)

    def delete(self, table: str) -> Reply:
        return self.call("DELETE", path(table))

    def get(self, table: str) -> Reply:
        return self.call("GET", path(table))

    def head(self, table: str) -> Reply:
        return self.call("HEAD", path(table))

    def columns(self, table: str) -> dict[str, Any]:
        """The column elements of a table's document, which must be valid, by their names."""
        return {column.findtext("name"): column for column in self.get(table).xml().findall("column")}

    def flags(self, table: str, column: str) -> list[str]:
        return [flag.text for flag in self.columns(table)[column].findall("flag")]

    # ---- queries and jobs

    def ask(self, query: str, **more: str) -> Reply:
        return get(f"{self.service}/sync", {"LANG": "ADQL", "QUERY": query, "FORMAT": "csv"} | more, **self.headers)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """A query's rows, as pyarrow reads them."""
        reply = self.ask(query, FORMAT="parquet")
        assert reply.status == 200, reply.text
        return [tuple(row.values()) for row in pq.read_table(BytesIO(reply.body)).to_pylist()]

    def count(self, table: str) -> int:
        return int(self.rows(f"SELECT COUNT(*) AS n FROM {table}")[0][0])

    def run(self, query: str, **more: str) -> str:
        """The URL of a job that has ended."""
        reply = self.post_form("async", LANG="ADQL", QUERY=query, **more)
        assert reply.status == 303, reply.text
        return self.end(str(reply.headers["Location"]))

    def end(self, job: str) -> str:
        """Run a job to its end, and return its URL."""
        assert self.post_form(f"{job}/phase", PHASE="RUN").status in {200, 303}
        for phase in ("QUEUED", "EXECUTING"):
            self.call("GET", f"{job}?WAIT=30&PHASE={phase}")
        return job

    def phase(self, job: str) -> str:
        return self.call("GET", f"{job}/phase").text

    def error(self, job: str) -> str:
        """The message in a job's document, which must be valid."""
        document = self.call("GET", job).xml()
        return str(document.findtext(f"{{{UWS}}}errorSummary/{{{UWS}}}message") or "")

    def results(self, job: str) -> dict[str, str]:
        """The href of each result of a job."""
        document = self.call("GET", f"{job}/results").xml()
        return {result.get("id"): result.get(HREF) for result in document.iter(f"{{{UWS}}}result")}


def path(table: str) -> str:
    return f"tables/{quote(table)}"


def place(reply: Reply) -> str:
    """Where a new table is, without the quotes of names and of URLs."""
    return plain(str(reply.headers["Location"]))


def plain(url: str) -> str:
    return unquote(url).replace('"', "")


# ---- rows


def stars() -> Table:
    """Three stars, the second without a magnitude."""
    table = Table()
    table["id"] = np.array([1, 2, 2**40], dtype="int64")
    table["n"] = np.array([-32768, 0, 32767], dtype="int16")
    table["ra"] = MaskedColumn([10.5, 200.25, 359.999999999], unit=u.deg, description="Right ascension")
    table["dec"] = MaskedColumn([-90.0, 0.0, 45.125], unit=u.deg)
    table["mag"] = MaskedColumn([1.5, 0.0, -1.25], dtype="float32", unit=u.mag, mask=[False, True, False])
    table["name"] = ["Sirius", "Altair", "Vega"]
    table["ra"].meta["ucd"] = "pos.eq.ra"
    return table


def values(table: Table) -> list[tuple[Any, ...]]:
    """What a query shall give for a table: NULL where it is masked."""
    return [tuple(None if np.ma.is_masked(cell) else np.asarray(cell).item() for cell in row) for row in table]


def filled(table: Table) -> Table:
    """The same with NaN, for formats that know no other missing numbers."""
    table = table.copy()
    table["mag"] = MaskedColumn(table["mag"].filled(np.nan))
    return table


def arrow(table: Table) -> pa.Table:
    masks = {name: np.ma.getmaskarray(np.ma.asarray(table[name])) for name in table.colnames}
    return pa.table({
        name: pa.array(np.ma.getdata(np.ma.asarray(table[name])), mask=masks[name]) for name in masks
    })  # fmt: skip


def binary(table: Table, **options: Any) -> bytes:
    buffer = BytesIO()
    table.write(buffer, **options)
    return buffer.getvalue()


def text(table: Table, **options: Any) -> bytes:
    buffer = StringIO()
    table.write(buffer, **options)
    return buffer.getvalue().encode()


def votable(table: Table, form: str = "tabledata") -> bytes:
    return binary(table, format="votable", tabledata_format=form)


def csv(table: Table) -> bytes:
    return text(table, format="ascii.csv")


def parquet(table: Table) -> bytes:
    buffer = BytesIO()
    pq.write_table(arrow(table), buffer)
    return buffer.getvalue()


def _ipc(table: Table) -> bytes:
    buffer, rows = BytesIO(), arrow(table)
    with pa.ipc.new_stream(buffer, rows.schema) as writer:
        writer.write_table(rows)
    return buffer.getvalue()


WRITERS: dict[str, tuple[str, Callable[[Table], bytes]]] = {
    "tabledata": (VOTABLE, votable),
    "binary": (VOTABLE, lambda table: votable(filled(table), "binary")),
    "binary2": (VOTABLE, lambda table: votable(table, "binary2")),
    "csv": (CSV, csv),
    "tsv": ("text/tab-separated-values", lambda table: text(table, format="ascii.csv", delimiter="\t")),
    "ecsv": ("application/x-ecsv", lambda table: text(table, format="ascii.ecsv")),
    "fits": ("application/fits", lambda table: binary(filled(table), format="fits")),
    "parquet": ("application/vnd.apache.parquet", parquet),
    "arrow": ("application/vnd.apache.arrow.stream", _ipc),
}


# ---- descriptions of tables (VOSI)


def column(name: str, datatype: str, type_: str = "VOTableType", *, more: str = "", **attributes: str) -> str:
    """A column element; `more` stands between its name and its type."""
    written = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f'<column><name>{name}</name>{more}<dataType xsi:type="vod:{type_}"{written}>{datatype}</dataType></column>'


def description(*columns: str, more: str = "") -> bytes:
    """A document of one table; `more` stands between its name and its columns."""
    return f"{VOSI}{more}{''.join(columns)}</vosi:table>".encode()


def same_columns(client: Asker, table: str, **more: str) -> list[str]:
    """The columns that a table has, with `more` said of some of them."""
    found = []
    for name, element in client.columns(table).items():
        kind = element.find("dataType")
        attributes = {key: value for key, value in kind.attrib.items() if not key.startswith("{")}
        found.append(column(name, kind.text, more=more.get(name, ""), **attributes))
    return found
