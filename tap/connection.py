"""A client's connection: what it may cost beside the requests that come on it."""

import asyncio
from functools import cache
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tap.config_sections import WebConfig
from tap.config_sources import load_config

MOST_HEAD_BYTES = 256 * 1024
"""More than any head that gets a document for an answer (error_middleware.py), which is for those who mean well."""
MOST_URL_BYTES = 60_000
"""Less than what the parser can take, so that a longer one can be told what to do instead."""
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class BoundedConnection(HttpToolsProtocol):
    """uvicorn's protocol with bounds.

    The head of a request must be there head_seconds after the connection, or after its own first byte, and what is no
    body, the head or what follows the last chunk, has so many bytes. A body that the answer did not wait for goes on for
    as long as a head may take. A client that takes nothing of its answer for stall_limit seconds is cut off.
    """

    _deadline: asyncio.TimerHandle | None = None
    _stall: asyncio.TimerHandle | None = None
    _outside_body = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast(asyncio.Transport, transport))
        self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        self._end_stall()
        super().connection_lost(exc)

    # ---- what comes

    def data_received(self, data: bytes) -> None:
        self._outside_body += len(data)
        super().data_received(data)
        if self._outside_body > MOST_HEAD_BYTES and not self.transport.is_closing():
            self._refuse()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begin()

    def on_headers_complete(self) -> None:
        self._end()
        self.url = self.url[: MOST_URL_BYTES + len("?x")]
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._outside_body = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._outside_body = 0
        self._end()
        super().on_message_complete()

    def _refuse(self) -> None:
        if self.cycle is None or (self.cycle.response_complete and not self.cycle.more_body):
            self.transport.write(_TOO_LARGE)
        self._close()

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: who offers another protocol gets an answer in this one (RFC 9110 §7.8)."""

    # ---- what goes

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._close()
        elif self.cycle.response_complete and self.cycle.more_body:
            self._begin()

    def timeout_keep_alive_handler(self) -> None:
        self._close()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._begin_stall()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._end_stall()

    def _close(self) -> None:
        """Close the connection once the client has taken the last of its answers, for which it has its time too."""
        self.transport.close()
        self._end_stall()
        self._begin_stall()

    # ---- time

    def _begin(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(_config().head_seconds, self._close)

    def _end(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _begin_stall(self) -> None:
        if self._stall is None:
            self._stall = self.loop.call_later(_config().stall_limit, self.transport.abort)

    def _end_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None


@cache
def _config() -> WebConfig:
    """Return the settings, which come to web processes through the environment."""
    return load_config().web
