"""A table and a finished job of one account, and others who may be given them."""

import secrets
from collections.abc import Iterator

import pytest

from tap.auth.accounts import AccountStore
from tests.people import MakePerson, Person
from tests.tap.shares.askers import Asker, Shared, put


@pytest.fixture
def stranger(service: str) -> Asker:
    return Asker(service)


@pytest.fixture
def ada(service: str, person: MakePerson) -> Asker:
    return _asker(service, person())


@pytest.fixture
def bo(service: str, person: MakePerson) -> Asker:
    return _asker(service, person())


@pytest.fixture
def cy(service: str, person: MakePerson) -> Asker:
    return _asker(service, person())


def _asker(service: str, person: Person) -> Asker:
    return Asker(service, person.name, person.password)


@pytest.fixture
def group(accounts: AccountStore, bo: Asker) -> Iterator[str]:
    """A group with one member, who is not the one that shares."""
    name = f"survey-{secrets.token_hex(4)}"
    accounts.add_group(name)
    accounts.add_member(name, bo.name, is_owner=False)
    yield name
    accounts.delete_group(name)


@pytest.fixture
def table(ada: Asker) -> Iterator[Shared]:
    name = f"stars_{secrets.token_hex(4)}"
    yield put(ada, name)
    ada.send("DELETE", f"tables/{name}")


@pytest.fixture
def job(ada: Asker) -> Iterator[str]:
    """The id of a finished job."""
    query = "SELECT TOP 5 name, ra FROM demo.ngc ORDER BY name"
    made = ada.post("async", LANG="ADQL", PHASE="RUN", FORMAT="csv", QUERY=query)
    id_ = made.xml().findtext("{*}jobId")
    while ada.get(f"async/{id_}/phase").text in {"QUEUED", "EXECUTING"}:
        ada.get(f"async/{id_}", WAIT="30")
    yield id_
    ada.send("DELETE", f"async/{id_}")
