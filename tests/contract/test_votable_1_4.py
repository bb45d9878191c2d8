"""VOTable 1.4: what we send is valid against its schema, and says in every serialization the same."""

import base64
import struct

import pytest

from tests.contract.client import Votable, get, post, sync, table
from tests.contract.xsd import VOTABLE, problems

SERIALIZATIONS = pytest.mark.parametrize("format_", ["votable/td", "votable/b", "votable/b2"])
QUERIES = {
    "everything": "SELECT * FROM demo.ngc",
    "two tables": "SELECT TOP 5 s.*, n.name, n.ra FROM demo.stars AS s, demo.ngc AS n WHERE s.hip IS NOT NULL",
    "no row": "SELECT * FROM demo.stars WHERE ra < -1",
    "geometries": "SELECT TOP 9 name, POINT(ra, dec) AS p, CIRCLE(ra, dec, 1) AS c, POLYGON(0,0, 1,0, 1,1) AS poly FROM demo.ngc",
    "expressions": "SELECT COUNT(*), MAX(ra), AVG(dec) AS \"<mean> & 'so' on\", 1/2.0 FROM demo.ngc",
    "null": "SELECT TOP 2 NULL AS nothing, common_names FROM demo.ngc",
    "control characters": "SELECT TOP 1 'a\x01b\x1fc\x7fd\x85' AS odd FROM demo.ngc",
    "tap_schema": "SELECT * FROM tap_schema.columns",
    "same names": "SELECT TOP 1 ra, ra, dec AS ra FROM demo.ngc",
}


@SERIALIZATIONS
@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_every_result_is_valid(service: str, format_: str, query: str) -> None:
    reply = sync(service, query, RESPONSEFORMAT=format_, MAXREC="500")
    assert reply.status == 200, reply.text
    assert problems(reply.body) == []


@SERIALIZATIONS
def test_a_result_cut_or_empty_is_valid(service: str, format_: str) -> None:
    for maxrec in ("0", "1", "13"):
        assert problems(sync(service, "SELECT * FROM demo.ngc", RESPONSEFORMAT=format_, MAXREC=maxrec).body) == []


@pytest.mark.parametrize(
    "query",
    [
        "",
        "SELECT",
        "SELECT <&> FROM \x01\x0b\ufffe\uffff]]>",
        "SELECT '\ud83d\ude00' FROM".encode("utf-16", "surrogatepass").decode("utf-16"),
        "SELECT x FROM demo.ngc",
        "x" * 20_000,
    ],
)
def test_every_error_document_is_valid(service: str, query: str) -> None:
    reply = post(f"{service}/sync", {"LANG": "ADQL", "QUERY": query})
    assert reply.status == 400
    assert problems(reply.body) == []


@pytest.mark.parametrize("path", ["nowhere", "sync/x", "tables/none.such", "async2"])
def test_the_document_for_a_wrong_url_is_valid(service: str, path: str) -> None:
    reply = get(f"{service}/{path}")
    assert reply.status == 404
    assert problems(reply.body) == []


def test_the_message_of_an_error_comes_out_as_it_went_in(service: str) -> None:
    """docs/demands.md K7: escape only what must be; a message keeps the line of the query with its caret."""
    message = (
        post(f"{service}/sync", {"LANG": "ADQL", "QUERY": "SELECT name FROM demo.ngc WHERE ra <> 'é\"&<' x"})
        .votable()
        .message
    )
    assert "ra <> 'é\"&<'" in message


def test_the_bytes_of_an_error_are_those_that_astroquery_looks_for(service: str) -> None:
    """docs/demands.md K7: exactly these attributes in this order, only & < > escaped."""
    body = sync(service, 'SELECT "a\'b" FROM demo.ngc').text
    inside = body.partition('<INFO name="QUERY_STATUS" value="ERROR">')[2].partition("</INFO>")[0]
    assert '"a\'b"' in inside


def test_the_root_says_its_version_and_namespace(service: str) -> None:
    """VOTable 1.4 §3.1: 1.3 and 1.4 share a namespace."""
    root = table(service, "SELECT TOP 1 name FROM demo.ngc").root
    assert (root.tag, root.get("version")) == (f"{{{VOTABLE}}}VOTABLE", "1.4")


