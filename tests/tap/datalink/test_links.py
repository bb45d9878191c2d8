"""Where IDs come from, which table they are of, and who sees which links."""

import io
import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Table

from schema.description import parse_description
from schema.load import open_file
from schema.publish import load_table, unpublish_table
from schema.readers import announce
from tap.auth.accounts import AccountStore
from tap.config import Config
from tests.contract.client import BOUNDARY, Reply, get, request
from tests.contract.own_tables import Asker
from tests.contract.test_datalink_1_1 import ids_in_order, links, records
from tests.linked import IDS, sources
from tests.people import MakePerson, Person, basic

pytestmark = pytest.mark.usefixtures("linked")


def test_links_are_made_of_the_values_of_each_row(service: str) -> None:
    found = records(links(service, *IDS).votable())
    rows = sources().to_pylist()
    charts = [parse_qs(urlsplit(row["access_url"]).query) for row in found if row["semantics"] == "#preview-image"]
    assert [(float(c["ra"][0]), float(c["dec"][0])) for c in charts] == [(row["ra"], row["dec"]) for row in rows]
    pages = [row["access_url"] for row in found if row["semantics"] == "#documentation"]
    assert pages == [row["page"] for row in rows if row["page"]]
    inputs = [(row["ID_2"], row["CIRCLE"]) for row in found if row["semantics"] == "#cutout"]
    assert inputs == [(row["name"], f"{row['ra']!r} {row['dec']!r} 0.1") for row in rows]


def test_each_link_of_ours_leads_where_it_says(service: str) -> None:
    for row in records(links(service, IDS[4]).votable()):
        if row["access_url"].startswith(service):
            reply = get(row["access_url"])
            assert (reply.status, reply.media_type) == (200, row["content_type"])
            assert str(IDS[4]) in str(Table.read(io.BytesIO(reply.body), format="votable")["source_id"][0])


# ---- uploads


def upload(service: str, table: Table, format_: str = "votable") -> Reply:
    out = io.BytesIO() if format_ == "votable" else io.StringIO()
    table.write(out, format=format_)
    content = out.getvalue()
    body = content if isinstance(content, bytes) else content.encode()
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="f"; filename="ids.{format_}"\r\n\r\n'.encode()
    end = f'\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name="UPLOAD"\r\n\r\nids,param:f\r\n--{BOUNDARY}--\r\n'.encode()
    kind = {"Content-Type": f'multipart/form-data; boundary="{BOUNDARY}"'}
    return request("POST", f"{service}/datalink/links", head + body + end, kind)


@pytest.mark.parametrize(
    "columns",
    [{"x": [1.5, 2.5], "SOURCE_ID": IDS[:2]}, {"anything": IDS[:2]}, {"source_id": [str(i) for i in IDS[:2]]}],
)
def test_ids_of_an_upload_are_its_column_of_that_name_or_its_only_one(
    service: str, columns: dict[str, list[object]]
) -> None:
    for format_ in ("votable", "ascii.csv"):
        found = records(upload(service, Table(columns), format_).votable())
        assert ids_in_order(found) == [str(id_) for id_ in IDS[:2]]


def test_ids_of_an_upload_are_its_main_identifier(service: str) -> None:
    table = Table({"a": [1, 2], "b": IDS[:2]})
    table["b"].meta["ucd"] = "meta.id;meta.main"
    assert ids_in_order(records(upload(service, table).votable())) == [str(id_) for id_ in IDS[:2]]


def test_an_upload_with_several_columns_and_none_that_fits_is_refused_with_their_names(service: str) -> None:
    reply = upload(service, Table({"a": [1], "b": [2]}))
    assert reply.status == 400
    assert "has no column source_id with IDs, and several others: a, b" in reply.votable().message


def test_ids_are_those_of_a_jobs_result(ada: Asker) -> None:
    job = ada.run("SELECT TOP 4 source_id, ra FROM sky.sources ORDER BY source_id DESC").rsplit("/", 1)[-1]
    reply = ada.call("GET", f"datalink/links?UPLOAD=ids,{job}&ID=1")
    assert ids_in_order(records(reply.votable())) == ["1", *(str(id_) for id_ in IDS[:-5:-1])]


def test_ids_are_those_of_a_table_of_ones_own_that_nobody_else_may_name(ada: Asker, bo: Asker) -> None:
    ada.run("SELECT TOP 4 source_id, ra FROM sky.sources ORDER BY source_id DESC", DEST="wanted")
    path = f"datalink/links?TABLE=sky.sources&IDS_FROM={quote(ada.own('wanted'))}"
    assert sorted(set(ids_in_order(records(ada.call("GET", path).votable())))) == sorted(map(str, IDS[:-5:-1]))
    reply = bo.call("GET", path)
    assert (reply.status, "no table that you may read" in reply.text) == (400, True)


