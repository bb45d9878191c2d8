"""`armillary export`: a table, or a job's result, as a HATS catalogue, as Parquet files, or as one file."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from schema.load import open_file
from schema.load.reader import LoadError, Reader
from tap.bulk.export import Target, Tell
from tap.bulk.export_rows import ExportRows, rows_of_file, rows_of_table, table_of
from tap.bulk.file_export import export_file
from tap.bulk.folder import Folder
from tap.bulk.hats_export import HATS, export_hats
from tap.bulk.http_folder import HttpFolder
from tap.bulk.manifest import ExportManifest
from tap.bulk.parquet_export import PARQUET, export_parquet
from tap.bulk.places import folder_of
from tap.bulk.served import folder_name
from tap.clear_errors import clear_errors
from tap.config import Config
from tap.engine.database import owner_connection, running_database
from tap.formats import find_format
from tap.job_commands import open_jobs
from tap.own_tables.results import result_file
from tap.storage import storage_of
from tap.version import VERSION

_OUT = Console(stderr=True, highlight=False, emoji=False)
_ROWS = 1_000_000


@click.command()
@click.argument("names", nargs=-1, metavar="[TABLE] [FOLDER]")
@click.option("--job", help="The result of this job, in place of a table.")
@click.option("--format", "format_", default=HATS, show_default=True, help="hats, parquet, or a format of one file.")
@click.option("--rows-per-partition", default=_ROWS, show_default=True, help="Rows of a file at most; 0: all in one.")
@click.pass_obj
def export(config: Config, names: tuple[str, ...], job: str | None, format_: str, rows_per_partition: int) -> None:
    """Export TABLE into FOLDER, a path or s3://bucket/prefix; without one into that of the setting `bulk`.

    What an interrupted export has written is kept when the same command is started again. Rows are sorted in the folder
    for temporary files (TMPDIR), which needs room for all of them.
    """
    with clear_errors():
        name, place = _named(config, names, job)
        most_rows, room = _checked(rows_per_partition, format_), Path(tempfile.gettempdir())
        with _rows(config, name, job) as rows, _progress(rows.name) as tell:
            place = place or f"{config.web.bulk.rstrip('/')}/{folder_name(rows.name)}"
            target = Target(_writable(place), most_rows, room)
            manifest = _exported(rows, format_, target, tell)
    _report(manifest, place)


def _named(config: Config, names: tuple[str, ...], job: str | None) -> tuple[str, str]:
    """Return the table, or the job, and the folder, nothing for that of the setting. Raises: UsageError."""
    if job and len(names) == 1:
        return job, names[0]
    if len(names) == 2 and not job:
        return names[0], names[1]
    if len(names) == 1 and config.web.bulk:
        return names[0], ""
    raise click.UsageError(
        "name a table and a folder, or --job and a folder; without the setting bulk a folder must be"
    )


def _writable(place: str) -> Folder:
    folder = folder_of(place)
    if isinstance(folder, HttpFolder):
        raise LoadError(f"{place}: files cannot be written to a web server; name a folder or a bucket")
    return folder


def _checked(rows: int, format_: str) -> int:
    if rows < 0 or (rows == 0 and format_ == HATS):
        raise click.UsageError("--rows-per-partition must be at least 1")
    return rows


@contextmanager
def _rows(config: Config, name: str, job: str | None) -> Iterator[ExportRows]:
    if job:
        with open_jobs(config) as store:
            about = store.job(job)
            with result_file(storage_of(config, store.has_results), about) as path:
                yield rows_of_file(f"job-{job}", job, partial(_opened, path, Path(about.results[0].key)))
        return
    service = {"server_software": f"Armillary/{VERSION}", "publisher": config.web.publisher}
    with running_database(config), owner_connection(config) as connection:
        yield rows_of_table(connection, table_of(connection, name), service)


@contextmanager
def _opened(path: Path, name: Path) -> Iterator[Reader]:
    yield open_file(path, name=name)


def _exported(rows: ExportRows, format_: str, target: Target, tell: Tell) -> ExportManifest:
    if format_ == HATS:
        return export_hats(rows, target, tell)
    if format_ == PARQUET:
        return export_parquet(rows, target, tell)
    found = find_format(format_)
    if found is None:
        raise LoadError(f"there is no format {format_}; hats, parquet, votable, fits, csv and others are")
    return export_file(rows, found[0], target, tell)


@contextmanager
def _progress(name: str) -> Iterator[Callable[[int, float | None], None]]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=_OUT, transient=True) as bar:
        task = bar.add_task(name, total=1.0, rows=0)
        yield lambda rows, fraction: bar.update(task, completed=fraction or 0.0, rows=rows)


def _report(manifest: ExportManifest, place: str) -> None:
    what = f"{manifest.rows:,} rows, {len(manifest.files):,} files, {manifest.size:,} bytes"
    _OUT.print(f"{escape(manifest.table)} exported to {escape(place)} as {manifest.format}: {what}", soft_wrap=True)
    if manifest.without_position:
        rows = f"{manifest.without_position:,} rows have no position and so no place in a HATS catalogue"
        _OUT.print(f"  [yellow]warning[/yellow] {rows}; --format parquet has them", soft_wrap=True)
