"""Where an operator types `armillary`, and groups with limits that are made so."""

import secrets
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tap.auth.accounts import AccountStore, NoSuchName
from tap.config import ENVIRONMENT, Config
from tests.command import Give, armillary
from tests.contract.own_tables import Asker


@pytest.fixture
def environment(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `armillary` use the database of the tests."""
    monkeypatch.setenv(f"{ENVIRONMENT}DATA_DIR", config.database.data_dir)


@pytest.fixture
def give(accounts: AccountStore, environment: None) -> Iterator[Give]:
    """Put accounts into a new group with limits; return its name."""
    made = []

    def give(*limits: str, to: tuple[Asker, ...] = ()) -> str:
        name = f"limits-{secrets.token_hex(4)}"
        armillary("groups", "add", name, *(who.name for who in to))
        made.append(name)
        if limits:
            armillary("groups", "limit", name, *limits)
        return name

    yield give
    for name in made:
        with suppress(NoSuchName):  # a test removed it
            accounts.delete_group(name)
