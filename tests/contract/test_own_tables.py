"""An account's own tables: made, read, described and deleted at /tables (VOSI 1.2 draft, "User-managed Tables", and CADC's youcat)."""

import json
import re
import secrets
from pathlib import Path
from urllib.parse import quote

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schema.description import Description
from schema.load import open_file
from schema.publish import load_table, unpublish_table
from tap.auth.accounts import AccountStore
from tap.auth.passwords import hashed
from tests.contract.own_tables import (
    CSV,
    VOTABLE,
    WRITERS,
    XML,
    Asker,
    column,
    csv,
    description,
    parquet,
    path,
    place,
    same_columns,
    values,
    votable,
)
from tests.contract.own_tables import stars as three_stars
from tests.people import Person

ONE = description(column("x", "int"))
DESCRIBED = "<description>{}</description>"

# ---- whose schema


def test_whoami_tells_the_schema_the_limits_and_what_is_used(ada: Asker) -> None:
    before = json.loads(ada.call("GET", "whoami").body)
    assert before["schema"].strip('"') == ada.name
    assert isinstance(before["limits"], dict)
    assert (before["used"]["tables"], before["used"]["rows"]) == (0, 0)
    ada.put(ada.own("stars"), votable(three_stars()))
    used = json.loads(ada.call("GET", "whoami").body)["used"]
    assert (used["tables"], used["rows"]) == (1, len(three_stars()))
    assert used["bytes"] > 0


def test_an_account_whose_name_a_schema_has_already_gets_another(
    service: str, owner: psycopg.Connection, accounts: AccountStore, tmp_path: Path
) -> None:
    name, password = f"taken_{secrets.token_hex(3)}", secrets.token_urlsafe(12)
    pq.write_table(pa.table({"x": [1]}), tmp_path / "t.parquet")
    load_table(owner, open_file(tmp_path / "t.parquet"), f"{name}.t", Description())
    cleo = Asker(service, Person(accounts.add_account(name, hashed(password)), password))
    assert json.loads(cleo.call("GET", "whoami").body)["schema"] == f"user_{name}"
    assert place(cleo.put("mine", ONE, XML)) == f"{service}/tables/user_{name}.mine"
    assert cleo.put(f"{name}.mine", ONE, XML).status == 403
    assert cleo.delete(f"{name}.t").status in {403, 404}
    assert cleo.count(f"{name}.t") == 1
    unpublish_table(owner, f"{name}.t", drop=True)


def test_a_bare_name_means_a_table_of_ones_own_schema(ada: Asker) -> None:
    reply = ada.put("stars", ONE, XML)
    assert (reply.status, place(reply)) == (201, f"{ada.service}/tables/{ada.name}.stars")
    assert ada.get("stars").body == ada.get(ada.own("stars")).body
    assert ada.delete("stars").status == 204


def test_user_and_the_name_of_an_account_means_its_schema(ada: Asker, stars: str) -> None:
    assert ada.get(f'"user_{ada.name}".stars').body == ada.get(stars).body
    reply = ada.put(f'"user_{ada.name}".more', ONE, XML)
    assert (reply.status, place(reply)) == (201, f"{ada.service}/tables/{ada.name}.more")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT name FROM {t} WHERE n = 0",
        "SELECT {t}.name FROM {t} WHERE {t}.n = 0",
        "SELECT s.name FROM {t} AS s JOIN demo.ngc AS g ON g.name = 'IC0001' WHERE s.n = 0",
        "WITH q AS (SELECT * FROM {t}) SELECT name FROM q WHERE n = 0",
        "SELECT name FROM (SELECT name, n FROM {t}) AS q WHERE n = 0",
        "SELECT name FROM {t} WHERE mag IS NULL",
    ],
)
def test_a_name_with_dashes_and_dots_works_in_queries_when_it_is_quoted(ada: Asker, stars: str, query: str) -> None:
    assert ada.rows(query.format(t=stars)) == [("Altair",)]


def test_a_name_with_dashes_and_dots_is_an_error_without_quotes(ada: Asker, stars: str) -> None:
    assert ada.ask(f"SELECT name FROM {stars}".replace('"', "")).status == 400


# ---- PUT


