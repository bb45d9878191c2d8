"""What accounts do for themselves: see who they are, make tokens, take another password; no token can do the latter two."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tap.auth.accounts import BadName, NameTaken, NoSuchName
from tap.auth.authentication import Authenticator, OutOfScope, Unauthorized
from tap.auth.identity import Account, TokenScope, identity_of
from tap.auth.limits import limits_for
from tap.auth.passwords import WeakPassword, hashed
from tap.auth.private import check_count, private_json
from tap.config import Config
from tap.errors import NotFound
from tap.form import read_parameters
from tap.own_tables.own_tables import OwnTables
from uws.parameters import ParameterError, Parameters
from uws.store import Store

_DAY = 86_400
_USUAL = (TokenScope.READ, TokenScope.JOBS, TokenScope.TABLES)


@dataclass(frozen=True)
class SelfService:
    """The handlers."""

    authenticator: Authenticator
    config: Config
    own_tables: OwnTables
    jobs: Store

    async def whoami(self, request: Request) -> Response:
        return private_json(await self.about(request))

    async def about(self, request: Request) -> dict[str, Any]:
        """Return who asks, what they may use, and what they do use."""
        identity = identity_of(request)
        account = identity.account if identity else None
        answer: dict[str, Any] = {
            "account": account and account.name,
            "groups": list(account.groups) if account else [],
            "admin": identity is not None and identity.is_admin,
            "scopes": sorted(identity.scopes) if identity else [],
            "limits": limits_for(self.config, account),
        }
        if account:
            answer["schema"] = await run_in_threadpool(self.own_tables.schema_of, account)
            answer["used"] = await run_in_threadpool(self._used, account)
        return answer

    def _used(self, account: Account) -> dict[str, int]:
        """Return what an account's tables use, and how many bytes the results of its jobs have."""
        return {**asdict(self.own_tables.usage(account)), "results_bytes": self.jobs.bytes_of_results(account.name)}

    async def tokens(self, request: Request) -> Response:
        """List the tokens of who asks, without their secrets."""
        tokens = await run_in_threadpool(self.authenticator.store.tokens, _account(request))
        return private_json([_plain(asdict(token)) for token in tokens])

    async def add_token(self, request: Request) -> Response:
        """Make a token called NAME, with SCOPE (repeatable) for DAYS, and tell its secret once."""
        account, parameters = _account(request), await read_parameters(request, self.config)
        name, scopes = parameters.required("NAME"), _scopes(parameters)
        if TokenScope.ADMIN in scopes and not account.is_admin:
            raise ParameterError("Only an administrator can have a token with the scope admin")
        seconds = self._seconds(parameters)
        tokens = await run_in_threadpool(self.authenticator.store.tokens, account)
        check_count(len(tokens), self.config.accounts.tokens_per_account, "tokens", "revoke one")
        try:
            secret = await run_in_threadpool(self.authenticator.store.add_token, account, name, scopes, seconds)
        except (NameTaken, BadName) as error:
            raise ParameterError(str(error)) from error
        return private_json({"name": name, "token": secret}, 201)

    def _seconds(self, parameters: Parameters) -> float | None:
        """Return for how long a token shall be valid, at most as long as one may be; None for ever."""
        longest, days = self.config.accounts.token_seconds or None, parameters.whole_number("DAYS")
        if days is None:
            return longest
        if not 0 < days < 100_000:
            raise ParameterError("DAYS must be a number from 1 to 99999")
        return min(days * _DAY, longest or days * _DAY)

    async def revoke_token(self, request: Request) -> Response:
        account, name = _account(request), request.path_params["name"]
        try:
            await run_in_threadpool(self.authenticator.store.revoke_token, account, name)
        except NoSuchName as error:
            raise NotFound(str(error)) from error
        return Response(status_code=204)

    async def change_password(self, request: Request) -> Response:
        """Put NEW in place of OLD; whoever is logged in by the old one no longer is."""
        account, parameters = _account(request), await read_parameters(request, self.config)
        old, new = parameters.required("OLD"), parameters.required("NEW")
        await self.authenticator.account(request, account.name, old)
        try:
            hash_ = await run_in_threadpool(hashed, new)
        except WeakPassword as error:
            raise ParameterError(str(error)) from error
        await run_in_threadpool(self.authenticator.store.set_password, account.name, hash_)
        return Response(status_code=204)


def _account(request: Request) -> Account:
    """Return who asks. Raises: Unauthorized for a stranger, OutOfScope for a token."""
    identity = identity_of(request)
    if identity is None:
        raise Unauthorized("Please log in")
    if identity.is_token:
        raise OutOfScope("This needs a password or the cookie of a login, not a token")
    return identity.account


def _scopes(parameters: Parameters) -> tuple[TokenScope, ...]:
    words = [word.strip().lower() for value in parameters.all("SCOPE") for word in value.split(",") if word.strip()]
    try:
        return tuple(dict.fromkeys(TokenScope(word) for word in words)) or _USUAL
    except ValueError:
        known = ", ".join(scope.value for scope in TokenScope)
        raise ParameterError(f"SCOPE can be {known}; not {', '.join(words)[:80]!r}") from None


def _plain(values: dict[str, object]) -> dict[str, object]:
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in values.items()}
