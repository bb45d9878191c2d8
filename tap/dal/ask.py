"""How the simple services have their queries answered."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response

from tap.request import TapRequest

ChangeRequest = Callable[[TapRequest], TapRequest]
Ask = Callable[[Request, str, Mapping[str, str], ChangeRequest], Awaitable[Response]]
"""Answers a query in ADQL in the name and in the turns of who asks, with other parameters of TAP."""
