"""What is known of a service's tables, and what Tab offers of it."""

import io
import tempfile
from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from rich.console import Console

from tap.client.http import Http
from tap.client.shell.completer import ShellCompleter
from tap.client.shell.published import Published
from tap.client.shell.remote_service import RemoteService
from tap.client.shell.run import run_all
from tap.client.shell.shell import Shell
from tests.tap.client.shell.other_service import OtherService


def shell_of(other: OtherService) -> Shell:
    service, console = RemoteService(other.url, Http(0.0)), Console(file=io.StringIO(), width=100)
    return Shell(service, Published(service), console, console, folder=Path(tempfile.gettempdir()))


@pytest.fixture
def shell(other: OtherService) -> Shell:
    shell = shell_of(other)
    shell.published.wait()
    return shell


@pytest.fixture
def large(other: OtherService, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A session with a service that has more columns than one learns at once."""
    monkeypatch.setattr("tap.client.shell.published._MOST_COLUMNS", 2)
    shell = shell_of(other)
    shell.published.wait()
    return shell


def offered(shell: Shell, before: str, after: str = "", *, tab: bool = False) -> list[str]:
    event = CompleteEvent(completion_requested=True) if tab else CompleteEvent(text_inserted=True)
    completions = ShellCompleter(shell).get_completions(Document(before + after, len(before)), event)
    return [completion.text for completion in completions]


def said(shell: Shell, text: str) -> str:
    run_all(shell, text)
    return shell.console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_types_of_tap_1_0_are_understood(shell: Shell) -> None:
    (table,) = shell.catalogue.find(("old", "plates"))
    types = {column.column_name: column.type.adql for column in table.columns}
    assert types == {"plate_id": "INTEGER", "ra": "DOUBLE PRECISION", "observer": "VARCHAR", "emulsion": "VARCHAR"}
    assert [column.column_name for column in table.columns if column.indexed] == ["plate_id"]


@pytest.mark.parametrize(("before", "after", "expected"), [
    ("de", "", {"describe"}),
    ("sel", "", {"SELECT"}),
    ("describe pla", "", {"old.plates"}),
    ("SELECT * FROM ", "", {"old", "old.plates", "TAP_SCHEMA"}),
    ("SELECT p.", " FROM old.plates AS p", {"ra", "observer"}),
    ("check SELECT obs", " FROM old.plates", {"observer"}),
    ("SELECT 1; SELECT obs", " FROM old.plates; SELECT 2", {"observer"}),
    ("SELECT bri", "", {"brightest"}),
])  # fmt: skip
def test_what_is_offered(shell: Shell, before: str, after: str, expected: set[str]) -> None:
    assert expected <= set(offered(shell, before, after))


@pytest.mark.parametrize("before", ["SELECT ivo_heal", "SELECT ra ", "SELECT 'pla", "SELECT 1; > ", "explain"])
def test_what_is_not_offered(shell: Shell, before: str) -> None:
    assert [text for text in offered(shell, before) if text != "explain"] == []


def test_all_that_may_stand_somewhere_is_offered_to_those_who_ask(shell: Shell) -> None:
    assert {"observer", "ABS", "WHERE"} <= set(offered(shell, "SELECT ", " FROM old.plates", tab=True))


def test_columns_of_a_large_service_are_learnt_when_a_table_is_named(large: Shell, other: OtherService) -> None:
    assert [len(table.columns) for table in large.catalogue.tables] == [0, 0]
    assert offered(large, "SELECT p.obs", " FROM old.plates AS p") == ["observer"]
    asked = len(other.asked.forms)
    assert offered(large, "SELECT p.e", " FROM old.plates AS p")[:1] == ["emulsion"]
    assert len(other.asked.forms) == asked
    assert [len(table.columns) for table in large.catalogue.tables] == [4, 0]


def test_columns_of_a_large_service_are_searched_by_it(large: Shell) -> None:
    text = said(large, "find right ascension")
    assert "old.plates  ra  deg  Centre, right ascension" in text


def test_a_wrong_query_without_a_place_is_looked_at_from_here(shell: Shell) -> None:
    text = said(shell, "SELECT obsever FROM old.plates")
    assert "no such column: obsever\nAs seen from here: There is no column obsever" in text
    assert "Did you mean observer?" in text


def test_a_service_that_is_not_there_is_told_once(other: OtherService) -> None:
    service, console = RemoteService("http://127.0.0.1:1/tap", Http(0.0)), Console(file=io.StringIO(), width=100)
    shell = Shell(service, Published(service), console, console, folder=Path(tempfile.gettempdir()))
    assert "could not be read" in said(shell, "describe x")
    assert offered(shell, "SELECT AB") == ["ABS"]
