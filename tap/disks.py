"""The disks of this machine on which something of the service is kept."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tap.config import Config
from tap.storage import results_folder
from tap.uploads.upload import uploads_of


@dataclass(frozen=True, slots=True)
class Disk:
    """Where `place` (data, results, uploads or temporary files) is kept, and bytes of the disk there."""

    place: str
    folder: Path
    total: int
    free: int


def disks(config: Config) -> Iterator[Disk]:
    """Yield the disk of each place, also of one that is made with the first file in it; of results in a bucket, none."""
    folders = {
        "data": Path(config.database.data_dir),
        "results": results_folder(config),
        "uploads": Path(uploads_of(config)),
        "temporary files": Path(tempfile.gettempdir()),
    }
    for place, folder in folders.items():
        if folder:
            with suppress(OSError):
                usage = shutil.disk_usage(next(path for path in (folder, *folder.parents) if path.exists()))
                yield Disk(place, folder, usage.total, usage.free)
