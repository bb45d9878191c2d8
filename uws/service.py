"""What a service that runs jobs adds to their resources: forms, files, costs, results."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

from uws.job import Attachment, Job, Requester
from uws.parameters import Parameters

BODY = "(BODY)"
"""The name under which the service gives the body of a PUT among the parameters."""


class JobFile(Protocol):
    """A file of a form, as the service has it."""

    @property
    def name(self) -> str: ...
    @property
    def file_name(self) -> str: ...
    @property
    def media_type(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def path(self) -> Path: ...


class JobForm(Protocol):
    """What a request sent; its files are there until `close`."""

    @property
    def parameters(self) -> Parameters: ...
    @property
    def files(self) -> Sequence[JobFile]: ...

    def close(self) -> None: ...


class UwsService(Protocol):
    """What a service adds to its jobs."""

    @property
    def url(self) -> str:
        """The absolute URL of the job list."""
        ...

    async def parameters(self, request: Request) -> Parameters:
        """Return the parameters, without the files that may come with them."""
        ...

    async def form(self, request: Request) -> JobForm: ...

    @property
    def most_bytes(self) -> int:
        """How many bytes one file may have."""
        ...

    @property
    def most_words(self) -> int:
        """How many characters the parameters of a job may have together."""
        ...

    async def part(self, request: Request) -> JobFile:
        """Return the body as a file, which is what its Content-Digest says it is; whoever asks must unlink it."""
        ...

    def keep(self, file: JobFile, key: str) -> None:
        """Store a file durably. Blocks."""
        ...

    async def attachment(self, attachment: Attachment) -> Response: ...

    def asker(self, request: Request) -> Requester: ...

    def is_shared(self, request: Request, job: Job) -> bool:
        """Return whether who asks may read somebody else's job. Blocks."""
        ...

    def welcome(self, request: Request, response: Response, asker: Requester) -> None:
        """Give a stranger who made a job what is needed to list it, if anything is."""
        ...

    def cost(self, parameters: Parameters, owner: str | None) -> float | None:
        """Return how much work it is for this owner, in any unit; None if that is not known. Blocks.

        May raise when no job can be taken now.
        """
        ...

    async def result(self, request: Request, job: Job, id_: str) -> Response:
        """Return a result. Raises: NoSuchJob where there is none."""
        ...

    def error(self, request: Request, job: Job) -> Response:
        """Return the document of a job that has an error."""
        ...
