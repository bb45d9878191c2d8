"""`armillary tables`: one's own tables at any TAP service that has them, in the name of an account there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from tap.client.http import Http, Refused, Unreachable, basic, bearer
from tap.client.tables import RemoteTables

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_PATIENCE = 60.0


@click.group()
@click.option("--url", envvar="ARMILLARY_BASE_URL", default="http://localhost:8080/tap", show_default=True, help="The TAP service.")  # fmt: skip
@click.option("--user", help="The account; its password is asked for, or read from $ARMILLARY_PASSWORD.")
@click.option("--token", envvar="ARMILLARY_TOKEN", help="Of an account, instead of name and password.")
@click.pass_context
def tables(context: click.Context, url: str, user: str | None, token: str | None) -> None:
    """Tables of your own at a TAP service."""
    context.obj = RemoteTables(url.rstrip("/"), Http(_PATIENCE, _authorization(user, token)))


def _authorization(user: str | None, token: str | None) -> dict[str, str]:
    if user:
        password = os.environ.get("ARMILLARY_PASSWORD") or click.prompt("Password", hide_input=True)
        return basic(user, password)
    if token:
        return bearer(token)
    raise click.UsageError("Say who you are: --user NAME, or --token")


@contextmanager
def _clear_errors() -> Iterator[None]:
    try:
        yield
    except (Refused, Unreachable, OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error


@tables.command("list")
@click.pass_obj
def list_tables(remote: RemoteTables) -> None:
    """List your tables."""
    with _clear_errors():
        for name in remote.names():
            click.echo(name)


@tables.command("load")
@click.argument("file", type=_FILE)
@click.argument("name")
@click.option("--replace", is_flag=True, help="In place of a table that has this name.")
@click.option("--description", help="What the table holds.")
@click.option("--days", type=click.IntRange(min=1), help="For how long it is kept.")
@click.pass_obj
def load_file(remote: RemoteTables, /, file: Path, name: str, *, replace: bool, **parameters: str | None) -> None:
    """Make the table NAME of FILE: VOTable, FITS, Parquet, Arrow, CSV, ECSV."""
    asked = {**parameters, "replace": "true" if replace else None}
    with _clear_errors():
        click.echo(remote.load(name, file, **{key.upper(): str(value) for key, value in asked.items() if value}))


@tables.command("append")
@click.argument("file", type=_FILE)
@click.argument("name")
@click.pass_obj
def append_file(remote: RemoteTables, file: Path, name: str) -> None:
    """Add the rows of FILE to the table NAME, by the names of its columns; all of them or none."""
    with _clear_errors():
        remote.append(name, file)
    click.echo(f"The rows of {file} are in {name}")


@tables.command("drop")
@click.argument("name")
@click.pass_obj
def drop_table(remote: RemoteTables, name: str) -> None:
    """Drop the table NAME, with its rows."""
    with _clear_errors():
        remote.drop(name)
    click.echo(f"{name} is gone")


@tables.command("share")
@click.argument("name")
@click.option("--group", help="All members of it; an empty name takes the right from the group that has it.")
@click.option("--with", "user", metavar="ACCOUNT", help="One account.")
@click.option("--write", is_flag=True, help="They may add rows too.")
@click.pass_obj
def share_table(remote: RemoteTables, name: str, *, group: str | None, user: str | None, write: bool) -> None:
    """Let a group or an account read the table NAME."""
    if (group is None) == (user is None):
        raise click.UsageError("Give --group or --with")
    with _clear_errors():
        if user:
            remote.share_with_user(name, user, may_write=write)
        else:
            remote.share_with_group(name, group or "", may_write=write)
    right = "add rows to" if write else "read"
    click.echo(f"{user or group or 'No group'} may {right} {name}")
