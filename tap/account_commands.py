"""`armillary users|groups|tokens`: how an operator lets people in, and keeps them out."""

import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from schema.readers import forget_grantee, grantee
from schema.tap_schema import count_change
from tap.auth.accounts import AccountsAway, AccountStore, BadName, NameTaken, NoSuchName, Record
from tap.auth.identity import Account, TokenScope
from tap.auth.limits import NAMES, BadLimit, checked
from tap.auth.passwords import WeakPassword, hashed
from tap.clear_errors import clear_errors
from tap.config import Config
from tap.engine import database

_DAY = 86_400


@contextmanager
def open_store(config: Config) -> Iterator[AccountStore]:
    with clear_errors(), database.running_database(config):
        database.make_ready(config, click.echo)
        store = AccountStore(database.accounts_conninfo(config), 1)
        store.open()
        try:
            yield store
        except (NoSuchName, NameTaken, BadName, WeakPassword, BadLimit) as error:
            raise click.ClickException(str(error)) from error
        except AccountsAway as error:
            raise click.ClickException("The store of accounts cannot be reached") from error
        finally:
            store.close()


def _password(*, is_generated: bool) -> str:
    """Return a new password, or ask for one: twice at a terminal, else the first line that comes."""
    if is_generated:
        return secrets.token_urlsafe(15)
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\n")


def _tell(password: str, *, is_generated: bool) -> None:
    if is_generated:
        click.echo(f"password: {password}")


_GENERATE = click.option("--generate", is_flag=True, help="Make a password and print it, instead of asking for one.")


@click.group()
def users() -> None:
    """Accounts: who may log in."""


@users.command("add")
@click.argument("name")
@click.option("--email", help="Where they can be reached.")
@click.option("--admin", is_flag=True, help="They see and change everybody's jobs and tables.")
@_GENERATE
@click.pass_obj
def add_user(config: Config, name: str, email: str | None, *, admin: bool, generate: bool) -> None:
    """Make the account NAME. The password is asked for, or read from standard input."""
    with open_store(config) as store:
        if store.record(name):
            raise NameTaken(f"There is an account {name} already")
        password = _password(is_generated=generate)
        store.add_account(name, hashed(password), email=email, is_admin=admin)
    click.echo(f"{name} can log in")
    _tell(password, is_generated=generate)


@users.command("list")
@click.pass_obj
def list_users(config: Config) -> None:
    """List accounts with their groups."""
    with open_store(config) as store:
        records = store.records()
    for record in records:
        click.echo(_line(record))


def _line(record: Record) -> str:
    account = record.account
    state = "disabled" if record.disabled else "admin" if account.is_admin else ""
    return f"{account.name:24}  {record.created:%Y-%m-%d}  {state:8}  {', '.join(account.groups)}".rstrip()


@users.command()
@click.argument("name")
@_GENERATE
@click.pass_obj
def passwd(config: Config, name: str, *, generate: bool) -> None:
    """Give NAME another password; whoever is logged in by the old one no longer is."""
    with open_store(config) as store:
        account = _existing(store, name)
        password = _password(is_generated=generate)
        store.set_password(account.name, hashed(password))
    click.echo(f"{account.name} has another password")
    _tell(password, is_generated=generate)


@users.command()
@click.argument("name")
@click.pass_obj
def disable(config: Config, name: str) -> None:
    """Keep NAME out at once: by password, cookie and token."""
    with open_store(config) as store:
        store.set_disabled(name, disabled=True)
    click.echo(f"{name} can no longer log in")


@users.command()
@click.argument("name")
@click.pass_obj
def enable(config: Config, name: str) -> None:
    """Let NAME in again."""
    with open_store(config) as store:
        store.set_disabled(name, disabled=False)
    click.echo(f"{name} can log in")


@users.command()
@click.argument("name")
@click.option("--revoke", is_flag=True, help="Take the right away.")
@click.pass_obj
def admin(config: Config, name: str, *, revoke: bool) -> None:
    """Make NAME an administrator."""
    with open_store(config) as store:
        store.set_admin(name, is_admin=not revoke)
    click.echo(f"{name} is {'no longer' if revoke else 'now'} an administrator")


def _existing(store: AccountStore, name: str) -> Account:
    record = store.record(name)
    if record is None:
        raise NoSuchName(f"There is no account {name}")
    return record.account


@click.group()
def groups() -> None:
    """Groups of accounts, which rights are given to."""


