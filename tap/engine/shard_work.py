"""What a shard did for a query."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tap.engine.rows import Block


@dataclass
class ShardWork:
    """Seconds until the first row and until the last, from when the shard was asked, and rows; written by the thread that asks it."""

    shard: str
    first_row: float | None = None
    seconds: float = 0.0
    rows: int = 0
    _begun: float = field(default_factory=time.perf_counter, repr=False)

    def watched(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """Pass blocks on, and note when they came."""
        for block in blocks:
            self.seconds = time.perf_counter() - self._begun
            self.first_row = self.seconds if self.first_row is None else self.first_row
            self.rows += len(block.lengths)
            yield block
        self.seconds = time.perf_counter() - self._begun
