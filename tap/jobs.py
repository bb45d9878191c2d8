"""Queries as jobs (TAP 1.1 §2.3): the same `execute` as /sync, its bytes into storage."""

import base64
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import psycopg
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from adql.errors import AdqlError
from tap.auth import visitor
from tap.auth.accounts import AccountsAway
from tap.auth.authentication import Unauthorized, is_of_other_page
from tap.auth.identity import Account, TokenScope, identity_of
from tap.auth.limits import config_for
from tap.auth.private import account_of
from tap.auth.rights import NoLongerAllowed, Rights
from tap.config import Config
from tap.config_sections import JobsConfig
from tap.downloads import download, sent_so_far
from tap.engine.cancellation import Cancellation, CancelReason
from tap.engine.engine import DatabaseAway, Engine, ShardAway
from tap.engine.rows import Interrupted
from tap.error_middleware import error_answer
from tap.errors import Answer, ResultsOverQuota, cause_of, describe
from tap.form import Form, FormFile, read_form, read_parameters
from tap.notifications import check_targets
from tap.observe import Fault, JobMoved, observe
from tap.own_tables.destination import Destinations, RunningQuery, read_destination
from tap.own_tables.resources import owner_of
from tap.part import read_part
from tap.progress import QueryProgress, Stage
from tap.query.content import content_of
from tap.query.explain import planned_cost
from tap.query.manifest import kept_beside
from tap.query.run import QueryService, execute
from tap.request import TapRequest, format_of, read_request
from tap.shares.shares import Shares
from tap.storage import Storage
from tap.storage.storage import NotStored, StorageAway
from tap.stored_results import StoredResults
from tap.uploads.upload import read_uploads, uploads_of
from uws import service
from uws.errors import IllegalMove, NoSuchJob
from uws.job import ASYNC, Attachment, ErrorSummary, Job, JobEnding, JobLimits, JobMove, Requester, Result
from uws.parameters import ParameterError, Parameters
from uws.phases import Move, Phase
from uws.store import Store
from uws.task import Stop, Task
from uws.worker import Failure

RESULT, PARTIAL = "result", "partial"
_PIECE = 1 << 20
_REASONS = {
    Stop.TIME_LIMIT: CancelReason.TIME_LIMIT,
    Stop.LOST: CancelReason.CLIENT_LEFT,
    Stop.DRAIN: CancelReason.SHUTDOWN,
}
_NO_ROOM = "The results of your jobs have as many bytes as they may. Delete jobs that you no longer need, and run this one again."
_NO_ROOM_FOR_STRANGERS = (
    "The results of jobs without an account have as many bytes as they may together. Try again later, or log in."
)
_GONE = "The result of this job is gone from this service's storage. Run the query again."


def limits_of(jobs: JobsConfig) -> JobLimits:
    return JobLimits(
        duration_default=jobs.job_duration_default,
        duration_limit=jobs.job_duration_limit,
        destruction_default=jobs.job_lifetime_default,
        destruction_limit=jobs.job_lifetime_limit,
        archive=jobs.job_archive,
        running_per_owner=jobs.jobs_running_per_owner,
        waiting_per_owner=jobs.jobs_waiting_per_owner,
        waiting=jobs.jobs_waiting,
        short_lane=jobs.short_lane,
        list_limit=jobs.job_list_limit,
        upload_bytes_per_owner=jobs.job_uploads_per_owner,
    )


def tell_move(move: JobMove) -> None:
    """Tell observers that something other than a run moved a job."""
    observe(JobMoved(move.job_id, move.phase, move.lane, move.owner_id or "", move.seconds))


