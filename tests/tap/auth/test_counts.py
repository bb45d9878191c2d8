"""What an account may have only so many of: tokens, groups, shares; the next is refused and says what to do."""

from collections.abc import Iterator

import pytest

from tap.config import Config
from tests.conftest import alone, serving
from tests.contract.own_tables import Asker
from tests.people import MakePerson


@pytest.fixture(scope="module")
def narrow(sample: Config) -> Iterator[str]:
    config = alone(sample, tokens_per_account=2, groups_per_account=1, shares_per_account=1, processes=1)
    with serving(config) as service:
        yield service


@pytest.fixture
def ada(narrow: str, person: MakePerson) -> Asker:
    return Asker(narrow, person())


def test_tokens_are_counted_and_one_that_is_revoked_makes_room(ada: Asker) -> None:
    assert [ada.post_form("tokens", NAME=name).status for name in ("a", "b", "c")] == [201, 201, 400]
    assert "You have 2 tokens" in ada.post_form("tokens", NAME="c").text
    ada.call("DELETE", "tokens/a")
    assert ada.post_form("tokens", NAME="c").status == 201


def test_groups_that_an_account_makes_are_counted(ada: Asker) -> None:
    first, second = (f"{ada.name}-{number}"[-30:] for number in (1, 2))
    assert ada.post_form("groups", NAME=first).status == 201
    reply = ada.post_form("groups", NAME=second)
    assert (reply.status, "delete one first" in reply.text) == (400, True)


def test_shares_are_counted(ada: Asker) -> None:
    job = ada.run("SELECT TOP 1 name FROM demo.ngc").rpartition("/")[2]
    assert ada.post_form("shares", KIND="job", JOB=job, WITH="link").status == 201
    reply = ada.post_form("shares", KIND="job", JOB=job, WITH="link")
    assert (reply.status, "end one first" in reply.text) == (400, True)
