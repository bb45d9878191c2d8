"""A TAP service as others were before ours: TAP 1.0 and UWS 1.0 over SQLite.

It knows FORMAT and no RESPONSEFORMAT, TAP_SCHEMA without the columns of 1.1, answers wrong queries with status 200, has
VOTable in TABLEDATA and CSV only, no WAIT and no list of jobs; and a function `brightest` that we do not know. `sleep(s)`
makes a query slow.
"""

import re
import sqlite3
import threading
import time
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape, quoteattr

_PUBLISHED = """
CREATE TABLE TAP_SCHEMA.schemas (schema_name, description, utype);
CREATE TABLE TAP_SCHEMA.tables (schema_name, table_name, table_type, description, utype);
CREATE TABLE TAP_SCHEMA.columns (table_name, column_name, description, unit, ucd, utype, datatype, "size", principal, indexed, std);
INSERT INTO TAP_SCHEMA.schemas VALUES ('old', 'Old plates', NULL), ('TAP_SCHEMA', 'This', NULL);
INSERT INTO TAP_SCHEMA.tables VALUES
  ('old', 'old.plates', 'table', 'Photographic plates of the southern sky', NULL),
  ('TAP_SCHEMA', 'TAP_SCHEMA.tables', 'table', 'Tables', NULL);
INSERT INTO TAP_SCHEMA.columns VALUES
  ('old.plates', 'plate_id', 'Number of the plate', NULL, 'meta.id', NULL, 'adql:INTEGER', NULL, 1, 1, 0),
  ('old.plates', 'ra', 'Centre, right ascension', 'deg', 'pos.eq.ra', NULL, 'adql:DOUBLE', NULL, 1, 0, 0),
  ('old.plates', 'observer', 'Who took it', NULL, NULL, NULL, 'adql:VARCHAR', 40, 1, 0, 0),
  ('old.plates', 'emulsion', NULL, NULL, NULL, NULL, 'adql:UNHEARD_OF', NULL, 0, 0, 0),
  ('TAP_SCHEMA.tables', 'table_name', NULL, NULL, NULL, NULL, 'adql:VARCHAR', NULL, 1, 0, 0);
CREATE TABLE old.plates (plate_id INTEGER, ra REAL, observer TEXT, emulsion TEXT);
"""
_CAPABILITIES = """<?xml version="1.0"?>
<cap:capabilities xmlns:cap="http://www.ivoa.net/xml/VOSICapabilities/v1.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xmlns:tr="http://www.ivoa.net/xml/TAPRegExt/v1.0">
<capability standardID="ivo://ivoa.net/std/TAP" xsi:type="tr:TableAccess">
<language><name>ADQL</name><version>2.0</version>
<languageFeatures type="ivo://ivoa.net/std/TAPRegExt#features-udf"><feature><form>brightest(n INTEGER) -> INTEGER</form></feature></languageFeatures>
</language>
<outputFormat><mime>application/x-votable+xml</mime><alias>votable</alias></outputFormat>
<outputFormat><mime>text/csv</mime><alias>csv</alias></outputFormat>
<uploadMethod ivo-id="ivo://ivoa.org/tap/uploadmethods#inline"/>
<uploadMethod ivo-id="ivo://ivoa.net/std/TAPRegExt#upload-inline"/>
<outputLimit><default unit="row">3000</default><hard unit="row">5000</hard></outputLimit>
</capability></cap:capabilities>"""
_COUNT = 2500
"""Plates."""


@dataclass
class OldJob:
    """A job of UWS 1.0."""

    parameters: dict[str, str]
    phase: str = "PENDING"
    result: bytes = b""
    message: str = ""


@dataclass
class Asked:
    """What came, to be looked at by tests; `authorizations` with the host that each was sent to."""

    paths: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    authorizations: set[tuple[str, str]] = field(default_factory=set)


