"""TapPlus and the class of the Gaia archive, logged in by TLS."""

import json
from collections.abc import Callable, Iterator

import pytest
from astroquery.utils.tap.conn.tapconn import TapConn
from astroquery.utils.tap.core import TapPlus

from tests.clients.seats import LogIn, Seat
from tests.clients.tls import proxied
from tests.contract.client import get
from tests.people import MakePerson, Person, basic


@pytest.fixture(scope="module")
def tls(service: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a TLS proxy before the service."""
    with proxied(service, tmp_path_factory.mktemp("tls")) as port:
        yield port


@pytest.fixture(scope="session")
def gaia_class() -> Callable[..., TapPlus]:
    """The class of the Gaia archive, whose module asks ESA for news when it is imported; no test needs them."""

    def away(*_: object, **__: object) -> None:
        raise OSError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TapConn, "execute_tapget", away)
        from astroquery.gaia import GaiaClass
    return GaiaClass  # type: ignore[no-any-return]


@pytest.fixture
def stranger(tls: int) -> TapPlus:
    """A client that has not logged in."""
    return TapPlus(url=f"https://localhost:{tls}/tap", upload_context="Upload", table_edit_context="TableTool")


@pytest.fixture
def log_in(service: str, tls: int) -> LogIn:
    def log_in(person: Person, tap: TapPlus | None = None) -> Seat:
        url = f"https://localhost:{tls}/tap"
        tap = tap or TapPlus(url=url, upload_context="Upload", table_edit_context="TableTool")
        tap.login(user=person.name, password=person.password)
        about = json.loads(get(f"{service}/whoami", (), **basic(person.name, person.password)).body)
        return Seat(tap, person.name, about["schema"].strip('"'))

    return log_in


@pytest.fixture
def gaia(tls: int, log_in: LogIn, person: MakePerson, gaia_class: Callable[..., TapPlus]) -> Seat:
    url = f"https://localhost:{tls}/"
    return log_in(person(), gaia_class(gaia_tap_server=url, gaia_data_server=url, show_server_messages=False))


@pytest.fixture
def ada(log_in: LogIn, person: MakePerson) -> Seat:
    return log_in(person())


@pytest.fixture
def bo(log_in: LogIn, person: MakePerson) -> Seat:
    return log_in(person())
