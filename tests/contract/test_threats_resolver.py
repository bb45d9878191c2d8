"""A service of names that does not answer harms nobody but who asked it."""

import socket
import time
from contextlib import ExitStack
from urllib.parse import urlsplit

from tap.config import Config
from tests.conftest import alone, serving
from tests.contract.pages import page

_ASK = b"GET /build?table=demo.ngc&write=1&object=M45 HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n"


def test_who_waits_for_a_name_keeps_nobody_else_waiting(sample: Config) -> None:
    """All who ask share the threads of a process."""
    with ExitStack() as stack:
        silent = socket.create_server(("127.0.0.1", 0), backlog=200)
        names = f"http://127.0.0.1:{silent.getsockname()[1]}/{{}}"
        service = stack.enter_context(serving(alone(sample, name_resolver=names, processes=1)))
        stack.callback(silent.close)
        for _ in range(60):
            asker = stack.enter_context(socket.create_connection(("127.0.0.1", urlsplit(service).port or 0)))
            asker.sendall(_ASK)
        time.sleep(0.5)
        start = time.monotonic()
        assert page(service, "/tap/tables").status == 200
        assert time.monotonic() - start < 2
