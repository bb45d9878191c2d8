"""The rows of several streams that run at once, in the order in which they come."""

import queue
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import islice

from tap.engine.cancellation import Cancellation, CancelReason
from tap.engine.rows import Block, Interrupted, RowStream

Stream = Callable[[Cancellation], Iterable[Block]]
"""Runs in a thread of its own, until it is interrupted."""

_AHEAD = 2


class GatheredRows(RowStream):
    """At most `most` rows of all streams together; overflow is told if it shall be. What a stream raises is raised."""

    def __init__(self, blocks: Iterator[Block], most: int, enough: Callable[[], None], *, tells: bool) -> None:
        self._tells = tells
        self.count = 0
        self._most = most
        self._enough = enough
        super().__init__(self._limited(blocks))

    def _limited(self, blocks: Iterator[Block]) -> Iterator[Block]:
        for block in blocks:
            remaining = self._most - self.count
            if len(block.lengths) > remaining:
                self.overflow = self._tells
                self._enough()
                if remaining:
                    self.count += remaining
                    yield Block(block.data[: sum(block.lengths[:remaining])], block.lengths[:remaining])
                return
            self.count += len(block.lengths)
            yield block


@contextmanager
def gathered(
    streams: list[Stream], most: int, cancellation: Cancellation, *, tells: bool = False, in_threads: bool = False
) -> Iterator[GatheredRows]:
    """Run the streams and yield their rows, as long as the block lasts; then all streams have ended.

    Streams begin at once, each in a thread. `in_threads` leaves them there, for those that have work of their own
    between their blocks; others are read in turn: threads that read would wait for each other's lock while their
    servers go on.
    """
    with cancellation.part() as child:
        if len(streams) == 1:
            yield GatheredRows(iter(streams[0](child)), most, lambda: None, tells=tells)
            return
        enough = partial(child.trigger, CancelReason.ENOUGH)
        together = _Together(streams, child, 1 if not in_threads else sys.maxsize)
        try:
            yield GatheredRows(together.blocks(), most, enough, tells=tells)
        finally:
            together.stop(enough)


class _Together:
    """A thread for each stream, which puts so many blocks into a queue and leaves the others to whoever takes them."""

    def __init__(self, streams: list[Stream], cancellation: Cancellation, ahead: int) -> None:
        self._ahead = ahead
        self._queue: queue.Queue[Block | int] = queue.Queue(_AHEAD * len(streams))
        self._stopped = threading.Event()
        self._iterators = [iter(stream(cancellation)) for stream in streams]
        self._threads = ThreadPoolExecutor(len(streams))
        self._running = [self._threads.submit(self._run, number) for number in range(len(streams))]

    def blocks(self) -> Iterator[Block]:
        waiting = []
        for _ in self._running:
            while isinstance(item := self._queue.get(), Block):
                yield item
            self._running[item].result()
            waiting.append(self._iterators[item])
        while waiting:
            waiting, turns = [], waiting
            for iterator in turns:
                if block := next(iterator, None):
                    yield block
                    waiting.append(iterator)

    def stop(self, enough: Callable[[], None]) -> None:
        """Interrupt the streams that are at work and close those that wait."""
        self._stopped.set()
        if not all(future.done() for future in self._running):
            enough()
        self._threads.shutdown()
        for iterator in self._iterators:
            if isinstance(iterator, Generator):
                iterator.close()

    def _run(self, number: int) -> None:
        """Put a stream's first blocks into the queue, then its number, which says that it has ended, well or not."""
        try:
            for block in islice(self._iterators[number], self._ahead):
                self._put(block)
        finally:
            self._put(number)

    def _put(self, item: Block | int) -> None:
        while not self._stopped.is_set():
            try:
                self._queue.put(item, timeout=0.2)
                return
            except queue.Full:
                continue
        raise Interrupted(CancelReason.ENOUGH)
