"""`armillary versions`: which versions of a table there are, which one its name means, and such as are withdrawn."""

from datetime import datetime

import click

from schema.publish import full_name, split_table_name
from schema.versions import versioned_name, versions_of
from schema.withdrawal import let_name_mean, withdraw
from tap.catalogue_commands import ready
from tap.clear_errors import clear_errors
from tap.config import Config


@click.group()
def versions() -> None:
    """Versions of a table: those that were kept are read as schema."name@version"."""


@versions.command("list")
@click.argument("table")
@click.pass_obj
def list_versions(config: Config, table: str) -> None:
    """List the versions of TABLE."""
    with clear_errors(), ready(config) as connection:
        rows = versions_of(connection, _published(table))
    for row in rows:
        state = "default" if row.is_default else f"withdrawn: {row.withdrawn}" if row.withdrawn else "kept"
        size = "" if row.nrows is None else f"{row.nrows:,} rows"
        click.echo("  ".join(filter(None, (row.version, row.release, row.table_name, size, _day(row.updated), state))))
    if not rows:
        raise click.ClickException(f"There is no table {table}")


@versions.command()
@click.argument("table")
@click.argument("version")
@click.pass_obj
def default(config: Config, table: str, version: str) -> None:
    """Let TABLE mean VERSION, which was kept; the version that it meant is kept in its place."""
    with clear_errors(), ready(config) as connection:
        previous = let_name_mean(connection, _published(table), version)
    click.echo(f"{table} is version {version} now; the one before it is {previous}")


@versions.command("withdraw")
@click.argument("table")
@click.argument("version", required=False)
@click.option("--reason", required=True, help="What those are told who ask for it.")
@click.pass_obj
def withdraw_version(config: Config, table: str, version: str | None, reason: str) -> None:
    """Take TABLE, or a VERSION of it that was kept, away from everybody; its rows stay until they are dropped.

    `armillary publish` brings it back.
    """
    name = versioned_name(_published(table), version) if version else _published(table)
    with clear_errors(), ready(config) as connection:
        if not withdraw(connection, name, reason):
            raise click.ClickException(f"{name} is not published")
    click.echo(f"{name} is withdrawn")


def _published(table: str) -> str:
    return full_name(*split_table_name(table))


def _day(instant: datetime | None) -> str:
    return instant.date().isoformat() if instant else ""
