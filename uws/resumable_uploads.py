"""Files of a job that come in parts, so that a connection which breaks costs one part and not the file.

As the IETF's draft "Resumable Uploads for HTTP" has it (httpbis-resumable-upload; offset retrieval, upload append): HEAD tells where to
go on, PATCH sends the next part.
"""

import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from uws.errors import IllegalMove, OtherOffset
from uws.job import Attachment, Job, Pairs, words_of
from uws.parameters import ParameterError
from uws.phases import Phase
from uws.service import JobFile, UwsService
from uws.store import Store

MEDIA_TYPE = "application/partial-upload"
_FLAGS = {"?0": False, "?1": True}
_MOST_PARTS = 10_000
"""As many as of a file in S3: with each, all that is known of the parts is written anew."""
_MOST_PARAMETERS = 200
_FILE_NAME = re.compile(r'filename="([^"]{1,200})"')


@dataclass(frozen=True)
class ResumableUploads:
    """`find` gives the job of a request, or raises."""

    store: Store
    service: UwsService
    find: Callable[[Request], Awaitable[Job]]

    def routes(self, parameter: str) -> list[Route]:
        return [Route(parameter, self.append, methods=["PATCH"])]

    def offset(self, attachment: Attachment) -> Response:
        """Answer how much of the file is here."""
        return self._told(attachment.size, complete=attachment.complete)

    async def append(self, request: Request) -> Response:
        """Store the next part; one that does not go on where the file ends is refused with 409 and the right offset."""
        job = await self.find(request)
        try:
            attachment = await self._with_next(job, request)
        except OtherOffset as error:
            return self._told(error.size, complete=error.complete, conflict=str(error))
        return self.offset(attachment)

    async def _with_next(self, job: Job, request: Request) -> Attachment:
        offset, last, attachment = _offset(request), _last(request), job.attachment(request.path_params["name"])
        _check(job, attachment, offset)
        before = attachment or _new(job, request)
        if len(before.parts) >= _MOST_PARTS:
            raise ParameterError(f"A file comes in at most {_MOST_PARTS:,} parts; send it anew in larger ones")
        others = [other for other in job.attachments if other.name != before.name]
        check_words(job.parameters, [*others, before], self.service.most_words)
        part = await self.service.part(request)
        try:
            extended = _with_part(before, part, last=last)
            if extended.size > self.service.most_bytes:
                raise ParameterError(f"A file takes at most {self.service.most_bytes} bytes")
            asker = self.service.asker(request)
            await run_in_threadpool(self.store.check_upload, asker.share, part.size, asker.limits)
            await run_in_threadpool(self._append, job, extended, part)
        finally:
            part.path.unlink(missing_ok=True)
        return extended

    def _append(self, job: Job, attachment: Attachment, part: JobFile) -> None:
        """Store first the bytes, then the word that they are there.

        The housekeeper sweeps those of which it is never said.
        """
        self.service.keep(part, attachment.parts[-1][0])
        self.store.append(job, attachment)

    def _told(self, offset: int, *, complete: bool, conflict: str = "") -> Response:
        headers = {
            "upload-offset": str(offset),
            "upload-complete": "?1" if complete else "?0",
            "upload-limit": f"max-size={self.service.most_bytes}",
            "cache-control": "no-store",
        }
        return Response(conflict or None, 409 if conflict else 204, headers, "text/plain" if conflict else None)


def check_words(parameters: Pairs, attachments: Sequence[Attachment], most: int) -> None:
    """Raise ParameterError for what would be too much for one job, of which any number of requests can set more."""
    count = len(parameters) + len(attachments)
    if count > _MOST_PARAMETERS:
        raise ParameterError(f"A job has at most {_MOST_PARAMETERS} parameters and files; here are {count}")
    if words_of(parameters) + sum(attachment.words for attachment in attachments) > most:
        raise ParameterError(f"The parameters of a job have at most {most:,} characters together")


def _check(job: Job, attachment: Attachment | None, offset: int) -> None:
    """Raise IllegalMove or OtherOffset where the part cannot be taken."""
    if job.phase is not Phase.PENDING:
        raise IllegalMove.of_change("uploads", job.phase)
    if (attachment.size if attachment else 0) != offset or (attachment and attachment.complete):
        raise OtherOffset(attachment)


def _new(job: Job, request: Request) -> Attachment:
    match = _FILE_NAME.search(request.headers.get("content-disposition", ""))
    key = f"{job.job_id}/upload-{secrets.token_hex(4)}"
    return Attachment(request.path_params["name"], key, 0, match[1] if match else "", complete=False)


def _with_part(attachment: Attachment, part: JobFile, *, last: bool) -> Attachment:
    key = f"{attachment.key}.{attachment.size}.{secrets.token_hex(4)}"
    return replace(
        attachment, parts=(*attachment.parts, (key, part.size)), size=attachment.size + part.size, complete=last
    )


def _offset(request: Request) -> int:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise ParameterError(f"A part of a file is sent as {MEDIA_TYPE}")
    text = request.headers.get("upload-offset", "")
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise ParameterError("A part of a file needs Upload-Offset, the number of bytes before it")
    return int(text)


def _last(request: Request) -> bool:
    text = request.headers.get("upload-complete", "?0")
    if text not in _FLAGS:
        raise ParameterError("Upload-Complete is ?1 with the last part, else ?0")
    return _FLAGS[text]
