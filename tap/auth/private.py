"""What handlers for accounts have in common: who asks, with which right, and answers that nothing on the way may keep."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from tap.auth.authentication import OutOfScope, Unauthorized
from tap.auth.identity import Account, TokenScope, identity_of
from uws.parameters import ParameterError

PRIVATE = {"cache-control": "no-store"}
_DIGITS = 18


def account_of(request: Request, why: str, scope: TokenScope = TokenScope.READ) -> Account:
    """Return who asks. Raises: Unauthorized for a stranger, who is told `why`; OutOfScope for a token without that right."""
    identity = identity_of(request)
    if identity is None:
        raise Unauthorized(f"Please log in: {why}")
    if scope not in identity.scopes:
        raise OutOfScope(f"This token does not have the scope {scope}")
    return identity.account


def check_administrator(request: Request, what: str) -> None:
    """Raises: Unauthorized, OutOfScope, which tell that only administrators do that."""
    account_of(request, f"only administrators {what}")
    if not is_administrator(request):
        raise OutOfScope(f"Only administrators {what}")


def is_administrator(request: Request) -> bool:
    """Return whether an administrator asks, by a credential that carries that right."""
    identity = identity_of(request)
    return identity is not None and identity.is_admin


def private_json(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse(content, status, {**PRIVATE, **(headers or {})})


def check_count(count: int, most: int, what: str, instead: str) -> None:
    """Raises: ParameterError where somebody has as many of something as one may."""
    if count >= most:
        raise ParameterError(f"You have {count} {what}, as many as an account may; {instead} first")


def number_in_path(request: Request, name: str) -> int | None:
    """Return the number that a part of the path is; None where it is none that the database could have."""
    text = str(request.path_params[name])
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else None
