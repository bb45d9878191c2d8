"""What a link leads to, as people see it before they download it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tap.formats import FORMATS
from tap.pages.rendering import Pages
from tap.shares.shares import TABLE, Share, Shares
from uws.parameters import Parameters


@dataclass(frozen=True)
class SharedPages:
    """The handler; `follow` answers with the rows themselves."""

    pages: Pages
    shares: Shares
    follow: Callable[[Request], Awaitable[Response]]

    async def shared(self, request: Request) -> Response:
        """Show what is shared; a download, which has a parameter, is what programs get."""
        if request.query_params:
            return await self.follow(request)
        share = await run_in_threadpool(self.shares.of_link, request.path_params["secret"])
        shown = await run_in_threadpool(self._table if share.kind == TABLE else self._job, share)
        values = {"share": share, "formats": FORMATS if share.kind == TABLE else (), **shown}
        return self.pages.response(request, "shared.html", values)

    def _table(self, share: Share) -> dict[str, Any]:
        _, table = self.shares.linked_table(share)
        return {"heading": share.title or share.name, "rows": table.nrows, "query": None}

    def _job(self, share: Share) -> dict[str, Any]:
        job = self.shares.linked_job(share)
        rows = job.results[0].rows if job.results else None
        return {"heading": job.run_id or "A result", "rows": rows, "query": Parameters(job.parameters).first("QUERY")}
