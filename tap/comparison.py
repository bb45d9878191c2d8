"""Whether the results of two jobs have the same rows, and if not, what came, went or changed: /async/JOB/compare?WITH=JOB."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import escape
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.routing import Route

from adql.errors import AdqlError, UnknownName
from schema.model import delimited
from tap.auth.authentication import address_of
from tap.auth.identity import account_in
from tap.auth.limits import config_for
from tap.auth.rights import Rights
from tap.config import Config
from tap.engine.cancellation import Cancellation
from tap.form import read_parameters
from tap.progress import QueryProgress
from tap.query.manifest import manifest_of
from tap.query.run import QueryService, WholeResult, execute
from tap.request import TapRequest, read_request
from tap.sync import Queries, QueryResponse, QueryShare
from uws.job import Job
from uws.parameters import ParameterError, Parameters
from uws.resources import Resources

ONLY_FIRST = "SELECT * FROM TAP_UPLOAD.one EXCEPT ALL SELECT * FROM TAP_UPLOAD.two"
ONLY_SECOND = "SELECT * FROM TAP_UPLOAD.two EXCEPT ALL SELECT * FROM TAP_UPLOAD.one"
"""Queries of the rows that only one of two results has, which `upload_of` sends along."""
_ROWS = f"""SELECT 'first' AS what, COUNT(*) AS n FROM TAP_UPLOAD.one
UNION ALL SELECT 'second', COUNT(*) FROM TAP_UPLOAD.two
UNION ALL SELECT 'only_first', COUNT(*) FROM ({ONLY_FIRST}) AS a
UNION ALL SELECT 'only_second', COUNT(*) FROM ({ONLY_SECOND}) AS b"""
_CHANGED = f"""
UNION ALL SELECT 'changed', COUNT(*)
FROM ({ONLY_FIRST}) AS c JOIN TAP_UPLOAD.two AS d ON c.{{0}} = d.{{0}}"""
_LONGEST_NAME = 100
_READ_AGAIN = frozenset({"vot", "csv", "tsv", "ecsv", "fits", "parquet", "arrows"})
"""Extensions of results that can be uploaded."""


@dataclass(frozen=True)
class Comparisons:
    """The handler."""

    queries: Queries
    jobs: Resources
    rights: Rights

    def routes(self, jobs: str) -> list[Route]:
        return [Route(f"{jobs}/{{job_id}}/compare", self.compare, methods=["GET"])]

    async def compare(self, request: Request) -> QueryResponse:
        """Compare a job's result with that of the job WITH; KEY names a column that tells rows apart."""
        config, account = self.queries.config, account_in(request)
        parameters = await read_parameters(request, config)
        pair = (await self.jobs.job_of(request), await self._other(request, parameters))
        for job in pair:
            if not (job.results and job.results[0].key):
                raise ParameterError(f"Job {job.job_id} is {job.phase} and has no result that could be compared")
        asked = read_request(comparison_request(pair, parameters.one("KEY"), config), config_for(config, account))
        is_part_of_page = "hx-request" in request.headers
        asked = replace(asked, media_type="text/html; charset=utf-8" if is_part_of_page else "application/json")
        if account:
            role = await run_in_threadpool(self.rights.role, account)
            asked = replace(asked, owner=account.name, role=role)
        share = QueryShare(asked.owner or address_of(request), config.web.queries_per_owner, config.limits.sync_limit)
        return ComparisonResponse(self.queries, asked, share, pair)

    async def _other(self, request: Request, parameters: Parameters) -> Job:
        """Return the job WITH, by its id or URL, as far as one may see it. Raises: NoSuchJob, NotAllowed, ParameterError."""
        return await self.jobs.job_named(request, parameters.required("WITH").rstrip("/").rpartition("/")[2])


def comparison_request(pair: tuple[Job, Job], key: str | None, config: Config) -> Parameters:
    """Return the query, and its uploads, that counts the rows of which two results differ. Raises: ParameterError."""
    if key is not None and len(key) > _LONGEST_NAME:
        raise ParameterError("KEY is the name of a column that both results have")
    if key is not None or not _are_same_bytes(pair):
        _check_formats(pair)
    query = _ROWS + (_CHANGED.format(delimited(key)) if key else "")
    upload = upload_of(config.web.base_url, pair[0].job_id, pair[1].job_id)
    pairs = (("LANG", "ADQL"), ("QUERY", query), ("UPLOAD", upload), ("RESPONSEFORMAT", "csv"))
    return Parameters(pairs)


def _are_same_bytes(pair: tuple[Job, Job]) -> bool:
    first, second = (job.results[0] for job in pair)
    return bool(first.digest) and first.digest == second.digest


def _check_formats(pair: tuple[Job, Job]) -> None:
    """Raise ParameterError for a result in a format that is not read."""
    for job in pair:
        extension = job.results[0].key.rpartition("/")[2].partition(".")[2]
        if extension not in _READ_AGAIN:
            raise ParameterError(
                f"The result of job {job.job_id} ({job.results[0].mime_type}) cannot be compared row by row;"
                " run it again with RESPONSEFORMAT=votable, csv, fits or parquet"
            )


