"""An export into a folder or a bucket: how it begins, goes on where it was interrupted, and ends.

What the manifest of an interrupted one names, with the right size and checksum, is kept, as long as the rows are still the same.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from schema.load.reader import LoadError
from tap.bulk.export_rows import ExportRows, Slice
from tap.bulk.folder import Folder
from tap.bulk.manifest import ExportedSlice, ExportManifest, read_manifest

Tell = Callable[[int, float | None], None]
"""Told of rows that are done, and the fraction of all."""
_WRITTEN = re.compile(r"(dataset/Norder=\d+/Dir=\d+/Npix=\d+|part-[\d-]+)\.parquet(\.part)?")
"""What exports write, and what they leave when they are killed."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where an export goes: `folder`, in files of `most_rows` at most; `room` is where rows wait to be sorted."""

    folder: Folder
    most_rows: int
    room: Path


@dataclass
class Export:
    """An export while it is made."""

    rows: ExportRows
    target: Target
    manifest: ExportManifest
    tell: Tell
    done: int = 0

    @property
    def folder(self) -> Folder:
        return self.target.folder

    def told(self, more_rows: int) -> None:
        self.done += more_rows
        self.tell(self.done, min(0.999, self.done / self.rows.nrows) if self.rows.nrows else None)

    def keeps(self, name: str) -> bool:
        """Return whether a file is there already, as the manifest says that it was written."""
        file, status = self.manifest.files.get(name), self.folder.status(name)
        if file is None or status is None or status.size != file.size:
            return False
        digest = hashlib.sha256()
        for piece in self.folder.read(name):
            digest.update(piece)
        return digest.hexdigest() == file.sha256

    def has_slice(self, part: Slice) -> bool:
        """Return whether all files of a slice are there."""
        exported = self.manifest.slices.get(part.name)
        return exported is not None and all(self.keeps(name) for name in exported.files)

    def end_slice(self, part: Slice, files: tuple[str, ...], without_position: int = 0) -> None:
        """Note that all rows of a slice are there; files that it had before and has no longer are removed."""
        before = self.manifest.slices.get(part.name)
        for name in set(before.files if before else ()) - set(files):
            self.manifest.files.pop(name, None)
            self.folder.remove(name)
        self.manifest.slices[part.name] = ExportedSlice(files, without_position)
        self.manifest.save(self.folder, soon=True)

    def end(self) -> ExportManifest:
        """Complete the manifest, without what killed exports left. Raises: LoadError where rows are missing."""
        manifest, expected = self.manifest, self.rows.nrows
        came = manifest.rows + manifest.without_position
        if expected is not None and self.rows.identity and came != expected:
            raise LoadError(f"{came:,} rows came of {expected:,}: {self.rows.name} has changed; start it again")
        for status in self.folder.files():
            if _WRITTEN.fullmatch(status.name) and status.name not in manifest.files:
                self.folder.remove(status.name)
        manifest.complete, manifest.made = True, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        manifest.save_checksums(self.folder)
        manifest.save(self.folder)
        return manifest


def begun(format_: str, rows: ExportRows, target: Target, tell: Tell) -> Export:
    """Return the export that was interrupted, or a new one in the place of an older one.

    Raises: LoadError for a folder with files that no export wrote.
    """
    identity = f"{rows.identity} {format_} {target.most_rows}" if rows.identity else ""
    before = read_manifest(target.folder)
    if before is None and (stray := next(target.folder.files(), None)):
        raise LoadError(f"{target.folder.url} has files that no export wrote, as {stray.name}; choose another folder")
    if before and identity and before.identity == identity:
        before.complete = False
        export = Export(rows, target, before, tell)
    else:
        export = Export(rows, target, ExportManifest(rows.name, format_, identity, rows.data_version), tell)
    # From here on nobody takes what is there for whole.
    export.manifest.save(target.folder)
    for name in before.files if before and before is not export.manifest else ():
        target.folder.remove(name)
    return export
