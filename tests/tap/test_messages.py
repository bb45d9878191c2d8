"""What an operator tells all users, from the command to the page and the capabilities."""

import re
import time
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner

from tap.cli import main
from tests.command import armillary
from tests.contract.client import get

_HTML = "text/html,application/xhtml+xml"


@pytest.fixture
def say(environment: None) -> Iterator[Callable[..., str]]:
    """Add a message as an operator types it; return its number."""
    numbers = []

    def say(text: str, *options: str) -> str:
        numbers.append(armillary("messages", "add", text, *options).split()[1])
        return numbers[-1]

    yield say
    listed = armillary("messages", "list")
    for number in numbers:
        if re.search(rf"^{number} ", listed, re.MULTILINE):
            armillary("messages", "remove", number)


def settled(url: str, text: str, *, is_there: bool, accept: str = _HTML) -> None:
    """Wait until all web processes show the text, or none does: ten answers in a row."""
    end, agreeing = time.monotonic() + 30, 0
    while agreeing < 10:
        agreeing = agreeing + 1 if (text in get(url, Accept=accept).text) is is_there else 0
        assert time.monotonic() < end
        time.sleep(0.05 if agreeing else 0.5)


@pytest.mark.long
def test_a_message_stands_on_every_page_and_in_the_capabilities_until_it_is_removed(
    service: str, say: Callable[..., str]
) -> None:
    number = say("Tables move on <Sunday> & stay readable")
    escaped = "Tables move on &lt;Sunday&gt; &amp; stay readable"
    for path in ("", "/tables", "/async", "/login", "/availability", "/tables/no.such"):
        settled(service + path, escaped, is_there=True)
    settled(f"{service}/capabilities", escaped, is_there=True, accept="*/*")
    description = get(f"{service}/capabilities", Accept="*/*").xml().find("capability/description")
    assert description is not None
    assert (description.text or "").startswith("Tables move on <Sunday> & stay readable")
    armillary("messages", "remove", number)
    settled(service, escaped, is_there=False)


def test_messages_are_listed_with_their_end(say: Callable[..., str]) -> None:
    kept, brief = say("one  that\nstays"), say("one that ends", "--days", "2")
    lines = {line.split()[0]: line for line in armillary("messages", "list").splitlines()}
    assert lines[kept].endswith("one that stays")
    assert " until " not in lines[kept]
    assert re.search(r" until \d{4}-\d\d-\d\d ", lines[brief])


def test_a_message_that_is_over_is_not_shown(say: Callable[..., str]) -> None:
    say("over at once", "--days", "0.000001")
    time.sleep(0.2)
    assert "over at once" not in armillary("messages", "list")


@pytest.mark.parametrize("text", ["", " \n ", "x" * 1001])
def test_a_message_has_a_length(environment: None, text: str) -> None:
    assert CliRunner().invoke(main, ["messages", "add", text]).exit_code == 2


def test_a_message_that_is_not_there_cannot_be_removed(environment: None) -> None:
    assert "There is no message 99999999" in armillary("messages", "remove", "99999999", fails=True)
