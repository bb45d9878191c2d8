"""Results in an object store with S3's interface, so that web and worker machines need no shared disk.

Bucket and prefix come from the configuration, credentials, region and endpoint from AWS's environment variables.
An upload in parts is there when it is completed, and not before.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from tap.storage.storage import NotStored, StorageAway

_PART = 8 * 1024 * 1024
_PIECE = 256 * 1024
CLIENT: dict[str, Any] = {
    "connect_timeout": timedelta(seconds=5),
    "read_timeout": timedelta(seconds=30),
    # For a whole answer: a slow client may take its time.
    "timeout": timedelta(days=1),
}
RETRIES: dict[str, Any] = {"max_retries": 5, "retry_timeout": timedelta(seconds=20)}


class ObjectStore:
    """A bucket; `url` is s3://bucket or s3://bucket/prefix. Raises: ImportError where obstore is not installed."""

    def __init__(self, url: str) -> None:
        from obstore.store import S3Store

        parts = urlsplit(url)
        options: dict[str, Any] = {"client_options": {**CLIENT, "allow_http": is_plain()}, "retry_config": RETRIES}
        self._store = S3Store(parts.netloc, prefix=parts.path.strip("/") or None, **options)

    def check(self) -> None:
        """Do nothing: a bucket is never full."""

    def sink(self, key: str) -> "ObjectSink":
        return ObjectSink(self._store, key)

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        if start == end:
            return iter(())
        with _reached():
            answer = self._store.get(key, options={"range": (start, end)})
        return _pieces(answer)

    def unfinished(self, key: str) -> tuple[str, int] | None:
        """Return None: what is uploaded in parts cannot be read before the last of them."""

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        with tempfile.NamedTemporaryFile(suffix=Path(key).suffix) as file, _reached():
            for piece in self._store.get(key).stream(min_chunk_size=_PART):
                file.write(piece)
            file.flush()
            yield Path(file.name)

    def remove(self, job_id: str) -> None:
        for key in list(self._keys(job_id)):
            self.remove_key(key)

    def remove_key(self, key: str) -> None:
        with _reached(), suppress(FileNotFoundError):
            self._store.delete(key)

    def keys(self) -> Iterator[str]:
        return self._keys(None)

    def _keys(self, prefix: str | None) -> Iterator[str]:
        with _reached():
            for page in self._store.list(prefix):
                yield from (entry["path"] for entry in page)


class ObjectSink:
    """Writes one result. Closed, it is there; left with an error, its parts are thrown away."""

    def __init__(self, store: Any, key: str) -> None:
        import obstore

        self._writer: Any = obstore.open_writer(store, key, buffer_size=_PART)

    def write(self, data: bytes) -> None:
        with _reached():
            self._writer.write(data)

    def __enter__(self) -> Self:
        self._writer.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if kind is None:
            with _reached():
                self._writer.__exit__(None, None, None)
        else:
            with suppress(StorageAway), _reached():
                self._writer.__exit__(kind, error, trace)


def _pieces(answer: Any) -> Iterator[bytes]:
    with _reached():
        yield from (bytes(piece) for piece in answer.stream(min_chunk_size=_PIECE))


@contextmanager
def _reached() -> Iterator[None]:
    """Turn what the library raises into the house's words. Raises: NotStored, StorageAway."""
    from obstore.exceptions import BaseError

    try:
        yield
    except FileNotFoundError as error:
        raise NotStored from error
    except (BaseError, OSError) as error:
        raise StorageAway from error


def is_plain() -> bool:
    """Return whether the endpoint is http, as one on the same machine may be."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT") or ""
    return endpoint.startswith("http://")
