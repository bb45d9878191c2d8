"""The commands about what is published, and about the database: load · publish · unpublish · analyze · check · explain · config · migrate."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import psycopg
from psycopg import sql
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from schema.analyze import analyze_table, published_names
from schema.coverage import Coverage, coverage_of
from schema.description import Description, read_description
from schema.division import division_of
from schema.existing import exists
from schema.load.reader import LoadError
from schema.model import Table
from schema.own_tables.names import check_not_own, own_schemas
from schema.publish import Loaded, full_name, publish_table, split_table_name, unpublish_table
from schema.staged_load import drop_staged_load
from schema.statistics.store import column_statistics_of
from schema.tap_schema import read_catalogue
from schema.versions import check_version
from tap.bulk.load import load_sources
from tap.bulk.sources import find_sources
from tap.checks import findings
from tap.clear_errors import clear_errors
from tap.config import SETTINGS, Config
from tap.engine import database
from tap.engine.engine import Engine
from tap.pages.column_values import percent
from tap.parts import shards_of
from tap.query.explain import explain as explain_query
from tap.sharding.engines.choice import engine_of
from tap.sharding.loading.partitions import ShardUnreachable
from tap.sharding.rebalancing.orphans import drop_orphans, drop_replaced
from tap.sharding.setup import migrate_shards

_OUT = Console(stderr=True, highlight=False, emoji=False)


@click.command()
@click.argument("files", nargs=-1, required=True)
@click.option("--table", required=True, help="schema.table")
@click.option("--description", type=click.Path(exists=True, path_type=Path), help="A TOML file about the table.")
@click.option("--restart", is_flag=True, help="Throw away what an interrupted load of the table left.")
@click.option(
    "--version", help="Which version of the data it is; without it the one after that of the table before it."
)
@click.option("--keep", is_flag=True, help='The table before it stays readable, as "name@version".')
@click.pass_obj
def load(config: Config, /, files: tuple[str, ...], table: str, description: Path | None, **options: Any) -> None:
    """Load FILES (Parquet, Arrow, FITS, VOTable, CSV, TSV, ECSV) as a published table.

    Several make one table, in their order. Each can be a path, a wildcard in quotes, http(s)://, s3://, a folder of
    Parquet files or a HATS catalogue. A load of several that was interrupted goes on when it is started again.
    """
    with clear_errors(), ready(config) as connection, _progress(table) as progress:
        check_not_own(connection, split_table_name(table)[0])
        described = _of_version(read_description(description) if description else Description(), options)
        if options["restart"]:
            drop_staged_load(connection, table)
        done = load_sources(connection, find_sources(files), table, described, progress)
        if not described.table.sharded:
            drop_replaced(connection, done.table.table_name)
    _report(done, "replaced" if done.replaced else "loaded")


def _of_version(description: Description, options: Mapping[str, Any]) -> Description:
    """Return the description of a load whose version is given with it. Raises: LoadError."""
    version = options["version"] or description.origin.version
    if version:
        check_version(version)
    return replace(
        description,
        origin=replace(description.origin, version=version),
        table=replace(description.table, keep_previous=options["keep"] or description.table.keep_previous),
    )


@click.command()
@click.argument("table")
@click.option("--description", type=click.Path(exists=True, path_type=Path), help="A TOML file about the table.")
@click.pass_obj
def publish(config: Config, table: str, description: Path | None) -> None:
    """Publish TABLE (schema.table), which exists in the database."""
    with clear_errors(), ready(config) as connection:
        check_not_own(connection, split_table_name(table)[0])
        described = read_description(description) if description else Description()
        done = publish_table(connection, table, described)
        known = column_statistics_of(connection, done.table.table_name)
    _report(done, "published")
    if not known:
        name = escape(done.table.table_name)
        _OUT.print(f"  nothing is known of its rows yet: armillary analyze {name} looks at all of them", soft_wrap=True)


@click.command()
@click.argument("table")
@click.option("--drop", is_flag=True, help="Remove the data of a table that was loaded, too.")
@click.pass_obj
def unpublish(config: Config, table: str, *, drop: bool) -> None:
    """Take TABLE out of the service; its data stay in the database, unless they are dropped."""
    with clear_errors(), ready(config) as connection:
        given_up = drop and drop_staged_load(connection, table)
        if not unpublish_table(connection, table, drop=drop) and not given_up:
            raise click.ClickException(f"{table} is not published")
        names = split_table_name(table)
        stay = exists(connection, sql.Identifier(*names))
        if drop and not stay:
            drop_orphans(connection, {full_name(*names)})
    data = "; its data were not loaded here and stay" if stay else ", and its data are gone"
    _OUT.print(f"{escape(table)} is no longer published{data if drop else ''}", soft_wrap=True)


@click.command()
@click.argument("tables", metavar="[TABLE]...", nargs=-1)
@click.pass_obj
def analyze(config: Config, tables: tuple[str, ...]) -> None:
    """Look at all rows of each published TABLE, or of all of them, and keep its coverage and the statistics of its columns."""
    failed = False
    with clear_errors(), ready(config) as connection:
        names = [full_name(*split_table_name(name)) for name in tables] or published_names(connection)
        for name in names:
            try:
                _report_statistics(connection, _analyzed(connection, name))
            except (LoadError, ShardUnreachable, psycopg.Error) as error:
                failed = True
                _OUT.print(f"{escape(name)}: {escape(str(error).strip())}", soft_wrap=True)
    if failed:
        raise SystemExit(1)


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be applied.")
@click.pass_obj
def migrate(config: Config, *, dry_run: bool) -> None:
    """Make the database ready, or bring it up to date, and the shards with it."""
    with clear_errors(), database.running_database(config):
        if dry_run:
            click.echo("\n".join(database.pending_migrations(config)) or "The database is up to date.")
            return
        applied = database.prepare(config, _OUT.print)
        migrate_shards(config, _OUT.print)
    _OUT.print("\n".join(applied) or "The database is up to date.")


@click.command()
@click.pass_obj
def check(config: Config) -> None:
    """Say what is installed, what works and what is switched off."""
    with clear_errors(), database.running_database(config):
        database.make_ready(config, _OUT.print)
        for name, found in database.versions(config).items():
            click.echo(f"{name:24} {found}")
        with _engine(config) as engine, engine.session(10) as session:
            public = list(session.catalogue.tables)
        with database.owner_connection(config) as connection:
            own = own_schemas(connection)
            tables = [table for table in read_catalogue(connection).tables if table.parts[0] not in own]
            closed = {table.table_name for table in tables} - {table.table_name for table in public}
            gone = {
                table.table_name
                for table in tables
                if table.table_name in closed and not exists(connection, sql.Identifier(*table.stored_parts))
            }
            improvements = list(findings(config, connection, tables))
        unreadable = database.unreadable_tables(config, public) | gone
    click.echo(f"{'schemas of accounts':24} {len(own)}")
    click.echo(f"{'published tables':24} {len(tables)}")
    for table in tables:
        about = [f"{table.nrows:,} rows"] if table.nrows else []
        shown = ", ".join([*about, "closed to all but its readers"] if table.table_name in closed else about)
        if table.table_name in unreadable:
            shown = (
                "cannot be read: it was dropped, or the right to read it was taken away; load, publish or unpublish it"
            )
        click.echo(f"  {table.table_name:30} {shown}")
    for finding in improvements:
        click.echo(f"{'could be better':24} {finding.what}\n{'':24} → {finding.repair}")
    if unreadable:
        raise SystemExit(1)


@click.command()
@click.argument("query")
@click.pass_obj
def explain(config: Config, query: str) -> None:
    """Show the SQL of an ADQL QUERY, and PostgreSQL's plan; for tables on shards what each of them is asked."""
    with clear_errors(), database.running_database(config), _engine(config) as engine, engine.session(10) as session:
        sql, plan = explain_query(query, session)
    click.echo("\n".join([sql, "", *plan]))


