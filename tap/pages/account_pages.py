"""An account as its owner sees it: login, tokens, groups, own tables, shares, limits."""

from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from schema.model import Catalogue, Table, unquoted_parts
from tap.auth.authentication import Authenticator
from tap.auth.identity import Account, TokenScope, identity_of
from tap.auth.login import Login, local_path
from tap.auth.passwords import TooManyAttempts, WrongPassword
from tap.auth.self_service import SelfService
from tap.config import Config
from tap.errors import describe
from tap.notifications import subscription
from tap.own_tables.own_tables import OwnTables
from tap.pages.rendering import CatalogueOf, Pages, see
from tap.shares.groups import Groups
from tap.shares.shares import Shares
from tap.standing.standing_query import StandingQueries


@dataclass(frozen=True)
class AccountParts:
    """What accounts have."""

    authenticator: Authenticator
    tables: OwnTables
    groups: Groups
    shares: Shares


@dataclass(frozen=True)
class AccountPages:
    """The handlers."""

    pages: Pages
    config: Config
    catalogue: CatalogueOf
    login: Login
    self_service: SelfService
    parts: AccountParts

    async def login_form(self, request: Request) -> Response:
        return self._login_page(request)

    def _login_page(self, request: Request, message: str = "", status: int = 200) -> Response:
        issuer = self.config.oidc.oidc_issuer
        values = {"message": message, "oidc": issuer, "next": self._next(request)}
        return self.pages.response(request, "login.html", values, status)

    def _next(self, request: Request) -> str:
        return local_path(request.query_params.get("next")) or f"{self.pages.root}/"

    async def log_in(self, request: Request) -> Response:
        """Begin a session and lead on; who is not known may try again."""
        try:
            response = await self.login.login(request)
        except WrongPassword:
            return self._login_page(request, "Wrong name or password.", 401)
        except TooManyAttempts as error:
            answer = describe(error)
            return self._login_page(request, answer.message, answer.status)
        return see(self._next(request), response.raw_headers)

    async def log_out(self, request: Request) -> Response:
        return see(f"{self.pages.root}/", (await self.login.logout(request)).raw_headers)

    async def account(self, request: Request) -> Response:
        """Show who asks what they have and may."""
        identity = identity_of(request)
        about = await self.self_service.about(request)
        values: dict[str, Any] = {"about": about, "scopes": [str(scope) for scope in TokenScope], "has": None}
        # A token sees no tokens, nor what only its owner decides.
        if identity and not identity.is_token:
            catalogue = await self.catalogue(request)
            tables = _tables_in(catalogue, about["schema"])
            values["has"] = {"tables": tables, **await run_in_threadpool(self._has, identity.account)}
        return self.pages.response(request, "account.html", values)

    def _has(self, account: Account) -> dict[str, Any]:
        return {
            "told": subscription(self.self_service.jobs, account.name),
            "mails": bool(self.config.notifications.smtp_host and account.email),
            "tokens": self.parts.authenticator.store.tokens(account),
            "groups": self.parts.groups.of(account),
            "given": self.parts.shares.given(account),
            "received": self.parts.shares.received(account),
            "standing": StandingQueries(self.parts.authenticator.store).of(account),
            "publications": self.parts.tables.publications(account),
        }


def _tables_in(catalogue: Catalogue, schema_name: str) -> list[Table]:
    return [table for table in catalogue.tables if unquoted_parts(table.table_name)[0] == schema_name]
