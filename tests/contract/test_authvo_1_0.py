"""AuthVO 1.0 (working draft of May 2025), and what TAP 1.1 and SSO 2.0 say of logins: one test for each "must"."""

import re
from collections.abc import Iterator
from http.cookies import SimpleCookie

import pytest

from tap.config import Config
from tests.conftest import alone, serving
from tests.contract.client import Reply, get, post, request, sync
from tests.people import WRONG, MakePerson, basic

_COOKIE = r'ivoa_cookie standard_id="ivo://ivoa\.net/sso#tls-with-password", access_url="(?P<url>[^"]+)"'


@pytest.fixture(scope="module")
def closed(sample: Config) -> Iterator[str]:
    """The URL of a service that is for accounts only."""
    with serving(alone(sample, anonymous=False)) as url:
        yield url


def challenges(reply: Reply) -> list[str]:
    return [str(challenge) for challenge in reply.headers.get_all("WWW-Authenticate") or []]


def are_complete(reply: Reply) -> bool:
    """Whether a client of each kind finds its challenge, with the parameters that it needs (§2.1, §3.2, RFC 7617)."""
    text = challenges(reply)
    return bool(
        [c for c in text if re.fullmatch(_COOKIE, c)]
        and [c for c in text if re.fullmatch(r'Basic realm="[^"]+"', c)]
        and "Bearer" in text
    )


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_optional_authentication_is_told_by_challenges_beside_200(service: str, method: str) -> None:
    """§4.1."""
    reply = request(method, f"{service}/capabilities")
    assert reply.status == 200
    assert are_complete(reply)


def test_a_wrong_credential_is_refused_at_capabilities_too(service: str, person: MakePerson) -> None:
    """§4.1: a client asks there to see whether it is logged in."""
    reply = request("HEAD", f"{service}/capabilities", headers=basic(person().name, WRONG))
    assert reply.status == 401
    assert are_complete(reply)


def test_a_logged_in_client_gets_no_challenge(service: str, person: MakePerson) -> None:
    ada = person()
    reply = request("GET", f"{service}/capabilities", headers=basic(ada.name, ada.password))
    assert (reply.status, challenges(reply)) == (200, [])


def test_the_challenge_leads_to_a_login_that_gives_a_cookie(service: str, person: MakePerson) -> None:
    """§3.2.1, §3.3.2: `username` and `password` as a form; 200 with Set-Cookie, else 401 or 403."""
    ada = person()
    (url,) = [match["url"] for c in challenges(get(f"{service}/capabilities")) if (match := re.fullmatch(_COOKIE, c))]
    reply = post(url, {"username": ada.name, "password": ada.password})
    assert reply.status == 200
    assert reply.headers["X-VO-Authenticated"] == ada.name
    (cookie,) = SimpleCookie(reply.headers["Set-Cookie"]).values()
    assert cookie["path"] == "/"
    assert cookie["expires"]
    assert cookie["httponly"]
    known = get(f"{service}/capabilities", Cookie=f"{cookie.key}={cookie.value}")
    assert known.headers["X-VO-Authenticated"] == ada.name
    assert post(url, {"username": ada.name, "password": WRONG}).status in {401, 403}


def test_every_401_has_a_challenge(closed: str) -> None:
    """§2.1."""
    for path in ("/sync", "/async", "/tables", "/tables/demo.ngc", "/examples", "/whoami", "", "/nothing"):
        reply = get(closed + path)
        assert reply.status == 401, path
        assert are_complete(reply)


@pytest.mark.parametrize("path", ["/capabilities", "/availability"])
def test_a_service_for_accounts_only_shows_its_vosi_resources_to_all(closed: str, path: str) -> None:
    """TAP 1.1 §2, VOSI 1.1."""
    assert get(closed + path).status == 200


def test_a_service_for_accounts_only_serves_accounts(closed: str, person: MakePerson) -> None:
    ada = person()
    query = {"LANG": "ADQL", "QUERY": "SELECT COUNT(*) AS n FROM demo.ngc", "FORMAT": "csv"}
    assert get(f"{closed}/sync", query, **basic(ada.name, ada.password)).lines[0] == "n"
    assert sync(closed, query["QUERY"]).status == 401


def security_methods(url: str) -> dict[str, list[str | None]]:
    """The securityMethods of each standard interface."""
    found = {}
    for capability in get(f"{url}/capabilities").xml().iter("capability"):
        for interface in capability.iter("interface"):
            ways = [way.get("standardID") for way in interface.iter("securityMethod")]
            found[capability.get("standardID").rpartition("/")[2]] = ways
    return found


def test_the_capabilities_list_the_ways_that_pyvo_goes_by(service: str, closed: str) -> None:
    """SSO 2.0, TAP 1.1 §2.4: an empty method is that of strangers; none stands at VOSI's own resources."""
    ways: list[str | None] = [f"ivo://ivoa.net/sso#{way}" for way in ("BasicAA", "cookie", "OAuth")]
    for url, expected in ((service, [None, *ways]), (closed, ways)):
        found = security_methods(url)
        assert found["TAP"] == found["VOSI#tables-1.1"] == expected
        assert found["VOSI#capabilities"] == found["VOSI#availability"] == []
