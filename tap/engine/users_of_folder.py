"""Which processes use a folder, told by locks on files in it, which go with their process however it ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_TURN, _USERS = "turn.lock", "users.lock"


@contextmanager
def turn(folder: Path) -> Iterator[None]:
    """Hold off all who start or stop something in the folder, as long as the block lasts."""
    file = _open(folder / _TURN)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


@contextmanager
def using(folder: Path) -> Iterator[None]:
    """Count as one who uses the folder, as long as the block lasts."""
    file = _open(folder / _USERS)
    try:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield
    finally:
        os.close(file)


def is_used(folder: Path) -> bool:
    """Return whether any process uses the folder, this one among them."""
    file = _open(folder / _USERS)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def _open(path: Path) -> int:
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    # The owner of the folder decides who comes here, not the mask of who came first.
    with suppress(PermissionError):
        os.fchmod(file, 0o666)
    return file
