"""Probes: a service that asks itself, and tells on its status page and in /availability what came."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime

import psycopg
import pytest
import requests

from tap.auth.accounts import AccountsAway, AccountStore
from tap.config import Config
from tap.engine.database import accounts_conninfo, running_database
from tap.probes import QUARTERS, Prober, history, states
from tests.conftest import alone, serving
from tests.contract.client import get
from tests.contract.faults import own_database
from tests.contract.xsd import problems

PATIENCE = 60


@pytest.fixture(autouse=True)
def no_other_probes(accounts: AccountStore, config: Config) -> Iterator[None]:
    yield
    with psycopg.connect(accounts_conninfo(config), autocommit=True) as connection:
        connection.execute("DELETE FROM accounts.probes")


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.2)


def page(service: str) -> str:
    return requests.get(f"{service}/availability", headers={"Accept": "text/html"}, timeout=20).text


def test_a_service_asks_itself_for_a_cone_with_an_upload_and_by_a_job(sample: Config, accounts: AccountStore) -> None:
    with serving(alone(sample, probe_seconds=0.5)) as service:
        until(lambda: [state.answered > 1 for state in states(accounts, 1)] == [True] * 3)
        told = {state.probe: state for state in states(accounts, 1)}
        assert [state.error for state in told.values()] == [None] * 3
        assert set(told) == {"query", "upload", "job"}
        assert all(0 < state.median <= state.slow for state in told.values() if state.median and state.slow)
        assert {probe: quarters[-1] is not None for probe, quarters in history(accounts).items()} == dict.fromkeys(
            told, True
        )
        shown = page(service)
        assert shown.count("works</td>") == 3
        assert shown.count("<rect") >= 3
        assert "armillary-probe" not in shown
        assert b"<uws:jobref" not in get(f"{service}/async").body


@pytest.mark.long
def test_what_fails_is_told_to_users_while_the_rest_works(sample: Config, accounts: AccountStore) -> None:
    with serving(alone(sample, probe_seconds=0.5, upload_rows=2)) as service:
        until(lambda: any(state.failures_now > 1 for state in states(accounts, 1)))
        until(lambda: len(states(accounts, 1)) == 3)
        reply = get(f"{service}/availability")
        assert problems(reply.body) == []
        document = reply.xml()
        assert document.findtext("{*}available") == "true"
        (note,) = [element.text for element in document.iter("{*}note")]
        assert note.startswith("Queries with uploads have failed since 20")
        assert "2 in all uploads" in note
        assert "2 in all uploads" in page(service)


@pytest.mark.long
def test_a_service_whose_queries_fail_is_not_available_until_they_work_again(
    sample: Config, accounts: AccountStore
) -> None:
    values = {"probe": "query", "machine": "here", "seconds": 0.1}
    with serving(alone(sample, probe_seconds=60)) as service:
        assert get(f"{service}/availability").xml().findtext("{*}available") == "true"
        for error in ("It fails", "It fails"):
            accounts.rows("add_probe", values | {"error": error, "at": datetime.now(UTC)})
        document = get(f"{service}/availability").xml()
        assert document.findtext("{*}available") == "false"
        assert "It fails" in str(document.findtext("{*}note"))
        accounts.rows("add_probe", values | {"error": None, "at": datetime.now(UTC)})
        assert get(f"{service}/availability").xml().findtext("{*}available") == "true"


@pytest.mark.long
def test_a_closed_service_asks_itself_by_its_token_only(sample: Config, accounts: AccountStore) -> None:
    with serving(alone(sample, probe_seconds=0.3, anonymous=False)):
        time.sleep(2)
        assert states(accounts, 1) == []


def test_the_history_of_a_day_has_a_place_for_each_quarter_of_an_hour(accounts: AccountStore) -> None:
    assert history(accounts) == {}
    for error in (None, "It fails", None):
        accounts.rows(
            "add_probe", {"probe": "job", "machine": "here", "seconds": 2.5, "error": error, "at": datetime.now(UTC)}
        )
    assert history(accounts) == {"job": [None] * (QUARTERS - 1) + [(1, 2.5)]}


def test_an_outage_of_the_database_is_told_when_it_is_over() -> None:
    """Nobody answers at the URL of this service, and for a while its store of accounts does not either."""
    with own_database(probe_seconds=0.01) as config:
        store = AccountStore(accounts_conninfo(config), 1, wait=0.3)
        store.open()
        prober = Prober(config, store)
        time.sleep(0.1)
        prober.step()
        with running_database(config):
            healed = datetime.now(UTC)

            def is_kept() -> bool:
                time.sleep(1)
                prober.step()
                with suppress(AccountsAway):
                    return bool(states(store, 60))
                return False

            until(is_kept)
            found = states(store, 60)
            store.close()
    assert {state.machine for state in found} == {socket.gethostname()}
    assert all(state.failing_since and state.failing_since < healed for state in found)
