"""Simple Cone Search 1.03, on the real sample: which stars are in a cone is computed from its file by astropy."""

import json
import secrets
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from lxml import etree
from mocpy import MOC

from schema.description import parse_description
from schema.load import open_file
from schema.publish import load_table, unpublish_table
from tests.conftest import SAMPLE
from tests.contract.client import Reply, Votable, get, post, request

PLEIADES = {"RA": "56.75", "DEC": "24.12", "SR": "0.5"}
OLD_UCDS = ("ID_MAIN", "POS_EQ_RA_MAIN", "POS_EQ_DEC_MAIN")


@pytest.fixture(scope="module")
def cones(service: str) -> str:
    """The URL below which all cone searches lie."""
    return service.removesuffix("/tap") + "/scs"


@pytest.fixture(scope="module")
def stars() -> Any:
    return pq.read_table(SAMPLE / "stars.parquet", columns=["ra_degrees", "dec_degrees"]).to_pandas().to_numpy(float)


def search(url: str, **parameters: str) -> Votable:
    reply = get(url, PLEIADES | parameters)
    assert reply.status == 200, reply.text
    return reply.votable()


def positions(result: Votable) -> Any:
    columns = [[field.get("ucd") for field in result.fields].index(ucd) for ucd in OLD_UCDS[1:]]
    return np.array([[float(row[column]) for column in columns] for row in result.rows]).reshape(-1, 2)


def error_of(reply: Reply) -> str:
    """The message of the one element that tells an error (§2.3)."""
    found = Votable(reply.xml()).all("//*[self::v:INFO or self::v:PARAM][@name='Error']")
    assert len(found) == 1, reply.text
    assert etree.QName(found[0].getparent()).localname == "VOTABLE"
    return str(found[0].get("value"))


@pytest.mark.parametrize(
    ("ra", "dec", "radius"), [(56.75, 24.12, 0.5), (0.05, -30.0, 1.0), (210.0, 89.9, 0.7), (120.0, -45.0, 0.2)]
)
def test_a_cone_has_the_stars_that_are_in_it(cones: str, stars: Any, ra: float, dec: float, radius: float) -> None:
    """§2.2: also across the first meridian and round a pole."""
    centre, sky = SkyCoord(ra, dec, unit="deg"), SkyCoord(stars[:, 0], stars[:, 1], unit="deg")
    inside = stars[centre.separation(sky) <= radius * u.deg]
    found = positions(search(f"{cones}/demo.stars", RA=str(ra), DEC=str(dec), SR=str(radius)))
    assert len(inside) > 0
    np.testing.assert_allclose(found[np.lexsort(found.T)], inside[np.lexsort(inside.T)], rtol=0, atol=1e-12)


def test_get_and_post_are_answered_alike_whatever_the_case_and_order_of_names(cones: str) -> None:
    """§2.1."""
    url, shuffled = f"{cones}/demo.ngc", {"sr": "3", "Dec": "41", "ra": "10", "resolv": "T"}
    in_order = search(url, RA="10", DEC="41", SR="3").rows
    assert in_order
    assert get(url, shuffled).votable().rows == post(url, shuffled).votable().rows == in_order


@pytest.mark.parametrize("verb", ["1", "2", "3"])
@pytest.mark.parametrize("table", ["demo.stars", "demo.ngc"])
def test_exactly_one_field_has_each_of_the_three_ucds(cones: str, table: str, verb: str) -> None:
    """§2.2: the identifier is a text, and the coordinates are doubles."""
    result = search(f"{cones}/{table}", VERB=verb)
    assert len(result.all("v:RESOURCE")) == len(result.all("v:RESOURCE/v:TABLE")) == 1
    kinds = {}
    for ucd in OLD_UCDS:
        (field,) = [field for field in result.fields if field.get("ucd") == ucd]
        kinds[ucd] = (field["datatype"], field.get("arraysize"))
    identifier, *coordinates = kinds.values()
    assert identifier[0] in {"char", "unicodeChar"}
    assert identifier[1] is not None
    assert coordinates == [("double", None)] * 2


