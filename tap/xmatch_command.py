"""`armillary xmatch`: a user's list of positions against a catalogue of any TAP service, in one call."""

from pathlib import Path
from typing import Self

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from schema.load.reader import LoadError
from tap.client.http import Http, Refused, Unreachable
from tap.client.job import JobFailed
from tap.client.xmatch import FINDS, FORMATS, Match, Position, cross_match, go_on, position_of_file, position_of_table

_PATIENCE = 5.0
"""Seconds for the first answer; later a service may be away for minutes, as what was sent is worth waiting for."""
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("file", type=_FILE)
@click.option(
    "--url",
    envvar="ARMILLARY_BASE_URL",
    default="http://localhost:8080/tap",
    show_default=True,
    help="The TAP service.",
)
@click.option("--table", help="The catalogue, as the service calls it.")
@click.option("--radius", type=click.FloatRange(min=0, min_open=True), help="In arcseconds.")
@click.option("--find", type=click.Choice(FINDS), default="all", show_default=True, help="All pairs; the best for each row; the same with rows that have none.")  # fmt: skip
@click.option("--columns", default="*", show_default=True, help="Of the catalogue, separated by commas.")
@click.option("--ra", help="Column of the file, in degrees; else by UCD or name.")
@click.option("--dec")
@click.option("--table-ra", help="Column of the catalogue, in degrees; else by UCD.")
@click.option("--table-dec")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), default=Path("matched.vot"), show_default=True, help=f"Its suffix says the format: {' '.join(FORMATS)}")  # fmt: skip
@click.option("--keep", is_flag=True, help="Leave the job at the service.")
@click.option("--job", "job_url", help="Go on with this job, which was interrupted.")
def xmatch(file: Path, job_url: str | None, output: Path, keep: bool, **options: str) -> None:
    """Match the positions of FILE (VOTable, FITS, Parquet, CSV) against a catalogue.

    The file goes in parts, which survive a broken connection; the matching is a job of the service.
    """
    with _bars() as bars:
        try:
            if job_url:
                go_on(job_url, file, output, bars.tell, keep=keep)
            else:
                cross_match(_match(file, options), file, output, bars.tell, keep=keep)
        except (Refused, Unreachable, JobFailed, LoadError, OSError) as error:
            raise click.ClickException(f"{error}{bars.advice}") from error
    click.echo(f"{output}", err=True)


def _match(file: Path, options: dict[str, str]) -> Match:
    if not options["table"] or not options["radius"]:
        raise click.UsageError("--table and --radius are needed")
    mine = position_of_file(file, options["ra"], options["dec"])
    if options["table_ra"] and options["table_dec"]:
        theirs = Position(options["table_ra"], options["table_dec"])
    else:
        theirs = position_of_table(options["url"], options["table"], Http(patience=_PATIENCE))
    return Match(
        options["url"], options["table"], float(options["radius"]), mine, theirs, options["find"], options["columns"]
    )


class _bars:  # noqa: N801
    """A bar for each thing that is done, and what to do when it breaks off."""

    def __init__(self) -> None:
        self.advice = ""
        columns = (TextColumn("{task.description:10}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=Console(stderr=True, highlight=False, emoji=False))
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def tell(self, action: str, done: int, total: int) -> None:
        if action.startswith("job "):
            self.advice = f"\nTo go on: armillary xmatch with the same file and output, and --job {action[4:]}"
            self._progress.console.print(action)
            return
        if action not in self._tasks:
            self._tasks[action] = self._progress.add_task(action, total=None)
        self._progress.update(self._tasks[action], completed=done, total=total or None)