def test_a_description_makes_an_empty_table_at_the_place_that_is_answered(ada: Asker) -> None:
    """VOSI 1.2 draft: 201. Location is where it can be read."""
    reply = ada.put(ada.own("empty"), description(column("x", "int"), column("y", "double")), XML)
    assert (reply.status, place(reply)) == (201, f"{ada.service}/tables/{ada.name}.empty")
    document = ada.call("GET", str(reply.headers["Location"])).xml()
    assert [each.text for each in document.findall("column/name")] == ["x", "y"]
    assert ada.rows(f"SELECT x, y FROM {ada.own('empty')}") == []


@pytest.mark.parametrize("kind", WRITERS)
def test_a_file_of_every_format_makes_a_table_with_its_rows(ada: Asker, kind: str) -> None:
    media_type, write = WRITERS[kind]
    reply = ada.put(ada.own("stars"), write(three_stars()), media_type)
    assert (reply.status, place(reply)) == (201, f"{ada.service}/tables/{ada.name}.stars")
    found = ada.rows(f"SELECT id, n, ra, dec, mag, name FROM {ada.own('stars')} ORDER BY id")
    assert found == values(three_stars())


@pytest.mark.parametrize("kind", ["tabledata", "fits", "parquet", "arrow"])
def test_the_kind_of_a_file_is_told_by_its_content(ada: Asker, kind: str) -> None:
    body = WRITERS[kind][1](three_stars())
    assert ada.put(ada.own("stars"), body, "application/octet-stream").status == 201
    assert ada.count(ada.own("stars")) == len(three_stars())


def test_the_name_in_the_document_does_not_matter(ada: Asker) -> None:
    assert b"<name>another_name</name>" in ONE
    body = re.sub(rb"<TABLE(?=[ >])", b'<TABLE name="other.name"', votable(three_stars()))
    assert b'name="other.name"' in body
    for name, document, kind in (("one", ONE, XML), ("two", body, VOTABLE)):
        assert ada.put(ada.own(name), document, kind).status == 201
        assert ada.get(ada.own(name)).xml().findtext("name") == ada.own(name)
    assert ada.get("another_name").status == 404


@pytest.mark.parametrize(
    ("written", "datatype", "xtype"),
    [
        (column("x", "boolean"), "boolean", None),
        (column("x", "short"), "short", None),
        (column("x", "int"), "int", None),
        (column("x", "long"), "long", None),
        (column("x", "float"), "float", None),
        (column("x", "double"), "double", None),
        (column("x", "char", arraysize="30*"), "char", None),
        (column("x", "unicodeChar", arraysize="*"), "unicodeChar", None),
        (column("x", "double", arraysize="*"), "double", None),
        (column("x", "char", arraysize="*", extendedType="timestamp"), "char", "timestamp"),
        (column("x", "double", arraysize="2", extendedType="point"), "double", "point"),
        (column("x", "SMALLINT", "TAPType"), "short", None),
        (column("x", "INTEGER", "TAPType"), "int", None),
        (column("x", "BIGINT", "TAPType"), "long", None),
        (column("x", "REAL", "TAPType"), "float", None),
        (column("x", "DOUBLE", "TAPType"), "double", None),
        (column("x", "VARCHAR", "TAPType", size="30"), "char", None),
        (column("x", "TIMESTAMP", "TAPType"), "char", "timestamp"),
    ],
)
def test_a_column_has_the_type_that_its_description_says(
    ada: Asker, written: str, datatype: str, xtype: str | None
) -> None:
    """VODataService 1.2 §3.5.3: types of VOTable and of TAP."""
    assert ada.put(ada.own("typed"), description(written), XML).status == 201
    reply = ada.ask(f"SELECT x FROM {ada.own('typed')}", FORMAT="votable/td")
    (field,) = reply.votable().fields
    assert (field["datatype"], field.get("xtype")) == (datatype, xtype)


