"""The rows of several streams that run at once, in the order in which they come."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

from tap.engine.interrupt import Interrupt, Reason
from tap.engine.rows import Block, Interrupted

Stream = Callable[[Interrupt], Iterable[Block]]
"""Runs in a thread of its own, until it is interrupted."""

_AHEAD = 2


class Merged:
    """At most so many rows of all streams together; used as Rows. `overflow` tells afterwards whether there were more, if it shall.

    The first block is fetched when it is made. What a stream raises is raised.
    """

    def __init__(self, blocks: Iterator[Block], most: int, enough: Callable[[], None], *, tells: bool) -> None:
        self.overflow = False
        self._tells = tells
        self.count = 0
        self._most = most
        self._enough = enough
        self._blocks = self._limited(blocks)
        self._first = next(self._blocks, None)

    def __iter__(self) -> Iterator[Block]:
        if self._first is not None:
            yield self._first
            yield from self._blocks

    def _limited(self, blocks: Iterator[Block]) -> Iterator[Block]:
        for block in blocks:
            left = self._most - self.count
            if len(block.lengths) > left:
                self.overflow = self._tells
                self._enough()
                if left:
                    self.count += left
                    yield Block(block.data[: sum(block.lengths[:left])], block.lengths[:left])
                return
            self.count += len(block.lengths)
            yield block


@contextmanager
def merged(streams: list[Stream], most: int, interrupt: Interrupt, *, tells: bool = False) -> Iterator[Merged]:
    """As long as the block lasts; then all streams have ended."""
    with interrupt.part() as part:
        enough = partial(part.trigger, Reason.ENOUGH)
        if len(streams) == 1:
            yield Merged(iter(streams[0](part)), most, lambda: None, tells=tells)
            return
        together = _Together(streams, part)
        try:
            yield Merged(together.blocks(), most, enough, tells=tells)
        finally:
            together.stop(enough)


class _Together:
    """A thread for each stream; `blocks` gives what comes."""

    def __init__(self, streams: list[Stream], interrupt: Interrupt) -> None:
        self._interrupt = interrupt
        self._found: queue.Queue[Block | int] = queue.Queue(_AHEAD * len(streams))
        self._stopped = threading.Event()
        self._threads = ThreadPoolExecutor(len(streams))
        self._running = [self._threads.submit(self._run, index, each) for index, each in enumerate(streams)]

    def blocks(self) -> Iterator[Block]:
        for _ in self._running:
            while isinstance(found := self._found.get(), Block):
                yield found
            self._running[found].result()

    def stop(self, enough: Callable[[], None]) -> None:
        self._stopped.set()
        if not all(each.done() for each in self._running):
            enough()
        self._threads.shutdown()

    def _run(self, index: int, stream: Stream) -> None:
        """Its number tells that it has ended, well or not."""
        try:
            for block in stream(self._interrupt):
                self._put(block)
        finally:
            self._put(index)

    def _put(self, found: Block | int) -> None:
        while not self._stopped.is_set():
            try:
                self._found.put(found, timeout=0.2)
                return
            except queue.Full:
                continue
        raise Interrupted(Reason.ENOUGH)
