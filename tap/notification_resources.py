"""/notifications, what an account wants to be told of its jobs, and /events, their changes as they come."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from tap.auth.identity import Account, TokenScope
from tap.auth.private import account_of, private_json
from tap.config import Config
from tap.errors import Busy
from tap.form import read_parameters
from tap.notifications import Subscription, check_targets, subscribe, subscription
from uws.errors import NoSuchJob, NotAllowed
from uws.events import Changes
from uws.parameters import ParameterError
from uws.phases import FINAL
from uws.resources import Resources

_DELETED = "DELETED"
_LAST = {*FINAL, _DELETED}
_PING = 15.0
"""Seconds of silence after which a listener is sent a comment, so that nothing on the way thinks that it is gone."""


@dataclass(frozen=True)
class NotificationResources:
    """The handlers."""

    jobs: Resources
    config: Config
    listeners: Counter[str] = field(default_factory=Counter)

    async def show(self, request: Request) -> Response:
        account = _account(request)
        return _shown(await run_in_threadpool(subscription, self.jobs.store, account.name))

    async def change(self, request: Request) -> Response:
        """Set NOTIFY, repeated or empty; ACTION=renew makes another secret."""
        account, parameters = _account(request), await read_parameters(request, self.config)
        action = (parameters.one("ACTION") or "").lower()
        if action not in {"", "renew"}:
            raise ParameterError("ACTION can only be renew")
        targets = [value for value in parameters.all("NOTIFY") if value]
        check_targets(targets, account, self.config.notifications)
        changed = targets if parameters.all("NOTIFY") else None
        if changed is None and not action:
            raise ParameterError("There is nothing to change: give NOTIFY, or ACTION=renew")
        return _shown(await run_in_threadpool(self._subscribe, account.name, changed, renew=action == "renew"))

    def _subscribe(self, owner: str, targets: list[str] | None, *, renew: bool) -> Subscription:
        return subscribe(self.jobs.store, owner, targets, renew=renew)

    async def events(self, request: Request) -> Response:
        """Tell of changes of one's jobs, or of the one that JOB names, as server-sent events."""
        parameters, events = await read_parameters(request, self.config), self.jobs.waiting.events
        job_id, share = parameters.one("JOB"), self.jobs.service.asker(request).share
        if not job_id:
            account = _account(request)
            stream = self._stream(share, events.of_owner(account.name))
        else:
            jobs = await run_in_threadpool(self.jobs.store.jobs, [job_id])
            if not jobs:
                raise NoSuchJob
            if not await self.jobs.may_see(request, jobs[0]):
                raise NotAllowed
            stream = self._stream(share, events.of_job(job_id), job_id)
        self._admit(share)
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(stream, headers=headers, media_type="text/event-stream")

    def _admit(self, share: str) -> None:
        """Raises: Busy."""
        limits = self.config.notifications
        if self.listeners.total() >= limits.event_streams or self.listeners[share] >= limits.event_streams_per_owner:
            raise Busy("Too many listen to changes of jobs just now")

    async def _stream(
        self, share: str, listening: AbstractContextManager[Changes], job_id: str | None = None
    ) -> AsyncIterator[str]:
        """Yield events until the client goes, or the one job has ended."""
        self.listeners[share] += 1
        try:
            with listening as changes:
                # The phase is read only now, so that no change is missed.
                phase = await self._phase(job_id) if job_id else ""
                yield _event("phase", job_id, phase) if job_id else ": listening\n\n"
                texts = _texts(changes)
                while not (job_id and phase in _LAST):
                    text, phase = await anext(texts)
                    yield text
        finally:
            self.listeners[share] -= 1

    async def _phase(self, job_id: str) -> str:
        jobs = await run_in_threadpool(self.jobs.store.jobs, [job_id])
        return jobs[0].phase if jobs else _DELETED


async def _texts(changes: Changes) -> AsyncIterator[tuple[str, str]]:
    """Yield each change as an event, and its phase; empty for what is no change."""
    while True:
        try:
            change = await asyncio.wait_for(changes.get(), _PING)
        except TimeoutError:
            yield ": silence\n\n", ""
            continue
        if change is None:
            # Whoever keeps a list of jobs must read it anew.
            yield "event: missed\ndata: {}\n\n", ""
        else:
            yield _event("phase", change.job_id, change.phase), change.phase


def _event(name: str, job_id: str, phase: str) -> str:
    return f"event: {name}\ndata: {json.dumps({'job': job_id, 'phase': phase})}\n\n"


def _account(request: Request) -> Account:
    return account_of(request, "only accounts are told of their jobs", TokenScope.JOBS)


def _shown(told: Subscription) -> Response:
    return private_json({"notify": list(told.targets), "webhook_secret": told.secret})
