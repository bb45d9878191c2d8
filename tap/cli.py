"""The command `armillary`: each of its commands is imported when it is called, since most need little of the service."""

import sys
from importlib import import_module
from pathlib import Path

import click

from tap.config_sections import ConfigError
from tap.config_sources import load_config

_COMMANDS = {
    "serve": "service_commands",
    "work": "service_commands",
    "load": "catalogue_commands",
    "publish": "catalogue_commands",
    "unpublish": "catalogue_commands",
    "versions": "version_commands",
    "analyze": "catalogue_commands",
    "check": "catalogue_commands",
    "explain": "catalogue_commands",
    "config": "catalogue_commands:show_config",
    "export": "bulk.commands",
    "migrate": "catalogue_commands",
    "selftest": "selftest_command",
    "backup": "backup_commands",
    "restore": "backup_commands",
    "jobs": "job_commands",
    "queries": "query_commands",
    "shards": "sharding.commands",
    "users": "account_commands",
    "groups": "account_commands",
    "tokens": "account_commands",
    "grant": "rights_commands",
    "revoke": "rights_commands",
    "readers": "rights_commands",
    "announce": "rights_commands:announce_name",
    "messages": "message_commands",
    "compare": "compare_command",
    "tables": "tables_commands",
    "mcp": "mcp_command",
    "xmatch": "xmatch_command",
}
"""Where each command is: a module below `tap`, and the function where it has another name."""


class Commands(click.Group):
    """The commands by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, function = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(f"tap.{module}"), function or cmd_name)
        return command


@click.group(cls=Commands)
@click.version_option(package_name="armillary")
@click.option("--config", "path", type=click.Path(path_type=Path), help="A TOML file; see `armillary config`.")
@click.pass_context
def main(context: click.Context, path: Path | None) -> None:
    """Armillary: an IVOA TAP service for star catalogues in PostgreSQL."""
    try:
        context.obj = load_config(path)
    except (ConfigError, OSError) as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