@pytest.mark.parametrize("name", ["nothing", "sky.nothing", "a.b.c", '"', "tap_schema.tables"])
def test_a_table_without_ids_is_refused(service: str, name: str) -> None:
    reply = get(f"{service}/datalink/links", {"TABLE": "sky.sources", "IDS_FROM": name})
    assert reply.status == 400
    assert name in reply.votable().message


# ---- rights


@pytest.fixture
def closed(
    linked: Config, owner: psycopg.Connection, tmp_path: Path, accounts: AccountStore, person: MakePerson
) -> Iterator[tuple[str, Person]]:
    """A table that only one may read, with its products; and another product of a table that all may read."""
    schema, group = f"shut_{secrets.token_hex(3)}", f"readers-{secrets.token_hex(3)}"
    accounts.add_group(group)
    readers = {"readers": [f"group:{group}"]}
    pq.write_table(pa.table({"id": [1, 2], "v": [0.5, 0.25]}), tmp_path / "v.parquet")
    product = {"name": "SECRET", "table": f"{schema}.v", "id": "id"}
    for name, description in {
        "v": {"table": readers},
        "main": {"table": readers | {"identifier": "id"}, "products": [product]},
        "known": {"table": {"identifier": "id"}, "products": [product]},
    }.items():
        load_table(owner, open_file(tmp_path / "v.parquet"), f"{schema}.{name}", parse_description(description))
    yield schema, person(groups=(group,))
    for name in ("known", "main", "v"):
        unpublish_table(owner, f"{schema}.{name}", drop=True)


def test_a_product_of_a_closed_table_is_no_link_but_for_its_readers(service: str, closed: tuple[str, Person]) -> None:
    schema, reader = closed
    query = f"ID=1&TABLE={schema}.known"
    names = {
        who: [row["local_semantics"] for row in records(get(f"{service}/datalink/links?{query}", **headers).votable())]
        for who, headers in {"stranger": {}, "reader": basic(reader.name, reader.password)}.items()
    }
    assert names == {"stranger": [""], "reader": ["", "SECRET"]}
    refused = get(f"{service}/data?{query}&RETRIEVAL_TYPE=SECRET")
    other = get(f"{service}/data?{query}&RETRIEVAL_TYPE=NOTHING")
    assert (refused.status, refused.text.replace("SECRET", "NOTHING")) == (
        other.status,
        other.text,
    )
    assert refused.status == 400
    given = get(f"{service}/data?{query}&RETRIEVAL_TYPE=SECRET&FORMAT=csv", **basic(reader.name, reader.password))
    assert given.text == "id,v\n1,0.5\n"


def test_a_closed_table_has_no_links_for_others_and_is_not_told_from_one_that_is_not_there(
    service: str, closed: tuple[str, Person]
) -> None:
    schema, reader = closed
    url = f"{service}/datalink/links?ID=1&TABLE={schema}."
    assert get(f"{url}main").text == get(f"{url}nono").text.replace("nono", "main")
    assert get(f"{url}main", **basic(reader.name, reader.password)).status == 200
    document = get(f"{service}/sync?LANG=ADQL&FORMAT=votable/td&QUERY=" + quote(f"SELECT id FROM {schema}.known"))
    assert "SECRET" not in document.text


def test_who_asks_for_an_announced_table_is_told_to_log_in(
    service: str, closed: tuple[str, Person], owner: psycopg.Connection
) -> None:
    with owner.transaction():
        announce(owner, f"{closed[0]}.main", announced=True)
        owner.execute("UPDATE armillary.catalogue SET version = version + 1")
    reply = get(f"{service}/datalink/links?ID=1&TABLE={closed[0]}.main")
    assert (reply.status, reply.votable().message.partition(":")[0]) == (401, "DefaultFault")
    assert reply.headers.get_all("WWW-Authenticate")


# ---- which table


def test_the_table_is_told_by_its_column_its_release_or_its_name(service: str, closed: tuple[str, Person]) -> None:
    for more in ({}, {"LINKING_PARAMETER": "Source_ID"}, {"RELEASE": "SKY"}, {"TABLE": "SKY.Sources"}):
        assert len(records(links(service, IDS[1], **more).votable())) > 1
    assert "Several tables" not in links(service, 1, LINKING_PARAMETER="id").votable().message
    message = links(service, 1, LINKING_PARAMETER="number").votable().message
    assert "sky.objects (by name)" in message


def test_several_tables_that_could_be_meant_are_named(
    service: str, owner: psycopg.Connection, tmp_path: Path, linked: Config
) -> None:
    pq.write_table(pa.table({"source_id": [1]}), tmp_path / "t.parquet")
    description = parse_description({"table": {"identifier": "source_id"}})
    load_table(owner, open_file(tmp_path / "t.parquet"), "sky_dr2.sources", description)
    try:
        message = links(service, 1).votable().message
        assert "sky.sources (by source_id), sky_dr2.sources (by source_id); say which by TABLE" in message
        assert records(links(service, "Sky-DR2 1", RELEASE="sky dr 2").votable())[0]["access_url"]
    finally:
        unpublish_table(owner, "sky_dr2.sources", drop=True)
