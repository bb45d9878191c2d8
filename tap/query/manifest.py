"""What is written down of a job's query beside its result: a manifest by which it can be repeated, and what it took."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from schema.model import Table
from tap.citation import bibliography
from tap.engine.shard_work import ShardWork
from tap.progress import QueryProgress, Stage
from tap.query.reading import Reading
from tap.request import TapRequest
from tap.sharding.planning import QueryPlan
from tap.uploads.sources import Opened
from tap.version import VERSION
from uws.job import Job, Result
from uws.timestamps import write_instant

MANIFEST, CITATIONS = "manifest", "citations"
"""Names of results beside the one with the rows."""
_SLOW = 1.0
"""Seconds from which it is worth telling what took them."""
_WHY = {
    Stage.QUEUE: "It waited for its turn, since other jobs ran.",
    Stage.OPEN: "It waited for its uploads, or for a connection to the database.",
    Stage.TRANSLATE: "Its text is long, and took long to translate.",
    Stage.PLAN: "Its plan for several servers took long to make.",
    Stage.FIRST_ROW: "PostgreSQL worked long before its first row: it sorts, groups or joins before it gives one, or no index serves the conditions. EXPLAIN tells which.",
    Stage.ROWS: "PostgreSQL took long to give its rows, one after the other.",
    Stage.ENCODE: "It has many rows, which took long to write in its format.",
    Stage.SEND: "Its result took long to be stored.",
}


@dataclass(frozen=True, slots=True)
class QueryFacts:
    """What is known of a query when it is planned; `database` is PostgreSQL's version, `shards` is filled while it runs."""

    request: TapRequest
    plan: QueryPlan
    database: str
    shards: list[ShardWork]
    uploads: tuple["UploadedFile", ...] = ()
    read: Reading | None = None

    @property
    def tables(self) -> tuple[Table, ...]:
        return tuple(table for table in self.plan.translation.tables if table.schema_name != "TAP_UPLOAD")


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A table that came with a query: its name, how many bytes it has, and their SHA-256."""

    name: str
    bytes: int
    sha256: str


def uploaded_files(files: list[Opened]) -> tuple[UploadedFile, ...]:
    return tuple(UploadedFile(file.upload.table_name, file.path.stat().st_size, _sha256(file.path)) for file in files)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def kept_beside(job: Job, result: Result, progress: QueryProgress) -> tuple[Result, ...]:
    """Return what is kept with a job beside its result: the manifest, and how its tables are cited if somebody says."""
    facts = progress.facts
    if not isinstance(facts, QueryFacts):
        return ()
    text = json.dumps(_manifest(facts, job, result, progress), indent=1, ensure_ascii=False) + "\n"
    results = [(MANIFEST, "application/json", text)]
    if citations := bibliography(facts.tables):
        results.append((CITATIONS, "application/x-bibtex", citations))
    return tuple(
        Result(name, "", mime_type, len(content.encode()), "", text=content) for name, mime_type, content in results
    )


def manifest_of(job: Job) -> dict[str, Any]:
    """Return the manifest that was kept with a job; an empty one where none was."""
    result = job.result(MANIFEST)
    manifest: dict[str, Any] = json.loads(result.text) if result and result.text else {}
    return manifest


def _manifest(facts: QueryFacts, job: Job, result: Result, progress: QueryProgress) -> dict[str, Any]:
    request = facts.request
    return {
        "job": job.job_id,
        "query": request.query,
        "maxrec": request.maxrec,
        "sql": facts.plan.translation.sql,
        "tables": [_table(table) for table in facts.tables],
        "uploads": [asdict(upload) for upload in facts.uploads],
        "software": {"armillary": VERSION, "postgresql": facts.database},
        "queued": write_instant(job.queue_time),
        "started": write_instant(job.start_time),
        "ended": write_instant(datetime.now(UTC)),
        "result": {
            "format": request.media_type,
            "rows": result.rows,
            "bytes": result.size,
            "sha256": result.hexadecimal,
            "overflow": progress.overflow,
            "warnings": list(progress.warnings),
        },
        "receipt": receipt(facts, _seconds(job, progress)),
    }


def _table(table: Table) -> dict[str, Any]:
    origin = {name: value for name, value in asdict(table.origin).items() if value is not None}
    return {"name": table.table_name, "rows": table.nrows, "data_version": table.data_version, **origin}


def _seconds(job: Job, progress: QueryProgress) -> dict[Stage, float]:
    seconds = dict(progress.seconds)
    if job.queue_time and job.start_time:
        waited = (job.start_time - job.queue_time).total_seconds()
        seconds[Stage.QUEUE] = seconds.get(Stage.QUEUE, 0.0) + max(0.0, waited)
    return seconds


def receipt(facts: QueryFacts, seconds: Mapping[Stage, float]) -> dict[str, Any]:
    """Return what a query took: seconds by stage and together, what each shard did and by which strategy, and what took long."""
    total = sum(seconds.values())
    distributed = facts.plan.distributed
    longest = max(seconds, key=lambda stage: seconds[stage], default=None)
    return {
        "seconds": {str(stage): round(seconds.get(stage, 0.0), 6) for stage in Stage if stage is not Stage.DONE},
        "total": round(total, 6),
        "read": asdict(facts.read) if facts.read else None,
        "strategy": distributed.name if distributed else None,
        "shards": [_shard(work) for work in facts.shards],
        "slow": _WHY[longest] if longest in _WHY and total >= _SLOW else None,
    }


def receipt_of(progress: QueryProgress) -> dict[str, Any]:
    """Return the receipt of a query that has ended; an empty one where nothing was asked of the database."""
    return receipt(progress.facts, progress.seconds) if isinstance(progress.facts, QueryFacts) else {}


def _shard(work: ShardWork) -> dict[str, Any]:
    first_row = None if work.first_row is None else round(work.first_row, 6)
    return {"shard": work.shard, "first_row": first_row, "seconds": round(work.seconds, 6), "rows": work.rows}
