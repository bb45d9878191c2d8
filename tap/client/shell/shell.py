"""What a session with a service holds, and how it speaks with somebody."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.text import Text

from schema.model import Catalogue
from tap.client.shell.answer import AnswerTable
from tap.client.shell.loaded_files import LoadedFile, schema_of
from tap.client.shell.printable import printable
from tap.client.shell.published import Published
from tap.client.shell.remote_service import RemoteService


class Complaint(Exception):
    """Something that the user must say otherwise; the message says how."""


class LeftAlone(Exception):
    """Somebody does not want to wait any longer; the message says what becomes of the query."""


@dataclass(frozen=True, slots=True)
class Habits:
    """`seconds` somebody waits before a query goes on as a job; `is_interactive`: there is somebody to be asked.

    `format_`: the suffix of what goes to the standard output where that is no terminal.
    """

    seconds: float = 10.0
    is_interactive: bool = True
    may_overwrite: bool = False
    format_: str = ""


@dataclass
class Shell:
    """A session with one service; `rows_seen` of the table `shown` are on the screen.

    What was asked for goes to `console`, what is said beside it to `beside`.
    """

    service: RemoteService
    published: Published
    console: Console
    beside: Console
    habits: Habits = Habits()
    files: dict[str, LoadedFile] = field(default_factory=dict)
    jobs: list[str] = field(default_factory=list)
    query: str = ""
    shown: AnswerTable | None = None
    rows_seen: int = 0
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="tapsh-")))

    def say(self, text: str, style: str = "") -> None:
        """Print text as it is."""
        _print(self.console, Text(printable(text), style))

    def say_of(self, name: str, *texts: str) -> None:
        """Print a name and what is said of it."""
        _print(self.console, Text.assemble((printable(name), "bold"), *map(printable, texts)))

    def note(self, text: str, style: str = "dim") -> None:
        """Print what is no part of what was asked for."""
        _print(self.beside, Text(printable(text), style))

    def ask(self, question: str) -> str:
        """Return an answer in lower case, empty where there is nobody to be asked."""
        if not self.habits.is_interactive:
            return ""
        try:
            return input(question).strip().lower()
        except EOFError:
            return ""

    @property
    def catalogue(self) -> Catalogue:
        """What queries may name, as far as it is known."""
        catalogue = self.published.catalogue
        return catalogue.joined_by(schema_of(self.files)) if self.files else catalogue

    @contextmanager
    def waiting(self, for_what: str) -> Iterator[Callable[[str], None]]:
        """Show that something goes on, on a terminal; gives how to say more of it."""
        if not self.beside.is_terminal:
            yield lambda _: None
            return
        status = self.beside.status(for_what)
        try:
            # As a context it would go on, and take what is printed, if Ctrl-C came while it starts.
            status.start()
            yield status.update
        finally:
            status.stop()


def _print(console: Console, text: Text) -> None:
    """Print a text: within the lines of a terminal, and as it is elsewhere."""
    console.print(text, soft_wrap=not console.is_terminal)
