"""/sync: a query is run in a thread and its result sent as it comes (TAP 1.1 §2.2).

The status is held back until the first piece is there, so that nearly every failure gets its own.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from starlette.types import Message, Receive, Scope, Send

from tap.coding import packed_pieces
from tap.config import Config
from tap.config_sections import WebConfig
from tap.engine.cancellation import Cancellation, CancelReason
from tap.engine.rows import Interrupted
from tap.errors import Busy, TimeLimit
from tap.progress import QueryProgress, Stage
from tap.query.manifest import receipt_of
from tap.query.run import QueryService, WholeResult, execute
from tap.request import TapRequest
from tap.request_log import RequestRecord, record_of
from tap.running_queries import RunningQueries
from tap.spool import Spool, SpoolMemory
from tap.turns import Turn, Turns, beginning_at_once
from uws.parameters import ParameterError

_LONGEST_WARNING = 500
_SMALL = 1 << 20
"""Bytes of a result that leaves with its length, in one piece."""
_WATCH_AFTER = 0.05
"""Seconds after which it matters whether the client is still there."""
_LONGEST_URL = 2000
_TOGETHER = 4
"""How many results of a process may have all the memory that one may have; beyond, they go to files at once."""


_TOO_LARGE = "A result that RECEIPT=allow waits for may not be as large; make it a job, whose manifest has the receipt"
SLACK = 5
"""Seconds that PostgreSQL's own limit lies above ours, which can say what happened."""


@dataclass(frozen=True, slots=True)
class QueryShare:
    """The account or address that a query is of: how many of its queries run at once, and how many seconds each may take."""

    name: str
    at_once: int
    seconds: float


@dataclass(frozen=True)
class Queries:
    """Runs queries, so many at once; more wait for their turn."""

    service: QueryService
    config: Config
    running: RunningQueries
    threads: ThreadPoolExecutor = field(init=False)
    turns: Turns = field(init=False)
    memory: SpoolMemory = field(init=False)

    def __post_init__(self) -> None:
        web = self.config.web
        object.__setattr__(self, "threads", ThreadPoolExecutor(web.concurrent_queries, "query"))
        object.__setattr__(self, "turns", _turns(web))
        object.__setattr__(self, "memory", SpoolMemory(web.spool_memory, _TOGETHER * web.spool_memory))

    def answer(
        self, request: TapRequest, share: QueryShare, done: Callable[[], None], coding: str | None
    ) -> "QueryResponse":
        """`done` is called when the query needs its uploads no longer."""
        return QueryResponse(self, request, share, done, coding)

    def within(self, seconds: float) -> QueryService:
        """Return the service for a query that may take so many seconds."""
        limit = seconds + SLACK
        return self.service if limit == self.service.limit else replace(self.service, limit=limit)


def _turns(web: WebConfig) -> Turns:
    beginning = beginning_at_once(web.processes)
    return Turns(web.concurrent_queries, beginning, web.queue_limit)


