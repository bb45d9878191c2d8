"""`tapsh`: the command, which talks with somebody at a terminal, and runs queries for scripts."""

import os
import signal
import sys
import tomllib
from pathlib import Path
from shutil import rmtree

import click
from rich.console import Console

from tap.client.http import Http, basic, bearer
from tap.client.shell.published import Published
from tap.client.shell.remote_service import RemoteService
from tap.client.shell.run import run_all
from tap.client.shell.shell import Habits, Shell
from tap.client.shell.verbs import Leave

_PATIENCE = 60.0
_AGENT = "tapsh"
_MISSING = "the prompt needs prompt-toolkit: pip install 'armillary[shell]'; without it, give queries with -c"


def main() -> None:
    """Run the command; a window that is closed leaves no copies of files behind."""
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, _leave)
    tapsh()


def _leave(number: int, _frame: object) -> None:
    sys.exit(128 + number)


@click.command()
@click.argument("service", envvar="TAPSH_URL")
@click.option("-c", "--command", "commands", multiple=True, help="Run this and leave; may be given again.")
@click.option("--user", help="Your name there; the password is asked for, or read from $TAPSH_PASSWORD.")
@click.option(
    "--format", "format_", help="Of what is written to a file or pipe: csv, unless this says fits, vot, parquet …"
)
@click.option("--wait", "seconds", type=click.FloatRange(min=0.1), default=10.0, show_default=True, help="Seconds until a query goes on as a job.")  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Write over files that are there.")
@click.version_option(package_name="armillary")
def tapsh(service: str, commands: tuple[str, ...], user: str | None, **options: object) -> None:
    """Ask SERVICE, the URL of any TAP service, or a name from ~/.config/tapsh/services.toml.

    Without -c it talks with you, or runs what it reads from the standard input. A token is read from $TAPSH_TOKEN.
    """
    url = _url(service)
    remote = RemoteService(url, Http(_PATIENCE, _authorization(url, user), agent=_AGENT))
    texts = commands or (() if sys.stdin.isatty() else (sys.stdin.read(),))
    shell = _shell(remote, options, is_interactive=not texts)
    try:
        status = next((code for text in texts if (code := run_all(shell, text))), 0) if texts else _talk(shell)
    except Leave:
        status = 0
    finally:
        rmtree(shell.folder, ignore_errors=True)
    sys.exit(status)


def _talk(shell: Shell) -> int:
    try:
        from tap.client.shell.prompt import converse
    except ModuleNotFoundError as error:
        raise click.ClickException(_MISSING) from error
    shell.published.begin()
    converse(shell)
    return 0


def _shell(remote: RemoteService, options: dict[str, object], *, is_interactive: bool) -> Shell:
    is_seen = sys.stdout.isatty()
    format_ = str(options["format_"] or ("" if is_seen else "csv"))
    habits = Habits(
        float(str(options["seconds"])), is_interactive, bool(options["overwrite"]), f".{format_}" if format_ else ""
    )
    console = Console(highlight=False, emoji=False)
    # What a script reads is the result; what is said beside it is for people.
    beside = console if is_interactive else Console(stderr=True, highlight=False, emoji=False)
    return Shell(remote, Published(remote), console, beside, habits)


def _url(service: str) -> str:
    """Return the URL of a service that is given by it or by a name. Raises: click.UsageError."""
    if service.startswith(("http://", "https://")):
        return service.rstrip("/")
    known = _services()
    if service not in known:
        names = ", ".join(known) or "none"
        raise click.UsageError(f"{service} is no URL, and {_services_file()} does not name it (it names {names})")
    return str(known[service]).rstrip("/")


def _services() -> dict[str, object]:
    try:
        return tomllib.loads(_services_file().read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except tomllib.TOMLDecodeError as error:
        raise click.UsageError(f"{_services_file()}: {error}") from error


def _services_file() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "tapsh" / "services.toml"


def _authorization(url: str, user: str | None) -> dict[str, str]:
    """Return how we show who asks: a password, which no history keeps, or a token."""
    if user:
        password = os.environ.get("TAPSH_PASSWORD") or click.prompt("Password", hide_input=True, err=True)
        _warn_of_open_line(url)
        return basic(user, password)
    if token := os.environ.get("TAPSH_TOKEN"):
        _warn_of_open_line(url)
        return bearer(token)
    return {}


def _warn_of_open_line(url: str) -> None:
    if not url.startswith(("https://", "http://localhost", "http://127.0.0.1", "http://[::1]")):
        click.echo(f"{url} is not encrypted: whoever is on the way reads your password or token", err=True)


if __name__ == "__main__":
    main()