@groups.command("add")
@click.argument("group")
@click.argument("members", nargs=-1)
@click.option("--owner", is_flag=True, help="These members may change the group.")
@click.pass_obj
def add_group(config: Config, group: str, members: tuple[str, ...], *, owner: bool) -> None:
    """Make GROUP, or add MEMBERS to it."""
    with open_store(config) as store:
        existing = next((existing for existing in store.groups() if existing.name.lower() == group.lower()), None)
        if existing and existing.of_account:
            raise NameTaken(
                f"{existing.name} is a group that {', '.join(existing.owners)} made, and sees to; take another name"
            )
        if existing is None:
            store.add_group(group)
        for member in members:
            store.add_member(group, member, is_owner=owner)
    click.echo(f"{group}: {', '.join(members)} added" if members else f"{group} is a group")


@groups.command("remove")
@click.argument("group")
@click.argument("members", nargs=-1)
@click.pass_obj
def remove_group(config: Config, group: str, members: tuple[str, ...]) -> None:
    """Take MEMBERS out of GROUP; without any, remove the group."""
    with open_store(config) as store:
        for member in members:
            store.remove_member(group, member)
        if not members:
            _delete_group(config, store, group)
    click.echo(f"{group}: {', '.join(members)} removed" if members else f"{group} is gone")


def _delete_group(config: Config, store: AccountStore, group: str) -> None:
    """Delete a group after its rights, which another of its name must not have."""
    name = store.group_name(group)
    with database.owner_connection(config) as connection, connection.transaction():
        forget_grantee(connection, grantee("group", name))
        count_change(connection)
    store.delete_group(name)


@groups.command("limit")
@click.argument("group")
@click.argument("limits", nargs=-1, metavar="[SETTING=VALUE]...")
@click.pass_obj
def limit_group(config: Config, group: str, limits: tuple[str, ...]) -> None:
    """Let members of GROUP have other limits than the configuration says; SETTING= takes one away.

    Of several groups the one that gives most counts. Without settings, the limits are shown.
    """
    with open_store(config) as store:
        name = store.group_name(group)
        values = dict(next(existing.limits for existing in store.groups() if existing.name == name))
        for setting, _, text in (limit.partition("=") for limit in limits):
            values.pop(setting, None)
            if text or setting not in NAMES:
                values[setting] = checked(setting, text)
        store.set_limits(name, values)
    click.echo(
        f"{name}: {', '.join(f'{setting}={value}' for setting, value in sorted(values.items())) or 'no limits of its own'}"
    )


@groups.command("list")
@click.pass_obj
def list_groups(config: Config) -> None:
    """List groups with their members, owners marked by *."""
    with open_store(config) as store:
        found = store.groups()
    for group in found:
        members = [f"{name}*" if name in group.owners else name for name in group.members]
        made = " (made by an account)" if group.of_account else ""
        click.echo(f"{group.name:24}  {', '.join(members)}{made}".rstrip())


@click.group()
def tokens() -> None:
    """Tokens: what scripts log in with."""


@tokens.command("add")
@click.argument("account")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([scope.value for scope in TokenScope]),
    help="Repeatable; else read, jobs and tables.",
)
@click.option("--days", type=click.FloatRange(min=0, min_open=True), help="For how long; else as long as may be.")
@click.pass_obj
def add_token(config: Config, account: str, name: str, scopes: tuple[str, ...], days: float | None) -> None:
    """Make a token called NAME for ACCOUNT, and print it: it is shown once."""
    wanted = [TokenScope(scope) for scope in scopes] or [TokenScope.READ, TokenScope.JOBS, TokenScope.TABLES]
    longest = config.accounts.token_seconds or None
    seconds = min(days * _DAY, longest or days * _DAY) if days else longest
    with open_store(config) as store:
        secret = store.add_token(_existing(store, account), name, wanted, seconds)
    click.echo(secret)


@tokens.command("list")
@click.argument("account")
@click.pass_obj
def list_tokens(config: Config, account: str) -> None:
    """List the tokens of ACCOUNT."""
    with open_store(config) as store:
        found = store.tokens(_existing(store, account))
    for token in found:
        ends = f"{token.expires:%Y-%m-%d}" if token.expires else "never"
        used = f"{token.last_used:%Y-%m-%d %H:%M}" if token.last_used else "never"
        click.echo(f"{token.name:24}  {','.join(token.scopes):24}  ends {ends:10}  used {used}")


@tokens.command("revoke")
@click.argument("account")
@click.argument("name")
@click.pass_obj
def revoke_token(config: Config, account: str, name: str) -> None:
    """End the token NAME of ACCOUNT at once."""
    with open_store(config) as store:
        store.revoke_token(_existing(store, account), name)
    click.echo(f"{name} is revoked")
