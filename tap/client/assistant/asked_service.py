"""A TAP service that is asked in the name of a user, each answer bounded in bytes and in time."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import quote, urlencode

from adql.errors import Span, place_of
from adql.repairs import Repair
from tap.client.assistant.votable_rows import VotableRows, read_votable
from tap.client.http import Http, Refused, Unreachable, bearer, parsed

MOMENT = 20.0
"""Seconds that an answer may take while somebody waits for it."""
MOST_BYTES = 8 << 20
"""Of an answer that is kept in memory."""
_PIECE = 1 << 16
_NO_CHECK = {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_ACCEPTABLE}
_TIME_LIMIT = "time-limit"


class TooMuch(Exception):
    """More than may be done at once for an assistant."""


class TakesLonger(Exception):
    """A query that did not end while somebody waited."""


@dataclass(frozen=True)
class AskedService:
    """A service, and how it is shown who asks."""

    url: str
    token: str = field(default="", repr=False)

    def http(self) -> Http:
        return Http(0, bearer(self.token), MOMENT, "armillary-mcp")

    def without_secret(self, text: str) -> str:
        """Return a text that may quote what was sent, without the token."""
        return text.replace(self.token, "[token]") if self.token else text

    def get(self, path: str) -> bytes:
        """Raises: Refused, Unreachable, TooMuch."""
        with self.http().send("GET", f"{self.url}/{path}") as answer:
            return whole(answer)

    def post(self, path: str, **form: str) -> bytes:
        """Raises: Refused, Unreachable, TooMuch."""
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "*/*"}
        with self.http().send("POST", f"{self.url}/{path}", urlencode(form).encode(), headers) as answer:
            return whole(answer)

    def query(self, adql: str, maxrec: int) -> VotableRows:
        """Run a query at once. Raises: TakesLonger, Refused, Unreachable, TooMuch."""
        try:
            form = {"LANG": "ADQL", "QUERY": adql, "MAXREC": str(maxrec), "RESPONSEFORMAT": "votable"}
            return read_votable(self.post("sync", **form))
        except Unreachable as error:
            if _took_too_long(error.__cause__):
                raise TakesLonger(f"The query takes longer than {MOMENT:.0f} s") from error
            raise

    def whoami(self) -> dict[str, Any]:
        """Return what the service tells of who asks; nothing where it does not say."""
        try:
            answer = json.loads(self.get("whoami"))
        except (Refused, ValueError):
            return {}
        return answer if isinstance(answer, dict) else {}

    def number_of_rows(self, table: str) -> int | None:
        """Return how many rows a table has, if the service has VOSI's document of it and says so there."""
        with suppress(Refused, Unreachable, ValueError):
            return int(parsed(self.get(f"tables/{quote(table)}")).findtext("{*}nrows"))
        return None

    def check(self, adql: str) -> dict[str, Any]:
        """Return what is wrong with a query and what it would cost; nothing is run.

        A service that cannot tell so is asked for the result's columns only, as TAP 1.1 §2.7.4 has it.
        Raises: TakesLonger, Refused, Unreachable, TooMuch.
        """
        try:
            return _readable(adql, json.loads(self.post("check", LANG="ADQL", QUERY=adql)))
        except Refused as error:
            if error.status not in _NO_CHECK:
                raise
        except ValueError:
            pass
        return self._tried(adql)

    def _tried(self, adql: str) -> dict[str, Any]:
        try:
            columns = [column["name"] for column in self.query(adql, 0).columns]
        except Refused as error:
            if error.status in {HTTPStatus.OK, HTTPStatus.BAD_REQUEST}:
                return {"is_correct": False, "error": {"message": str(error)}}
            raise
        return {"is_correct": True, "catalogue_text": {"columns": columns}}


def whole(answer: HTTPResponse) -> bytes:
    """Read an answer to its end. Raises: Unreachable where it breaks off or takes too long, TooMuch."""
    try:
        return b"".join(_pieces(answer))
    except (OSError, HTTPException) as error:
        raise Unreachable(f"the answer broke off: {error}") from error


def _pieces(answer: HTTPResponse) -> Iterator[bytes]:
    end, size = time.monotonic() + MOMENT, 0
    while piece := answer.read1(_PIECE):
        size += len(piece)
        if size > MOST_BYTES:
            raise TooMuch(
                f"The answer has more than {MOST_BYTES >> 20} MB."
                " Ask for fewer columns or rows, or make a job and save its result."
            )
        if time.monotonic() > end:
            raise TimeoutError("it took too long")
        yield piece
    if answer.length:
        raise ConnectionError("its end did not come; try again")


def _took_too_long(cause: BaseException | None) -> bool:
    if isinstance(cause, Refused):
        return cause.headers.get("x-armillary-reason") == _TIME_LIMIT
    return isinstance(getattr(cause, "reason", cause), TimeoutError)


def _readable(adql: str, report: Any) -> dict[str, Any]:
    """Return the report of `/check` with lines and columns for offsets, and queries for their repairs.

    Raises: ValueError for what is no such report.
    """
    if not isinstance(report, dict) or "error" not in report:
        raise ValueError("no report")
    names = {"tables": report.get("tables", ()), "columns": report.get("columns", ())}
    return {
        "is_correct": report["error"] is None,
        "error": _remark(adql, report["error"]) if report["error"] else None,
        "warnings": [_remark(adql, warning) for warning in report.get("warnings", ())],
        **{name: report.get(name) for name in ("estimate", "queue", "strategy", "shards")},
        "catalogue_text": names,
    }


def _remark(adql: str, remark: dict[str, Any]) -> dict[str, Any]:
    line, column = place_of(adql, Span(**remark["span"]))
    mended = [Repair(Span(**repair["span"]), repair["text"]).applied(adql) for repair in remark["repairs"]]
    texts = {name: remark.get(name) for name in ("code", "message", "hint", "quoted") if remark.get(name)}
    return {**texts, "line": line, "column": column, "repaired_queries": mended}
