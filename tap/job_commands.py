"""`armillary jobs`: how an operator sees and governs the queue."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from tap.clear_errors import clear_errors
from tap.config import Config
from tap.engine.database import jobs_conninfo, make_ready, running_database
from tap.jobs import limits_of, tell_move
from tap.observe import send_to
from uws.errors import IllegalMove, NoSuchJob, StoreAway
from uws.forecast import outlook
from uws.job import ENDED_BY_OPERATOR, NOTHING_KNOWN, Job, JobEnding
from uws.phases import Move, Phase
from uws.store import Store
from uws.timestamps import write_instant

_MOST = 1_000_000
"""The largest number that a command takes."""


@contextmanager
def open_jobs(config: Config) -> Iterator[Store]:
    with clear_errors(), running_database(config):
        make_ready(config, click.echo)
        if config.log.log_target:
            # Standard error is the operator's terminal here, and no log; nor do other commands need what makes one.
            from tap.log import Log

            send_to(Log(config.log))
        store = Store(jobs_conninfo(config), limits_of(config.jobs), 1, moved=tell_move)
        store.open()
        try:
            yield store
        except (NoSuchJob, IllegalMove) as error:
            raise click.ClickException(str(error)) from error
        except StoreAway as error:
            raise click.ClickException("The job store cannot be reached") from error
        finally:
            store.close()


@click.group()
def jobs() -> None:
    """See and govern the queue of jobs."""


@jobs.command("list")
@click.option("--phase", "phases", multiple=True, type=click.Choice(list(Phase)), help="Only these phases; repeatable.")
@click.option("--last", default=50, type=click.IntRange(1, _MOST), show_default=True, help="So many, the newest first.")
@click.pass_obj
def list_jobs(config: Config, phases: tuple[str, ...], last: int) -> None:
    """List jobs, the newest first, after how many there are in each phase."""
    with open_jobs(config) as store:
        for row in store.overview():
            click.echo(f"{row['phase']:10} {row['count']:>9,}")
        references = store.references(None, [Phase(phase) for phase in phases], last=last)
        by_id = {job.job_id: job for job in store.jobs([reference.job_id for reference in references])}
    click.echo(f"\n{'job':32}  {'phase':9}  {'created':24}  {'lane':5}  {'prio':>4}  {'rows':>12}  whose")
    for reference in references:
        if job := by_id.get(reference.job_id):
            click.echo(_line(job))


def _line(job: Job) -> str:
    rows = dict(job.progress).get("rows", "")
    return f"{job.job_id}  {job.phase:9}  {write_instant(job.creation_time)}  {job.lane:5}  {job.priority:>4}  {rows:>12}  {job.owner_id or job.share}"


@jobs.command()
@click.argument("job_id")
@click.pass_obj
def show(config: Config, job_id: str) -> None:
    """Show all of one job."""
    with open_jobs(config) as store:
        job = store.job(job_id)
        future = outlook(job, store.limits)
    for name in Job.__dataclass_fields__:
        value = getattr(job, name)
        if name in {"parameters", "progress"}:
            for key, text in value:
                click.echo(f"{key:20} {text}")
        elif value not in {None, ()}:
            click.echo(f"{name:20} {value}")
    click.echo(f"{'quote':20} {write_instant(future.quote) or 'unknown'}")
    if future.waits_for:
        click.echo(f"{'waits for':20} {future.waits_for}")


def _command(name: str, move: Move, about: str, ending: JobEnding = NOTHING_KNOWN) -> None:
    @jobs.command(name, help=about)
    @click.argument("job_ids", nargs=-1, required=True)
    @click.pass_obj
    def command(config: Config, job_ids: tuple[str, ...]) -> None:
        with open_jobs(config) as store:
            for job_id in job_ids:
                click.echo(f"{job_id} {store.move(job_id, move, ending=ending).phase}")


_command("abort", Move.ABORT, "Abort jobs; what they run is stopped in PostgreSQL.", ENDED_BY_OPERATOR)
_command("hold", Move.HOLD, "Keep jobs from running; those that run are stopped, and begin anew when released.")
_command("release", Move.RELEASE, "Let held jobs run.")


@jobs.command()
@click.argument("job_id")
@click.argument("priority", type=click.IntRange(-_MOST, _MOST))
@click.pass_obj
def priority(config: Config, job_id: str, priority: int) -> None:
    """Set a job's PRIORITY: 0 is usual, higher ones come first."""
    with open_jobs(config) as store:
        store.prioritise(job_id, priority)
    click.echo(f"{job_id} priority {priority}")
