"""Results in an object store with S3's interface, so that web and worker machines need no shared disk.

Bucket and prefix come from the configuration, credentials, region and endpoint from AWS's environment variables.
An upload in parts is there when it is completed, and not before.
"""

import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Self
from urllib.parse import urlsplit

from tap.storage.storage import NotStored

_PART = 8 * 1024 * 1024
_PIECE = 256 * 1024
_TIMES: dict[str, Any] = {"connect_timeout": timedelta(seconds=5), "timeout": timedelta(seconds=60)}
_RETRIES: dict[str, Any] = {"max_retries": 5, "retry_timeout": timedelta(seconds=30)}


class ObjectStore:
    """`url` is s3://bucket or s3://bucket/prefix. Raises: ImportError where obstore is not installed."""

    def __init__(self, url: str) -> None:
        from obstore.store import S3Store

        parts = urlsplit(url)
        plain = os.environ.get("AWS_ENDPOINT_URL", os.environ.get("AWS_ENDPOINT", "")).startswith("http://")
        self._store = S3Store(
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            client_options={**_TIMES, "allow_http": plain},
            retry_config=_RETRIES,
        )

    def check(self) -> None:
        """A bucket is never full."""

    def sink(self, key: str) -> "ObjectSink":
        return ObjectSink(self._store, key)

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        if start == end:
            return iter(())
        try:
            found = self._store.get(key, options={"range": (start, end)})
        except FileNotFoundError:
            raise NotStored from None
        return (bytes(piece) for piece in found.stream(min_chunk_size=_PIECE))

    def remove(self, job_id: str) -> None:
        for key in list(self._keys(job_id)):
            self.remove_key(key)

    def remove_key(self, key: str) -> None:
        try:
            self._store.delete(key)
        except FileNotFoundError:
            return

    def keys(self) -> Iterator[str]:
        return self._keys(None)

    def _keys(self, prefix: str | None) -> Iterator[str]:
        for page in self._store.list(prefix):
            yield from (each["path"] for each in page)


class ObjectSink:
    """Closed, it is there; let go of, it never was."""

    def __init__(self, store: Any, key: str) -> None:
        import obstore

        self._writer: Any = obstore.open_writer(store, key, buffer_size=_PART)

    def write(self, data: bytes) -> None:
        self._writer.write(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if kind is None:
            self._writer.close()
        self._writer = None
