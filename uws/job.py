"""A job as values, its fields named as the elements of UWS 1.1's schema."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from uws.phases import Phase

ASYNC = "async"
"""The list of jobs that a TAP service has in any case."""

Pairs = tuple[tuple[str, str], ...]


def words_of(parameters: Pairs) -> int:
    """Return how many characters names and values have together."""
    return sum(len(name) + len(value) for name, value in parameters)


@dataclass(frozen=True, slots=True)
class Requester:
    """Who asks. `share` is whose part of the queue a job uses: the owner, or for strangers where they come from.

    `session` lets a stranger list their own jobs; it is no owner, and grants nothing else. An administrator sees and
    changes the jobs of all. `limits`, where they are others than those of all.
    """

    owner_id: str | None
    session: str | None
    share: str
    sees_all: bool = False
    limits: "JobLimits | None" = None

    def may_see(self, job: "Job") -> bool:
        """Return whether a job is theirs: of those without an owner it is enough to know the id."""
        return self.sees_all or job.owner_id in {None, self.owner_id}


@dataclass(frozen=True, slots=True)
class Result:
    """One result: `key` is its place in storage, `digest` the SHA-256 of its `size` bytes in Base64.

    Or it is at `url`, and not in storage. `content` tells what it holds: results of jobs that asked the same of the same
    data share it; empty where that is not known. `computed` is when, if an earlier job computed it. Of one that is kept with
    the job, `text` is all of it.
    """

    id: str
    key: str
    mime_type: str
    size: int
    digest: str
    rows: int | None = None
    url: str | None = None
    content: str = ""
    computed: str = ""
    text: str | None = None

    @property
    def hexadecimal(self) -> str:
        """Return the digest as most tools print it."""
        return base64.b64decode(self.digest).hex()


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came as the parameter `name`; `key` is its place in storage, the rest what its client said.

    One that comes in parts has their keys and sizes instead, and is `complete` when the last has come.
    """

    name: str
    key: str
    size: int
    file_name: str = ""
    media_type: str = ""
    parts: tuple[tuple[str, int], ...] = ()
    complete: bool = True

    @property
    def words(self) -> int:
        """How many characters its client says of it."""
        return len(self.name) + len(self.file_name) + len(self.media_type)

    @property
    def pieces(self) -> tuple[tuple[str, int], ...]:
        """The keys under which its bytes are, one after the other, and how many are under each."""
        return self.parts or ((self.key, self.size),)


@dataclass(frozen=True, slots=True)
class ErrorSummary:
    """`type` is transient or fatal."""

    message: str
    type: str = "fatal"


@dataclass(frozen=True, slots=True)
class JobMove:
    """A job that another than its worker brought into a phase; where that ended its run, it had taken so many seconds."""

    job_id: str
    phase: Phase
    lane: str
    owner_id: str | None
    seconds: float = 0


@dataclass(frozen=True, slots=True)
class Job:
    """`expected` is how many seconds jobs of this cost took; `ahead` how many wait before it in the queue.

    `progress` are the numbers that the running job last told.
    """

    job_id: str
    owner_id: str | None
    share: str
    run_id: str | None
    phase: Phase
    creation_time: datetime
    queue_time: datetime | None
    start_time: datetime | None
    end_time: datetime | None
    execution_duration: int
    destruction: datetime
    parameters: Pairs
    cost: float | None
    expected: float | None
    lane: str
    priority: int
    progress: tuple[tuple[str, int], ...]
    results: tuple[Result, ...]
    error: ErrorSummary | None
    attempt: int
    crashes: int
    worker: str | None
    ahead: int | None = None
    running: int | None = None
    running_limit: int | None = None
    job_list: str = ASYNC
    attachments: tuple[Attachment, ...] = ()
    note: str | None = None

    @property
    def seconds(self) -> float | None:
        """How long its last run took; None while it has not ended, and where it never ran."""
        return (self.end_time - self.start_time).total_seconds() if self.start_time and self.end_time else None

    @property
    def words(self) -> int:
        """How many characters its parameters have, and what is said of its files."""
        return words_of(self.parameters) + sum(attachment.words for attachment in self.attachments)

    def attachment(self, name: str) -> Attachment | None:
        return next((attachment for attachment in self.attachments if attachment.name == name), None)

    def result(self, id_: str) -> Result | None:
        return next((result for result in self.results if result.id == id_), None)


@dataclass(frozen=True, slots=True)
class JobRef:
    """A line of the job list."""

    job_id: str
    phase: Phase
    run_id: str | None
    owner_id: str | None
    creation_time: datetime


@dataclass(frozen=True, slots=True)
class JobLimits:
    """What jobs may use: seconds (0: no limit), how many of one share or of all may run and wait, bytes of their files."""

    duration_default: int = 3600
    duration_limit: int = 86_400
    destruction_default: int = 7 * 86_400
    destruction_limit: int = 30 * 86_400
    archive: int = 0
    running_per_owner: int = 3
    waiting_per_owner: int = 2_000
    waiting: int = 20_000
    upload_bytes_per_owner: int = 0
    short_lane: float = 10.0
    list_limit: int = 10_000


@dataclass(frozen=True, slots=True)
class NewJob:
    """What a client asks for when it makes a job; `cost` is what the service makes of it.

    With attachments it must not run before they are stored.
    """

    parameters: Pairs
    attachments: tuple[Attachment, ...] = ()
    run: bool = False
    run_id: str | None = None
    execution_duration: int | None = None
    destruction: datetime | None = None
    cost: float | None = None
    job_list: str = ASYNC


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a worker at a job."""

    job_id: str
    worker: str
    number: int


@dataclass(frozen=True, slots=True)
class JobEnding:
    """What is known of a job when it moves on.

    `progress` None leaves it as it is; `pause` is how many seconds it shall not be taken from the queue.
    """

    results: tuple[Result, ...] = ()
    progress: Mapping[str, int] | None = None
    error: ErrorSummary | None = None
    pause: float = 0.0


NOTHING_KNOWN = JobEnding()
ENDED_BY_OPERATOR = JobEnding(
    error=ErrorSummary("The operator of this service ended this job. Please ask before you run it again.")
)
