"""`armillary shards`: servers that hold parts of tables."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import psycopg

from schema.sharding.check import check_ranges, unused
from schema.sharding.leftovers import drop_leftovers, forget_loads
from schema.sharding.shards import ShardError, read_shards_file
from tap.config import Config
from tap.engine import database
from tap.engine.pgsphere import PgSphereMissing
from tap.engine.shards import init_shards, shard_states


@click.group()
def shards() -> None:
    """Servers that hold parts of tables."""


@contextmanager
def _owner(config: Config) -> Iterator[psycopg.Connection]:
    """On a database that is up to date. What the operator can repair is told in one line."""
    try:
        with database.running_database(config):
            database.prepare(config, click.echo)
            with database.owner_connection(config) as connection:
                yield connection
    except (ShardError, PgSphereMissing, OSError) as error:
        raise click.ClickException(str(error)) from error
    except psycopg.Error as error:
        raise click.ClickException(f"PostgreSQL: {error}") from error


@shards.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def init(config: Config, file: Path) -> None:
    """Make the shards of FILE ready (TOML; see docs/scaling.md) and known here. May be repeated, and with more of them."""
    with _owner(config):
        init_shards(config, read_shards_file(file), click.echo)


@shards.command("list")
@click.pass_obj
def show(config: Config) -> None:
    """Say which shards there are, what they hold and whether they can be used."""
    with _owner(config) as connection:
        for each in shard_states(connection):
            click.echo(f"{each.name:20} {each.ranges:5} ranges {each.rows:14,} rows   {each.problem or 'ready'}")


@shards.command()
@click.pass_obj
def check(config: Config) -> None:
    """Compare rows and checksum of every part on its shard; say what lies there for nobody. Ends with 1 if a part is not as it was loaded."""
    with _owner(config) as connection:
        problems, notes = check_ranges(connection), unused(connection)
    click.echo("\n".join([*problems, *notes, *([] if problems else ["All parts are as they were loaded."])]))
    raise SystemExit(1 if problems else 0)


@shards.command("drop-orphans")
@click.option("--unfinished", is_flag=True, help="Interrupted loads too: they will begin anew.")
@click.pass_obj
def drop_orphans(config: Config, *, unfinished: bool) -> None:
    """Drop parts that no table uses: what interrupted moves left, and tables that were dropped here."""
    with _owner(config) as connection:
        if unfinished:
            forget_loads(connection)
        dropped = drop_leftovers(connection)
    for each in dropped:
        click.echo(f"{each.part.table_name}: {each.part.partition} dropped on {each.shard.name}")
    click.echo(f"{len(dropped)} parts dropped")