@dataclass(frozen=True)
class QueryJobs:
    """What a worker does with a job of this service; `update` is what one of the other list asks for."""

    service: QueryService
    config: Config
    store: Store
    storage: Storage
    rights: Rights
    destinations: Destinations
    stored_results: StoredResults
    update: Callable[[Account, Parameters], None]

    def run(self, job: Job, task: Task) -> tuple[Result, ...]:
        """Run a job's query and store its result, or make a table of it.

        Raises: whatever `execute` raises, ParameterError, StorageFull, OSError.
        """
        if job.job_list != ASYNC:
            return self._update(job)
        self.storage.check()
        with ExitStack() as stack:
            files = [
                FormFile(file.name, stack.enter_context(self._file(file)), file.file_name, file.media_type)
                for file in job.attachments
            ]
            account = self.rights.owner(job.owner_id)
            return self._run(job, task, self._request(job, files, account), account)

    def _update(self, job: Job) -> tuple[Result, ...]:
        """Change a table, which has no result."""
        account = self.rights.owner(job.owner_id)
        if account is None:
            raise Unauthorized("Please log in: tables of your own need an account")
        self.update(account, Parameters(job.parameters))
        return ()

    @contextmanager
    def _file(self, attachment: Attachment) -> Iterator[Path]:
        """Yield an upload as one file on this machine; its parts are put together."""
        if not attachment.parts:
            with self.storage.local(attachment.key) as path:
                yield path
            return
        with tempfile.NamedTemporaryFile(dir=uploads_of(self.config)) as joined:
            for key, _ in attachment.parts:
                with self.storage.local(key) as path, path.open("rb") as part:
                    shutil.copyfileobj(part, joined, _PIECE)
            joined.flush()
            yield Path(joined.name)

    def _room(self, account: Account | None) -> int:
        """Return how many bytes the results of an account's jobs, or of those of all strangers, may still have."""
        jobs = config_for(self.config, account).jobs
        most = jobs.results_per_owner if account else jobs.results_of_strangers
        used = self.store.bytes_of_results(account.name if account else None) if most else 0
        return most - used if most else sys.maxsize

    def _limit(self, account: Account | None) -> float:
        """Return how many seconds PostgreSQL lets a query of an account's job run; 0 for no limit."""
        longest = config_for(self.config, account).jobs.job_duration_limit
        return longest + 30 if longest else 0

    def _run(self, job: Job, task: Task, request: TapRequest, account: Account | None) -> tuple[Result, ...]:
        cancellation = Cancellation(f"job {job.job_id}")
        progress = QueryProgress(lambda done: setattr(task, "progress", done))
        task.stages = progress.seconds
        task.on_stop(lambda stop: cancellation.trigger(_REASONS[stop]))
        query = RunningQuery(request, cancellation, progress, self._limit(account))
        if destination := read_destination(Parameters(job.parameters)):
            return self.destinations.run(job, account, destination, query)
        key, room = f"{job.job_id}/{task.attempt.number}.{request.format.extension}", self._room(account)
        content = self._content(request)
        if request.reuse and (stored := self.stored_results.find(content, request.format)):
            result = self._store(key, stored.pieces, query, room)
            result = replace(result, rows=stored.rows, content=content, computed=stored.computed)
            return (result, *stored.beside)
        service = replace(self.service, streams=False, limit=query.limit)
        result = self._store(key, execute(request, service, cancellation, progress), query, room)
        # Of data that changed meanwhile nobody knows which state the rows are of.
        result = replace(result, content=content if content == self._content(request) else "")
        return (result, *kept_beside(job, result, progress))

    def _content(self, request: TapRequest) -> str:
        if not self.config.jobs.reuse_results:
            return ""
        return content_of(request, self.service.engine)

    def _store(self, key: str, pieces: Generator[bytes, None, None], query: RunningQuery, room: int) -> Result:
        """Store a result of at most `room` bytes. Raises: ResultsOverQuota, Interrupted, and whatever `pieces` raises."""
        digest, progress = hashlib.sha256(), query.progress
        with self.storage.sink(key) as sink, closing(pieces):
            for piece in pieces:
                with progress.within(Stage.SEND):
                    sink.write(piece)
                    digest.update(piece)
                progress.add(size=len(piece))
                if progress.bytes > room:
                    raise ResultsOverQuota(_NO_ROOM if query.request.owner else _NO_ROOM_FOR_STRANGERS)
            if query.cancellation.reason:
                raise Interrupted(query.cancellation.reason)
            progress.enter(Stage.SEND)
        progress.enter(Stage.DONE)
        encoded = base64.b64encode(digest.digest()).decode()
        return Result(RESULT, key, query.request.media_type, progress.bytes, encoded, progress.rows)

    def _request(self, job: Job, files: list[FormFile], account: Account | None) -> TapRequest:
        """Return what a job asks, with the rights and limits that its owner has now."""
        request = read_request(Parameters(job.parameters), config_for(self.config, account), files)
        return replace(request, owner=job.owner_id, role=self.rights.role(account))

    def explain(self, error: Exception) -> Failure:
        answer = describe(error)
        if not answer.expected:
            observe(Fault("a job", error))
        return Failure(
            answer.message,
            cause_of(error, answer),
            again=isinstance(error, DatabaseAway | ShardAway | StorageAway | AccountsAway),
            transient=answer.status >= 500,
        )

    def tell(self, task: Task, phase: Phase, cause: str = "") -> None:
        job, done = task.job, task.progress
        moved = JobMoved(
            job.job_id,
            phase,
            job.lane,
            job.owner_id or "",
            cause=cause,
            query=Parameters(job.parameters).first("QUERY"),
        )
        if phase is not Phase.EXECUTING:
            rows, size = done.get("rows", 0), done.get("bytes", 0)
            moved = replace(moved, seconds=task.seconds, rows=rows, bytes=size, stages=dict(task.stages))
        observe(moved)

    def discard(self, results: Sequence[Result]) -> None:
        with suppress(StorageAway):  # the housekeeper sweeps what stays
            for result in results:
                if result.key:
                    self.storage.remove_key(result.key)


