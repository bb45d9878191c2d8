"""A bucket of S3 or alike, or a prefix of one; credentials, region and endpoint are those of its makers' environment variables."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from schema.load.reader import LoadError
from tap.bulk.folder import FileStatus, FolderAway, NoSuchFile
from tap.storage.s3 import CLIENT, RETRIES, ObjectSink, is_plain
from tap.storage.storage import ResultSink, StorageAway

SCHEMES = ("s3://", "gs://", "az://")
_PIECE = 1 << 20


class ObjectFolder:
    """`url` as in s3://bucket/prefix. Raises: LoadError where obstore is not installed."""

    is_remote = True

    def __init__(self, url: str) -> None:
        try:
            from obstore.store import from_url
        except ImportError:
            raise LoadError("buckets need a further library: pip install 'armillary[objects]'") from None
        self.url = url.rstrip("/")
        options: dict[str, Any] = {"client_options": {**CLIENT, "allow_http": is_plain()}, "retry_config": RETRIES}
        with _told(self.url):
            self._store: Any = from_url(self.url, **options)

    def files(self, under: str = "") -> Iterator[FileStatus]:
        with _told(self.url):
            records = [record for page in self._store.list(under or None) for record in page]
        return iter(sorted((_status(record) for record in records), key=lambda status: status.name))

    def status(self, name: str) -> FileStatus | None:
        try:
            with _told(f"{self.url}/{name}"):
                return _status(self._store.head(name))
        except NoSuchFile:
            return None

    def read(self, name: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        if end is not None and end <= start:
            return iter(())
        wanted: Any = {"offset": start} if end is None else (start, end)
        with _told(f"{self.url}/{name}"):
            answer = self._store.get(name, options={"range": wanted} if start or end is not None else None)
        return self._pieces(answer, name)

    def _pieces(self, answer: Any, name: str) -> Iterator[bytes]:
        with _told(f"{self.url}/{name}"):
            yield from (bytes(piece) for piece in answer.stream(min_chunk_size=_PIECE))

    def local(self, name: str) -> Path:
        raise FolderAway(f"{self.url}/{name} has to be fetched first")

    @contextmanager
    def sink(self, name: str) -> Iterator[ResultSink]:
        try:
            with ObjectSink(self._store, name) as sink:
                yield sink
        except StorageAway as error:
            raise FolderAway(f"{self.url}/{name} cannot be written: {_first_line(error.__cause__)}") from error

    def remove(self, name: str) -> None:
        with _told(f"{self.url}/{name}"):
            self._store.delete(name)


def _status(record: Any) -> FileStatus:
    version = record["e_tag"] or f"{record['last_modified']:%Y-%m-%dT%H:%M:%S}"
    return FileStatus(record["path"], record["size"], f"{record['size']}-{version}")


@contextmanager
def _told(url: str) -> Iterator[None]:
    """Turn what the library raises into our own words. Raises: NoSuchFile, FolderAway."""
    from obstore.exceptions import BaseError

    try:
        yield
    except FileNotFoundError as error:
        raise NoSuchFile(f"{url}: there is no such file") from error
    except (BaseError, OSError, ValueError) as error:
        raise FolderAway(f"{url}: {_first_line(error)}") from error


def _first_line(error: BaseException | None) -> str:
    return (str(error).strip().splitlines() or ["it cannot be reached"])[0][:300]
