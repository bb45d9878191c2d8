"""`armillary compare`: whether a query still gives the rows that it gave."""

import os

import click

from tap.client.http import Http, Refused, Unreachable, bearer
from tap.client.job import JobFailed
from tap.client.rerun import CannotRunAgain, Rerun

_PATIENCE = 60.0


@click.command()
@click.argument("job")
@click.argument("other", required=False)
@click.option("--key", help="A column that tells rows apart, so that those that changed are counted apart.")
def compare(job: str, other: str | None, *, key: str | None) -> None:
    """Run JOB (its URL) again, or take the job OTHER, and compare the results.

    A token in $ARMILLARY_TOKEN says who asks. The exit status is 1 where the results differ.
    """
    rerun = Rerun(job.rstrip("/"), Http(_PATIENCE, bearer(os.environ.get("ARMILLARY_TOKEN"))))
    try:
        other_url = other or rerun.run()
        compared = rerun.compare(other_url, key)
    except (Refused, Unreachable, JobFailed, CannotRunAgain) as error:
        raise click.UsageError(str(error)) from error
    if other is None:
        click.echo(f"The new job is {other_url}", err=True)
    click.echo("\n".join(compared["in_words"]))
    if not compared["equal"]:
        raise SystemExit(1)
