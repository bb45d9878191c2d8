"""Who asks the service of a test: two accounts, and a stranger. A module that starts a service of its own calls it `service` too."""

import pytest

from tests.contract.own_tables import Asker
from tests.people import MakePerson


@pytest.fixture
def ada(service: str, person: MakePerson) -> Asker:
    return Asker(service, person())


@pytest.fixture
def bo(service: str, person: MakePerson) -> Asker:
    """Another account, in no group."""
    return Asker(service, person())


@pytest.fixture
def stranger(service: str) -> Asker:
    """One without an account."""
    return Asker(service)
