"""Tables of one's own on any service that has VOSI 1.2's draft of writable /tables."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from tap.client.http import Body, Http, Refused, parsed

_PIECE = 1 << 20
_KINDS = {
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".fits": "application/fits",
    ".vot": "application/x-votable+xml",
    ".xml": "application/x-votable+xml",
    ".parquet": "application/vnd.apache.parquet",
    ".arrow": "application/vnd.apache.arrow.file",
}


@dataclass(frozen=True)
class RemoteTables:
    """The tables of an account at a service; `http` shows who asks."""

    service: str
    http: Http

    def names(self) -> list[str]:
        """Return the names of the tables in one's own schema; of all that can be seen where the service has no whoami."""
        schema = self.schema()
        with self.http.send("GET", f"{self.service}/tables?detail=min") as answer:
            names = [element.text or "" for element in parsed(answer.read()).iterfind(".//{*}table/{*}name")]
        own = (f"{schema}.", f'"{schema}".')
        return [name for name in names if schema is None or name.startswith(own)]

    def schema(self) -> str | None:
        """Return the schema of one's own tables; None where the service has none, or knows nobody."""
        return self._whoami().get("schema")

    def _whoami(self) -> dict[str, Any]:
        try:
            with self.http.send("GET", f"{self.service}/whoami") as answer:
                found = json.loads(answer.read())
        except (Refused, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def load(self, name: str, path: Path, **parameters: str) -> str:
        """Make a table of a file; return what the service says. Raises: Refused, Unreachable, OSError."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        with self.http.send("PUT", self._url(name) + query, _content(path), _headers(path)) as answer:
            return answer.read().decode("utf-8", "replace").strip()

    def append(self, name: str, path: Path) -> None:
        """Raises: Refused, Unreachable, OSError."""
        self._send("POST", self._url(name), _content(path), _headers(path))

    def drop(self, name: str) -> None:
        self._send("DELETE", self._url(name))

    def share_with_group(self, name: str, group: str, *, may_write: bool) -> None:
        """Let a group read a table, or none where that is empty."""
        header = "x-vosi-group-write" if may_write else "x-vosi-group-read"
        self._send("POST", self._url(name), b"", {header: group or "null"})

    def share_with_user(self, name: str, user: str, *, may_write: bool) -> None:
        """Let an account read a table: by /shares, which VOSI does not know."""
        form = {"KIND": "table", "NAME": name, "WITH": f"user:{user}", "MODE": "write" if may_write else "read"}
        try:
            self._send("POST", f"{self.service}/shares", urlencode(form).encode())
        except Refused as error:
            if error.status == HTTPStatus.NOT_FOUND and self._has_no_shares():
                raise Refused(error.status, error.headers, b"this service shares tables with groups only") from error
            raise

    def _has_no_shares(self) -> bool:
        try:
            self.http.send("GET", f"{self.service}/shares").close()
        except Refused as error:
            return error.status == HTTPStatus.NOT_FOUND
        return False

    def _send(self, method: str, url: str, body: Body = None, headers: Mapping[str, str] | None = None) -> None:
        """Send a change, which must not end elsewhere. Raises: Refused, Unreachable."""
        with self.http.send(method, url, body, headers) as answer:
            if answer.url != url:
                raise Refused(
                    answer.status, {}, f"the service led elsewhere, to {answer.url}; nothing was done".encode()
                )

    def _url(self, name: str) -> str:
        return f"{self.service.rstrip('/')}/tables/{quote(name)}"


def _content(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def _headers(path: Path) -> dict[str, str]:
    kind = _KINDS.get(path.suffix.lower(), "application/octet-stream")
    return {"Content-Type": kind, "Content-Length": str(path.stat().st_size)}