def upload_of(tap: str, first: str, second: str) -> str:
    """Return an UPLOAD that has the results of two jobs, by their ids, as the tables `one` and `two`."""
    return f"one,{tap}/async/{first}/results/result;two,{tap}/async/{second}/results/result"


def compared(
    pair: tuple[Job, Job],
    request: TapRequest,
    service: QueryService,
    cancellation: Cancellation,
    progress: QueryProgress,
) -> dict[str, Any]:
    """Return whether two results are equal, and how they and their tables differ, in numbers and in words.

    Raises: AdqlError for a column that tells rows apart and is not in both; and as execute.
    """
    try:
        is_known = _are_same_bytes(pair) and request.query == _ROWS
        counts = _same_counts(pair) if is_known else _counts(request, service, cancellation, progress)
        found = {"equal": counts["only_first"] == counts["only_second"] == 0, "rows": counts}
    except AdqlError as error:
        if isinstance(error, UnknownName):
            raise
        found = {"equal": False, "rows": None, "why": f"The columns are others: {error.message}"}
    found |= _of_jobs(pair)
    return found | {"in_words": _in_words(found)}


def _same_counts(pair: tuple[Job, Job]) -> dict[str, int]:
    rows = pair[0].results[0].rows or 0
    return {"first": rows, "second": rows, "only_first": 0, "only_second": 0}


def _counts(
    request: TapRequest, service: QueryService, cancellation: Cancellation, progress: QueryProgress
) -> dict[str, int]:
    answer = b"".join(execute(request, service, cancellation, progress))
    return {row["what"]: int(row["n"]) for row in csv.DictReader(io.StringIO(answer.decode()))}


class ComparisonResponse(QueryResponse):
    """What is the same and what is not, as JSON; it takes its turn among queries."""

    def __init__(
        self,
        queries: Queries,
        request: TapRequest,
        share: QueryShare,
        pair: tuple[Job, Job],
    ) -> None:
        super().__init__(queries, request, share, lambda: None, None)
        self._pair = pair

    def pieces(self, service: QueryService, cancellation: Cancellation, progress: QueryProgress) -> Iterator[bytes]:
        try:
            found = compared(self._pair, self._request, service, cancellation, progress)
        except AdqlError as error:
            raise ParameterError(f"KEY: {error.message}") from error
        yield WholeResult(self._written(found).encode())

    def _written(self, compared: dict[str, Any]) -> str:
        if self._request.media_type.startswith("text/html"):
            return "".join(f"<p>{escape(line)}</p>\n" for line in compared["in_words"])
        return json.dumps(compared, indent=1, ensure_ascii=False) + "\n"


def _of_jobs(pair: tuple[Job, Job]) -> dict[str, Any]:
    """Return what is else known of two results: their jobs, whether they asked the same, tables of which the versions differ."""
    first, second = map(manifest_of, pair)
    tables = [{table["name"]: table for table in manifest.get("tables", ())} for manifest in (first, second)]
    names = [name for name in tables[0] if name in tables[1] and tables[0][name] != tables[1][name]]
    return {
        "first": pair[0].job_id,
        "second": pair[1].job_id,
        "same_query": first.get("query") == second.get("query"),
        "cut": any(manifest.get("result", {}).get("overflow") for manifest in (first, second)),
        "changed_tables": [
            {"name": name, "first": _edition(tables[0][name]), "second": _edition(tables[1][name])} for name in names
        ],
    }


def _edition(table: dict[str, Any]) -> dict[str, Any]:
    return {name: table.get(name) for name in ("version", "release", "last_update_date", "rows")}


def _in_words(compared: dict[str, Any]) -> list[str]:
    """Return lines that say whether two results are equal, and what differs."""
    lines = [_rows_in_words(compared)]
    for table in compared["changed_tables"]:
        first, second = (table[name] for name in ("first", "second"))
        lines.append(
            f"{table['name']} was version {first['version']} of {first['last_update_date']},"
            f" and is version {second['version']} of {second['last_update_date']}"
        )
    if compared["cut"]:
        lines.append("MAXREC cut one of them or both: what is behind it is not compared")
    if not compared["same_query"]:
        lines.append("The queries are not the same")
    return lines


def _rows_in_words(compared: dict[str, Any]) -> str:
    rows = compared["rows"]
    if compared["equal"]:
        return f"Equal: {rows['first']:,} rows"
    if rows is None:
        return f"Different. {compared['why']}"
    changed = rows.get("changed", 0)
    counts = [
        (rows["only_first"] - changed, "are gone"),
        (rows["only_second"] - changed, "are new"),
        (changed, "have changed"),
    ]
    said = ", ".join(f"{count:,} {what}" for count, what in counts if count)
    return f"Different: of {rows['first']:,} rows, now {rows['second']:,}, {said}"
