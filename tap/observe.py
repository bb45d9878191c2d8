"""What happened, as values: the log and the metrics are made of them."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RequestDone:
    """A request was answered, or its client left: status 499.

    `account` is empty for strangers; `stages` are the seconds of a query's stages, `trace_parent` the header of that name
    (W3C Trace Context), `job` the id of the job that it asked of or made.
    """

    request_id: str
    account: str
    address: str
    client: str
    method: str
    path: str
    status: int
    cause: str
    rows: int | None
    bytes: int
    received: int
    seconds: float
    stages: dict[str, float]
    query: str
    trace_parent: str = ""
    job: str = ""


@dataclass(frozen=True, slots=True)
class JobMoved:
    """A job came into a phase; the rest is of the run that ended so, and empty where none did."""

    job_id: str
    phase: str
    lane: str
    owner: str
    seconds: float = 0
    rows: int = 0
    bytes: int = 0
    cause: str = ""
    stages: Mapping[str, float] = field(default_factory=dict)
    query: str = ""


@dataclass(frozen=True, slots=True)
class ProcessState:
    """What a web process holds just now: queries by stage, connections by pool and state; translations since the last."""

    stages: Mapping[str, int]
    pools: Mapping[str, Mapping[str, int]]
    translations: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something failed that must not: an error of ours."""

    where: str
    error: BaseException
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """The housekeeper did something."""

    what: str
    count: int


@dataclass(frozen=True, slots=True)
class JobTold:
    """Somebody was told that a job has ended, or could not be, and why; `how` is email or webhook."""

    job_id: str
    how: str
    attempt: int
    problem: str


@dataclass(frozen=True, slots=True)
class ShardLost:
    """A shard cannot be reached: queries that need it fail until it is back."""

    shard: str


@dataclass(frozen=True, slots=True)
class ShardBack:
    """A shard that was away answers again."""

    shard: str


Event = RequestDone | JobMoved | ProcessState | Fault | Kept | JobTold | ShardLost | ShardBack
Observer = Callable[[Event], object]

_observers: list[Observer] = []


def send_to(*observers: Observer) -> None:
    """Give what happens in this process to these from now on."""
    _observers[:] = observers


def observe(event: Event) -> None:
    """Tell all observers; one that has no room for it, as on a full disk, stops nobody's work."""
    for observer in _observers:
        with suppress(OSError):
            observer(event)
