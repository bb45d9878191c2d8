"""What tests need of pages: to ask for one as a browser does, with the cookie of a login, and to send forms."""

import secrets
from urllib.parse import urlencode

from tests.contract.client import Reply
from tests.contract.own_tables import Asker
from tests.contract.test_uws_1_1 import FORM, call
from tests.people import Person

HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
BOUNDARY = "B" * 20
NGC = "SELECT TOP 5 name, ra, dec FROM demo.ngc"


def root(service: str) -> str:
    return service.removesuffix("/tap")


def page(service: str, path: str, method: str = "GET", body: bytes | None = None, /, **headers: str) -> Reply:
    """Ask for a path below the root as a browser does; redirects are answers."""
    return call(method, root(service) + path, body, **{"Accept": HTML, **headers})


def form(service: str, path: str, fields: dict[str, str] | None = None, /, **headers: str) -> Reply:
    body = urlencode(fields or {}).encode()
    return page(service, path, "POST", body, Content_Type=FORM["Content-Type"], **headers)


def list_file(service: str, content: bytes, name: str = "list") -> Reply:
    """Show a file to the editor, as its script does."""
    return files(service, "/-/list", [("list", name, content)], Accept="application/json")


def files(
    service: str,
    path: str,
    parts: list[tuple[str, str, bytes]],
    fields: dict[str, str] | None = None,
    /,
    **headers: str,
) -> Reply:
    """Send a form with files: each its part's name, its file name, and its bytes."""
    written = [(f'name="{name}"', value.encode()) for name, value in (fields or {}).items()]
    written += [(f'name="{name}"; filename="{file_name}"', content) for name, file_name, content in parts]
    body = b"".join(
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; {about}\r\n\r\n".encode() + content + b"\r\n"
        for about, content in written
    )
    body += f"--{BOUNDARY}--\r\n".encode()
    return page(service, path, "POST", body, Content_Type=f"multipart/form-data; boundary={BOUNDARY}", **headers)


def log_in(service: str, person: Person, path: str = "/tap/login", /, **headers: str) -> Reply:
    return form(service, path, {"USERNAME": person.name, "PASSWORD": person.password}, **headers)


def cookie(reply: Reply) -> str:
    """The cookie that an answer sets, as a browser sends it."""
    return str(reply.headers["Set-Cookie"]).partition(";")[0]


def login_cookie(asker: Asker) -> str:
    assert asker.person
    return cookie(log_in(asker.service, asker.person))


def job_of(asker: Asker, query: str = NGC, **more: str) -> str:
    """The id of a job that has ended."""
    return asker.run(query, **more).rpartition("/")[2]


def secret_word() -> str:
    """A name for a column, which no page but those of its owner may show."""
    return f"secret_{secrets.token_hex(6)}"
