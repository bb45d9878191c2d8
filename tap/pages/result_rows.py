"""Rows of a kept result, wherever in it they are: windows for pages, columns for plots.

The first rows come from the head of the result as it is stored. For all others it is written once as an Arrow file, of
which only what is asked for is ever read.
"""

import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from schema.load import open_file
from schema.load.parquet import described
from schema.load.reader import FileColumn, LoadError
from tap.own_tables.results import result_file
from tap.storage import Storage
from uws.job import Job
from uws.parameters import ParameterError

_MOST_BYTES = 4_000_000_000
"""Bytes of all Arrow files together; the ones that were not used for longest go first."""
_LONGEST_UNUSED = 7 * 86_400
"""Seconds: nobody told of jobs that went while no web process ran."""
_MOST_PREPARED = 500_000_000
_MOST_POINTS = 1_000_000
_MOST_SORTED = 5_000_000
_SAID = ("unit", "ucd", "description", "xtype", "arraysize")
_COMPARISONS = {
    "<": pc.less,
    "<=": pc.less_equal,
    "=": pc.equal,
    ">=": pc.greater_equal,
    ">": pc.greater,
}


@dataclass(frozen=True, slots=True)
class View:
    """Which rows are wanted, and in which order: `value` is compared by `operator` with those of the column `where`."""

    first: int = 0
    count: int = 100
    sort: str | None = None
    descending: bool = False
    where: str | None = None
    operator: str = "="
    value: str = ""

    @property
    def is_head(self) -> bool:
        return self.first == 0 and self.sort is None and self.where is None


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of a result; `total` is how many there are in the view, None where nobody has counted."""

    columns: tuple[FileColumn, ...]
    table: pa.Table
    total: int | None


@dataclass(frozen=True)
class ResultRows:
    """Reads kept results; blocks in every method. `folder` is where Arrow files are, for all processes of a machine."""

    storage: Storage
    folder: Path

    def view(self, job: Job, view: View) -> Rows:
        """Return the rows of a view. Raises: LoadError for a result of which no rows can be read, ParameterError."""
        result = job.results[0]
        if view.is_head and not self._file(job).exists():
            columns, table = self._head(job, view.count)
            return Rows(columns, table, result.rows)
        with self._opened(job) as (columns, table):
            indices = _indices(table, view)
            if indices is None:
                return Rows(columns, table.slice(view.first, view.count), table.num_rows)
            return Rows(columns, table.take(indices.slice(view.first, view.count)), len(indices))

    def columns(self, job: Job, names: list[str]) -> pa.Table:
        """Return these columns as doubles, NULL as NaN, of at most a million rows spread evenly over the result.

        Raises: as `view`.
        """
        with self._opened(job) as (_, table):
            step = -(-table.num_rows // _MOST_POINTS) or 1
            chosen = table.select([_index_of(table, name) for name in names])
            if step > 1:
                chosen = chosen.take(pa.array(range(0, table.num_rows, step), pa.int64()))
            return pa.table({str(index): _doubles(column) for index, column in enumerate(chosen.columns)})

    def prepare(self, job: Job) -> None:
        """Write the Arrow file of a result that somebody looks at, before it is asked for; nothing where it cannot be read."""
        if job.results[0].size <= _MOST_PREPARED:
            with suppress(LoadError, OSError):
                self._written(job)

    def _head(self, job: Job, count: int) -> tuple[tuple[FileColumn, ...], pa.Table]:
        with result_file(self.storage, job) as path:
            reader = open_file(path)
            batches, rows = [], 0
            for batch in reader.batches():
                batches.append(batch.slice(0, count - rows))
                rows += batches[-1].num_rows
                if rows >= count:
                    break
            return reader.columns, _table(reader.columns, batches)

    def _file(self, job: Job) -> Path:
        return self.folder / f"{job.job_id}-{job.attempt}.arrow"

    @contextmanager
    def _opened(self, job: Job) -> Iterator[tuple[tuple[FileColumn, ...], pa.Table]]:
        path = self._written(job)
        with suppress(OSError):
            os.utime(path)
        with pa.memory_map(str(path)) as source:
            table = pa.ipc.open_file(source).read_all()
            yield tuple(map(described, table.schema)), table

    def _written(self, job: Job) -> Path:
        """Return the Arrow file of a result, written if it is not there; whoever else wants it waits."""
        path = self._file(job)
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / f"{job.job_id[:2]}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not path.exists():
                    self._write(job, path)
        return path

    def _write(self, job: Job, path: Path) -> None:
        """Write it under another name first, since what is there is read at once."""
        unfinished = path.with_suffix(f".{secrets.token_hex(4)}")
        try:
            with result_file(self.storage, job) as stored:
                reader = open_file(stored)
                _write_batches(reader.columns, reader.batches(), unfinished)
            unfinished.rename(path)
        finally:
            unfinished.unlink(missing_ok=True)
        self._make_room(path)

    def forget(self, job_id: str) -> None:
        """Remove what was written of a job that is gone."""
        for path in self.folder.glob(f"{job_id}-*"):
            path.unlink(missing_ok=True)

    def _make_room(self, kept: Path) -> None:
        files = []
        for path in self.folder.glob("*.arrow"):
            with suppress(OSError):
                files.append((path.stat().st_mtime, path.stat().st_size, path))
        used = sum(size for _, size, _ in files)
        now = time.time()
        for modified, size, path in sorted(files):
            if used <= _MOST_BYTES and now - modified < _LONGEST_UNUSED:
                return
            if path != kept:
                path.unlink(missing_ok=True)
                used -= size


def _write_batches(columns: tuple[FileColumn, ...], batches: Iterator[pa.RecordBatch], path: Path) -> None:
    first = next(batches, None)
    empty = pa.schema([pa.field(column.name, pa.null()) for column in columns])
    schema = _with_metadata(first.schema if first is not None else empty, columns)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        if first is not None:
            writer.write_batch(_renamed(first, schema))
            for batch in batches:
                writer.write_batch(_renamed(batch, schema))


def _renamed(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    arrays = [
        array if array.type == field.type else array.cast(field.type)
        for array, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _table(columns: tuple[FileColumn, ...], batches: list[pa.RecordBatch]) -> pa.Table:
    if not batches:
        return pa.table({column.name: pa.nulls(0) for column in columns})
    schema = _with_metadata(batches[0].schema, columns)
    return pa.Table.from_batches([_renamed(batch, schema) for batch in batches], schema)


def _with_metadata(schema: pa.Schema, columns: tuple[FileColumn, ...]) -> pa.Schema:
    """Return the schema with what the file says of its columns, as `described` reads it back."""
    return pa.schema(
        pa.field(column.name, field.type, metadata={name: getattr(column, name) or "" for name in _SAID})
        for column, field in zip(columns, schema, strict=True)
    )


def _doubles(column: pa.ChunkedArray) -> pa.Array:
    """Raises: ParameterError for what is no number."""
    try:
        return pc.fill_null(column.cast(pa.float64()).combine_chunks(), float("nan"))
    except pa.ArrowException as error:
        raise ParameterError("Only numbers can be plotted") from error


def _index_of(table: pa.Table, name: str) -> int:
    if name not in table.column_names:
        raise ParameterError(f"The result has no column {name[:80]!r}")
    return int(table.column_names.index(name))


def _indices(table: pa.Table, view: View) -> pa.Array | None:
    """Return which rows are in the view, in its order; None for all as they are."""
    indices = None
    if view.where is not None:
        indices = pc.indices_nonzero(_matches(table.column(_index_of(table, view.where)), view))
    if view.sort is None:
        return indices
    if table.num_rows > _MOST_SORTED:
        raise ParameterError(
            f"Only results of up to {_MOST_SORTED:,} rows are sorted here; put ORDER BY into the query"
        )
    column = table.column(_index_of(table, view.sort))
    return _sorted(column, indices, "descending" if view.descending else "ascending")


def _sorted(column: pa.ChunkedArray, indices: pa.Array | None, order: str) -> pa.Array:
    values = column if indices is None else column.take(indices)
    try:
        ranks = pc.array_sort_indices(values.combine_chunks(), order=order)
    except pa.ArrowException as error:
        raise ParameterError("Values of this column have no order") from error
    return ranks if indices is None else indices.take(ranks)


def _matches(column: pa.ChunkedArray, view: View) -> Any:
    """Return which values compare with the view's; of texts, whether they contain it."""
    if pa.types.is_null(column.type):
        return pc.is_valid(column)
    if view.operator == "contains":
        return pc.match_substring(_as_text(column), view.value, ignore_case=True)
    if view.operator not in _COMPARISONS:
        raise ParameterError(f"Values are compared by {', '.join(_COMPARISONS)} or contains")
    try:
        wanted = pa.scalar(view.value).cast(column.type)
        return _COMPARISONS[view.operator](column, wanted)
    except (pa.ArrowException, ValueError) as error:
        raise ParameterError(f"{view.value[:40]!r} cannot be compared with the values of {view.where}") from error


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        return column.cast(pa.string())
    except pa.ArrowException as error:
        raise ParameterError("The values of this column cannot be searched as texts") from error
