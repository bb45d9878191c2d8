"""Names of objects are asked of a service in Sesame's form: a real one, on this machine."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import pytest

from tap.config import Config
from tap.pages.resolver import position_of_name
from tests.conftest import alone, serving
from tests.contract.client import get
from uws.parameters import ParameterError

_KNOWN = b"""<?xml version="1.0" encoding="UTF-8"?>
<Sesame><Target option="SNV"><name>M  45</name><Resolver name="S=Simbad">
<jpos>03:46:24.2 +24:06:50</jpos><jradeg>56.601</jradeg><jdedeg>+24.114</jdedeg></Resolver></Target></Sesame>"""
_UNKNOWN = b'<?xml version="1.0"?><Sesame><Target option="SNV"><INFO>*** Nothing found ***</INFO></Target></Sesame>'
_HOSTILE = (
    b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><Sesame><jradeg>&e;</jradeg><jdedeg>1</jdedeg></Sesame>'
)


class _Sesame(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        name = unquote(urlsplit(self.path).query)
        body = {"M 45": _KNOWN, "hostile": _HOSTILE, "garbage": b"<x"}.get(name, _UNKNOWN)
        self.send_response(404 if name == "away" else 200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture(scope="module")
def sesame() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Sesame)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/-oxp/SNV?{{}}"
    server.shutdown()


@pytest.fixture(scope="module")
def service(sample: Config, sesame: str) -> Iterator[str]:
    with serving(alone(sample, processes=1, workers=0, name_resolver=sesame)) as url:
        yield url


def test_a_known_name_has_a_position(sesame: str) -> None:
    assert position_of_name(sesame, "  M   45 ") == (56.601, 24.114)


@pytest.mark.parametrize("name", ["nowhere", "hostile"])
def test_a_name_that_nobody_knows_is_told(sesame: str, name: str) -> None:
    with pytest.raises(ParameterError, match=f"Nothing is known to be called {name}"):
        position_of_name(sesame, name)


@pytest.mark.parametrize("name", ["garbage", "away"])
def test_an_answer_that_is_none_is_told(sesame: str, name: str) -> None:
    with pytest.raises(ParameterError, match="does not answer"):
        position_of_name(sesame, name)


def test_a_resolver_that_is_away_is_told() -> None:
    with pytest.raises(ParameterError, match="does not answer"):
        position_of_name("http://127.0.0.1:9/{}", "M 45")


@pytest.mark.parametrize("name", ["", "   ", "x" * 101])
def test_a_name_has_a_length(sesame: str, name: str) -> None:
    with pytest.raises(ParameterError, match="1 to 100 characters"):
        position_of_name(sesame, name)


def test_a_cone_round_a_named_object_is_written(service: str) -> None:
    reply = get(f"{service.removesuffix('/tap')}/build?table=demo.stars&object=M+45&radius=0.5&write=1&top=10")
    assert "DISTANCE(ra, dec, 56.601, 24.114) &lt; 0.5" in reply.text


def test_without_a_resolver_nobody_is_asked_for_names(sample: Config) -> None:
    with serving(alone(sample, processes=1, workers=0)) as url:
        assert 'name="object"' not in get(f"{url.removesuffix('/tap')}/build?table=demo.stars").text
