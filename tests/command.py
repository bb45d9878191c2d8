"""The command `armillary`, as an operator types it."""

from collections.abc import Callable

from click.testing import CliRunner

from tap.cli import main


def armillary(*arguments: str, stdin: str = "", fails: bool = False) -> str:
    """Give its output; the configuration is of the environment."""
    done = CliRunner().invoke(main, list(arguments), input=stdin)
    assert done.exit_code == int(fails), (done.output, done.exception)
    assert "Traceback" not in done.output
    return done.output


Give = Callable[..., str]
"""Puts accounts into a new group with limits, as an operator types them, and returns the group's name."""
