"""Files that come leave room on the disk, however large they are and however many come at once."""

import asyncio
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from starlette.requests import Request

from tap.config import Config
from tap.form import read_form
from tap.part import read_part
from tap.storage.storage import StorageFull

PIECES = 50


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def request(kind: bytes, *pieces: bytes) -> Request:
    """A body that comes in these pieces."""
    rest = list(pieces)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": rest.pop(0), "more_body": bool(rest)}

    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", kind)], "query_string": b""}
    return Request(scope, receive)


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many times it was looked how much is free, which becomes too little meanwhile."""
    looked: list[int] = []

    def usage(_: object) -> Usage:
        looked.append(1)
        return Usage(0, 0, Config().jobs.results_reserve + 10 - len(looked))

    monkeypatch.setattr(shutil, "disk_usage", usage)
    return looked


def test_a_part_of_a_file_stops_where_the_room_ends(tmp_path: Path, room: list[int]) -> None:
    body = request(b"application/partial-upload", *[bytes(1000)] * PIECES)
    with pytest.raises(StorageFull):
        asyncio.run(read_part(body, Config(), tmp_path))
    assert len(room) == 11
    assert list(tmp_path.iterdir()) == []


def test_a_form_with_a_file_stops_where_the_room_ends(tmp_path: Path, room: list[int]) -> None:
    head = b'--B\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
    body = request(b"multipart/form-data; boundary=B", head, *[bytes(1000)] * PIECES, b"\r\n--B--\r\n")
    with pytest.raises(StorageFull):
        asyncio.run(read_form(body, Config(), tmp_path))
    assert len(room) == 11
    assert list(tmp_path.iterdir()) == []
