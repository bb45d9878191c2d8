"""The tree of resources of a job list as routes (UWS 1.1 §2.2.1): for any service that runs jobs.

Every handler finds its job through `job_of` or `job_named`, where it is decided who may see it.
"""

import math
import re
import secrets
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from uws.answers import document_answer, see, value_answer
from uws.errors import IllegalMove, NoSuchJob, NotAllowed
from uws.forecast import outlook
from uws.job import ASYNC, ENDED_BY_OPERATOR, NOTHING_KNOWN, Attachment, Job, JobRef, NewJob, Pairs, Requester
from uws.parameters import ParameterError, Parameters
from uws.phases import Move, Phase, targets
from uws.resumable_uploads import ResumableUploads, check_words
from uws.service import BODY, JobForm, UwsService
from uws.store import CHANGEABLE, Store, is_job_id, new_job_id
from uws.timestamps import read_instant, write_instant
from uws.waiting import Waiting
from uws.xml import job_document, job_list_document, parameters_document, results_document

_CONTROL = frozenset({"PHASE", "RUNID", "EXECUTIONDURATION", "DESTRUCTION", "ACTION", "WAIT"})
"""Parameters that steer a job; all others are its own."""
_LONGEST_RUN_ID = 256
_ATOMS = ("phase", "executionDuration", "destruction", "quote")
"""Values of a job that are resources of their own, by their names in its document."""