def test_what_a_description_says_of_columns_is_kept(ada: Asker) -> None:
    said = "<description>How bright</description><unit>mag</unit><ucd>phot.mag;em.opt.V</ucd><utype>a:b.c</utype>"
    written = description(column("v", "float", more=said), more=DESCRIBED.format("My stars"))
    assert ada.put(ada.own("t"), written, XML).status == 201
    assert ada.get(ada.own("t")).xml().findtext("description") == "My stars"
    found = ada.columns(ada.own("t"))["v"]
    assert [found.findtext(each) for each in ("description", "unit", "ucd", "utype")] == [
        "How bright", "mag", "phot.mag;em.opt.V", "a:b.c",
    ]  # fmt: skip
    (field,) = ada.ask(f"SELECT v FROM {ada.own('t')}", FORMAT="votable/td").votable().fields
    assert (field["description"], field["unit"], field["ucd"]) == ("How bright", "mag", "phot.mag;em.opt.V")


def test_what_a_votable_says_of_columns_is_kept(ada: Asker, stars: str) -> None:
    found = ada.columns(stars)["ra"]
    assert [found.findtext(each) for each in ("description", "unit", "ucd")] == [
        "Right ascension",
        "deg",
        "pos.eq.ra;meta.main",
    ]


def test_a_table_that_is_there_is_not_made_again(ada: Asker, stars: str) -> None:
    assert ada.put(stars, ONE, XML).status == 409
    assert ada.put("STARS", ONE, XML).status == 409
    assert ada.count(stars) == len(three_stars())


def test_a_table_is_replaced_when_that_is_asked_for(ada: Asker, stars: str) -> None:
    reply = ada.call("PUT", f"{path(stars)}?REPLACE=true", parquet(three_stars()["id", "name"][:2]))
    assert (reply.status, place(reply)) == (201, f"{ada.service}/tables/{ada.name}.stars")
    assert ada.rows(f"SELECT * FROM {stars} ORDER BY id") == [(1, "Sirius"), (2, "Altair")]


def test_a_replacement_that_cannot_be_read_leaves_the_table_as_it_was(ada: Asker, stars: str) -> None:
    cut = votable(three_stars())[:-200]
    assert ada.call("PUT", f"{path(stars)}?REPLACE=true", cut, Content_Type=VOTABLE).status == 400
    assert ada.rows(f"SELECT id, n, ra, dec, mag, name FROM {stars} ORDER BY id") == values(three_stars())


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", XML),
        (b"", VOTABLE),
        (b"<table", XML),
        (b"<html><body/></html>", XML),
        (description(), XML),
        (description(column("x", "doubleComplex")), XML),
        (description(column("x", "nonsense")), XML),
        (description(column("x", "NONSENSE", "TAPType")), XML),
        (description(column("x", "int"), column("x", "double")), XML),
        (b'<VOTABLE version="1.4"><RESOURCE/></VOTABLE>', VOTABLE),
        (votable(three_stars()).replace(b'name="n"', b'name="id"'), VOTABLE),
        (votable(three_stars())[:-200], VOTABLE),
        (parquet(three_stars())[:-20], "application/vnd.apache.parquet"),
        (b"%PDF-1.7\n%%EOF\n", "application/pdf"),
    ],
)
def test_what_cannot_be_a_table_is_refused_and_leaves_nothing(ada: Asker, body: bytes, kind: str) -> None:
    """DALI 1.1 §4.2: an error is a document with its message."""
    reply = ada.put(ada.own("wrong"), body, kind)
    assert reply.status == 400
    assert reply.votable().statuses == [("ERROR", "alone")]
    assert reply.votable().message
    assert ada.get(ada.own("wrong")).status == 404
    assert ada.ask(f"SELECT * FROM {ada.own('wrong')}").status == 400


# ---- GET, HEAD, DELETE


def test_a_table_of_ones_own_is_listed_with_all_others(ada: Asker, stars: str) -> None:
    names = [each.text for each in ada.call("GET", "tables").xml().iterfind("schema/table/name")]
    assert names.count(stars) == 1
    assert "demo.ngc" in names
    query = "SELECT table_name FROM tap_schema.tables WHERE table_name LIKE '%stars'"
    assert {(stars,), ("demo.stars",)} <= set(ada.rows(query))


def test_the_name_in_the_list_of_tables_is_its_place(ada: Asker, stars: str) -> None:
    """VOSI 1.1 §2.3.1: clients append the name to the URL of /tables."""
    names = [str(each.text) for each in ada.call("GET", "tables?detail=min").xml().iterfind("schema/table/name")]
    (mine,) = (name for name in names if ada.name in name)
    assert ada.call("GET", f"tables/{quote(mine)}").status == 200
    assert ada.count(mine) == len(three_stars())


