"""The status page: what works, how it was over the last day, and how long jobs wait."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tap import probes
from tap.auth.accounts import AccountsAway
from tap.auth.identity import account_in
from tap.availability import Availability
from tap.pages.rendering import Pages
from tap.parts import Parts
from uws.errors import StoreAway

_LABELS = {"query": "Queries", "upload": "Uploads", "job": "Jobs"}
_HEIGHT = 40
_SHORTEST = 0.1
"""Seconds of the whole height of a chart at least, so that nothing looks slow that is not."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A quarter of an hour in a chart; its height is of `_HEIGHT`."""

    place: int
    height: float
    kind: str
    about: str


@dataclass(frozen=True)
class StatusPage:
    """The handler."""

    pages: Pages
    parts: Parts
    availability: Availability

    async def status(self, request: Request) -> Response:
        """Show whether all is well, the probes, the shards, and how many jobs are in which phase."""
        state = await self.availability.now()
        is_member = account_in(request) is not None or self.parts.config.accounts.anonymous
        values: dict[str, Any] = {"state": state, "labels": _LABELS, "height": _HEIGHT, "quarters": probes.QUARTERS}
        values |= {"charts": {}, "selftest": None, "overview": []}
        with suppress(StoreAway, AccountsAway):
            values |= await run_in_threadpool(self._known, is_member=is_member)
        return self.pages.response(request, "status.html", values)

    def _known(self, *, is_member: bool) -> Mapping[str, Any]:
        """Raises: StoreAway, AccountsAway."""
        accounts = self.parts.accounts
        charts = {probe: _bars(quarters) for probe, quarters in probes.history(accounts).items()}
        selftest = accounts.rows("last_selftest", {})
        return {
            "charts": charts,
            "selftest": selftest[0] if selftest else None,
            "overview": self.parts.store.overview() if is_member else [],
        }


def _bars(quarters: list[tuple[int, float] | None]) -> list[Bar]:
    top = max([_SHORTEST, *(quarter[1] for quarter in quarters if quarter)])
    return [_bar(place, *quarter, top) for place, quarter in enumerate(quarters) if quarter]


def _bar(place: int, failed: int, seconds: float, top: float) -> Bar:
    ago = (probes.QUARTERS - place) * 15
    about = f"{ago // 60} h {ago % 60:02} min ago: {seconds:.2g} s" + (f", {failed} failed" if failed else "")
    return Bar(place, max(1.0, _HEIGHT * seconds / top), "bad" if failed else "good", about)
