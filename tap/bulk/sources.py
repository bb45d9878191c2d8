"""What `armillary load` is given → the files that it means: paths, wildcards, folders, URLs, buckets, HATS catalogues."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from glob import glob, has_magic
from pathlib import Path, PurePosixPath

from schema.load.reader import LoadError
from tap.bulk import http_folder, object_folder
from tap.bulk.data_files import DataFile
from tap.bulk.folder import FileStatus, Folder, whole
from tap.bulk.hats_catalogue import PROPERTIES, HatsCatalogue, read_hats
from tap.bulk.http_folder import HttpFolder
from tap.bulk.local_folder import LocalFolder
from tap.bulk.places import folder_of, path_of

_SUFFIXES = {".parquet", ".pq", ".parq", ".arrow", ".feather", ".fits", ".fit", ".vot", ".xml", ".votable"} | {
    *(".csv", ".tsv", ".ecsv", ".txt", ".gz", ".zst", ".zstd", ".fz")
}
"""What files with tables are called; a URL that ends otherwise may be that of a catalogue."""
_WHOLE_FOLDER = {".parquet", ".pq", ".parq"}


@dataclass(frozen=True, slots=True)
class LoadSources:
    """Files of one table; `hats` is the catalogue that they are the partitions of, if they are."""

    files: tuple[DataFile, ...]
    hats: HatsCatalogue | None = None


def find_sources(texts: Sequence[str]) -> LoadSources:
    """Return the files that an operator names. Raises: LoadError where one means nothing, or two mean the same."""
    found = [_sources(text) for text in texts]
    if len(found) > 1 and any(sources.hats for sources in found):
        raise LoadError("a HATS catalogue is loaded alone, without other files beside it")
    files = tuple(file for sources in found for file in sources.files)
    label, count = Counter(file.label for file in files).most_common(1)[0]
    if count > 1:
        raise LoadError(f"{label} is named twice")
    return LoadSources(files, found[0].hats if found else None)


def _sources(text: str) -> LoadSources:
    if text.startswith(http_folder.SCHEMES):
        return _of_url(text)
    if text.startswith(object_folder.SCHEMES):
        return _of_bucket(text)
    return _of_path(text)


def _of_path(text: str) -> LoadSources:
    path = path_of(text)
    if path.is_file():
        return LoadSources((_local(path, text),))
    if path.is_dir():
        return _of_folder(LocalFolder(path, text.rstrip("/")))
    if has_magic(str(path)):
        # Path.glob takes no pattern that begins with /.
        names = sorted(glob(str(path), recursive=True))  # noqa: PTH207
        paths = [Path(name) for name in names if Path(name).is_file()]
        if not paths:
            raise LoadError(f"{text}: no file is called so")
        return LoadSources(tuple(_local(each, str(each)) for each in paths))
    raise LoadError(f"{text}: there is no such file or folder")


def _local(path: Path, label: str) -> DataFile:
    folder = LocalFolder(path.parent)
    status = folder.status(path.name)
    if status is None:
        raise LoadError(f"{label}: there is no such file")
    return DataFile(folder, path.name, label, status.size, status.version)


def _of_bucket(text: str) -> LoadSources:
    fixed, _, pattern = _cut(text)
    if pattern:
        folder = folder_of(fixed)
        files = [status for status in folder.files() if _matches(status.name, pattern)]
        if not files:
            raise LoadError(f"{text}: no object is called so")
        return LoadSources(tuple(_of_status(folder, status) for status in files))
    parent, _, name = text.rstrip("/").rpartition("/")
    if PurePosixPath(name).suffix.lower() in _SUFFIXES and parent.count("/") >= 2:
        folder = folder_of(parent)
        if status := folder.status(name):
            return LoadSources((_of_status(folder, status),))
    return _of_folder(folder_of(text))


def _cut(text: str) -> tuple[str, str, str]:
    """Return the part of a URL before the first name with a wildcard, and the rest of it."""
    scheme, _, path = text.partition("://")
    names = path.split("/")
    first = next((place for place, name in enumerate(names) if has_magic(name)), len(names))
    return f"{scheme}://{'/'.join(names[:first])}", "/", "/".join(names[first:])


def _matches(name: str, pattern: str) -> bool:
    """Return whether a path is one of a pattern, whose * stands within a name, and whose ** for any names."""
    names, patterns = name.split("/"), pattern.split("/")
    if "**" in patterns:
        regex = "/".join(".*" if each == "**" else _within_a_name(each) for each in patterns).replace(".*/", "(?:.*/)?")
        return re.fullmatch(regex, name) is not None
    return len(names) == len(patterns) and all(map(fnmatchcase, names, patterns))


def _within_a_name(pattern: str) -> str:
    return re.escape(pattern).replace(r"\*", "[^/]*").replace(r"\?", "[^/]")


def _of_url(text: str) -> LoadSources:
    name = text.rstrip("/").rpartition("/")[2].partition("?")[0]
    if PurePosixPath(name).suffix.lower() not in _SUFFIXES:
        folder = folder_of(text)
        if any(folder.status(properties) for properties in PROPERTIES):
            return _of_folder(folder)
    folder = HttpFolder(text)
    status = folder.status("")
    if status is None:
        hint = "; web servers list no files, so that wildcards name none there" if has_magic(text) else ""
        raise LoadError(f"{text}: there is no such file{hint}")
    return LoadSources((DataFile(folder, "", text, status.size, status.version),))


def _of_folder(folder: Folder) -> LoadSources:
    """Return the partitions of a HATS catalogue, or all Parquet files of another folder."""
    if any(whole(folder, name) is not None for name in PROPERTIES):
        catalogue = read_hats(folder)
        return LoadSources(
            tuple(_of_status(catalogue.folder, status, status.name) for status in catalogue.partitions()), catalogue
        )
    files = [status for status in folder.files() if _is_data(status.name)]
    if not files:
        raise LoadError(f"{folder.url} is no HATS catalogue, and has no Parquet files; name files of other kinds by *")
    return LoadSources(tuple(_of_status(folder, status) for status in files))


def _is_data(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return PurePosixPath(name).suffix.lower() in _WHOLE_FOLDER and not any(
        part.startswith((".", "_")) for part in parts
    )


def _of_status(folder: Folder, status: FileStatus, label: str = "") -> DataFile:
    return DataFile(folder, status.name, label or f"{folder.url}/{status.name}", status.size, status.version)