@dataclass(frozen=True)
class JobService:
    """What this service adds to its job list."""

    config: Config
    planner: Engine
    store: Store
    storage: Storage
    rights: Rights
    shares: Shares

    @property
    def url(self) -> str:
        return f"{self.config.web.base_url}/async"

    async def parameters(self, request: Request) -> Parameters:
        return _allowed(request, await read_parameters(request, self.config), self.config)

    async def form(self, request: Request) -> Form:
        form = await read_form(request, self.config, uploads_of(self.config))
        with ExitStack() as stack:
            stack.callback(form.close)
            _allowed(request, form.parameters, self.config)
            stack.pop_all()
        return form

    @property
    def most_bytes(self) -> int:
        return self.config.uploads.upload_bytes

    @property
    def most_words(self) -> int:
        return self.config.web.body_limit

    async def part(self, request: Request) -> FormFile:
        return await read_part(request, self.config, uploads_of(self.config))

    def keep(self, file: service.JobFile, key: str) -> None:
        with file.path.open("rb") as source, self.storage.sink(key) as sink:
            while piece := source.read(_PIECE):
                sink.write(piece)

    async def attachment(self, attachment: Attachment) -> Response:
        contents = [await run_in_threadpool(self.storage.read, key, 0, size) for key, size in attachment.pieces]
        headers = {
            "content-type": "application/octet-stream",
            "content-length": str(attachment.size),
            "content-disposition": "attachment",
        }
        return StreamingResponse(iterate_in_threadpool(chain(*contents)), 200, headers)

    def asker(self, request: Request) -> Requester:
        identity = identity_of(request)
        if identity is None:
            return visitor.identify(request)
        name = identity.account.name
        own = config_for(self.config, identity.account)
        limits = limits_of(own.jobs) if own is not self.config else None
        return Requester(name, None, name, sees_all=identity.is_admin, limits=limits)

    def is_shared(self, request: Request, job: Job) -> bool:
        identity = identity_of(request)
        return identity is not None and self.shares.of_job(job.job_id, identity.account.name) is not None

    def welcome(self, request: Request, response: Response, asker: Requester) -> None:
        # A cookie for the page of another site would take the place of the one that the browser has of ours.
        if asker.owner_id is None and not is_of_other_page(request, self.config.web.base_url):
            visitor.welcome(request, response)

    def cost(self, parameters: Parameters, owner: str | None) -> float | None:
        """Return what PostgreSQL's planner thinks, 0 where the result is there already; None for a query that is wrong, which the job will tell."""
        self.storage.check()
        if read_uploads(parameters, None):
            return None
        try:
            account = self.rights.owner(owner)
            request = read_request(parameters, config_for(self.config, account))
            request = replace(request, owner=owner, role=self.rights.role(account))
            if self._is_stored(request):
                return 0.0
            with self.planner.session(limit=1, role=request.role) as session:
                return planned_cost(request.query, session)
        except (AdqlError, ParameterError, DatabaseAway, NoLongerAllowed, AccountsAway, Interrupted, psycopg.Error):
            return None

    def _is_stored(self, request: TapRequest) -> bool:
        if not (request.reuse and self.config.jobs.reuse_results):
            return False
        content = content_of(request, self.planner)
        return bool(content) and self.store.job_of_content(content) is not None

    async def result(self, request: Request, job: Job, id_: str) -> Response:
        """Send a result, and write down who fetched what is shared with them."""
        response = await self.send_result(request, job, id_)
        identity = identity_of(request)
        if identity and job.owner_id not in {None, identity.account.name}:
            await run_in_threadpool(self._fetched, job, identity.account.name)
        return response

    def _fetched(self, job: Job, reader: str) -> None:
        if share := self.shares.of_job(job.job_id, reader):
            self.shares.fetched(share, reader)

    async def send_result(self, request: Request, job: Job, id_: str) -> Response:
        """Send a result. A failed job is told here too: some clients ask nothing else."""
        result = job.result(id_)
        if id_ == PARTIAL and job.phase not in {Phase.PENDING, Phase.QUEUED, Phase.EXECUTING}:
            return RedirectResponse(f"{self.url}/{job.job_id}/results/{RESULT}", 303)
        if id_ == PARTIAL:
            return await run_in_threadpool(self._so_far, request, job)
        if result is None and id_ == RESULT and job.error is not None:
            return error_answer(request.scope, Answer(404, job.error.message))
        if result is None:
            raise NoSuchJob(f"The job is {job.phase} and has no such result")
        if result.url:
            return RedirectResponse(result.url, 303)
        if result.text is not None:
            return Response(result.text, media_type=result.mime_type)
        try:
            return await run_in_threadpool(download, request, job, result, self.storage)
        except NotStored:
            return error_answer(request.scope, Answer(404, await run_in_threadpool(self._lose, job)))

    def _so_far(self, request: Request, job: Job) -> Response:
        """Send what a job has written; empty while that is nothing. Raises: NoSuchJob."""
        format_, media_type = format_of(Parameters(job.parameters))
        try:
            return sent_so_far(request, f"{job.job_id}/{job.attempt}.{format_.extension}", media_type, self.storage)
        except NotStored:
            raise NoSuchJob(f"The job is {job.phase} and has written no rows yet that could be read") from None

    def _lose(self, job: Job) -> str:
        with suppress(IllegalMove, NoSuchJob):
            self.store.move(job.job_id, Move.LOSE, ending=JobEnding(error=ErrorSummary(_GONE)))
        return _GONE

    def error(self, request: Request, job: Job) -> Response:
        return error_answer(request.scope, Answer(200, job.error.message if job.error else ""))


def _allowed(request: Request, parameters: Parameters, config: Config) -> Parameters:
    """Return the parameters. Raises: Unauthorized, OutOfScope where DEST or NOTIFY is not for who asks; ParameterError."""
    name = str(request.path_params.get("name", "")).upper()
    if read_destination(parameters) or name == "DEST":
        owner_of(request)
    targets = [*parameters.all("NOTIFY"), *(parameters.all(service.BODY) if name == "NOTIFY" else [])]
    if targets:
        account = account_of(request, "only accounts are told of their jobs", TokenScope.JOBS)
        check_targets(targets, account, config.notifications)
    return parameters
