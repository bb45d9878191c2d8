"""/standing: the standing queries of an account, and what has become of their rows."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adql.translate import translate
from tap.auth.identity import Account, TokenScope
from tap.auth.private import account_of, check_count, private_json
from tap.auth.rights import Rights
from tap.comparison import ONLY_FIRST, ONLY_SECOND, upload_of
from tap.config import Config
from tap.engine.engine import Engine
from tap.errors import NotFound
from tap.form import read_parameters
from tap.notifications import check_targets
from tap.standing.standing_query import Change, NewStandingQuery, StandingQueries, StandingQuery
from uws.parameters import ParameterError
from uws.timestamps import write_instant

_CHECK_SECONDS = 10.0


@dataclass(frozen=True)
class StandingResources:
    """The handlers."""

    queries: StandingQueries
    planner: Engine
    rights: Rights
    config: Config

    def routes(self, tap: str) -> list[Route]:
        return [
            Route(f"{tap}/standing", self.list, methods=["GET"]),
            Route(f"{tap}/standing", self.add, methods=["POST"]),
            Route(f"{tap}/standing/{{name}}", self.show, methods=["GET"]),
            Route(f"{tap}/standing/{{name}}", self.drop, methods=["DELETE"]),
        ]

    async def list(self, request: Request) -> Response:
        queries = await run_in_threadpool(self.queries.of, _account(request))
        return private_json([self._shown(query) for query in queries])

    async def add(self, request: Request) -> Response:
        """Keep QUERY as NAME; KEY tells its rows apart, NOTIFY says who hears when it was asked again."""
        account, parameters = _account(request), await read_parameters(request, self.config)
        notify = tuple(target for target in parameters.all("NOTIFY") if target)
        check_targets(notify, account, self.config.notifications)
        query = parameters.required("QUERY")
        if len(query) > self.config.limits.query_length:
            raise ParameterError(f"QUERY has at most {self.config.limits.query_length:,} characters")
        new = NewStandingQuery(parameters.required("NAME"), query, parameters.one("KEY"), notify)
        await run_in_threadpool(self._add, account, new)
        return private_json(self._shown(await self._named(account, new.name)), 201)

    def _add(self, account: Account, new: NewStandingQuery) -> None:
        """Raises: ParameterError, AdqlError."""
        own = self.queries.of(account)
        check_count(len(own), self.config.accounts.standing_per_account, "standing queries", "drop one")
        with self.planner.session(_CHECK_SECONDS, role=self.rights.role(account)) as session:
            translation = translate(new.query, session.catalogue)
        others = [table.table_name for table in translation.tables if table.data_version is None]
        if others or not translation.is_repeatable:
            what = f"of {', '.join(others)}" if others else "by random numbers"
            raise ParameterError(f"Nobody hears when the rows {what} change, so that this query cannot stand")
        columns = [output.name for output in translation.outputs]
        if new.key is not None and new.key not in columns:
            raise ParameterError(f"KEY is a column of the result: {', '.join(columns)[:500]}")
        self.queries.add(account, new)

    async def show(self, request: Request) -> Response:
        return private_json(self._shown(await self._named(_account(request), request.path_params["name"])))

    async def _named(self, account: Account, name: str) -> StandingQuery:
        queries = await run_in_threadpool(self.queries.of, account)
        query = next((query for query in queries if query.name == name), None)
        if query is None:
            raise NotFound(f"You have no standing query {name[:64]}")
        return query

    async def drop(self, request: Request) -> Response:
        account, name = _account(request), request.path_params["name"]
        if not await run_in_threadpool(self.queries.drop, account, name):
            raise NotFound(f"You have no standing query {name[:64]}")
        return Response(status_code=204)

    def _shown(self, query: StandingQuery) -> dict[str, Any]:
        return {
            "name": query.name,
            "query": query.query,
            "key": query.key,
            "notify": list(query.notify),
            "created": write_instant(query.created),
            "looked": write_instant(query.looked),
            "job": self._job(query.job_id),
            "running": self._job(query.next_job),
            "problem": query.problem,
            "changes": [dict(change) | self._rows(change) for change in query.changes],
        }

    def _job(self, job_id: str | None) -> str | None:
        return f"{self.config.web.base_url}/async/{job_id}" if job_id else None

    def _rows(self, change: Change) -> dict[str, str]:
        """Return where the rows are that came, and those that went; those that changed are among both."""
        tap = self.config.web.base_url
        upload = upload_of(tap, change["first"], change["second"])

        def url(query: str) -> str:
            return f"{tap}/sync?{urlencode({'LANG': 'ADQL', 'QUERY': query, 'UPLOAD': upload})}"

        return {"came": url(ONLY_SECOND), "went": url(ONLY_FIRST)}


def _account(request: Request) -> Account:
    return account_of(request, "standing queries belong to accounts", TokenScope.JOBS)
