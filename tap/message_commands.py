"""`armillary messages`: what the operator tells all users."""

import click

from tap.account_commands import open_store
from tap.config import Config
from tap.messages import LONGEST, add_message, messages_in, remove_message


@click.group()
def messages() -> None:
    """Messages to all users: on every page, and in the capabilities."""


@messages.command("add")
@click.argument("text")
@click.option(
    "--days",
    type=click.FloatRange(min=0, min_open=True, max=36_500),
    help="For how long it is shown; else until it is removed.",
)
@click.pass_obj
def add(config: Config, text: str, days: float | None) -> None:
    """Show TEXT to all users, from ten seconds on."""
    text = " ".join(text.split())
    if not 0 < len(text) <= LONGEST:
        raise click.UsageError(f"A message has 1 to {LONGEST} characters")
    with open_store(config) as store:
        click.echo(f"message {add_message(store, text, days)}")


@messages.command("list")
@click.pass_obj
def list_messages(config: Config) -> None:
    """List the messages that are shown."""
    with open_store(config) as store:
        for message in messages_in(store):
            until = f" until {message.expires:%Y-%m-%d %H:%M}" if message.expires else ""
            click.echo(f"{message.message_id}  since {message.posted:%Y-%m-%d %H:%M}{until}  {message.text}")


@messages.command("remove")
@click.argument("number", type=int)
@click.pass_obj
def remove(config: Config, number: int) -> None:
    """Remove the message NUMBER."""
    with open_store(config) as store:
        remove_message(store, number)
