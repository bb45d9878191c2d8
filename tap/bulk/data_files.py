"""The files of one table: fetched one ahead of the other, and read as if they were one."""

import hashlib
import shutil
import tempfile
import threading
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from schema import types
from schema.load import open_file
from schema.load.reader import FileColumn, LoadError, Reader
from schema.types import element_count
from tap.bulk.folder import Folder


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file in a folder; `label` is what it is called, `size` and `version` are as it was when it was listed."""

    folder: Folder
    name: str
    label: str
    size: int
    version: str

    @property
    def file_name(self) -> Path:
        """Return the name that tells its kind."""
        return Path((self.name or self.label).partition("?")[0])


@dataclass(frozen=True)
class DataFiles:
    """Files that make one table, in their order; at least one.

    `wanted_types` are ADQL types that the description asks for, by the names of the files' columns. `declared` are
    columns as something beside the files says them, with texts that the files may lack.
    """

    files: tuple[DataFile, ...]
    wanted_types: dict[str, str] = field(default_factory=dict)
    declared: tuple[FileColumn, ...] = ()

    def __call__(self) -> Reader:
        """Return a reader of them all, one after the other."""
        return _Joined(self)

    @property
    def identity(self) -> str:
        """Return a digest of which files these are, and of their states."""
        digest = hashlib.sha256()
        for file in self.files:
            digest.update(repr((file.label, file.version)).encode())
        return digest.hexdigest()

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)

    @property
    def sizes(self) -> dict[str, int]:
        """Return the bytes of each file."""
        return {file.label: file.size for file in self.files}

    @property
    def room(self) -> int:
        """Return how many bytes those that have to be fetched take on this machine at most: two of them at once."""
        return sum(sorted(file.size for file in self.files if file.folder.is_remote)[-2:])

    @property
    def versions(self) -> dict[str, str]:
        """Return the state of each file."""
        return {file.label: file.version for file in self.files}

    @cached_property
    def columns(self) -> tuple[FileColumn, ...]:
        """Return the columns of the table, which are those of the first file. Raises: LoadError."""
        with self.first() as reader:
            return reader.columns

    @contextmanager
    def first(self) -> Iterator[Reader]:
        """Give a reader of the first file, as long as the block lasts. Raises: LoadError."""
        with _temporary(self) as folder, _fetched(self.files[:1], folder) as fetched:
            file, path = next(fetched)
            with _named(file.label, path):
                reader = open_file(path, self.wanted_types, file.file_name)
            yield _Alike(reader, with_texts(reader.columns, self.declared), ()) if self.declared else reader

    def readers(self, labels: Collection[str] | None = None) -> Iterator[tuple[str, Reader]]:
        """Yield the label and a reader of each file, or of those called so; the next is fetched meanwhile.

        Raises: LoadError, where the columns of one are not those of the first, too.
        """
        columns = self.columns
        files = [file for file in self.files if labels is None or file.label in labels]
        with _temporary(self) as folder, _fetched(files, folder) as fetched:
            for file, path in fetched:
                with _named(file.label, path):
                    reader = open_file(path, self.wanted_types, file.file_name)
                    yield file.label, _Alike(reader, columns, self.wanted_types)


@contextmanager
def _named(label: str, path: Path | None = None) -> Iterator[None]:
    """Let errors begin with the name of the file, as it was given, instead of the path to which it was fetched."""
    try:
        yield
    except LoadError as error:
        text = str(error).replace(str(path), label) if path else str(error)
        raise LoadError(text if text.startswith(label) else f"{label}: {text}") from error


class _Joined:
    """Reads all files, one after the other."""

    def __init__(self, files: DataFiles) -> None:
        self._files = files
        self._done = 0
        self._reader: Reader | None = None
        self._size = 0
        self.columns = files.columns

    def batches(self) -> Iterator[pa.RecordBatch]:
        sizes = self._files.sizes
        for label, reader in self._files.readers():
            self._reader, self._size = reader, sizes[label]
            with _named(label):
                yield from reader.batches()
            self._reader, self._done = None, self._done + self._size

    def fraction(self) -> float | None:
        here = (self._reader.fraction() or 0.0) * self._size if self._reader else 0.0
        return min(1.0, (self._done + here) / max(1, self._files.size))


class _Alike:
    """Reads a file whose columns are those of the first, maybe in another order; raises LoadError where they are not."""

    def __init__(self, reader: Reader, columns: Sequence[FileColumn], wanted_types: Collection[str]) -> None:
        self._reader = reader
        own = {column.name: place for place, column in enumerate(reader.columns)}
        _check_names(own, {column.name for column in columns})
        self._places = [own[column.name] for column in columns]
        self.columns = tuple(columns)
        for column, place in zip(columns, self._places, strict=True):
            _check_alike(column, reader.columns[place], is_described=column.name in wanted_types)

    def batches(self) -> Iterator[pa.RecordBatch]:
        names = [column.name for column in self.columns]
        for batch in self._reader.batches():
            yield pa.RecordBatch.from_arrays([batch.column(place) for place in self._places], names=names)

    def fraction(self) -> float | None:
        return self._reader.fraction()


def _check_names(own: Collection[str], expected: Collection[str]) -> None:
    if missing := sorted(set(expected) - set(own)):
        raise LoadError(f"the column {missing[0]}, which the files before it have, is missing")
    if added := sorted(set(own) - set(expected)):
        raise LoadError(f"it has a column {added[0]}, which the files before it have not")


def _check_alike(expected: FileColumn, own: FileColumn, *, is_described: bool) -> None:
    """Raise LoadError where values of a column would mean something else than those before."""
    if _kind(own) != _kind(expected) and not is_described:
        raise LoadError(
            f"column {own.name}: it holds {_kind(own)} where the files before it hold {_kind(expected)};"
            f' [columns.{own.name}] type = "…" in a description says what it shall be'
        )
    for name in ("unit", "xtype"):
        here, before = getattr(own, name), getattr(expected, name)
        if here and before and here != before:
            raise LoadError(f"column {own.name}: its {name} is {here!r}, that of the files before it {before!r}")
    sizes = element_count(own.arraysize), element_count(expected.arraysize)
    if own.type.is_array and None not in sizes and sizes[0] != sizes[1]:
        raise LoadError(
            f"column {own.name}: its arrays have {sizes[0]} elements, those of the files before it {sizes[1]}"
        )


def _kind(column: FileColumn) -> str:
    is_text = column.type in {types.TEXT, types.UNICODE}
    return types.TEXT.adql if is_text else column.type.adql + ("[]" if column.type.is_array else "")


def with_texts(columns: Sequence[FileColumn], declared: Sequence[FileColumn]) -> tuple[FileColumn, ...]:
    """Return the columns with the unit, UCD, utype and description of those declared where they have none."""
    by_name = {column.name: column for column in declared}
    names = ("unit", "ucd", "utype", "description")
    return tuple(
        replace(column, **{name: getattr(column, name) or getattr(by_name[column.name], name) for name in names})
        if column.name in by_name
        else column
        for column in columns
    )


# ---- fetching


@contextmanager
def _temporary(files: DataFiles) -> Iterator[Path]:
    """Make a folder for what is fetched, gone after the block. Raises: LoadError where its disk has too little room."""
    with tempfile.TemporaryDirectory(prefix="armillary-load-") as folder:
        free = shutil.disk_usage(folder).free
        if files.room > free:
            raise LoadError(
                f"the files are fetched into {folder}, which has {free:,} bytes free; the two largest together have"
                f" {files.room:,}. TMPDIR names another folder"
            )
        yield Path(folder)


@contextmanager
def _fetched(files: Sequence[DataFile], folder: Path) -> Iterator[Iterator[tuple[DataFile, Path]]]:
    """Give each file with a path of this machine, good until the next one is asked for; that is fetched meanwhile."""
    stop = threading.Event()
    with ThreadPoolExecutor(1, "fetching") as threads:
        try:
            yield _one_ahead(files, folder, threads, stop)
        finally:
            stop.set()


def _one_ahead(
    files: Sequence[DataFile], folder: Path, threads: ThreadPoolExecutor, stop: threading.Event
) -> Iterator[tuple[DataFile, Path]]:
    futures: dict[int, Future[Path]] = {}
    for number, file in enumerate(files):
        for place in range(number, min(number + 2, len(files))):
            if place not in futures:
                futures[place] = threads.submit(_fetch, files[place], folder / str(place % 2), stop)
        path = futures.pop(number).result()
        yield file, path
        # Reading goes on by what is open; the next but one comes to its place.
        if file.folder.is_remote:
            path.unlink(missing_ok=True)


def _fetch(file: DataFile, target: Path, stop: threading.Event) -> Path:
    if not file.folder.is_remote:
        return file.folder.local(file.name)
    with target.open("wb") as copy:
        _write(copy, file, stop)
    return target


def _write(copy: Any, file: DataFile, stop: threading.Event) -> None:
    for piece in file.folder.read(file.name):
        if stop.is_set():
            return
        copy.write(piece)
    if file.size and copy.tell() != file.size:
        raise LoadError(f"{file.label}: {copy.tell():,} bytes came of {file.size:,}")
