"""`armillary backup` and `armillary restore`."""

from pathlib import Path

import click

from tap.backup import SHARDS, BackupManifest, back_up
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
@click.pass_obj
def restore(config: Config, folder: Path, *, shards_only: bool) -> None:
    """Put the backup in FOLDER into data_dir, where there is no database yet, and bring it up to date.

    Shards that have lost all their rows get them again.
    """
    with clear_errors():
        manifest = None if shards_only else restore_backup(config, folder.absolute(), click.echo)
        with database.running_database(config):
            database.prepare(config, click.echo)
            with database.owner_connection(config) as owner:
                restored = restore_shards(owner, folder.absolute() / SHARDS, click.echo)
                problems = check_ranges(owner) if restored else []
    if problems:
        raise click.ClickException("\n".join(problems))
    if manifest is None:
        click.echo("The shards have the rows that were loaded")
        return
    click.echo(f"The service is as it was at {manifest.made}: armillary serve")


def _size(manifest: BackupManifest) -> str:
    return f"{manifest.results_bytes / 1e6:,.1f} MB"
