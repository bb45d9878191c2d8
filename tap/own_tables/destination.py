"""DEST: a job whose result becomes a table of its owner's own, and is never downloaded."""

import tempfile
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from schema.description import Description, TableDescription
from schema.load import open_file
from schema.own_tables.quota import DoneAlready, OverQuota
from schema.own_tables.rows import NewTable
from tap.auth.authentication import Unauthorized
from tap.auth.identity import Account
from tap.engine.cancellation import Cancellation
from tap.engine.rows import Interrupted
from tap.formats import FORMATS
from tap.own_tables.own_tables import MoreRows, OwnTables
from tap.progress import QueryProgress
from tap.query.run import QueryService, execute
from tap.request import TapRequest
from tap.temp_files import without_path
from uws.job import Job, Result
from uws.parameters import ParameterError, Parameters

TABLE = "table"
_MODES = ("create", "replace", "append")
_FORMAT = next(format_ for format_ in FORMATS if format_.extension == "parquet")
"""It keeps units, UCDs, descriptions and geometries, and is read as fast as it is written."""


@dataclass(frozen=True, slots=True)
class Destination:
    """The table that a job's rows go to; `mode`: whether it must not be there, is replaced, or gets them beside its own."""

    name: str
    mode: str = "create"


def read_destination(parameters: Parameters) -> Destination | None:
    """Read DEST, as CADC's clients have it, and DEST_MODE. Raises: ParameterError."""
    name, mode = parameters.one("DEST"), (parameters.one("DEST_MODE") or "create").lower()
    if mode not in _MODES:
        raise ParameterError(f"DEST_MODE can be {', '.join(_MODES)}, not {mode[:40]!r}")
    return Destination(name, mode) if name else None


@dataclass(frozen=True, slots=True)
class RunningQuery:
    """`limit` in seconds is PostgreSQL's, 0 for none."""

    request: TapRequest
    cancellation: Cancellation
    progress: QueryProgress
    limit: float = 0.0


@dataclass(frozen=True)
class Destinations:
    """Runs queries into tables; their rows wait in a file of `folder` until all are there, `most_rows` at most."""

    tables: OwnTables
    service: QueryService
    folder: Path
    base_url: str
    most_rows: int

    def run(self, job: Job, account: Account | None, destination: Destination, run: RunningQuery) -> tuple[Result, ...]:
        """`account` owns the job. Raises: Unauthorized, TableExists, NotOwnSchema, OverQuota, whatever `execute` raises."""
        if account is None:
            raise Unauthorized("DEST keeps the result as a table of your own, for which one must log in")
        if not self.tables.has_rows_of(account, destination.name, job.job_id):
            with tempfile.NamedTemporaryFile(dir=self.folder, suffix=".parquet") as file:
                path = Path(file.name)
                self._fill(
                    path, run, Parameters(job.parameters).whole_number("MAXREC"), self._room(account, destination)
                )
                with suppress(DoneAlready):
                    self._put(account, destination, path, job)
        table = self.tables.table(account, destination.name)
        rows = table.nrows if table else None
        url = f"{self.base_url}/tables/{quote(table.table_name if table else destination.name)}"
        return (Result(TABLE, f"{job.job_id}/{TABLE}", "text/xml", 0, "", rows, url),)

    def _fill(self, path: Path, run: RunningQuery, maxrec: int | None, room: int) -> None:
        """Write all rows, or as many as MAXREC allows; never fewer because of a limit. Raises: OverQuota, Interrupted."""
        wanted = self.most_rows if maxrec is None else maxrec
        most = min(wanted, room)
        request = replace(run.request, maxrec=most, format=_FORMAT)
        service = replace(self.service, streams=False, limit=run.limit)
        with path.open("wb") as file, closing(execute(request, service, run.cancellation, run.progress)) as pieces:
            for piece in pieces:
                file.write(piece)
                run.progress.add(size=len(piece))
        if run.cancellation.reason:
            raise Interrupted(run.cancellation.reason)
        if run.progress.overflow and (maxrec is None or most < wanted):
            raise OverQuota(f"The result has more than the {most:,} rows that your tables may still have")

    def _room(self, account: Account, destination: Destination) -> int:
        """Return how many rows the account's tables may still have."""
        most, replaced = self.tables.quota_of(account).rows, destination.name if destination.mode == "replace" else ""
        return max(0, most - self.tables.usage(account, replaced).rows) if most else self.most_rows

    def _put(self, account: Account, destination: Destination, path: Path, job: Job) -> None:
        with without_path(path, "the result"):
            if destination.mode == "append" and self.tables.table(account, destination.name):
                self.tables.append(account, destination.name, MoreRows(path, job=job.job_id))
                return
            query = Parameters(job.parameters).one("QUERY") or ""
            about = Description(TableDescription(description=f"Result of: {' '.join(query.split())[:500]}"))
            replacing = destination.mode == "replace"
            self.tables.make(account, NewTable(destination.name, open_file(path), about, replacing, job.job_id))
