"""VOSI 1.2, a draft: a single table as a VOTable without rows (§3.3.2)."""

from io import BytesIO

import pytest
from astropy.io.votable import parse_single_table

from tests.contract.client import Reply, Votable, get, sync, well_formed
from tests.contract.own_tables import CSV, Asker
from tests.contract.xsd import problems

VOTABLE = "application/x-votable+xml"
TABLES = ["demo.stars", "demo.ngc", "tap_schema.columns"]


def by_accept(service: str, table: str) -> Reply:
    return get(f"{service}/tables/{table}", Accept=VOTABLE)


@pytest.mark.parametrize("table", TABLES)
def test_a_table_is_an_empty_votable_where_accept_says_so(service: str, table: str) -> None:
    reply = by_accept(service, table)
    assert (reply.status, reply.media_type) == (200, VOTABLE)
    assert problems(reply.body) == []
    assert reply.votable().statuses == [("OK", "before")]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "format_", ["votable", "votable/td", "votable/b", "votable;version=1.5", f"{VOTABLE};version=1.5"]
)
def test_its_fields_are_those_of_a_result(service: str, table: str, format_: str) -> None:
    """With the VALUES of serializations that need them, and the links of the table."""
    for name in ("RESPONSEFORMAT", "format"):
        reply = get(f"{service}/tables/{table}", {name: format_})
        result = sync(service, f"SELECT * FROM {table}", RESPONSEFORMAT=format_, MAXREC="1")
        assert reply.headers["content-type"] == result.headers["content-type"]
        # The schema that STILTS has knows no version 1.5.
        mine, theirs = Votable(well_formed(reply.body)), Votable(well_formed(result.body))
        assert mine.fields == theirs.fields
        for path in ("//v:VALUES/@null", "//v:LINK/@href", "/v:VOTABLE/@version", "//v:INFO[@name='citation']/@value"):
            assert mine.all(path) == theirs.all(path)


def test_astropy_reads_its_columns(service: str) -> None:
    table = parse_single_table(BytesIO(by_accept(service, "demo.stars").body)).to_table()
    whole = parse_single_table(BytesIO(sync(service, "SELECT TOP 3 * FROM demo.stars").body)).to_table()
    assert len(table) == 0
    assert table.colnames == whole.colnames
    for name in table.colnames:
        assert (table[name].unit, table[name].dtype.kind) == (whole[name].unit, whole[name].dtype.kind)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", "text/xml"),
        ("text/xml", "text/xml"),
        ("application/xml", "text/xml"),
        (f"{VOTABLE}, text/xml", "text/xml"),
        (f"{VOTABLE}, text/xml;q=0.9", VOTABLE),
        (f"{VOTABLE};q=0.5, */*", "text/xml"),
        (f"{VOTABLE}, */*", VOTABLE),
        (f"{VOTABLE};serialization=TABLEDATA;q=0.3", VOTABLE),
        (f"{VOTABLE};q=0", "text/xml"),
        (f"application/json, {VOTABLE};q=0.9", "application/json"),
        (f"application/json;q=0.8, {VOTABLE}", VOTABLE),
    ],
)
def test_what_the_client_would_rather_have_counts(service: str, accept: str, media_type: str) -> None:
    assert get(f"{service}/tables/demo.stars", Accept=accept).media_type == media_type


@pytest.mark.parametrize("format_", ["xml", "text/xml", "application/xml"])
def test_the_parameter_counts_before_the_header(service: str, format_: str) -> None:
    reply = get(f"{service}/tables/demo.stars", {"RESPONSEFORMAT": format_}, Accept=VOTABLE)
    assert reply.media_type == "text/xml"


@pytest.mark.parametrize("format_", ["csv", "fits", "nonsense", "votable;version=9"])
def test_another_format_is_refused_with_those_that_there_are(service: str, format_: str) -> None:
    reply = get(f"{service}/tables/demo.stars", {"RESPONSEFORMAT": format_})
    assert reply.status == 400
    assert "votable" in reply.votable().message


def test_an_unknown_table_is_not_found_in_any_form(service: str) -> None:
    assert by_accept(service, "demo.nothing").status == 404


def test_a_table_of_ones_own_is_one_too_and_nobody_elses(ada: Asker, stranger: Asker) -> None:
    name = ada.own("list")
    assert ada.put(name, b"a,Order\n1,2\n", CSV).status == 201
    path = f"tables/{name}".replace('"', "%22") + "?RESPONSEFORMAT=votable"
    assert ada.call("GET", path).votable().names == ["a", "Order"]
    assert stranger.call("GET", path).status in {403, 404}
