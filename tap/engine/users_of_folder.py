"""Which processes use a folder, told by locks on files in it, which go with their process however it ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

_TURN, _USERS = "turn.lock", "users.lock"


def turn(folder: Path) -> AbstractContextManager[None]:
    """Hold off all who start or stop something in the folder, as long as the block lasts."""
    return _locked(folder / _TURN, fcntl.LOCK_EX)


def using(folder: Path) -> AbstractContextManager[None]:
    """Count as one who uses the folder, as long as the block lasts."""
    return _locked(folder / _USERS, fcntl.LOCK_SH)


def is_used(folder: Path) -> bool:
    """Return whether any process uses the folder, this one among them."""
    try:
        with _locked(folder / _USERS, fcntl.LOCK_EX | fcntl.LOCK_NB):
            return False
    except BlockingIOError:
        return True


@contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    """Raises: BlockingIOError where LOCK_NB is asked for and another holds the lock."""
    file = _open(path)
    try:
        fcntl.flock(file, how)
        yield
    finally:
        os.close(file)


def _open(path: Path) -> int:
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    # The owner of the folder decides who comes here, not the mask of who came first.
    with suppress(PermissionError):
        os.fchmod(file, 0o666)
    return file
