"""Asks standing queries again when their data have changed, and compares what comes with what was there."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import psycopg

from adql.errors import AdqlError
from schema.load.reader import LoadError
from tap.auth.accounts import AccountsAway
from tap.auth.identity import Account
from tap.auth.limits import config_for
from tap.auth.rights import NoLongerAllowed, Rights
from tap.comparison import compared, comparison_request
from tap.config import Config
from tap.engine.cancellation import Cancellation
from tap.engine.engine import DatabaseAway, ShardAway
from tap.engine.rows import Interrupted
from tap.errors import describe
from tap.jobs import limits_of
from tap.observe import Fault, Kept, observe
from tap.progress import QueryProgress
from tap.query.content import content_of
from tap.query.run import QueryService
from tap.request import TapRequest, read_request
from tap.standing.standing_query import StandingQueries, StandingQuery
from tap.storage.storage import StorageAway
from uws.errors import NoSuchJob, QueueFull, StoreAway, TooManyJobs
from uws.job import Job, NewJob, Requester
from uws.parameters import ParameterError, Parameters
from uws.periodic import Periodic
from uws.phases import FINAL, Phase
from uws.store import Store
from uws.timestamps import write_instant

_AT_ONCE = 20
_COMPARING = 600.0
"""Seconds that a comparison may take."""
_REFUSED = (AdqlError, ParameterError, LoadError, NoLongerAllowed, QueueFull, TooManyJobs)
_AWAY = (DatabaseAway, ShardAway, StoreAway, StorageAway, Interrupted, OSError, psycopg.Error)


@dataclass(frozen=True)
class StandingKeeper:
    """What it needs; any number may look after the same queries."""

    config: Config
    queries: StandingQueries
    store: Store
    rights: Rights
    service: QueryService

    def thread(self) -> Periodic:
        return Periodic("standing queries", self.config.jobs.standing_seconds, self.step)

    def step(self) -> None:
        """Look at those that are due; what cannot be done now is due again."""
        try:
            due = self.queries.due(self.config.jobs.standing_seconds, _AT_ONCE)
            moved = sum(self._look(owner, standing) for owner, standing in due)
        except AccountsAway:
            return
        if moved:
            observe(Kept("standing queries that went on", moved))

    def _look(self, owner: str, standing: StandingQuery) -> bool:
        """Return whether there was something to do. Whatever fails in one is told there, and the others go on.

        Raises: AccountsAway.
        """
        try:
            account = self.rights.owner(owner)
            if account is None:
                return False
            self._keep(standing)
            if standing.next_job:
                return self._look_at_job(account, standing, standing.next_job)
            return self._ask_if_changed(account, standing)
        except (*_REFUSED, *_AWAY) as error:
            return self._tell(standing, error)

    def _keep(self, standing: StandingQuery) -> None:
        """Put off the destruction of what it needs, before half of the longest life is over."""
        longest = timedelta(seconds=self.store.limits.destruction_limit)
        now = datetime.now(UTC)
        for job in self.store.jobs(standing.jobs):
            if job.phase is Phase.COMPLETED and job.destruction < now + longest / 2:
                self.store.change_destruction(job.job_id, now + longest)

    def _tell(self, standing: StandingQuery, error: Exception) -> bool:
        """Tell why it failed, unless that may be over when it is due again; return whether it was told."""
        answer = describe(error)
        if answer.expected and answer.status >= 500:
            return False
        if not answer.expected:
            observe(Fault("a standing query", error))
        self.queries.failed(standing, answer.message)
        return True

    def _ask_if_changed(self, account: Account, standing: StandingQuery) -> bool:
        parameters = Parameters(_parameters(standing))
        content = content_of(self._request(account, parameters), self.service.engine)
        if not content or content == standing.content:
            return False
        own = config_for(self.config, account)
        asker = Requester(account.name, None, account.name, limits=limits_of(own.jobs))
        new = NewJob(parameters.pairs, run=True, run_id=standing.name)
        self.queries.runs(standing, content, self.store.create(asker, new))
        return True

    def _request(self, account: Account, parameters: Parameters) -> TapRequest:
        request = read_request(parameters, config_for(self.config, account))
        return replace(request, owner=account.name, role=self.rights.role(account))

    def _look_at_job(self, account: Account, standing: StandingQuery, job_id: str) -> bool:
        try:
            job = self.store.job(job_id)
        except NoSuchJob:
            self.queries.failed(standing, "Its job was deleted before it had ended", again=True)
            return True
        if job.phase not in FINAL:
            return False
        if job.phase is not Phase.COMPLETED:
            problem = job.error.message if job.error else f"Its job is {job.phase}"
            again = job.phase is not Phase.ERROR or job.error is None or job.error.type == "transient"
            self.queries.failed(standing, problem, again=again)
            return True
        before = self._before(standing)
        self.queries.has_result(standing, self._change(account, standing, before, job) if before else None)
        return True

    def _before(self, standing: StandingQuery) -> Job | None:
        """Return the job of before, if its result is still there."""
        jobs = self.store.jobs([standing.job_id]) if standing.job_id else []
        return next((job for job in jobs if job.phase is Phase.COMPLETED and job.results), None)

    def _change(self, account: Account, standing: StandingQuery, before: Job, job: Job) -> dict[str, object]:
        pair = (before, job)
        request = self._request(account, comparison_request(pair, standing.key, self.config))
        service = replace(self.service, streams=False, limit=_COMPARING)
        cancellation = Cancellation(f"comparison for {standing.name}")
        try:
            change = compared(pair, request, service, cancellation, QueryProgress())
        except (LoadError, Interrupted, psycopg.Error) as error:
            answer = describe(error)
            if answer.status >= 500:
                raise
            why = f"What has changed cannot be told: {answer.message}"
            change = {"equal": None, "rows": None, "first": before.job_id, "second": job.job_id, "in_words": [why]}
        return {"at": write_instant(datetime.now(UTC)), **change}


def _parameters(standing: StandingQuery) -> tuple[tuple[str, str], ...]:
    notify = (("NOTIFY", target) for target in standing.notify)
    return (("LANG", "ADQL"), ("QUERY", standing.query), *notify)
