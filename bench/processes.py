"""The processes that a process has started, while they and its threads come and go."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def children(parent: int) -> list[int]:
    pids: list[int] = []
    for thread in Path(f"/proc/{parent}/task").glob("*/children"):
        with suppress(OSError):
            pids += map(int, thread.read_text().split())
    return pids


def descendants(parent: int) -> Iterator[int]:
    for child in children(parent):
        yield child
        yield from descendants(child)
