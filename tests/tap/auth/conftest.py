from collections.abc import Iterator

import psycopg
import pytest

from tap.auth.accounts import AccountStore
from tap.config import Config
from tap.engine.database import accounts_conninfo
from tests.conftest import free_port
from tests.oidc_provider import OidcProvider
from tests.oidc_site import OidcSite, oidc_site


@pytest.fixture(autouse=True)
def _nobody_has_guessed(accounts: AccountStore, config: Config) -> None:
    """All tests come from one address."""
    with psycopg.connect(accounts_conninfo(config)) as connection:
        connection.execute("DELETE FROM accounts.failures")


@pytest.fixture(scope="session")
def _oidc_site(sample: Config) -> Iterator[OidcSite]:
    with OidcProvider(free_port()) as provider, oidc_site(sample, provider) as site:
        yield site


@pytest.fixture
def site(_oidc_site: OidcSite) -> Iterator[OidcSite]:
    """A service with an OpenID provider that is honest until the test says otherwise."""
    yield _oidc_site
    _oidc_site.provider.behave()
