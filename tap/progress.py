"""What a query has done so far, for whoever wants to hear of it, and how long each stage took."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

Tell = Callable[[dict[str, int]], None]


class Stage(StrEnum):
    """What a query is at; those from ROWS on take turns."""

    QUEUE = "queue"
    OPEN = "open"
    """Until there is a session, with the files of its uploads."""
    TRANSLATE = "translate"
    PLAN = "plan"
    """Which of several servers is asked what."""
    FIRST_ROW = "first row"
    """Its uploads are loaded; PostgreSQL has given nothing yet."""
    ROWS = "rows"
    ENCODE = "encode"
    SEND = "send"
    """To the client, or into storage."""
    DONE = "done"


@dataclass(slots=True)
class QueryProgress:
    """`tell` is called with what is known, by its name in a job's info, whenever it has changed.

    `warnings` are remarks on the query, known before its first row; `overflow` whether there were more rows than MAXREC
    let through, known after the last.
    """

    tell: Tell = lambda _: None
    rows: int = 0
    bytes: int = 0
    uploaded: int = 0
    matched: int = 0
    warnings: tuple[str, ...] = ()
    overflow: bool = False
    facts: object = None
    """What is written down of the query beside its result (tap.query.manifest), known before its first row."""
    stage: Stage = Stage.QUEUE
    seconds: dict[Stage, float] = field(default_factory=dict)
    """What each stage took, without the one that the query is at."""
    _entered: float = field(default_factory=time.perf_counter)

    def enter(self, stage: Stage) -> None:
        """Go on to a stage; nothing comes after DONE."""
        if self.stage is Stage.DONE:
            return
        now = time.perf_counter()
        self.seconds[self.stage] = self.seconds.get(self.stage, 0.0) + now - self._entered
        self.stage, self._entered = stage, now

    @property
    def server_timing(self) -> str:
        """Return what each stage took, in milliseconds, as the header Server-Timing has it."""
        # Another thread may be at it.
        seconds = dict(self.seconds)
        return ", ".join(f"{stage.replace(' ', '-')};dur={1000 * took:.2f}" for stage, took in seconds.items())

    @contextmanager
    def within(self, stage: Stage) -> Iterator[None]:
        """Be at a stage during the block, and then at that of before again."""
        before = self.stage
        self.enter(stage)
        yield
        self.enter(before)

    def add(self, *, rows: int = 0, size: int = 0, uploaded: int = 0, matched: int = 0) -> None:
        """More rows or bytes of the result; more rows read of the upload, or matched of these."""
        self.rows += rows
        self.bytes += size
        self.uploaded += uploaded
        self.matched += matched
        known = {"rows": self.rows, "bytes": self.bytes}
        if self.uploaded:
            known |= {"uploadedRows": self.uploaded, "uploadedRowsDone": self.matched}
        if self.overflow:
            known |= {"overflow": 1}
        self.tell(known)
