"""Command lines of `armillary` in the documents: there are such commands, options and arguments."""

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from shlex import split

import click
import pytest

from tap.cli import main
from tests.docs.documents import blocks, inline

_COMMAND = re.compile(r"^(?:[A-Z_]+=(?:'[^']*'|\S+) )*(?:\./deploy/)?armillary (?P<arguments>.*?)(?: &)?$")
OTHER = {"armillary job ID"}
"""What is called like that and is no command: sessions of PostgreSQL."""


def lines() -> Iterator[tuple[str, str]]:
    """Yield each line of blocks with its document; three blanks part two commands."""
    for block in blocks():
        for line in block.commands if block.language in {"", "sh", "console"} else ():
            for command in re.split(r"\s{3,}", line):
                if match := _COMMAND.match(command):
                    yield block.path.name, match["arguments"]


def mentions() -> Iterator[tuple[str, str]]:
    for path, text in inline():
        if text.startswith("armillary ") and text not in OTHER:
            yield path.name, text.removeprefix("armillary ")


def spelt_out(arguments: str) -> Iterator[list[str]]:
    """Yield the words for each choice of `list|show`; brackets and dots say what may be left out or repeated."""
    plain = re.sub(r"\$\(.*?\)", "x", re.sub(r"\s*\|\s*", "|", arguments))
    plain = re.sub(r"\[([^\]|]*)\]", r"\1", plain).replace("...", "")
    yield from map(list, product(*(word.split("|") for word in split(plain))))


def parse(words: list[str], *, whole: bool) -> None:
    """Raise click's error for a command line that is wrong; one that is not `whole` may end early."""
    if words[0] == "--config":
        words = words[2:]
    command: click.Command = main
    context = click.Context(main, info_name="armillary")
    while isinstance(command, click.Group) and words:
        name, found, words = command.resolve_command(context, words)
        assert found
        command, context = found, click.Context(found, context, name)
    if isinstance(command, click.Group):
        return
    try:
        command.make_context(command.name, words, parent=context.parent)
    except (click.MissingParameter, click.BadOptionUsage):
        if whole:
            raise


@pytest.fixture(autouse=True)
def files_of_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take paths as they are: the files of examples are not here."""
    monkeypatch.setattr(click.Path, "convert", lambda self, value, param, ctx: Path(value))


@pytest.mark.parametrize(("document", "arguments"), sorted(set(lines())))
def test_a_command_line_is_one_that_can_be_typed(document: str, arguments: str) -> None:
    for words in spelt_out(arguments):
        parse([word for word in words if word != "…"], whole="…" not in words)


@pytest.mark.parametrize(("document", "arguments"), sorted(set(mentions())))
def test_a_command_that_is_mentioned_exists(document: str, arguments: str) -> None:
    for words in spelt_out(arguments.replace("…", "1")):
        parse(words, whole=False)


@pytest.mark.parametrize(
    "wrong", ["jobs lst", "load --tabel x f", "shards move a --to", "users add", "jobs priority 1 x"]
)
def test_a_command_line_that_cannot_be_typed_is_noticed(wrong: str) -> None:
    with pytest.raises(click.UsageError):
        parse(split(wrong), whole=True)