@dataclass(frozen=True)
class Resources:
    """The handlers of the job list `name`; `longest_wait` in seconds."""

    store: Store
    waiting: Waiting
    service: UwsService
    longest_wait: float
    name: str = ASYNC

    def routes(self, path: str) -> list[Route]:
        job = f"{path}/{{job_id}}"
        return [
            Route(path, self.job_list, methods=["GET"]),
            Route(path, self.create, methods=["POST"]),
            Route(job, self.job, methods=["GET"]),
            Route(job, self.change, methods=["POST"]),
            Route(job, self.delete, methods=["DELETE"]),
            *(Route(f"{job}/{name.lower()}", self.atom(name), methods=["GET"]) for name in _ATOMS),
            Route(f"{job}/owner", self.atom("ownerId"), methods=["GET"]),
            Route(f"{job}/phase", self.change, methods=["POST"]),
            Route(f"{job}/executionduration", self.change, methods=["POST"]),
            Route(f"{job}/destruction", self.change, methods=["POST"]),
            Route(f"{job}/error", self.error, methods=["GET"]),
            Route(f"{job}/parameters", self.parameters, methods=["GET"]),
            Route(f"{job}/parameters", self.change, methods=["POST"]),
            Route(f"{job}/parameters/{{name}}", self.parameter, methods=["GET"]),
            Route(f"{job}/parameters/{{name}}", self.change, methods=["POST"]),
            Route(f"{job}/parameters/{{name}}", self.put_parameter, methods=["PUT"]),
            *self._appending.routes(f"{job}/parameters/{{name}}"),
            Route(f"{job}/results", self.results, methods=["GET"]),
            Route(f"{job}/results/{{result_id}}", self.result, methods=["GET"]),
        ]

    @property
    def _appending(self) -> ResumableUploads:
        return ResumableUploads(self.store, self.service, self.job_of)

    # ---- the list

    async def job_list(self, request: Request) -> Response:
        parameters = await self.service.parameters(request)
        phases = [_phase(value) for value in parameters.all("PHASE")]
        after, last = parameters.one("AFTER"), parameters.whole_number("LAST")
        if last == 0:
            raise ParameterError("LAST must be greater than 0")
        instant = read_instant("AFTER", after) if after else None
        asker = self.service.asker(request)
        jobs = await run_in_threadpool(self._references, asker, phases, instant, last)
        return document_answer(request, await run_in_threadpool(job_list_document, jobs, self.service.url))

    def _references(
        self, asker: Requester, phases: Sequence[Phase], after: datetime | None, last: int | None
    ) -> list[JobRef]:
        return self.store.references(asker, phases, after, last, job_list=self.name)

    async def create(self, request: Request) -> Response:
        """Make a job.

        Nothing is checked that the job itself will check: a bad query is a job in ERROR (DALI 1.1 §2.2.1.1).
        """
        form = await self.service.form(request)
        asker = self.service.asker(request)
        with closing(form):
            job_id = await run_in_threadpool(self._create, form, asker)
        response = see(f"{self.service.url}/{job_id}")
        self.service.welcome(request, response, asker)
        return response

    def _create(self, form: JobForm, asker: Requester) -> str:
        """Make a job, and return its id.

        One with files is not run before they are stored; then it is, and only then acknowledged.
        """
        parameters, job_id = form.parameters, new_job_id()
        phase, destruction = parameters.one("PHASE"), parameters.one("DESTRUCTION")
        if phase not in {None, "RUN"}:
            raise ParameterError("A new job's PHASE can only be RUN")
        new = NewJob(
            _own(parameters),
            _attachments(form, job_id),
            run=phase == "RUN" and not form.files,
            run_id=_run_id(parameters),
            execution_duration=_seconds(parameters),
            destruction=_future("DESTRUCTION", destruction) if destruction else None,
            cost=self.service.cost(parameters, asker.owner_id),
            job_list=self.name,
        )
        check_words(new.parameters, new.attachments, self.service.most_words)
        self.store.check_upload(asker.share, _size(form), asker.limits)
        self.store.create(asker, new, job_id)
        self._keep(form, new.attachments)
        if phase == "RUN" and form.files:
            self.store.run(self.store.job(job_id), asker.limits)
        return job_id

    def _keep(self, form: JobForm, attachments: Sequence[Attachment]) -> None:
        for file, attachment in zip(form.files, attachments, strict=True):
            self.service.keep(file, attachment.key)

    # ---- a job

    async def job(self, request: Request) -> Response:
        job = await self.job_of(request)
        parameters = await self.service.parameters(request)
        wait = parameters.one("WAIT")
        if wait is not None:
            phase = parameters.one("PHASE")
            seconds = min(_wait(wait), self.longest_wait)
            job = await self._waited(request, job, seconds, _phase(phase) if phase else None)
        return self._document(request, job)

    async def _waited(self, request: Request, job: Job, seconds: float, phase: Phase | None) -> Job:
        """Return the job when it has changed; at once where too many wait already (UWS 1.1 §2.2.1.2). Raises: NoSuchJob."""
        with self.waiting.places.taken(self.service.asker(request).share) as may_wait:
            changed_job = await self.waiting.job(job.job_id, seconds, phase) if may_wait else job
        if changed_job is None:
            raise NoSuchJob
        return changed_job

    def _document(self, request: Request, job: Job) -> Response:
        return document_answer(request, job_document(job, self._url(job), outlook(job, self.store.limits)))

    async def delete(self, request: Request) -> Response:
        job = await self.job_of(request)
        await run_in_threadpool(self.store.delete, job.job_id)
        return see(self.service.url)

    async def change(self, request: Request) -> Response:
        """Take a form that steers the job or sets its parameters, at any of its resources (UWS 1.1 §2.1.11, §2.2.3)."""
        job = await self.job_of(request)
        form = await self.service.form(request)
        with closing(form):
            action = form.parameters.one("ACTION")
            if action is not None and action.upper() != "DELETE":
                raise ParameterError("ACTION can only be DELETE")
            if action:
                return await self.delete(request)
            await run_in_threadpool(self._change, job, form, self.service.asker(request))
        # astroquery takes nothing but 200 here, and follows no redirect.
        if request.headers.get("user-agent", "").startswith("astroquery/"):
            return self._document(request, await self.job_of(request))
        return see(self._url(job))

    def _change(self, job: Job, form: JobForm, asker: Requester) -> None:
        """Check first what may be refused for its value.

        The phase comes last, as what was set before shall hold for the run.
        """
        parameters = form.parameters
        duration, destruction = _seconds(parameters), parameters.one("DESTRUCTION")
        phase, run_id, job_parameters = parameters.one("PHASE"), _run_id(parameters), _own(parameters)
        move = _move(phase) if phase else None
        instant = _future("DESTRUCTION", destruction) if destruction else None
        if not (job_parameters or form.files or run_id or move or instant or duration is not None):
            raise ParameterError("There is nothing to change: the form has no parameter")
        changed = job_parameters or form.files
        changes = {"parameters": changed, "run_id": run_id, "execution_duration": duration, "destruction": instant}
        _check(job.phase, [name for name, value in changes.items() if value or value == 0], move)
        self.store.check_upload(asker.share, _size(form), asker.limits)
        if changed:
            attachments = _attachments(form, job.job_id)
            self._set(job, Parameters(job_parameters), attachments)
            self._keep(form, attachments)
        if run_id:
            self.store.change_run_id(job.job_id, run_id)
        if duration is not None:
            self.store.change_duration(job.job_id, duration, asker.limits)
        if instant:
            self.store.change_destruction(job.job_id, instant)
        if move is Move.RUN:
            self.store.run(job, asker.limits)
        elif move:
            by_operator = asker.sees_all and job.owner_id != asker.owner_id
            self.store.move(job.job_id, move, ending=ENDED_BY_OPERATOR if by_operator else NOTHING_KNOWN)

    def _set(self, job: Job, changes: Parameters, files: Sequence[Attachment] = ()) -> None:
        """Set what is given, each name in place of what it was before."""
        names = {name for name, _ in changes.pairs}
        pairs = tuple(pair for pair in job.parameters if pair[0] not in names) + changes.pairs
        replaced = {file.name for file in files}
        attachments = [attachment for attachment in job.attachments if attachment.name not in replaced] + list(files)
        check_words(pairs, attachments, self.service.most_words)
        cost = self.service.cost(Parameters(pairs), job.owner_id) if job.phase is Phase.PENDING else None
        self.store.change_parameters(job.job_id, pairs, cost, attachments)

    async def parameters(self, request: Request) -> Response:
        job = await self.job_of(request)
        return document_answer(request, parameters_document(job, self._url(job)))

    async def parameter(self, request: Request) -> Response:
        job, name = await self.job_of(request), request.path_params["name"]
        attachment = job.attachment(name)
        if attachment and request.method == "HEAD":
            return self._appending.offset(attachment)
        if attachment:
            return await self.service.attachment(attachment)
        values = Parameters(job.parameters).all(name.upper())
        if not values:
            raise NoSuchJob(f"The job has no parameter {name[:40]}")
        parameters = [{"id": name.upper(), "value": value} for value in values]
        return value_answer(request, "\n".join(values), {"parameters": parameters})

    async def put_parameter(self, request: Request) -> Response:
        """Set a parameter; the value is the body itself (UWS 1.1 §2.1.11)."""
        job = await self.job_of(request)
        parameters = await self.service.parameters(request)
        changes = Parameters.of([(request.path_params["name"], parameters.required(BODY))])
        await run_in_threadpool(self._set, job, changes)
        return see(self._url(job))

    async def results(self, request: Request) -> Response:
        job = await self.job_of(request)
        return document_answer(request, results_document(job, self._url(job)))

    async def result(self, request: Request) -> Response:
        return await self.service.result(request, await self.job_of(request), request.path_params["result_id"])

    async def error(self, request: Request) -> Response:
        job = await self.job_of(request)
        if job.error is None:
            raise NoSuchJob("The job has no error")
        return self.service.error(request, job)

    def atom(self, name: str) -> Callable[[Request], object]:
        """Return the handler of one value of a job, which is called so in its document."""

        async def handler(request: Request) -> Response:
            value = self._values(await self.job_of(request))[name]
            return value_answer(request, "" if value is None else str(value), {name: value})

        return handler

    def _values(self, job: Job) -> dict[str, str | int | None]:
        return {
            "phase": job.phase,
            "executionDuration": job.execution_duration,
            "destruction": write_instant(job.destruction),
            "quote": write_instant(outlook(job, self.store.limits).quote) or None,
            "ownerId": job.owner_id,
        }

    async def job_of(self, request: Request) -> Job:
        """Return the job that the URL names. Raises: NoSuchJob, NotAllowed (UWS 1.1 §3)."""
        return await self.job_named(request, request.path_params["job_id"])

    async def job_named(self, request: Request, job_id: str) -> Job:
        """Return a job of this list, if the request may see it.

        One with an owner is its owner's; of others it is enough to know the id.

        Raises: NoSuchJob, NotAllowed (UWS 1.1 §3).
        """
        if not is_job_id(job_id):
            raise NoSuchJob
        job = await run_in_threadpool(self.store.job, job_id)
        if job.job_list != self.name:
            raise NoSuchJob
        if not await self.may_see(request, job):
            raise NotAllowed
        return job

    async def may_see(self, request: Request, job: Job) -> bool:
        return self.service.asker(request).may_see(job) or await self._is_shared(request, job)

    async def _is_shared(self, request: Request, job: Job) -> bool:
        """Return whether this is a request that reads, from somebody who may read the job."""
        return request.method in {"GET", "HEAD"} and await run_in_threadpool(self.service.is_shared, request, job)

    def _url(self, job: Job) -> str:
        return f"{self.service.url}/{job.job_id}"


