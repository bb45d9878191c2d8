"""`armillary backup` and `armillary restore`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from tap.backup import SHARDS, BackupManifest, Recovery, back_up, recovering
from tap.backup import restore as restore_backup
from tap.clear_errors import clear_errors
from tap.config import Config
from tap.engine import database
from tap.sharding.backup import restore_shards
from tap.sharding.rebalancing.verify import check_ranges


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--since",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="An older backup on the same disk: results that it has are linked to, and take no room.",
)
@click.pass_obj
def backup(config: Config, folder: Path, *, since: Path | None) -> None:
    """Back up catalogues, jobs, accounts, own tables and results into FOLDER, which is made; the service may run."""
    with clear_errors(), database.running_database(config):
        manifest = back_up(config, folder.absolute(), since and since.absolute(), click.echo)
    click.echo(f"{folder} is a backup as of {manifest.made}, with {manifest.results:,} results ({_size(manifest)})")


@click.command()
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--shards-only", is_flag=True, help="Only the rows of shards that have lost theirs; the database here stays."
)
@click.option(
    "--wal", type=click.Path(exists=True, path_type=Path), help="An archive of the write-ahead log, to go on with."
)
@click.option("--until", help="The instant up to which to go on, such as 2026-11-28T12:00Z.")
@click.option(
    "--take-over",
    "takes_over",
    is_flag=True,
    help="Go on with the results that lie in `results` already: this service takes the place of one that runs no more.",
)
@click.pass_obj
def restore(config: Config, /, folder: Path, *, shards_only: bool, takes_over: bool, **archive: Any) -> None:
    """Put the backup in FOLDER into data_dir, where there is no database yet, and bring it up to date.

    Shards that have lost all their rows get them again.
    """
    recovery = _recovery(**archive)
    with clear_errors():
        manifest = None
        if not shards_only:
            manifest = restore_backup(config, folder.absolute(), click.echo, recovery, takes_over=takes_over)
        with recovering(config, recovery):
            database.prepare(config, click.echo)
            with database.owner_connection(config) as owner:
                restored = restore_shards(owner, folder.absolute() / SHARDS, click.echo)
                problems = check_ranges(owner) if restored else []
    if problems:
        raise click.ClickException("\n".join(problems))
    if manifest is None:
        click.echo("The shards have the rows that were loaded")
        return
    moment = (archive["until"] or "the end of the archive") if recovery else manifest.made
    click.echo(f"The service is as it was at {moment}: armillary serve")


def _recovery(wal: Path | None, until: str | None) -> Recovery | None:
    """Return how far to go on. Raises: click.ClickException."""
    if wal is None:
        if until:
            raise click.ClickException("--until needs --wal, the archive of the write-ahead log")
        return None
    try:
        instant = datetime.fromisoformat(until) if until else None
    except ValueError:
        raise click.ClickException(f"--until {until} is no instant; write it as 2026-11-28T12:00Z") from None
    return Recovery(wal.absolute(), instant.replace(tzinfo=instant.tzinfo or UTC) if instant else None)


def _size(manifest: BackupManifest) -> str:
    return f"{manifest.results_bytes / 1e6:,.1f} MB"