@pytest.mark.parametrize("table", ["demo.stars", "demo.ngc"])
def test_no_identifier_is_repeated(cones: str, table: str) -> None:
    """§2.2: in demo.stars no column is one, and components of double stars share their position."""
    result = search(f"{cones}/{table}", SR="8", VERB="1", MAXREC="100000")
    identifiers = [row[0] for row in result.rows]
    assert len(set(identifiers)) == len(identifiers) > 10


def test_a_row_is_found_again_by_its_identifier(cones: str) -> None:
    """§2.2: the same in a smaller cone."""
    large = search(f"{cones}/demo.stars", VERB="3").rows
    by_identifier = {row[0]: row for row in large}
    small = search(f"{cones}/demo.stars", VERB="3", SR="0.2").rows
    assert small
    assert all(by_identifier[row[0]] == row for row in small)


def test_verb_says_how_many_columns_come(cones: str) -> None:
    """§2.1: 1 the fewest, 3 all, and without it as with 2."""
    names = {verb: search(f"{cones}/demo.ngc", VERB=verb).names for verb in "123"}
    assert search(f"{cones}/demo.ngc").names == names["2"]
    assert names["1"] == ["name", "ra", "dec"]
    assert set(names["1"]) < set(names["2"]) <= set(names["3"])
    assert len(names["3"]) == len(set(names["3"])) > 15


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"RA": ""}, "RA"),
        ({"DEC": ""}, "DEC"),
        ({"SR": ""}, "SR"),
        ({"RA": "as3f"}, "'as3f'"),
        ({"RA": "3h47m"}, "'3h47m'"),
        ({"RA": "nan"}, "'nan'"),
        ({"SR": "1e999"}, "SR"),
        ({"RA": "360.1"}, "360"),
        ({"DEC": "91.0"}, "-90 and 90"),
        ({"SR": "-0.1"}, "0 and 180"),
        ({"SR": "180.1"}, "0 and 180"),
        ({"VERB": "4"}, "VERB"),
        ({"MAXREC": "many"}, "MAXREC"),
        ({"RESPONSEFORMAT": "gif"}, "RESPONSEFORMAT"),
    ],
)
def test_an_error_is_told_by_one_info_below_the_root(cones: str, changed: dict[str, str], told: str) -> None:
    """§2.3: with the status that clients of SCS read documents with."""
    reply = get(f"{cones}/demo.stars", {name: value for name, value in (PLEIADES | changed).items() if value})
    assert (reply.status, reply.media_type) == (200, "application/x-votable+xml")
    assert told in error_of(reply)


@pytest.mark.parametrize("path", ["demo.nothing", "tap_schema.tables", "demo.nothing/capabilities"])
def test_where_there_is_no_cone_search_an_error_tells_it(cones: str, path: str) -> None:
    reply = get(f"{cones}/{path}", PLEIADES)
    assert reply.status == 404
    assert path.split("/", maxsplit=1)[0] in error_of(reply)


@pytest.mark.parametrize("changed", [{"SR": "0"}, {"MAXREC": "0"}, {"RA": "0", "DEC": "90", "SR": "0"}])
def test_without_a_radius_or_rows_the_metadata_come_alone(cones: str, changed: dict[str, str]) -> None:
    """§2.3: a radius of 0 is no error, and says what a search would give."""
    result = search(f"{cones}/demo.stars", **changed)
    assert result.rows == []
    assert result.fields == search(f"{cones}/demo.stars").fields
    assert result.statuses == [("OK", "before")]


def test_an_empty_cone_is_no_error(cones: str) -> None:
    """§2.3: metadata and no rows."""
    result = search(f"{cones}/demo.stars", RA="56.75", DEC="24.12", SR="0.000001")
    assert result.rows == []
    assert result.statuses == [("OK", "before")]


def test_maxrec_cuts_and_says_so(cones: str) -> None:
    result = search(f"{cones}/demo.stars", SR="5", MAXREC="3")
    assert len(result.rows) == 3
    assert result.statuses == [("OK", "before"), ("OVERFLOW", "after")]