def _attachments(form: JobForm, job_id: str) -> tuple[Attachment, ...]:
    """Return files with their places in storage, new ones whatever was there before."""
    return tuple(
        Attachment(file.name, f"{job_id}/upload-{secrets.token_hex(4)}", file.size, file.file_name, file.media_type)
        for file in form.files
    )


def _own(parameters: Parameters) -> Pairs:
    """Return the parameters without those that steer. Raises: ParameterError for what the store cannot hold."""
    if any("\0" in name + value for name, value in parameters.pairs):
        raise ParameterError("A parameter has a NUL character in it")
    return tuple((name, value) for name, value in parameters.pairs if name not in _CONTROL)


def _size(form: JobForm) -> int:
    return sum(file.size for file in form.files)


def _run_id(parameters: Parameters) -> str | None:
    """Return what a client calls its job. Raises: ParameterError for a text that is no name: lists have it of each job."""
    run_id = parameters.one("RUNID")
    if run_id and len(run_id) > _LONGEST_RUN_ID:
        raise ParameterError(f"RUNID has at most {_LONGEST_RUN_ID} characters; this one has {len(run_id):,}")
    return run_id


def _seconds(parameters: Parameters) -> int | None:
    seconds = parameters.whole_number("EXECUTIONDURATION")
    return None if seconds is None else min(seconds, 2**31 - 1)


