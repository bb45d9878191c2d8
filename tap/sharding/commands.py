"""`armillary shards`: servers that hold parts of tables."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import psycopg

from tap.clear_errors import clear_errors
from tap.config import Config
from tap.engine import database
from tap.sharding.engines.choice import engine_named, engine_of
from tap.sharding.shards import known_shards, read_shards_file


@click.group()
def shards() -> None:
    """Servers that hold parts of tables."""


@contextmanager
def _owner(config: Config) -> Iterator[psycopg.Connection]:
    """Yield the owner's connection to a database that is up to date.

    What the operator can repair is told in one line.
    """
    with clear_errors(), database.running_database(config):
        database.make_ready(config, click.echo)
        with database.owner_connection(config) as connection:
            yield connection


@shards.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def init(config: Config, file: Path) -> None:
    """Make the shards of FILE ready (TOML; see docs/scaling.md) and known here. May be repeated, and with more of them."""
    with _owner(config) as connection:
        shards_file = read_shards_file(file)
        engine_named(shards_file.engine, connection).init(config, shards_file, click.echo)


@shards.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def add(config: Config, file: Path) -> None:
    """Add the shards of FILE (as for `init`), while queries run. They hold nothing until tables are loaded or ranges moved."""
    with _owner(config) as connection:
        before = {shard.name for shard in known_shards(connection)}
        shards_file = read_shards_file(file)
        engine_named(shards_file.engine, connection).init(config, shards_file, click.echo)
    new = [shard.name for shard in shards_file.shards if shard.name not in before]
    if new:
        click.echo(
            f"added: {', '.join(new)}. Tables that are loaded from now on use them; `armillary shards rebalance`"
        )
        click.echo("or `armillary shards move` brings them ranges of those that there are.")
    else:
        click.echo("All of them were known; they are up to date.")


_WAIT = click.option(
    "--wait",
    type=float,
    help="Seconds that queries of before are waited for until old parts are dropped; else they stay.",
)


@shards.command()
@click.argument("table")
@click.option(
    "--range", "ranges", required=True, multiple=True, help="A cell in it, or the name of its part. Repeatable."
)
@click.option("--to", "target", required=True, help="The shard that shall have it.")
@_WAIT
@click.pass_obj
def move(config: Config, table: str, ranges: tuple[str, ...], target: str, wait: float | None) -> None:
    """Move ranges of TABLE, and of the tables divided with it, to another shard while queries run. May be repeated."""
    with _owner(config) as connection:
        engine_of(connection).move(table, ranges, target, _patience(config, wait), click.echo)


@shards.command()
@click.argument("table", required=False)
@click.option("--dry-run", is_flag=True, help="Only say what would be moved.")
@_WAIT
@click.pass_obj
def rebalance(config: Config, table: str | None, wait: float | None, *, dry_run: bool) -> None:
    """Move ranges of TABLE, or of all tables, until the shards hold about as many rows of each, while queries run."""
    with _owner(config) as connection:
        engine = engine_of(connection)
        engine.rebalance(table, _patience(config, wait), click.echo, dry_run=dry_run)


def _patience(config: Config, wait: float | None) -> float:
    """Return as many seconds as the longest query may take."""
    return wait if wait is not None else float(max(config.jobs.job_duration_limit, config.limits.sync_limit) or 86_400)


@shards.command("list")
@click.pass_obj
def show(config: Config) -> None:
    """Say which shards there are, what they hold and whether they can be used."""
    with _owner(config) as connection:
        for state in engine_of(connection).states():
            click.echo(f"{state.name:24} {_amount(state.pieces, state.piece, state.rows)}   {state.problem or 'ready'}")
            for name, pieces, rows in state.tables:
                click.echo(f"  {name:22} {_amount(pieces, state.piece, rows)}")


def _amount(pieces: int, piece: str, rows: int | None) -> str:
    return f"{pieces:5} {piece}" + ("" if rows is None else f" {rows:16,} rows")


@shards.command()
@click.pass_obj
def check(config: Config) -> None:
    """Compare rows and checksum of every part on its shard; say what lies there for nobody. Ends with 1 if a part is not as it was loaded."""
    with _owner(config) as connection:
        engine = engine_of(connection)
        problems, notes = engine.problems(), engine.unused()
    click.echo("\n".join([*problems, *notes, *([] if problems else ["All parts are as they were loaded."])]))
    raise SystemExit(1 if problems else 0)


@shards.command("drop-orphans")
@click.option("--unfinished", is_flag=True, help="Interrupted loads too: they will begin anew.")
@click.pass_obj
def drop_orphans(config: Config, *, unfinished: bool) -> None:
    """Drop parts that no table uses: what interrupted moves left, and tables that were dropped here."""
    with _owner(config) as connection:
        dropped = engine_of(connection).drop_unused(unfinished=unfinished)
    click.echo("\n".join([*dropped, f"{len(dropped)} parts dropped"]))
