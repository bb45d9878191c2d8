"""`armillary grant|revoke|readers`: who may read a table, or the tables of a schema."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
import psycopg

from schema.load.reader import LoadError
from schema.readers import accesses, add_readers, announce, grantee, make_public, open_views_over, remove_readers
from schema.tap_schema import count_change
from tap.account_commands import open_store
from tap.auth.accounts import AccountStore, NoSuchName
from tap.config import Config
from tap.engine import database

_GROUPS = click.option("--group", "group_names", multiple=True, metavar="GROUP", help="All members of it; repeatable.")
_USERS = click.option("--user", "user_names", multiple=True, metavar="ACCOUNT", help="Repeatable.")


@contextmanager
def _change(config: Config) -> Iterator[tuple[psycopg.Connection, AccountStore]]:
    """Yield a transaction of the owner's that changes rights, and the accounts."""
    with open_store(config) as store, database.owner_connection(config) as connection:
        try:
            with connection.transaction():
                yield connection, store
                count_change(connection)
        except LoadError as error:
            raise click.ClickException(str(error)) from error


def _operators(store: AccountStore, name: str) -> str:
    """Return the name of a group that no account made: its owner would say who reads. Raises: NoSuchName."""
    spelt = store.group_name(name)
    if next(group for group in store.groups() if group.name == spelt).of_account:
        raise NoSuchName(f"{spelt} is a group that an account made and sees to; make one of your own")
    return spelt


def _grantees(store: AccountStore, group_names: tuple[str, ...], user_names: tuple[str, ...]) -> list[str]:
    """Return them as they are spelt in the store. Raises: NoSuchName."""
    found = [grantee("group", _operators(store, name)) for name in group_names]
    for name in user_names:
        record = store.record(name)
        if record is None:
            raise NoSuchName(f"There is no account {name}")
        found.append(grantee("user", record.account.name))
    return found


@click.command()
@click.argument("name")
@_GROUPS
@_USERS
@click.option("--public", is_flag=True, help="Let everybody read it again.")
@click.pass_obj
def grant(
    config: Config, name: str, group_names: tuple[str, ...], user_names: tuple[str, ...], *, public: bool
) -> None:
    """Let groups and accounts read NAME, a table or a schema, and nobody else; without any, close it to all."""
    if public and (group_names or user_names):
        raise click.UsageError("--public is for everybody; leave out --group and --user")
    with _change(config) as (connection, store):
        if public:
            make_public(connection, name)
        else:
            add_readers(connection, name, _grantees(store, group_names, user_names))
        views = [] if public else open_views_over(connection, name)
    click.echo(f"{name} is public" if public else f"{name} is closed to all but its readers")
    for view in views:
        click.echo(f"  but {view} shows rows of it to whoever may read {view}")


@click.command()
@click.argument("name")
@_GROUPS
@_USERS
@click.pass_obj
def revoke(config: Config, name: str, group_names: tuple[str, ...], user_names: tuple[str, ...]) -> None:
    """Take the right to read NAME, a table or a schema, from groups and accounts."""
    with _change(config) as (connection, store):
        remove_readers(connection, name, _grantees(store, group_names, user_names))
    click.echo(f"{', '.join([*group_names, *user_names])} can no longer read {name}")


@click.command("announce")
@click.argument("name")
@click.option("--conceal", is_flag=True, help="Let them not know any more.")
@click.pass_obj
def announce_name(config: Config, name: str, *, conceal: bool) -> None:
    """Let everybody know that NAME, a closed table or schema, exists: who asks for it is told to log in."""
    with _change(config) as (connection, _):
        announce(connection, name, announced=not conceal)
    click.echo(f"{name} is {'concealed from' if conceal else 'known to'} those who may not read it")


@click.command()
@click.pass_obj
def readers(config: Config) -> None:
    """List tables and schemas that are not simply public, with their readers."""
    with open_store(config), database.owner_connection(config) as connection:
        found = accesses(connection)
    for access in found:
        shown = "public" if access.is_public else ", ".join(access.readers) or "nobody"
        click.echo(f"{access.name:32}  {shown}")