def _future(name: str, text: str) -> datetime:
    instant = read_instant(name, text)
    if instant <= datetime.now(UTC):
        raise ParameterError(f"{name} {text[:40]!r} has passed already")
    return instant


def _check(phase: Phase, changes: Sequence[str], move: Move | None) -> None:
    """Check that all of a form can be done, so that nothing is done of one that cannot. Raises: IllegalMove."""
    for name in changes:
        if phase not in CHANGEABLE[name]:
            raise IllegalMove.of_change(name, phase)
    if move and phase not in targets(move):
        raise IllegalMove.of(move, phase)


def _wait(text: str) -> float:
    """Return seconds, infinity for -1. Raises: ParameterError."""
    if not re.fullmatch(r"-1|[0-9]+", text.strip()):
        raise ParameterError(f"WAIT must be a number of seconds, or -1, not {text[:40]!r}")
    return math.inf if text.strip() == "-1" else int(text.strip()[:18])


def _phase(text: str) -> Phase:
    try:
        return Phase(text.strip().upper())
    except ValueError:
        raise ParameterError(f"PHASE: there is no phase {text[:40]!r}; there are {', '.join(Phase)}") from None


def _move(text: str) -> Move:
    """Return what a client asks of the phase (UWS 1.1 §2.2.3.5, §2.2.3.6). Raises: ParameterError."""
    moves = {"RUN": Move.RUN, "ABORT": Move.ABORT}
    if text.strip().upper() not in moves:
        raise ParameterError(f"PHASE can be set to RUN or ABORT, not to {text[:40]!r}")
    return moves[text.strip().upper()]
