"""Exported tables where the service offers them: a folder or a bucket with a folder for each table, and its manifest."""

import hashlib
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache

from schema.load.reader import LoadError
from tap.bulk.folder import Folder, FolderAway, whole
from tap.bulk.manifest import CHECKSUMS, MANIFEST, ExportedFile, ExportManifest, read_manifest
from tap.bulk.places import folder_of
from tap.config_sections import ConfigError

_REMEMBERED = 30.0
"""Seconds for which a bucket is not asked again."""
_AT_ONCE = 16


class ExportGoesOn(Exception):
    """A table is being exported: what is there is not whole."""


def folder_name(table_name: str) -> str:
    """Return the folder of a table by its published name."""
    return table_name.replace("/", "_")


@dataclass(frozen=True, slots=True)
class _Known:
    """What was found in a table's folder, by the state of its manifest, and when."""

    version: str | None
    manifest: ExportManifest | None
    lists: dict[str, bytes]
    looked: float


@dataclass
class BulkFolder:
    """The place that the setting `bulk` names. Every method blocks, and may raise FolderAway."""

    place: str
    _known: dict[str, _Known] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def manifest(self, table_name: str) -> ExportManifest | None:
        """Return the manifest of an exported table, None where it is not exported."""
        return self._look(table_name).manifest if self.place else None

    def manifests(self, table_names: Iterable[str]) -> dict[str, ExportManifest]:
        """Return the manifests of those tables that are exported."""
        names = list(table_names) if self.place else []
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            pairs = zip(names, threads.map(self.manifest, names), strict=True)
            return {name: manifest for name, manifest in pairs if manifest}

    def file(self, table_name: str, name: str) -> ExportedFile | None:
        """Return what is known of a file; None for what was not exported. Raises: ExportGoesOn."""
        known = self._look(table_name)
        if known.manifest is None:
            return None
        if not known.manifest.complete:
            raise ExportGoesOn
        if content := known.lists.get(name):
            return ExportedFile(len(content), hashlib.sha256(content).hexdigest())
        return known.manifest.files.get(name)

    def read(self, table_name: str, name: str, start: int, end: int) -> Iterator[bytes]:
        """Return bytes of a file. Raises: NoSuchFile."""
        if content := self._look(table_name).lists.get(name):
            return iter([content[start:end]])
        return self._folder(table_name).read(name, start, end)

    def _folder(self, table_name: str) -> Folder:
        return folder_of(f"{self.place.rstrip('/')}/{folder_name(table_name)}")

    def _look(self, table_name: str) -> _Known:
        known, folder = self._known.get(table_name), self._folder(table_name)
        if known and folder.is_remote and time.monotonic() - known.looked < _REMEMBERED:
            return known
        status = folder.status(MANIFEST)
        version = status.version if status else None
        if known is None or known.version != version:
            known = _read(folder) if status else _Known(None, None, {}, 0.0)
        known = _Known(version, known.manifest, known.lists, time.monotonic())
        with self._lock:
            self._known[table_name] = known
        return known


def _read(folder: Folder) -> _Known:
    try:
        manifest = read_manifest(folder)
    except LoadError as error:
        raise FolderAway(str(error)) from error
    lists = {name: content for name in (MANIFEST, CHECKSUMS) if (content := whole(folder, name))}
    return _Known(None, manifest, lists if manifest and manifest.complete else {}, 0.0)


@cache
def bulk_folder(place: str) -> BulkFolder:
    """Return the place of a configuration, the same for all that ask. Raises: ConfigError for one that cannot be."""
    try:
        folder_of(place)
    except LoadError as error:
        raise ConfigError(f"bulk = {place!r}: {error}") from error
    return BulkFolder(place)
