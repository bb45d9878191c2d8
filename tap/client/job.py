"""A job at a TAP service: made, its file uploaded in parts, run, watched, its result fetched (TAP 1.1 §5, UWS 1.1).

Everything can be interrupted and gone on with: the job's URL is all that must be known.
"""

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlencode

from tap.client.http import Http, Refused, Unreachable, parsed

Progress = Callable[[str, int, int], None]
"""Is told what is done: a word for it, how much, of how much (0 where that is not known)."""

PART = 32 << 20
_PIECE = 1 << 20
_WAIT = 2
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, float(_WAIT)
FINAL = {"COMPLETED", "ERROR", "ABORTED", "ARCHIVED"}
_UNKNOWN_METHOD = {405, 501}
_DONE = 416


class JobFailed(Exception):
    """The job ended without a result; the message is the service's."""


@dataclass(frozen=True, slots=True)
class State:
    phase: str
    message: str
    info: Mapping[str, str]


def silent(_action: str, _done: int, _total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class RemoteJob:
    url: str
    http: Http = field(default_factory=Http)
    progress: Progress = silent

    def upload(self, name: str, path: Path) -> None:
        """Send a file from where the service has it, each part with its digest.

        Raises: Refused, Unreachable, OSError.
        """
        size, offset = path.stat().st_size, self._offset(name)
        with path.open("rb") as file:
            while offset is not None:
                self.progress("upload", offset, size)
                file.seek(offset)
                offset = self._append(name, path, offset, file.read(PART), size)
        self.progress("upload", size, size)

    def _offset(self, name: str) -> int | None:
        """Return where the upload goes on; None if it is complete."""
        try:
            with self.http.send("HEAD", f"{self.url}/parameters/{name}") as answer:
                headers = answer.headers
        except Refused as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return 0
            raise
        return None if headers.get("upload-complete") != "?0" else int(headers["upload-offset"])

    def _append(self, name: str, path: Path, offset: int, part: bytes, size: int) -> int | None:
        end = offset + len(part)
        headers = {
            "Content-Type": "application/partial-upload",
            "Content-Disposition": f'attachment; filename="{path.name}"',
            "Content-Digest": f"sha-256=:{base64.b64encode(hashlib.sha256(part).digest()).decode()}:",
            "Upload-Offset": str(offset),
            "Upload-Complete": "?1" if end >= size else "?0",
        }
        try:
            self.http.send("PATCH", f"{self.url}/parameters/{name}", part, headers).close()
        except Refused as error:
            # The part had come before, and only the answer to it was lost.
            if error.status == HTTPStatus.CONFLICT:
                return self._offset(name)
            raise
        return end if end < size else None

    def run(self) -> None:
        """Let the job run, unless it does. Raises: Refused, Unreachable."""
        if self.state().phase == "PENDING":
            self.http.send("POST", f"{self.url}/phase", b"PHASE=RUN").close()

    def state(self, seen: str = "") -> State:
        """Return the state at once, or when the phase is no longer the one that was seen, or after some seconds."""
        wait = f"?WAIT={_WAIT}&PHASE={seen}" if seen else ""
        with self.http.send("GET", self.url + wait) as answer:
            job = parsed(answer.read())
        message = job.findtext("{*}errorSummary/{*}message") or ""
        info = {str(element.tag): element.text or "" for element in job.iterfind("{*}jobInfo/*")}
        return State(job.findtext("{*}phase") or "UNKNOWN", message, info)

    def wait(self) -> State:
        """Wait until it has ended, telling of its progress. Raises: JobFailed, Refused, Unreachable."""
        state, pause = self.state(), _FIRST_PAUSE
        while state.phase not in FINAL:
            done, total = (int(state.info.get(name, "0")) for name in ("uploadedRowsDone", "uploadedRows"))
            self.progress("match" if total else state.phase.lower(), done, total)
            begun, phase = time.monotonic(), state.phase
            state = self.state(phase)
            if state.phase == phase and time.monotonic() - begun < pause:
                # A service of UWS 1.0 does not know WAIT.
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
        if state.phase != "COMPLETED":
            raise JobFailed(state.message or f"the job is {state.phase}")
        return state

    def fetch(self, path: Path, state: State, url: str | None = None) -> None:
        """Fetch the result, or what another URL has of it, going on where a broken connection left it.

        Raises: Refused, Unreachable, JobFailed, OSError.
        """
        unfinished, size = path.with_name(path.name + ".part"), 0 if url else int(state.info.get("bytes", "0"))
        result = url or f"{self.url}/results/result"
        failures = 0
        while True:
            offset = _length(unfinished)
            try:
                self._fetch_rest(result, unfinished, size)
                break
            except (OSError, HTTPException):
                failures = 0 if _length(unfinished) > offset else failures + 1
                if failures > 5:
                    raise
        _verify(unfinished, None if url else state.info.get("sha-256"))
        unfinished.replace(path)

    def _fetch_rest(self, url: str, path: Path, size: int) -> None:
        offset = _length(path)
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        try:
            answer = self.http.send("GET", url, headers=headers)
        except Refused as error:
            if error.status == _DONE:
                return
            raise
        goes_on = answer.status == HTTPStatus.PARTIAL_CONTENT
        with answer, path.open("ab" if goes_on else "wb") as file:
            while piece := answer.read(_PIECE):
                file.write(piece)
                self.progress("result", file.tell(), size)
            if answer.length:
                raise ConnectionError("the result broke off")

    def abort(self) -> None:
        """Stop the job. Raises: Refused, Unreachable."""
        self.http.send("POST", f"{self.url}/phase", b"PHASE=ABORT").close()

    def delete(self) -> None:
        try:
            self.http.send("DELETE", self.url).close()
        except Refused as error:
            # A redirection to the job list, which nobody wants to see.
            if error.status != HTTPStatus.SEE_OTHER:
                raise


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _verify(path: Path, digest: str | None) -> None:
    if digest is None:
        return
    with path.open("rb") as file:
        actual = base64.b64encode(hashlib.file_digest(file, "sha256").digest()).decode()
    if actual != digest:
        path.unlink()
        raise JobFailed("the result that came is not the one that the service has; try again")


def create(service: str, parameters: Mapping[str, str], http: Http, progress: Progress = silent) -> RemoteJob:
    """Make a job that waits for its files, and to be run. Raises: Refused, Unreachable."""
    return _created(service, urlencode(parameters).encode(), {}, RemoteJob(service, http, progress))


def create_with_files(
    service: str, parameters: Mapping[str, str], files: Mapping[str, Path], like: RemoteJob
) -> RemoteJob:
    """Make a job with files in the form, each under its name, as every service takes them.

    Raises: Refused, Unreachable, OSError.
    """
    body, headers = form_with_files(parameters, files)
    return _created(service, body, headers, like)


def knows_no_parts(error: Refused) -> bool:
    """Return whether a service refused a part because it takes none at all."""
    return error.status in _UNKNOWN_METHOD and "upload-offset" not in error.headers


def _created(service: str, body: bytes | Iterator[bytes], headers: Mapping[str, str], like: RemoteJob) -> RemoteJob:
    with like.http.send("POST", f"{service.rstrip('/')}/async", body, headers) as answer:
        url = answer.url
    if url.rstrip("/").endswith("/async"):
        raise Unreachable(f"{service} is no TAP service: it did not answer with a job")
    return replace(like, url=url)


def form_around(fields: Mapping[str, str], name: str, file_name: str, boundary: str) -> tuple[bytes, bytes]:
    """Return what comes before and after the content of a file in a form with fields and that file (RFC 7578)."""
    return _fields(fields, boundary) + _head_of_file(name, file_name, boundary), _end(boundary)


def form_with_files(fields: Mapping[str, str], files: Mapping[str, Path]) -> tuple[Iterator[bytes], dict[str, str]]:
    """Return the body and the headers of a form with fields and files, each under its name. Raises: OSError."""
    boundary = secrets.token_hex(16)
    parts = [(_head_of_file(name, path.name.replace(chr(34), "_"), boundary), path) for name, path in files.items()]
    head, end = _fields(fields, boundary), _end(boundary)
    size = len(head) + sum(len(part) + path.stat().st_size + 2 for part, path in parts) - 2 + len(end)
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Content-Length": str(size)}
    return _with_files(head, parts, end), headers


def _fields(fields: Mapping[str, str], boundary: str) -> bytes:
    form = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
        for key, value in fields.items()
    )
    return form.encode()


def _head_of_file(name: str, file_name: str, boundary: str) -> bytes:
    return f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{file_name}"\r\n\r\n'.encode()


def _end(boundary: str) -> bytes:
    return f"\r\n--{boundary}--\r\n".encode()


def _with_files(head: bytes, parts: list[tuple[bytes, Path]], end: bytes) -> Iterator[bytes]:
    yield head
    for index, (part, path) in enumerate(parts):
        yield b"\r\n" * bool(index) + part
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece
    yield end
