"""`armillary queries`: what runs just now, of /sync as of jobs, and how it is ended."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import click

from tap.account_commands import open_store
from tap.auth.accounts import AccountStore
from tap.config import Config
from tap.job_commands import open_jobs
from tap.query_resources import kill, running_and_waiting
from tap.running_queries import Running
from uws.errors import NoSuchJob
from uws.store import Store

_WIDTH, _STAGE = 80, 9


@contextmanager
def _stores(config: Config) -> Iterator[tuple[AccountStore, Store]]:
    with open_store(config) as accounts, open_jobs(config) as jobs:
        yield accounts, jobs


@click.group()
def queries() -> None:
    """See and end the queries that run just now."""


@queries.command("list")
@click.option("--full", is_flag=True, help="Show the whole text of each query.")
@click.pass_obj
def list_queries(config: Config, *, full: bool) -> None:
    """List the /sync queries and jobs that run, the oldest first, and the jobs that wait.

    A query is listed after a second or two, and of the jobs that wait a hundred.
    """
    with _stores(config) as stores:
        rows = running_and_waiting(*stores)
    width = max([_STAGE, *(len(row.stage) for row in rows)])
    click.echo(f"{'id':32}  {'kind':4}  {'seconds':>8}  {'at':{width}}  {'rows':>12}  {'whose':24}  query")
    for row in rows:
        click.echo(_line(row, width, full=full))


def _line(row: Running, width: int, *, full: bool) -> str:
    seconds = (datetime.now(UTC) - row.since).total_seconds()
    text = " ".join(row.query.split())
    shown = text if full or len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
    return f"{row.id:32}  {row.kind:4}  {seconds:8.1f}  {row.stage:{width}}  {row.rows:>12,}  {row.owner:24}  {shown}"


def _kill(stores: tuple[AccountStore, Store], id_: str) -> bool:
    with suppress(NoSuchJob):
        return kill(*stores, id_)
    return False


@queries.command("kill")
@click.argument("ids", nargs=-1, required=True)
@click.pass_obj
def kill_queries(config: Config, ids: tuple[str, ...]) -> None:
    """End queries within a second or two; who asked is told that the operator did it. Jobs are aborted."""
    with _stores(config) as stores:
        missing = [id_ for id_ in ids if not _kill(stores, id_)]
    if missing:
        raise click.ClickException(f"No query that runs has the id {', '.join(missing)}")