class OtherService(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.jobs: dict[str, OldJob] = {}
        self.asked = Asked()
        self.jobs_at = "127.0.0.1"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/old/tap"

    def run(self, job: OldJob) -> None:
        job.phase = "EXECUTING"
        try:
            result = answer(job.parameters, {})
        except sqlite3.Error as error:
            job.phase, job.message = "ERROR", str(error)
            return
        if job.phase == "EXECUTING":
            job.phase, job.result = "COMPLETED", result


def database(uploads: dict[str, bytes]) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    for name in ("TAP_SCHEMA", "old", "TAP_UPLOAD"):
        connection.execute(f"ATTACH ':memory:' AS {name}")
    connection.executescript(_PUBLISHED)
    plates = [(n, n * 0.125, "Hertzsprung" if n % 2 else None, "IIa-O") for n in range(1, _COUNT + 1)]
    connection.executemany("INSERT INTO old.plates VALUES (?, ?, ?, ?)", plates)
    connection.create_function("sleep", 1, lambda seconds: time.sleep(seconds) or seconds)
    connection.create_function("brightest", 1, lambda n: n)
    for name, document in uploads.items():
        _upload(connection, name, document)
    return connection


def _upload(connection: sqlite3.Connection, name: str, document: bytes) -> None:
    from io import BytesIO

    from astropy.io.votable import parse_single_table

    table = parse_single_table(BytesIO(document)).to_table()
    columns, places = ", ".join(table.colnames), ", ".join("?" * len(table.colnames))
    connection.execute(f"CREATE TABLE TAP_UPLOAD.{name} ({columns})")
    rows = [
        [None if value is None else str(value) if isinstance(value, str) else value.item() for value in row]
        for row in table
    ]
    connection.executemany(f"INSERT INTO TAP_UPLOAD.{name} VALUES ({places})", rows)


def answer(parameters: dict[str, str], uploads: dict[str, bytes]) -> bytes:
    """Run a query. Raises: sqlite3.Error."""
    query = re.sub(r"\bTOP (\d+)\b(.*)", r"\2 LIMIT \1", parameters["QUERY"], flags=re.DOTALL)
    most = min(int(parameters.get("MAXREC", "3000")), 5000)
    with database(uploads) as connection:
        cursor = connection.execute(query)
        rows = cursor.fetchmany(most + 1)
        names = [column[0] for column in cursor.description]
    if parameters.get("FORMAT") in {"csv", "text/csv"}:
        lines = [",".join(names), *(",".join("" if v is None else str(v) for v in row) for row in rows[:most])]
        return "\r\n".join(lines).encode()
    return _votable(names, rows[:most], is_cut=len(rows) > most)


def _votable(names: list[str], rows: list[tuple[Any, ...]], *, is_cut: bool) -> bytes:
    first = rows[0] if rows else [""] * len(names)
    text = 'datatype="char" arraysize="*"'
    types = {int: 'datatype="long"', float: 'datatype="double" unit="deg"'}
    fields = "".join(
        f"<FIELD name={quoteattr(name)} {types.get(type(value), text)}/>"
        for name, value in zip(names, first, strict=True)
    )
    cells = "".join(
        "<TR>" + "".join(f"<TD>{'' if value is None else escape(str(value))}</TD>" for value in row) + "</TR>\n"
        for row in rows
    )
    end = '<INFO name="QUERY_STATUS" value="OVERFLOW"/>' if is_cut else ""
    return _document(
        f'<INFO name="QUERY_STATUS" value="OK"/><TABLE>{fields}<DATA><TABLEDATA>\n{cells}</TABLEDATA></DATA></TABLE>{end}'
    )


def _document(resource: str) -> bytes:
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<VOTABLE version="1.2" xmlns="http://www.ivoa.net/xml/VOTable/v1.2">'
    )
    return f'{head}<RESOURCE type="results">{resource}</RESOURCE></VOTABLE>'.encode()


def failure(message: str) -> bytes:
    return _document(f'<INFO name="QUERY_STATUS" value="ERROR">{escape(message)}</INFO>')


