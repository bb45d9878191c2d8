"""Connections whose client does not say within some seconds what it wants are closed: each costs a descriptor."""

import asyncio
from functools import cache
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tap.config_sources import load_config


class HeadDeadline(HttpToolsProtocol):
    """uvicorn's protocol; the head of a request must be there so long after the connection, or after its own first byte."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast(asyncio.Transport, transport))
        self._begin()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begin()

    def on_headers_complete(self) -> None:
        self._end()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        super().connection_lost(exc)

    def _begin(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(_seconds(), self.transport.close)

    def _end(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


@cache
def _seconds() -> float:
    """Return the setting, which comes to web processes through the environment."""
    return load_config().web.head_seconds
