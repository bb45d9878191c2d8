"""`armillary selftest`: whether a service that runs keeps its contract."""

from dataclasses import asdict

import click
from psycopg.types.json import Jsonb

from tap.account_commands import open_store
from tap.client.http import Http, bearer
from tap.client.questions import Service
from tap.client.selftest import selftest as try_contract
from tap.config import Config

_PATIENCE = 2.0


@click.command()
@click.option("--url", help="Of any TAP service; without it the base_url of the configuration.")
@click.option("--token", envvar="ARMILLARY_TOKEN", help="Of an account, where strangers may not ask.")
@click.option("--taplint", is_flag=True, help="Run STILTS taplint, too.")
@click.option("--keep", is_flag=True, help="Show the outcome on the status page.")
@click.pass_obj
def selftest(config: Config, *, url: str | None, token: str | None, taplint: bool, keep: bool) -> None:
    """Try the contract of TAP on a service that runs: its documents, queries, uploads, jobs, formats and errors."""
    token = token or (config.probes.probe_token if not url else "")
    http = Http(_PATIENCE, bearer(token))
    steps = []
    for step in try_contract(Service((url or config.web.base_url).rstrip("/"), http), taplint=taplint):
        click.echo(f"{'✗' if step.problem else '✓'} {step.what}" + (f": {step.problem}" if step.problem else ""))
        steps.append(asdict(step))
    if keep:
        with open_store(config) as store:
            store.rows("keep_selftest", {"steps": Jsonb(steps)})
    if any(step["problem"] for step in steps):
        raise SystemExit(1)