@SERIALIZATIONS
def test_there_is_one_resource_of_results_with_one_table_and_one_status_before_it(service: str, format_: str) -> None:
    """DALI 1.1 §4.4."""
    found = sync(service, "SELECT TOP 3 * FROM demo.ngc", RESPONSEFORMAT=format_).votable()
    assert [r.get("type") for r in found.all("//v:RESOURCE")] == ["results"]
    assert len(found.all("//v:TABLE")) == 1
    assert found.statuses == [("OK", "before")]


def test_a_streamed_table_does_not_state_its_rows(service: str) -> None:
    """docs/demands.md K24: nrows true or absent."""
    assert table(service, "SELECT TOP 3 name FROM demo.ngc").all("//v:TABLE/@nrows") == []


def test_names_of_columns_are_unique(service: str) -> None:
    assert table(service, QUERIES["same names"]).names == ["ra", "ra_2", "ra_3"]


def test_the_query_is_told_in_the_result_with_all_its_characters(service: str) -> None:
    """DALI 1.1 §4.4.3."""
    query = "SELECT TOP 1\r\n\t'<&>\"é𝄞' AS x\nFROM demo.ngc"
    assert post(f"{service}/sync", {"LANG": "ADQL", "QUERY": query}).votable().all(
        "//v:INFO[@name='query']/@value"
    ) == [query]


def test_a_result_says_whose_data_it_is(service: str) -> None:
    """docs/demands.md K24: DataOrigin's words, each origin once."""
    found = sync(service, "SELECT TOP 1 a.name FROM demo.ngc AS a JOIN demo.ngc AS b ON a.name = b.name").votable()
    assert found.all("//v:INFO[@name='rights']/@value") == ["CC-BY-SA-4.0"]
    assert found.all("//v:LINK[@content-role='license']/@href") == ["https://creativecommons.org/licenses/by-sa/4.0/"]


def test_columns_are_described_alike_in_all_serializations(service: str) -> None:
    """But for VALUES null, which BINARY2 does not need."""
    found = [
        sync(service, "SELECT * FROM demo.stars", MAXREC="1", RESPONSEFORMAT=f).votable().fields
        for f in ("votable/td", "votable/b", "votable/b2")
    ]
    assert found[0] == found[1] == found[2]
    assert any(field.get("unit") for field in found[0])


def stream(votable: Votable) -> bytes:
    return base64.b64decode("".join(votable.all("//v:STREAM/text()")), validate=False)


def test_binary2_is_masks_and_big_endian_values_by_hand(service: str) -> None:
    """VOTable 1.4 §5.4, read without a library: a mask of ceil(columns / 8) bytes, then the values."""
    found = sync(
        service,
        "SELECT TOP 1 name, ra, position_angle, const FROM demo.ngc WHERE name = 'IC0001'",
        RESPONSEFORMAT="votable/b2",
    ).votable()
    data = stream(found)
    assert data[0] == 0b00100000, "position_angle of IC0001 is unknown"
    assert data[1:11] == struct.pack(">i", 6) + b"IC0001"
    assert struct.unpack(">d", data[11:19])[0] == pytest.approx(2.1127083333333334)
    assert data[23:] == struct.pack(">i", 3) + b"Peg"


def test_binary_has_no_mask_and_the_declared_null(service: str) -> None:
    """VOTable 1.4 §5.3 and §4.7."""
    found = sync(
        service, "SELECT TOP 1 name, ra, position_angle FROM demo.ngc WHERE name = 'IC0001'", RESPONSEFORMAT="votable/b"
    ).votable()
    null = found.all("//v:FIELD[@name='position_angle']/v:VALUES/@null")
    data = stream(found)
    assert data[:10] == struct.pack(">i", 6) + b"IC0001"
    assert [str(struct.unpack(">i", data[18:22])[0])] == null
    assert len(data) == 22


def test_binary2_declares_no_null_value(service: str) -> None:
    assert (
        sync(service, "SELECT hip FROM demo.stars", MAXREC="1", RESPONSEFORMAT="votable/b2").votable().all("//v:VALUES")
        == []
    )