class _Handler(BaseHTTPRequestHandler):
    server: OtherService

    def do_GET(self) -> None:
        path = self._path()
        if path == "capabilities":
            self._send(200, _CAPABILITIES.encode(), "text/xml")
        elif path.startswith("sync?"):
            self._sync(dict(parse_qsl(path.partition("?")[2])), {})
        elif match := re.fullmatch(r"async/(\w+)(?:\?.*)?", path):
            self._job(match[1])
        elif match := re.fullmatch(r"async/(\w+)/results/result", path):
            self._send(200, self.server.jobs[match[1]].result, self._type(self.server.jobs[match[1]].parameters))
        else:
            self._send(404, b"<html>Not found</html>", "text/html")

    def do_POST(self) -> None:
        path = self._path()
        form, files = self._form()
        self.server.asked.forms.append(form)
        if path == "sync":
            self._sync(form, files)
        elif path == "async":
            name = f"j{len(self.server.jobs) + 1}"
            self.server.jobs[name] = OldJob(form)
            self._see(name)
        elif match := re.fullmatch(r"async/(\w+)/phase", path):
            self._phase(match[1], form["PHASE"])
        else:
            self._send(404, b"<html>Not found</html>", "text/html")

    def do_DELETE(self) -> None:
        self.server.jobs.pop(self._path().rpartition("/")[2], None)
        self.send_response(303)
        self.send_header("Location", f"{self.server.url}/async")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _path(self) -> str:
        self.server.asked.paths.append(f"{self.command} {self.path}")
        self.server.asked.authorizations.add((self.headers["Host"], self.headers.get("Authorization", "")))
        return self.path.removeprefix("/old/tap/")

    def _form(self) -> tuple[dict[str, str], dict[str, bytes]]:
        body, kind = self.rfile.read(int(self.headers.get("Content-Length", "0"))), self.headers.get("Content-Type", "")
        if not kind.startswith("multipart/"):
            return dict(parse_qsl(body.decode())), {}
        fields: dict[str, str] = {}
        files: dict[str, bytes] = {}
        for part in message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body).get_payload():
            name = part.get_param("name", header="Content-Disposition")
            content = part.get_payload(decode=True)
            if part.get_filename():
                files[name] = content
            else:
                fields[name] = content.decode()
        return fields, files

    def _sync(self, form: dict[str, str], files: dict[str, bytes]) -> None:
        uploads = dict(pair.split(",param:") for pair in form.get("UPLOAD", "").split(";") if pair)
        try:
            body = answer(form, {table: files[name] for table, name in uploads.items()})
        except sqlite3.Error as error:
            # TAP 1.0 §2.9: an error is a document like any other.
            self._send(200, failure(_as_others_say(str(error), form["QUERY"])), "text/xml")
            return
        self._send(200, body, self._type(form))

    def _type(self, form: dict[str, str]) -> str:
        return "text/csv" if "csv" in form.get("FORMAT", "") else "application/x-votable+xml"

    def _phase(self, name: str, phase: str) -> None:
        job = self.server.jobs[name]
        if phase == "RUN":
            job.phase = "QUEUED"
            threading.Thread(target=self.server.run, args=(job,), daemon=True).start()
        else:
            job.phase = "ABORTED"
        self._see(name)

    def _see(self, name: str) -> None:
        self.send_response(303)
        self.send_header("Location", f"{self.server.url.replace('127.0.0.1', self.server.jobs_at)}/async/{name}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _job(self, name: str) -> None:
        job = self.server.jobs.get(name)
        if job is None:
            self._send(404, b"No such job", "text/plain")
            return
        error = (
            f'<errorSummary type="fatal"><message>{escape(job.message)}</message></errorSummary>' if job.message else ""
        )
        document = f'<job xmlns="http://www.ivoa.net/xml/UWS/v1.0"><jobId>{name}</jobId><phase>{job.phase}</phase>{error}</job>'
        self._send(200, document.encode(), "text/xml")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _as_others_say(message: str, query: str) -> str:
    """Return SQLite's message with the place, as a parser of JavaCC has it."""
    word = re.search(r'near "([^"]*)"', message)
    if not word:
        return message
    place = query.rindex(word[1])
    line, column = query.count("\n", 0, place) + 1, place - query.rfind("\n", 0, place)
    return f'Encountered "{word[1]}" at line {line}, column {column}.'
