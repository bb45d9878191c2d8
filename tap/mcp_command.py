"""`armillary mcp`: an assistant asks a TAP service with the rights of its user."""

import os
import stat
from pathlib import Path
from urllib.parse import urlsplit

import click

_LOCAL = {"localhost", "127.0.0.1", "::1"}
_TOKEN = "ARMILLARY_TOKEN"  # noqa: S105


@click.command()
@click.option("--url", envvar="ARMILLARY_BASE_URL", default="http://localhost:8080/tap", show_default=True, help="The TAP service.")  # fmt: skip
@click.option("--token-file", type=click.Path(path_type=Path), help="A file with a token of an account, which only you can read; else $ARMILLARY_TOKEN, else you are a stranger.")  # fmt: skip
@click.option("--folder", type=click.Path(path_type=Path, exists=True, file_okay=False, writable=True, resolve_path=True), help="Where results may be saved; else nowhere.")  # fmt: skip
def mcp(url: str, token_file: Path | None, folder: Path | None) -> None:
    """Let an assistant search, check, run and fetch at a TAP service, by the Model Context Protocol on standard input and output.

    It can do what you can do there with that token, and nothing else.
    """
    try:
        from tap.client.assistant.asked_service import AskedService
        from tap.client.assistant.save_folder import SaveFolder
        from tap.client.assistant.server import server_of
        from tap.client.assistant.user_jobs import UserJobs
    except ImportError as error:
        missing = str(error.name).partition(".")[0]
        raise click.ClickException(f"{missing} is not installed: pip install 'armillary[mcp]'") from error
    if "@" in urlsplit(url).netloc:
        raise click.ClickException("The URL has a name or password in it; --token-file names a file with a token")
    token = _token(token_file)
    if token:
        _check_secret(token, url)
    server_of(UserJobs(AskedService(url.rstrip("/"), token), SaveFolder(folder))).run()


def _token(file: Path | None) -> str:
    """Return the token of the file, or else of the environment; empty where there is none."""
    if file is None:
        return os.environ.get(_TOKEN, "").strip()
    try:
        if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise click.ClickException(f"Others can read {file}: chmod 600 {file}")
        return file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"The token cannot be read from {file}: {type(error).__name__}") from error


def _check_secret(token: str, url: str) -> None:
    """Raise for a token that is none, and for one that others could read on its way."""
    if not token.isascii() or not token.isprintable() or " " in token:
        raise click.ClickException("The token has characters that no token has")
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in _LOCAL:
        raise click.ClickException(f"A token is sent over https only, and {url} is not")
