"""The contract of a TAP service, tried on one that runs, one function a clause (TAP 1.1, UWS 1.1, VOSI 1.1, DALI 1.1)."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
from typing import Any

from astropy.table import Table

from tap.client.http import Refused, Unreachable, parsed
from tap.client.job import JobFailed
from tap.client.questions import Service, WrongAnswer, ask_cone, ask_job, ask_with_upload

_QUERY = "SELECT TOP 3 table_name, column_name FROM tap_schema.columns ORDER BY table_name, column_name"
_PLACES = "SELECT TOP 3 table_name, POINT(56.75, 24.12) AS place FROM tap_schema.tables ORDER BY table_name"
"""A query of rows with places, without which nothing can be written as a MOC."""
_WRONG = "SELECT no_such_column FROM tap_schema.tables"
_TAP, _ASYNC = "ivo://ivoa.net/std/TAP", "async"
_TAPLINT_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Step:
    """A clause of the contract, and what is wrong with it; empty: nothing."""

    what: str
    problem: str


def selftest(service: Service, *, taplint: bool = False) -> Iterator[Step]:
    """Try each clause, and go on whatever comes of it."""
    for clause in (*_CLAUSES, *([_taplint] if taplint else [])):
        yield Step(str(clause.__doc__).partition("\n")[0].rstrip("."), _problem(clause, service))


def _problem(clause: Callable[[Service], None], service: Service) -> str:
    try:
        clause(service)
    except (Refused, Unreachable, WrongAnswer, JobFailed) as error:
        return str(error)[:500] or type(error).__name__
    return ""


def _expect(*, that: object, otherwise: str) -> None:
    if not that:
        raise WrongAnswer(otherwise)


# ---- clauses


def _available(service: Service) -> None:
    """The service says that it is available."""
    document = parsed(service.get("availability"))
    notes = " ".join(note.text or "" for note in document.iter("{*}note"))
    _expect(that=document.findtext("{*}available") == "true", otherwise=notes or "it says that it is not")


def _capabilities(service: Service) -> None:
    """The capabilities name TAP, its language and its formats."""
    tap = _tap_capability(service)
    _expect(that=tap.findtext("{*}language/{*}name") == "ADQL", otherwise="there is no language ADQL")
    _expect(that=tap.findall("{*}outputFormat"), otherwise="there is no format")


def _tap_capability(service: Service) -> Any:
    for capability in parsed(service.get("capabilities")).iter("{*}capability"):
        if capability.get("standardID", "").split("#")[0] == _TAP:
            return capability
    raise WrongAnswer(f"no capability is {_TAP}")


def _tables(service: Service) -> None:
    """The tables of /tables are those of TAP_SCHEMA."""
    document = parsed(service.get("tables?detail=min"))
    listed = {(name.text or "").lower() for name in document.iterfind(".//{*}table/{*}name")}
    rows = service.rows("SELECT table_name FROM tap_schema.tables", MAXREC="1000000")
    missing = sorted({row["table_name"].lower() for row in rows} - listed)
    _expect(that=listed and not missing, otherwise=f"/tables does not list {', '.join(missing[:5]) or 'anything'}")


def _formats(service: Service) -> None:
    """Every format that is announced is what comes when it is asked for."""
    for element in _tap_capability(service).findall("{*}outputFormat"):
        media_type = str(element.findtext("{*}mime"))
        with service.http.send("GET", service.query_url(_PLACES, RESPONSEFORMAT=media_type)) as answer:
            answer.read()
            kind = str(answer.headers["Content-Type"]).partition(";")[0]
        _expect(that=kind == media_type.partition(";")[0], otherwise=f"{media_type} comes as {kind}")


def _same_rows(service: Service) -> None:
    """A VOTable has the rows that CSV has."""
    votable = Table.read(BytesIO(service.get("sync", {"LANG": "ADQL", "QUERY": _QUERY})), format="votable")
    names = [str(name) for name in votable["table_name"]]
    _expect(that=names == [row["table_name"] for row in service.rows(_QUERY)], otherwise="they differ")


def _overflow(service: Service) -> None:
    """MAXREC cuts a result, and the result says so."""
    document = parsed(service.get("sync", {"LANG": "ADQL", "QUERY": _QUERY, "MAXREC": "1"}))
    statuses = [info.get("value") for info in document.iter("{*}INFO") if info.get("name") == "QUERY_STATUS"]
    _expect(that=statuses[-1:] == ["OVERFLOW"], otherwise=f"the last QUERY_STATUS is {statuses[-1:]}")


def _errors(service: Service) -> None:
    """A wrong query is refused, and the error names what is wrong."""
    try:
        service.rows(_WRONG)
    except Refused as error:
        is_named = error.status == HTTPStatus.BAD_REQUEST and "no_such_column" in str(error)
        _expect(that=is_named, otherwise=f"status {error.status}: {error}")
        return
    raise WrongAnswer("it is answered")


def _no_job(service: Service) -> None:
    """A job that there is not is not found."""
    try:
        service.get(f"{_ASYNC}/none")
    except Refused as error:
        _expect(that=error.status == HTTPStatus.NOT_FOUND, otherwise=f"status {error.status}")
        return
    raise WrongAnswer("it is answered")


def _abort(service: Service) -> None:
    """A job can be aborted and deleted."""
    job = service.job(_QUERY)
    try:
        service.http.send("POST", f"{job.url}/phase", b"PHASE=ABORT").close()
        phase = job.state().phase
        _expect(that=phase == "ABORTED", otherwise=f"it is {phase}")
    finally:
        with suppress(Refused):
            job.delete()


def _cone(service: Service) -> None:
    """A cone round a star gives the star."""
    ask_cone(service)


def _upload(service: Service) -> None:
    """A table that comes with a query can be read by it."""
    ask_with_upload(service)


def _job(service: Service) -> None:
    """A job runs, and its result is there."""
    ask_job(service)


def _taplint(service: Service) -> None:
    """STILTS taplint has no errors."""
    stilts = shutil.which("stilts")
    if not stilts:
        raise WrongAnswer("stilts is not installed: apt install stilts")
    command = [stilts, "taplint", f"tapurl={service.url}", "report=EF"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TAPLINT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise WrongAnswer(f"taplint has not ended after {_TAPLINT_SECONDS} s") from None
    totals = re.search(r"^Totals: .*$", done.stdout, re.MULTILINE)
    _expect(that=totals and "Errors: 0;" in totals[0], otherwise=totals[0] if totals else done.stderr[-300:])


_CLAUSES = (
    _available, _capabilities, _tables, _cone, _upload, _job, _formats, _same_rows, _overflow, _errors, _no_job, _abort
)  # fmt: skip
