"""/queries: the /sync queries and jobs that run just now, and the jobs that wait, for administrators, who can end them."""

import re
from dataclasses import asdict, dataclass, replace

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tap.auth.accounts import AccountStore
from tap.auth.private import check_administrator, private_json
from tap.errors import NotFound
from tap.running_queries import Running, kill_query, running_queries
from uws.errors import IllegalMove
from uws.forecast import Forecast, outlook
from uws.job import ENDED_BY_OPERATOR, Job
from uws.parameters import Parameters
from uws.phases import Move, Phase
from uws.store import Store, is_job_id
from uws.timestamps import write_instant

_MOST_WAITING = 100
_QUERY_ID = re.compile("[0-9a-f]{8}")


def running(accounts: AccountStore, jobs: Store) -> list[Running]:
    """Return all that runs on all machines, the oldest first. Raises: AccountsAway, StoreAway."""
    ids = [reference.job_id for reference in jobs.references(None, [Phase.EXECUTING])]
    return sorted([*running_queries(accounts), *(_of_job(job) for job in jobs.jobs(ids))], key=lambda one: one.since)


def waiting(jobs: Store) -> list[tuple[Job, Forecast]]:
    """Return jobs that wait, at most a hundred, in the order in which they came. Raises: StoreAway."""
    references = jobs.references(None, [Phase.QUEUED], last=_MOST_WAITING)
    known = jobs.jobs([reference.job_id for reference in references])
    return [(job, outlook(job, jobs.limits)) for job in sorted(known, key=lambda job: job.creation_time)]


def running_and_waiting(accounts: AccountStore, jobs: Store) -> list[Running]:
    """Return what runs, then the jobs that wait; their stage says for what. Raises: AccountsAway, StoreAway."""
    queued = [replace(_of_job(job), stage=f"waits for {forecast.waits_for}") for job, forecast in waiting(jobs)]
    return running(accounts, jobs) + queued


def _of_job(job: Job) -> Running:
    rows = int(dict(job.progress).get("rows", 0))
    query = Parameters(job.parameters).first("QUERY")
    return Running(
        job.job_id, "job", job.owner_id or job.share, job.start_time or job.creation_time, job.lane, rows, query
    )


def kill(accounts: AccountStore, jobs: Store, id_: str) -> bool:
    """Stop a query or a job; False where there is none that runs. Raises: AccountsAway, StoreAway, NoSuchJob."""
    if not is_job_id(id_):
        return bool(_QUERY_ID.fullmatch(id_)) and kill_query(accounts, id_)
    try:
        jobs.move(id_, Move.ABORT, ending=ENDED_BY_OPERATOR)
    except IllegalMove:
        return False
    return True


@dataclass(frozen=True)
class QueryResources:
    """The handlers."""

    accounts: AccountStore
    jobs: Store

    async def list(self, request: Request) -> Response:
        check_administrator(request, "see what others run")
        rows = await run_in_threadpool(running_and_waiting, self.accounts, self.jobs)
        return private_json([asdict(row) | {"since": write_instant(row.since)} for row in rows])

    async def kill(self, request: Request) -> Response:
        check_administrator(request, "see what others run")
        if not await run_in_threadpool(kill, self.accounts, self.jobs, request.path_params["id"]):
            raise NotFound("No query that runs has this id: it has ended, or never was")
        return Response(status_code=204)
