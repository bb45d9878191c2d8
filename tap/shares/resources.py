"""/shares as JSON, and /shared/SECRET, where a link leads."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tap.auth.authentication import address_of
from tap.auth.identity import Account, TokenScope, identity_of
from tap.auth.private import account_of, check_count, number_in_path, private_json
from tap.config import Config
from tap.form import read_parameters
from tap.jobs import RESULT, JobService
from tap.shares.shares import JOB, TABLE, NewShare, Share, Shares
from uws.parameters import ParameterError, Parameters

_MODES = {"read": False, "write": True}
_SCOPES = {TABLE: TokenScope.TABLES, JOB: TokenScope.JOBS}

Run = Callable[[Request, Account, str], Awaitable[Response]]
"""Answers a query in the name of an account, in the format that the request asks for."""


@dataclass(frozen=True)
class ShareResources:
    """The handlers."""

    shares: Shares
    jobs: JobService
    run: Run
    config: Config

    async def add(self, request: Request) -> Response:
        account, parameters = _account(request), await read_parameters(request, self.config)
        new = _new_share(parameters)
        _account(request, new.kind)
        given = await run_in_threadpool(self.shares.given, account)
        check_count(len(given), self.config.accounts.shares_per_account, "shares", "end one")
        share, secret = await run_in_threadpool(self.shares.share, account, new)
        answer = _shown(share)
        if secret:
            answer["url"] = f"{self.config.web.base_url}/shared/{secret}"
        return private_json(answer, 201)

    async def list(self, request: Request) -> Response:
        account = _account(request)
        given = await run_in_threadpool(self.shares.given, account)
        received = await run_in_threadpool(self.shares.received, account)
        answer = {"given": [_shown(share) for share in given], "received": [_shown(share) for share in received]}
        return private_json(answer)

    async def revoke(self, request: Request) -> Response:
        account, number = _account(request), number_in_path(request, "share_id")
        share = await run_in_threadpool(self.shares.find, account, number)
        _account(request, share.kind)
        await run_in_threadpool(self.shares.revoke, share)
        return Response(status_code=204)

    async def events(self, request: Request) -> Response:
        events = await run_in_threadpool(self.shares.events, _account(request))
        return private_json([event | {"when": _instant(event["when"])} for event in events])

    async def follow(self, request: Request) -> Response:
        """Give what a link leads to, to whoever has it."""
        share = await run_in_threadpool(self.shares.of_link, request.path_params["secret"])
        response = await (self._rows if share.kind == TABLE else self._result)(request, share)
        identity = identity_of(request)
        who = identity.account.name if identity else address_of(request)
        await run_in_threadpool(self.shares.fetched, share, who)
        return response

    async def _rows(self, request: Request, share: Share) -> Response:
        giver, _ = await run_in_threadpool(self.shares.linked_table, share)
        return await self.run(request, giver, f"SELECT * FROM {share.name}")

    async def _result(self, request: Request, share: Share) -> Response:
        job = await run_in_threadpool(self.shares.linked_job, share)
        return await self.jobs.send_result(request, job, RESULT)


def _account(request: Request, kind: str | None = None) -> Account:
    """Return who asks, to change a share of that kind if one is named."""
    return account_of(request, "only accounts share", _SCOPES[kind] if kind else TokenScope.READ)


def _new_share(parameters: Parameters) -> NewShare:
    kind, mode = parameters.required("KIND").lower(), (parameters.one("MODE") or "read").lower()
    if kind not in _SCOPES:
        raise ParameterError(f"KIND can be table or job, not {kind[:40]!r}")
    if mode not in _MODES:
        raise ParameterError(f"MODE can be read or write, not {mode[:40]!r}")
    name = parameters.required("NAME" if kind == TABLE else "JOB")
    days, mount = parameters.whole_number("DAYS"), parameters.one("AS")
    return NewShare(kind, name, parameters.required("WITH"), _MODES[mode], days, mount)


def _shown(share: Share) -> dict[str, object]:
    return {
        "id": str(share.share_id),
        "kind": share.kind,
        "name": share.name,
        "by": share.giver,
        "with": share.whom,
        "mode": "write" if share.may_write else "read",
        "expires": _instant(share.expires),
        **({"table": share.mounted} if share.mounted else {}),
    }


def _instant(value: datetime | None) -> str | None:
    return value.isoformat() if value else None
