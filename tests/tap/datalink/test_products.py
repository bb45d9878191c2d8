"""Products as files: the same rows in every format and structure, names that are safe, and what is refused."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Table

from schema.description import parse_description
from schema.load import open_file
from schema.publish import load_table, publish_table, unpublish_table
from tests.contract.client import Reply, get, post
from tests.contract.own_tables import Asker
from tests.contract.test_datalink_1_1 import links
from tests.linked import EPOCHS, IDS, OBJECTS, PRODUCTS, light
from tests.people import MakePerson

pytestmark = pytest.mark.usefixtures("linked")

READERS: dict[str, tuple[str, dict[str, Any]]] = {
    "votable": ("xml", {"format": "votable"}),
    "votable_plain": ("xml", {"format": "votable"}),
    "fits": ("fits", {"format": "fits", "hdu": 1}),
    "csv": ("csv", {"format": "ascii.csv"}),
    "tsv": ("tsv", {"format": "ascii.csv", "delimiter": "\t"}),
    "ecsv": ("ecsv", {"format": "ascii.ecsv"}),
    "parquet": ("parquet", {}),
}
TIMES = [float(epoch + 1) for epoch in range(EPOCHS)]


def data(service: str, *ids: object, **more: str) -> Reply:
    return post(f"{service}/data", [("ID", ",".join(map(str, ids))), *more.items()])


def files(reply: Reply) -> dict[str, bytes]:
    assert (reply.status, reply.media_type) == (200, "application/zip"), reply.text[:500]
    with zipfile.ZipFile(io.BytesIO(reply.body)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_products_of_a_table_of_ids_are_files_of_each(service: str, person: MakePerson) -> None:
    ada = Asker(service, person())
    ada.run("SELECT TOP 4 source_id FROM sky.sources ORDER BY source_id", DEST="wanted")
    form = {"IDS_FROM": ada.own("wanted"), "TABLE": "sky.sources", "RETRIEVAL_TYPE": "LIGHT", "FORMAT": "csv"}
    reply = ada.post_form("data", **form, DATA_STRUCTURE="INDIVIDUAL")
    found = sorted(row for content in files(reply).values() for row in rows_of(content, READERS["csv"][1]))
    assert found == sorted(curves(*IDS[:4]))


def curves(*ids: int) -> list[tuple[Any, ...]]:
    """The rows of light curves as they shall come."""
    rows = [row for id_ in ids for row in sorted((r for r in light().to_pylist() if r["source_id"] == id_), key=_time)]
    return [(row["source_id"], row["time"], row["band"]) for row in rows]


def _time(row: dict[str, Any]) -> float:
    return float(row["time"])


def rows_of(content: bytes, how: dict[str, Any]) -> list[tuple[Any, ...]]:
    if not how:
        return [(r["source_id"], r["time"], r["band"]) for r in pq.read_table(io.BytesIO(content)).to_pylist()]
    table = Table.read(io.BytesIO(content), **how)
    return [(int(row["source_id"]), float(row["time"]), _text(row["band"])) for row in table]


def _text(value: Any) -> str:
    return (value.decode() if isinstance(value, bytes) else str(value)).strip()


@pytest.mark.parametrize("format_", READERS)
def test_each_id_has_its_own_file_and_all_have_one_with_the_same_rows(service: str, format_: str) -> None:
    extension, how = READERS[format_]
    ids = [IDS[4], IDS[1], IDS[0], IDS[2]]
    each = files(data(service, *ids, RETRIEVAL_TYPE="LIGHT", FORMAT=format_))
    assert list(each) == [f"LIGHT-{id_}.{extension}" for id_ in ids if id_ != IDS[1]]
    for id_ in (IDS[4], IDS[0], IDS[2]):
        assert rows_of(each[f"LIGHT-{id_}.{extension}"], how) == curves(id_)
    whole = data(service, *ids, RETRIEVAL_TYPE="LIGHT", FORMAT=format_, DATA_STRUCTURE="COMBINED")
    assert rows_of(whole.body, how) == curves(*ids)
    raw = files(
        data(service, *ids, RETRIEVAL_TYPE="light", FORMAT=format_, DATA_STRUCTURE="raw", USE_ZIP_ALWAYS="true")
    )
    assert {name: rows_of(content, how) for name, content in raw.items()} == {f"LIGHT_RAW.{extension}": curves(*ids)}


def test_all_products_come_where_none_is_named(service: str) -> None:
    names = {f"LIGHT-{IDS[0]}.csv", f"SPECTRUM-{IDS[0]}.csv", f"SPECTRUM-{IDS[1]}.csv"}
    for more in ({}, {"RETRIEVAL_TYPE": "ALL"}, {"RETRIEVAL_TYPE": "LIGHT,SPECTRUM"}):
        assert set(files(data(service, IDS[0], IDS[1], FORMAT="csv", **more))) == names


def test_one_product_of_one_id_is_a_file_and_no_zip(service: str) -> None:
    reply = data(service, IDS[0], RETRIEVAL_TYPE="LIGHT", FORMAT="csv")
    assert reply.media_type == "text/csv"
    assert rows_of(reply.body, READERS["csv"][1]) == curves(IDS[0])
    assert data(service, IDS[1], RETRIEVAL_TYPE="LIGHT", FORMAT="csv").text == "source_id,time,mag,band,good\n"


def test_valid_data_are_the_rows_that_are_marked_so(service: str) -> None:
    reply = data(service, IDS[0], RETRIEVAL_TYPE="LIGHT", FORMAT="json", VALID_DATA="true")
    rows = [row for row in light().to_pylist() if row["source_id"] == IDS[0] and row["good"]]
    assert [row[1] for row in json.loads(reply.body)["data"]] == sorted(row["time"] for row in rows)


def test_an_id_that_comes_twice_or_is_none_adds_no_file(service: str) -> None:
    found = files(data(service, IDS[0], "x", IDS[0], 5, -1, RETRIEVAL_TYPE="LIGHT", FORMAT="csv"))
    assert list(found) == [f"LIGHT-{IDS[0]}.csv"]


def test_more_ids_than_a_chunk_come_in_their_order(service: str) -> None:
    ids = [*range(1, 1500), *IDS[::-1]]
    found = files(data(service, *ids, RETRIEVAL_TYPE="LIGHT", FORMAT="csv"))
    assert list(found) == [f"LIGHT-{id_}.csv" for id_ in IDS[::-1] if id_ in set(IDS[::2])]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"RETRIEVAL_TYPE": "RVS"}, "RETRIEVAL_TYPE 'RVS' is none of those of sky.sources: LIGHT, SPECTRUM"),
        ({"TABLE": "sky.objects"}, "There are no products of sky.objects"),
        ({"DATA_STRUCTURE": "FLAT"}, "DATA_STRUCTURE can be INDIVIDUAL, COMBINED, RAW"),
        ({"FORMAT": "docx"}, "FORMAT 'docx' is not available; known are"),
        ({"VALID_DATA": "maybe"}, "VALID_DATA can be true or false"),
        ({"RELEASE": "Gaia DR3"}, "RELEASE 'Gaia DR3' has no table with links"),
        ({"ID": ""}, "The parameter ID is missing"),
    ],
)
def test_what_cannot_be_is_told(service: str, parameters: dict[str, str], said: str) -> None:
    reply = get(f"{service}/data", {"ID": str(IDS[0])} | parameters)
    assert reply.status == 400
    assert said in reply.votable().message


NAMES = ["../../etc/passwd", "/root", "a\\b", "C:x", "..", "NUL\x01", 'q"<|>?*']


@pytest.fixture
def named(owner: psycopg.Connection, tmp_path: Path) -> Iterator[None]:
    """A table whose identifiers are no names of files, and which is a product of its own."""
    pq.write_table(pa.table({"name": NAMES}), tmp_path / "t.parquet")
    product = {"name": "ROWS", "table": "sky_odd.named", "id": "name"}
    description = parse_description({"table": {"identifier": "name"}, "products": [product]})
    load_table(owner, open_file(tmp_path / "t.parquet"), "sky_odd.named", description)
    yield
    unpublish_table(owner, "sky_odd.named", drop=True)


def test_no_name_of_a_file_leads_out_of_a_folder(service: str, named: None) -> None:
    reply = post(f"{service}/data", [*(("ID", name) for name in NAMES), ("TABLE", "sky_odd.named"), ("FORMAT", "csv")])
    found = files(reply)
    assert len(found) == len(NAMES)
    assert not [name for name in found if set(name) & set('/\\:\x01"<|>?*')]
    assert [name for name in found if not name.startswith("ROWS-")] == []


def test_the_table_with_products_is_meant_where_none_has_the_usual_identifier(
    service: str, owner: psycopg.Connection
) -> None:
    publish_table(owner, "sky.sources", parse_description({"table": {"identifier": "name"}, "products": []}))
    product = {"name": "ITSELF", "table": "sky.objects", "id": "name"}
    publish_table(owner, "sky.objects", parse_description({"products": [product]}))
    try:
        assert data(service, OBJECTS[0], FORMAT="csv", DATA_STRUCTURE="RAW", RETRIEVAL_TYPE="ITSELF").status == 200
        assert "Several tables" in links(service, OBJECTS[0]).votable().message
    finally:
        publish_table(owner, "sky.objects", parse_description({"products": []}))
        described = parse_description({"table": {"identifier": "source_id"}, "products": PRODUCTS})
        publish_table(owner, "sky.sources", described)