class QueryResponse:
    """An ASGI response. What fails before its first byte is raised, for the app to answer."""

    def __init__(
        self, queries: Queries, request: TapRequest, share: QueryShare, done: Callable[[], None], coding: str | None
    ) -> None:
        self._queries = queries
        self._share = share
        self._done = done
        self._config = queries.config
        self._request = request
        self._coding = coding
        self._cancellation = Cancellation()
        self._progress = QueryProgress()
        self._watching: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        record = record_of(scope)
        record.query, record.progress = self._request.query, self._progress
        self._cancellation.name = record.request_id
        with self._queries.running.listing(
            record.request_id, self._share.name, self._request.query, self._progress, self._cancellation
        ):
            await self._run(record, receive, send)

    async def _run(self, record: RequestRecord, receive: Receive, send: Send) -> None:
        turn = await self._wait_for_turn()
        loop = asyncio.get_running_loop()
        spool = Spool(loop, self._queries.memory, self._config.web.spool_limit)
        # Kept in no variable: it would keep what failed, and what that had open, until it is collected as garbage.
        loop.run_in_executor(self._queries.threads, self._produce, spool).add_done_callback(
            lambda done: self._ended(done, turn, spool)
        )
        deadline = loop.call_later(self._share.seconds, self._stop, CancelReason.TIME_LIMIT)
        # Most queries have ended by then.
        watcher = loop.call_later(_WATCH_AFTER, self._begin_to_watch, receive)
        try:
            await self._send_all(spool, send)
        except Interrupted as error:
            if self._cancellation.reason is CancelReason.TIME_LIMIT:
                raise self.too_slow() from error
            if self._cancellation.reason is not CancelReason.CLIENT_LEFT:
                raise
        finally:
            deadline.cancel()
            watcher.cancel()
            if self._watching:
                self._watching.cancel()
            spool.close()
            record.client_left = self._cancellation.reason is CancelReason.CLIENT_LEFT

    async def _wait_for_turn(self) -> Turn:
        try:
            return await self._queries.turns.take(self._share.name, self._share.at_once)
        except (Busy, asyncio.CancelledError):
            self._done()
            raise

    def _produce(self, spool: Spool) -> None:
        """In a thread of its own."""
        pieces = self.pieces(self._queries.within(self._share.seconds), self._cancellation, self._progress)
        for piece in packed_pieces(pieces, self._coding) if self._coding else pieces:
            self._progress.enter(Stage.SEND)
            if isinstance(piece, WholeResult):
                spool.write_whole(piece)
            else:
                spool.write(piece)
        self._progress.enter(Stage.DONE)

    def pieces(self, service: QueryService, cancellation: Cancellation, progress: QueryProgress) -> Iterator[bytes]:
        """Run the query. Answers that are made otherwise override it, and leave the rest as it is."""
        return execute(self._request, service, cancellation, progress)

    def too_slow(self) -> Exception:
        """Return what is raised when the time is up before the first byte."""
        return TimeLimit(self._as_job())

    def _ended(self, done: "asyncio.Future[None]", turn: Turn, spool: Spool) -> None:
        turn.end()
        self._done()
        spool.finish(None if done.cancelled() else done.exception())

    def _begin_to_watch(self, receive: Receive) -> None:
        self._watching = asyncio.get_running_loop().create_task(self._watch(receive))

    async def _watch(self, receive: Receive) -> None:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self._stop(CancelReason.CLIENT_LEFT)
                return

    def _stop(self, reason: CancelReason) -> None:
        """In a thread, because cancelling talks to PostgreSQL; not one of those that queries fill."""
        asyncio.get_running_loop().run_in_executor(None, self._cancellation.trigger, reason)

    async def _send_all(self, spool: Spool, send: Send) -> None:
        if self._request.receipt and not await spool.filled():
            raise ParameterError(_TOO_LARGE)
        first = await spool.read()
        if spool.is_whole and len(first) <= _SMALL:
            start = self._start((b"content-length", str(len(first)).encode()))
            await self._send(send, start, {"type": "http.response.body", "body": first})
            return
        await self._send(send, self._start())
        await self._send(send, {"type": "http.response.body", "body": first, "more_body": True})
        async for piece in spool:
            await self._send(send, {"type": "http.response.body", "body": piece, "more_body": True})
        await self._send(send, {"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, send: Send, *messages: Message) -> None:
        """Raises: TimeoutError for a client that takes nothing for too long, OSError for one that is gone."""
        try:
            async with asyncio.timeout(self._config.web.stall_limit):
                for message in messages:
                    await send(message)
        except (TimeoutError, OSError):
            self._stop(CancelReason.CLIENT_LEFT)
            raise

    def _start(self, *more: tuple[bytes, bytes]) -> Message:
        headers = [
            *more,
            (b"content-type", self._request.media_type.encode()),
            (b"content-disposition", f'inline; filename="result.{self._request.format.extension}"'.encode()),
            (b"vary", b"Accept-Encoding"),
            (b"server-timing", self._progress.server_timing.encode()),
        ]
        if self._coding:
            headers.append((b"content-encoding", self._coding.encode()))
        if not self._request.format.speaks:
            headers.append((b"x-armillary-maxrec", str(self._request.maxrec).encode()))
        if self._request.receipt:
            headers.append((b"x-armillary-receipt", json.dumps(receipt_of(self._progress)).encode()))
        for warning in self._progress.warnings:
            headers.append((b"x-armillary-warning", _in_header(warning)))
        return {"type": "http.response.start", "status": 200, "headers": headers}

    def _as_job(self) -> str:
        """The URL that makes a job of this query; the bare job list where it would be too long, or files belong to it."""
        query = {"LANG": "ADQL", "PHASE": "RUN", "QUERY": self._request.query}
        url = f"{self._config.web.base_url}/async?{urlencode(query)}"
        return url if len(url) <= _LONGEST_URL and not self._request.uploads else f"{self._config.web.base_url}/async"


def _in_header(text: str) -> bytes:
    """Names in it may hold anything, and be of any length."""
    printable = "".join(letter if letter.isprintable() else "?" for letter in text[:_LONGEST_WARNING])
    return printable.encode("ascii", "backslashreplace")
