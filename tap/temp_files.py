"""Room for files that are wanted for one query only: a folder on a disk of which some stays free."""

import errno
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from schema.load.reader import LoadError

_IN_MEMORY = 8_000_000


_UNPACKED = re.compile(r"/\S*/tmp\w+")
"""Where a packed file was unpacked."""


@contextmanager
def without_path(path: Path, called: str = "the file") -> Iterator[None]:
    """Let no LoadError tell where a file lay on this machine, or where it was unpacked."""
    try:
        yield
    except LoadError as error:
        error.args = (_UNPACKED.sub(called, str(error).replace(str(path), called)),)
        raise


@dataclass(frozen=True, slots=True)
class TempFiles:
    """A folder for them; `reserve` bytes of its disk stay free."""

    folder: Path
    reserve: int

    def file(self) -> IO[bytes]:
        """Open a file without a name, so it is gone with the process; what is small never gets to the disk."""
        return tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(self.folder))

    def check(self) -> None:
        """Raise OSError, as a full disk does, if fewer than `reserve` bytes are free."""
        if shutil.disk_usage(self.folder).free < self.reserve:
            raise OSError(errno.ENOSPC, "no room for the files of a query")