def test_head_tells_whether_a_table_is_there_and_has_no_body(ada: Asker, stars: str) -> None:
    found, none = ada.head(stars), ada.head(ada.own("none"))
    assert (found.status, found.body) == (200, b"")
    assert (none.status, none.body) == (404, b"")


def test_a_deleted_table_is_gone(ada: Asker, stars: str) -> None:
    assert ada.delete(stars).status == 204
    assert (ada.get(stars).status, ada.head(stars).status, ada.delete(stars).status) == (404, 404, 404)
    assert ada.ask(f"SELECT * FROM {stars}").status == 400
    assert ada.name not in ada.ask("SELECT table_name FROM tap_schema.columns").text
    assert json.loads(ada.call("GET", "whoami").body)["used"]["tables"] == 0


def test_a_name_can_be_used_again_for_another_table(ada: Asker, stars: str) -> None:
    ada.delete(stars)
    assert ada.put(stars, csv(three_stars()["name", "id"]), CSV).status == 201
    assert ada.rows(f"SELECT * FROM {stars} ORDER BY id") == values(three_stars()["name", "id"])


# ---- POST of a description


def test_descriptions_units_and_ucds_are_changed_by_a_document_of_the_same_columns(ada: Asker) -> None:
    """VOSI 1.2 draft, "Mutable Table Metadata"."""
    ada.put(ada.own("t"), csv(three_stars()["id", "name"]), CSV)
    said = {
        "id": "<description>Number</description><unit>h</unit><ucd>meta.id</ucd><utype>a:id</utype>",
        "name": DESCRIBED.format("Its name"),
    }
    written = same_columns(ada, ada.own("t"), **said)
    changed = ada.post(ada.own("t"), description(*written, more=DESCRIBED.format("Few")), XML)
    assert (changed.status, changed.body) == (204, b"")
    assert ada.get(ada.own("t")).xml().findtext("description") == "Few"
    found = ada.columns(ada.own("t"))
    assert [found["id"].findtext(each) for each in ("description", "unit", "ucd", "utype")] == [
        "Number", "h", "meta.id", "a:id",
    ]  # fmt: skip
    assert found["name"].findtext("description") == "Its name"
    assert ada.rows(f"SELECT id, name FROM {ada.own('t')} ORDER BY id") == values(three_stars()["id", "name"])


@pytest.mark.parametrize(
    "columns",
    [
        [column("x", "int")],
        [column("x", "int"), column("y", "double"), column("z", "double")],
        [column("x", "int"), column("why", "double")],
    ],
)
def test_columns_are_not_changed_by_a_document(ada: Asker, columns: list[str]) -> None:
    """VOSI 1.2 draft: no other structure."""
    ada.put(ada.own("t"), description(column("x", "int"), column("y", "double")), XML)
    assert ada.post(ada.own("t"), description(*columns, more=DESCRIBED.format("Changed")), XML).status == 400
    assert list(ada.columns(ada.own("t"))) == ["x", "y"]
    assert ada.get(ada.own("t")).xml().findtext("description") != "Changed"


def test_many_rows_arrive_as_they_were_sent(ada: Asker) -> None:
    random = np.random.default_rng(1)
    sent = pa.table({"i": np.arange(20_000), "x": random.normal(size=20_000)})
    pq.write_table(sent, buffer := pa.BufferOutputStream())
    assert ada.put(ada.own("many"), buffer.getvalue().to_pybytes(), "application/vnd.apache.parquet").status == 201
    found = ada.rows(f"SELECT i, x FROM {ada.own('many')} ORDER BY i")
    assert found == list(zip(sent["i"].to_pylist(), sent["x"].to_pylist(), strict=True))


def test_a_browser_is_shown_a_page_of_account_limits_and_use(ada: Asker, stars: str) -> None:
    page = ada.call("GET", "whoami", None, Accept="text/html,application/xhtml+xml").text
    assert page.startswith("<!DOCTYPE html>")
    assert f"<h1>{ada.name}</h1>" in page
    assert '<th scope="row">rows in use</th><td class="number">3</td>' in page
    assert "own_rows" in page
