import psycopg
import pytest

from tap.auth.accounts import AccountStore
from tap.config import Config
from tap.engine.database import accounts_conninfo


@pytest.fixture(autouse=True)
def _nobody_has_guessed(accounts: AccountStore, config: Config) -> None:
    """All tests come from one address."""
    with psycopg.connect(accounts_conninfo(config)) as connection:
        connection.execute("DELETE FROM accounts.failures")
