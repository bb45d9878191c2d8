"""Results of jobs that come over connections that break."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tap.client.job import RemoteJob, State

RESULT = bytes(range(256)) * 40
DONE = State("COMPLETED", "", {})


class Breaking(BaseHTTPRequestHandler):
    """Breaks the first two answers off, each in the way of its path; it takes no ranges."""

    protocol_version = "HTTP/1.1"
    server: "BreakingServer"

    def do_GET(self) -> None:
        self.server.asked += 1
        end = 1000 if self.server.asked < 3 else len(RESULT)
        self.send_response(200)
        if self.path.startswith("/chunked/"):
            self.send_header("Transfer-Encoding", "chunked")
            body = b"%x\r\n%b\r\n" % (end, RESULT[:end]) + (b"0\r\n\r\n" if end == len(RESULT) else b"")
        else:
            self.send_header("Content-Length", str(len(RESULT)))
            body = RESULT[:end]
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class BreakingServer(ThreadingHTTPServer):
    asked = 0


@pytest.fixture
def server() -> Iterator[BreakingServer]:
    server = BreakingServer(("127.0.0.1", 0), Breaking)
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("way", ["chunked", "length"])
def test_a_result_that_breaks_off_is_fetched_again_though_nothing_tells_its_digest(
    server: BreakingServer, tmp_path: Path, way: str
) -> None:
    RemoteJob(f"http://127.0.0.1:{server.server_port}/{way}/async/1").fetch(tmp_path / "result", DONE)
    assert (tmp_path / "result").read_bytes() == RESULT
    assert server.asked == 3
