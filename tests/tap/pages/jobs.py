"""Jobs as values, with what pages look at."""

from datetime import UTC, datetime
from typing import Any

from uws.job import Attachment, Job, Result
from uws.phases import Phase

ID = "0123456789abcdef" * 2


def job_of(query: str = "SELECT 1 AS n FROM demo.ngc", *uploads: str, maxrec: int | None = None, **more: Any) -> Job:
    """A job that is done; `more` are fields of Job."""
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    parameters = [("LANG", "ADQL"), ("QUERY", query), *([("MAXREC", str(maxrec))] if maxrec is not None else [])]
    parameters += [("UPLOAD", ";".join(f"{name},param:{name}" for name in uploads))] if uploads else []
    fields: dict[str, Any] = {
        "job_id": ID,
        "owner_id": None,
        "share": "somebody",
        "run_id": None,
        "phase": Phase.COMPLETED,
        **dict.fromkeys(("creation_time", "queue_time", "start_time", "end_time", "destruction"), now),
        "execution_duration": 60,
        "parameters": tuple(parameters),
        "cost": None,
        "expected": None,
        "lane": "short",
        "priority": 0,
        "progress": (),
        "results": (),
        "error": None,
        "attempt": 1,
        "crashes": 0,
        "worker": None,
        "attachments": tuple(Attachment(name, f"{ID}/{name}", 1) for name in uploads),
    }
    return Job(**fields | more)


def with_result(key: str, rows: int | None = None, **more: Any) -> Job:
    return job_of(results=(Result("result", key, "text/plain", 1, "", rows),), **more)
