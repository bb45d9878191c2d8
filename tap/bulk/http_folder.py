"""Files behind a web server, which can be read but not listed."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.parse import quote

from schema.load.reader import LoadError
from tap.bulk.folder import FileStatus, FolderAway, NoSuchFile
from tap.client.http import Http, Refused, Unreachable
from tap.storage.storage import ResultSink

SCHEMES = ("http://", "https://")
_PIECE = 1 << 20
_NONE = {404, 410}
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class HttpFolder:
    """`url` without the slash at its end."""

    url: str
    http: Http = field(default_factory=lambda: Http(patience=30.0))

    @property
    def is_remote(self) -> bool:
        return True

    def files(self, under: str = "") -> Iterator[FileStatus]:
        raise LoadError(f"{self.url}: a web server does not tell which files it has; name each of them")

    def status(self, name: str) -> FileStatus | None:
        try:
            with self._asked_for(name) as answer:
                return _status(name, answer)
        except NoSuchFile:
            return None

    def _asked_for(self, name: str) -> HTTPResponse:
        """Return the head of an answer; some servers, and URLs that are signed for GET, refuse HEAD."""
        try:
            return self._send("HEAD", name, {})
        except FolderAway:
            return self._send("GET", name, {})

    def read(self, name: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        part = {"Range": f"bytes={start}-{'' if end is None else end - 1}"} if start or end is not None else {}
        answer = self._send("GET", name, part)
        if part and answer.status != 206:
            answer.close()
            raise FolderAway(f"{self._url(name)}: the server does not send parts of files")
        return self._pieces(answer, name, start, end)

    def _pieces(self, answer: HTTPResponse, name: str, start: int, end: int | None) -> Iterator[bytes]:
        """Yield the bytes; what breaks off is asked for again from there on. Raises: FolderAway."""
        version, length = _status(name, answer).version, answer.length
        stop = start + length if length is not None else end
        for _ in range(_ATTEMPTS):
            with closing(answer):
                for piece in _received(answer):
                    start += len(piece)
                    yield piece
            if stop is None or start >= stop:
                return
            answer = self._send("GET", name, {"Range": f"bytes={start}-{stop - 1}"})
            if answer.status != 206 or _version(answer) != version.partition("-")[2]:
                answer.close()
                break
        raise FolderAway(f"{self._url(name)}: the download breaks off at byte {start:,}")

    def local(self, name: str) -> Path:
        raise FolderAway(f"{self._url(name)} has to be fetched first")

    def sink(self, name: str) -> AbstractContextManager[ResultSink]:
        raise LoadError(f"{self.url}: files cannot be written to a web server; name a folder or a bucket")

    def remove(self, name: str) -> None:
        raise LoadError(f"{self.url}: files of a web server cannot be removed")

    def _url(self, name: str) -> str:
        return f"{self.url}/{quote(name, safe='/=?&%+:~')}" if name else self.url

    def _send(self, method: str, name: str, headers: Mapping[str, str]) -> HTTPResponse:
        url = self._url(name)
        try:
            return self.http.send(method, url, headers={"Accept-Encoding": "identity", **headers})
        except Refused as error:
            if error.status in _NONE:
                raise NoSuchFile(f"{url}: there is no such file") from error
            raise FolderAway(f"{url}: {error}") from error
        except Unreachable as error:
            raise FolderAway(str(error)) from error


def _received(answer: HTTPResponse) -> Iterator[bytes]:
    """Yield what comes, until the end or until the connection breaks."""
    try:
        while piece := answer.read(_PIECE):
            yield piece
    except (HTTPException, OSError):
        return


def _status(name: str, answer: HTTPResponse) -> FileStatus:
    size = int(answer.headers.get("content-length") or 0)
    return FileStatus(name, size, f"{size}-{_version(answer)}")


def _version(answer: HTTPResponse) -> str:
    return answer.headers.get("etag") or answer.headers.get("last-modified") or ""