@click.command("config")
@click.pass_obj
def show_config(config: Config) -> None:
    """Show all settings with their values, as a TOML file that could be used; secrets are left out."""
    for setting in SETTINGS:
        click.echo(f"# {setting.about}")
        if setting.has_secret(config):
            click.echo(f"# {setting.name} is set, and not shown")
            continue
        value = setting.value(config)
        click.echo(f"{setting.name} = {json.dumps(value) if isinstance(value, str | bool) else value}")


@contextmanager
def ready(config: Config) -> Iterator[psycopg.Connection]:
    """A connection of the owner to a database that is up to date."""
    with database.running_database(config):
        database.make_ready(config, _OUT.print)
        with database.owner_connection(config) as connection:
            yield connection


@contextmanager
def _engine(config: Config) -> Iterator[Engine]:
    shards = shards_of(config, 1)
    engine = Engine(database.reader_conninfo(config), 2, shards=shards)
    engine.open()
    try:
        yield engine
    finally:
        engine.close()
        shards.close()


@contextmanager
def _progress(table: str) -> Iterator[Callable[[int, float | None], None]]:
    """A bar with rows, rows a second and the time left; the indexes at its end take their own time."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        TextColumn("{task.fields[rate]:,.0f} rows/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=_OUT, transient=True) as bar:
        task = bar.add_task(table, total=1.0, rows=0, rate=0.0)

        def update(rows: int, fraction: float | None) -> None:
            elapsed = bar.tasks[task].elapsed or 1e-9
            done = fraction or 0.0
            label = f"{table}: indexes" if done >= 1 else table
            bar.update(task, completed=done, rows=rows, rate=rows / elapsed, description=label)

        yield update


def _analyzed(connection: psycopg.Connection, name: str) -> Table:
    is_divided = bool(division_of(connection, name))
    return analyze_table(connection, name, engine_of(connection).measure if is_divided else None)


def _report_statistics(connection: psycopg.Connection, table: Table) -> None:
    coverage = coverage_of(connection, table.table_name) or Coverage()
    sky = "" if coverage.sky_fraction is None else f", on {percent(coverage.sky_fraction)} of the sky"
    _OUT.print(f"{escape(table.table_name)}: {table.nrows:,} rows{sky}", soft_wrap=True)


def _report(done: Loaded, verb: str) -> None:
    rows = f", {done.table.nrows:,} rows" if done.table.nrows is not None else ""
    _OUT.print(f"{escape(done.table.table_name)} {verb}: {len(done.table.columns)} columns{rows}", soft_wrap=True)
    for note in done.notes:
        _OUT.print(f"  {escape(note)}", soft_wrap=True)
    for warning in done.warnings:
        _OUT.print(f"  [yellow]warning[/yellow] {escape(warning)}", soft_wrap=True)
