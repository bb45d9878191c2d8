"""A hundred thousand IDs in one request: all of them answered, in their order, by a process that does not grow with them."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Table

from schema.description import parse_description
from schema.load import open_file
from schema.publish import load_table, unpublish_table
from tap.config import Config
from tap.engine import database
from tests.conftest import alone, serving
from tests.contract.client import Reply, request
from tests.contract.test_threats_faults import memory
from tests.linked import EPOCHS, IDS

COUNT = 100_000
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def server(linked: Config) -> Iterator[serving]:
    server = serving(alone(linked, processes=1))
    with server:
        yield server


def ask(server: serving, path: str, ids: list[int], more: str = "") -> tuple[Reply, int]:
    """An answer, and the MB by which its maker's peak lies above what it was before."""
    url = f"{server.config.web.base_url}/{path}"
    request("POST", url, f"ID={ids[0]},{ids[1]}{more}".encode(), FORM)
    before = memory(server.process.pid)
    reply = request("POST", url, f"ID={','.join(map(str, ids))}{more}".encode(), FORM)
    return reply, memory(server.process.pid, "VmHWM") - memory(server.process.pid, "RssFile") - before


def test_links_of_a_hundred_thousand_ids(server: serving) -> None:
    ids = [IDS[number] for number in np.random.default_rng(1).integers(0, len(IDS), COUNT)]
    reply, grown = ask(server, "datalink/links", ids)
    rows = reply.body.split(b"<TR><TD>")[1:]
    places = [int(row.partition(b"<")[0]) for row in rows if b"<TD>#this</TD>" in row]
    assert places == ids
    assert b'value="ERROR"' not in reply.body[-5000:]
    assert grown < 100


def test_products_of_a_hundred_thousand_ids_as_one_file(server: serving) -> None:
    ids = [*IDS, *range(1, COUNT - len(IDS) + 1)]
    reply, grown = ask(server, "data", ids, "&RETRIEVAL_TYPE=LIGHT&DATA_STRUCTURE=COMBINED&FORMAT=csv")
    found = [int(line.partition(b",")[0]) for line in reply.body.splitlines()[1:]]
    assert found == [id_ for id_ in IDS[::2] for _ in range(EPOCHS)]
    assert grown < 100


@pytest.fixture
def many(linked: Config, tmp_path: Path) -> Iterator[None]:
    """A table whose rows are products of their own."""
    pq.write_table(pa.table({"id": range(COUNT), "v": np.arange(COUNT) / 8}), tmp_path / "t.parquet")
    product = {"name": "ROWS", "table": "sky_many.rows", "id": "id"}
    description = parse_description({"table": {"primary_key": ["id"]}, "products": [product]})
    with database.owner_connection(linked) as connection:
        load_table(connection, open_file(tmp_path / "t.parquet"), "sky_many.rows", description)
        yield
        unpublish_table(connection, "sky_many.rows", drop=True)


def test_a_file_for_each_of_a_hundred_thousand_ids(server: serving, many: None) -> None:
    ids = np.random.default_rng(2).permutation(COUNT).tolist()
    more = "&RETRIEVAL_TYPE=ROWS&TABLE=sky_many.rows"
    reply, grown = ask(server, "data", ids, more)
    with zipfile.ZipFile(io.BytesIO(reply.body)) as archive:
        assert archive.namelist() == [f"ROWS-{id_}.xml" for id_ in ids]
        for id_ in ids[:: COUNT // 50]:
            (row,) = Table.read(archive.open(f"ROWS-{id_}.xml"), format="votable")
            assert (row["id"], row["v"]) == (id_, id_ / 8)
    # Of each file, some 420 bytes of its entry in the directory.
    assert grown < 150
