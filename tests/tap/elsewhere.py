"""Another service than ours, whose answers a test gives."""

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[["Recorder"], tuple[int, dict[str, str], bytes]]
LISTED = b'<tableset xmlns="http://www.ivoa.net/xml/VOSITables/v1.0"><schema xmlns=""><table><name>a.t</name></table></schema></tableset>'


class Recorder(BaseHTTPRequestHandler):
    """Answers as it is told, and remembers what came."""

    server: "Elsewhere"
    body: bytes = b""

    def do_GET(self) -> None:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            self.body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.seen.append((self.command, self.path, self.headers.get("Authorization")))
        status, headers, body = self.server.answer(self)
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body)), "Connection": "close"}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815 - as the library calls them

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Elsewhere(ThreadingHTTPServer):
    """Another service, whose answers a test gives."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), Recorder)
        self.answer, self.seen = answer, list[tuple[str, str, str | None]]()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


def listing(request: Recorder) -> tuple[int, dict[str, str], bytes]:
    return (404, {}, b"") if request.path.startswith("/tap/whoami") else (200, {"Content-Type": "text/xml"}, LISTED)


def moved(to: str, status: int = 302) -> Answer:
    return lambda request: (status, {"Location": f"{to}{request.path}"}, b"")
