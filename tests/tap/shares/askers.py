"""Who asks for what is shared, the table that is shared, and how it is compared with what comes back."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import numpy as np
from astropy.table import Table

from tests.contract.client import Reply, get, post, request
from tests.people import basic

ROWS = 40
CSV = {"Content-Type": "text/csv"}


def stars(start: int = 0, stop: int = ROWS) -> Table:
    rng = np.random.default_rng(23)
    made = Table({"id": np.arange(ROWS), "ra": rng.uniform(0, 360, ROWS), "dec": rng.uniform(-90, 90, ROWS)})
    return made[start:stop]


def csv(table: Table) -> bytes:
    out = io.StringIO()
    table.write(out, format="ascii.csv")
    return out.getvalue().encode()


def read(body: bytes) -> Table:
    return Table.read(io.BytesIO(body), format="ascii.csv")


def check(found: Table, made: Table) -> None:
    assert found.colnames == made.colnames
    for name in made.colnames:
        np.testing.assert_array_equal(np.asarray(found[name]), np.asarray(made[name]), name)


@dataclass(frozen=True)
class Asker:
    """An account, or a stranger, who asks the service."""

    service: str
    name: str = ""
    password: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return basic(self.name, self.password) if self.name else {}

    def get(self, path: str, **form: str) -> Reply:
        return get(f"{self.service}/{path}", form, **self.headers)

    def post(self, path: str, **form: str) -> Reply:
        return post(f"{self.service}/{path}", form, **self.headers)

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        return request(method, f"{self.service}/{path}", body, self.headers | dict(headers or {}))

    def append(self, path: str, rows: Table) -> Reply:
        return self.send("POST", path, csv(rows), CSV)

    def query(self, query: str, **form: str) -> Reply:
        return self.get("sync", LANG="ADQL", QUERY=query, RESPONSEFORMAT="csv", **form)

    def share(self, **form: str) -> Any:
        """Share, and return what is said of the share."""
        reply = self.post("shares", **form)
        assert reply.status == 201, reply.text
        return json.loads(reply.body)

    def shares(self, kind: str) -> list[dict[str, Any]]:
        return list(json.loads(self.get("shares").body)[kind])

    def events(self) -> list[dict[str, Any]]:
        return list(json.loads(self.get("shares/events").body))


@dataclass(frozen=True)
class Shared:
    """A table: where it lies below the service, and how queries name it."""

    path: str
    quoted: str

    @property
    def name(self) -> str:
        return unquote(self.path.removeprefix("tables/"))

    @property
    def bare(self) -> str:
        return self.name.rpartition(".")[2]

    @property
    def rows(self) -> str:
        return f"SELECT * FROM {self.quoted} ORDER BY id"


def reads(asker: Asker, table: Shared) -> bool:
    """Whether the account may read the table, which queries and metadata must agree on."""
    found, about = asker.query(table.rows), asker.get(table.path)
    if found.status != 200:
        assert (found.status in {400, 404}, about.status) == (True, 404)
        return False
    check(read(found.body)[:ROWS], stars())
    assert about.status == 200
    return True


def put(who: Asker, name: str) -> Shared:
    reply = who.send("PUT", f"tables/{name}", csv(stars()), CSV)
    assert reply.status == 201, reply.text
    schema = json.loads(who.get("whoami").body)["schema"].strip('"')
    return Shared(reply.headers["Location"].removeprefix(f"{who.service}/"), f'"{schema}".{name}')


def result(who: Asker, job: str) -> Reply:
    return who.get(f"async/{job}/results/result")


def path_of(link: dict[str, Any], service: str) -> str:
    """The path of a link, which must lie below the service."""
    assert link["url"].startswith(f"{service}/shared/")
    return str(link["url"].removeprefix(f"{service}/"))
