"""What administrators see of all: what runs and waits, shards, offers to publish, accounts."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tap.auth.private import check_administrator
from tap.pages.rendering import Pages
from tap.parts import Parts
from tap.query_resources import running, waiting


@dataclass(frozen=True)
class AdminPages:
    """The handlers."""

    pages: Pages
    parts: Parts

    async def overview(self, request: Request) -> Response:
        check_administrator(request, "see what others run")
        return self.pages.response(request, "admin.html", await run_in_threadpool(self._values))

    def _values(self) -> dict[str, Any]:
        accounts, jobs, tables = self.parts.accounts, self.parts.store, self.parts.own_tables
        return {
            "now": datetime.now(UTC),
            "running": running(accounts, jobs),
            "waiting": waiting(jobs),
            "overview": jobs.overview(),
            "shards": self.parts.shard_states(),
            "records": accounts.records(),
            "offers": [offer for offer in tables.publications(None) if offer.state == "offered"],
        }