def test_the_answer_is_xml_with_cells_that_every_client_reads(cones: str) -> None:
    """§2.2: text/xml, and no serialization that is younger than SCS."""
    reply = get(f"{cones}/demo.stars", PLEIADES)
    assert reply.headers["content-type"] == "text/xml;content=x-votable"
    assert reply.votable().all("v:RESOURCE/v:TABLE/v:DATA/v:TABLEDATA")


def test_another_format_comes_if_it_is_asked_for(cones: str) -> None:
    reply = get(f"{cones}/demo.ngc", PLEIADES | {"SR": "5", "RESPONSEFORMAT": "csv"})
    assert reply.media_type == "text/csv"
    assert reply.lines[0].startswith("name,")


def test_the_cells_in_which_a_cone_has_stars_are_those_of_mocpy(cones: str, stars: Any) -> None:
    reply = get(f"{cones}/demo.stars", PLEIADES | {"SR": "2", "RESPONSEFORMAT": "moc-json", "MOC_ORDER": "7"})
    centre, sky = SkyCoord(56.75, 24.12, unit="deg"), SkyCoord(stars[:, 0], stars[:, 1], unit="deg")
    inside = sky[sky.separation(centre).deg <= 2]
    assert MOC.from_json(json.loads(reply.text)) == MOC.from_lonlat(inside.ra, inside.dec, max_norder=7)


def test_a_number_that_names_rows_comes_as_text(cones: str, owner: psycopg.Connection, tmp_path: Path) -> None:
    """§2.2: the key of a table is its identifier, and single precision becomes double."""
    table, file = f"demo.numbered_{secrets.token_hex(4)}", tmp_path / "numbered.csv"
    file.write_text("number,ra,dec,note\n9007199254740993,10,20,x\n")
    description = parse_description({"table": {"primary_key": ["number"]}})
    load_table(owner, open_file(file, {"ra": "REAL", "dec": "REAL"}), table, description)
    result = search(f"{cones}/{table}", RA="10", DEC="20", SR="1", VERB="3")
    unpublish_table(owner, table, drop=True)
    fields = {field["name"]: field for field in result.fields}
    assert fields["number"]["datatype"] in {"char", "unicodeChar"}
    assert fields["ra"]["datatype"] == "double"
    assert result.rows == [["9007199254740993", "10", "20", "x"]]


def test_the_capabilities_say_what_the_standard_asks_for(cones: str) -> None:
    """§3: MaxSR, MaxRecords, Verbosity and BaseURL, and a test that finds something (SimpleDALRegExt 1.2 §3.1)."""
    root = etree.fromstring(get(f"{cones}/demo.stars/capabilities").body)
    ids = root.xpath("capability/@standardID")
    assert ids == ["ivo://ivoa.net/std/ConeSearch", *(f"ivo://ivoa.net/std/VOSI#{n}" for n in ("capabilities", "availability"))]  # fmt: skip
    (cone,) = root.xpath("capability[1]")
    assert cone.get("{http://www.w3.org/2001/XMLSchema-instance}type") == "cs:ConeSearch"
    assert cone.xpath("interface/accessURL/text()") == [f"{cones}/demo.stars?"]
    assert (cone.findtext("maxSR"), cone.findtext("verbosity")) == ("180", "true")
    assert int(cone.findtext("maxRecords")) > 1000
    test = {name.upper(): cone.findtext(f"testQuery/{name}") for name in ("ra", "dec", "sr")}
    assert get(f"{cones}/demo.stars", test).votable().rows


@pytest.mark.parametrize("path", ["capabilities", "availability"])
def test_every_cone_search_has_vosis_endpoints(cones: str, path: str) -> None:
    reply = request("GET", f"{cones}/demo.ngc/{path}")
    assert (reply.status, reply.media_type) == (200, "text/xml")
    assert etree.QName(etree.fromstring(reply.body)).localname == path
