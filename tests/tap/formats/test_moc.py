"""MOCs of results (IVOA MOC 2.0), read back by mocpy and astropy: where on the sky the rows are."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from mocpy import MOC

from schema.description import parse_description
from schema.publish import publish_table, unpublish_table
from tap.config import Config
from tap.engine import database
from tests.contract.client import Reply, sync
from tests.tap.formats.readers import needs_stilts, stil

STARS = "SELECT ra, dec FROM demo.stars WHERE vmag < 8"
FORMATS = ("moc", "moc-fits", "moc-json", "moc-ascii")
in_every_format = pytest.mark.parametrize("format_", FORMATS)


@pytest.fixture(scope="module")
def footprints(service: str, sample: Config) -> Iterator[str]:
    """A table of MOCs, and one whose positions are NULL or of another type."""
    with database.owner_connection(sample) as connection:
        connection.execute("SET search_path = pg_catalog, public")
        connection.execute("CREATE SCHEMA footprints")
        connection.execute("CREATE TABLE footprints.maps (id integer, map smoc)")
        connection.execute("INSERT INTO footprints.maps VALUES (1, '1/0,2 3/'), (2, NULL), (3, '12/5000000-5000003')")
        connection.execute("CREATE TABLE footprints.spots (id integer, place spoint, ra real, dec real)")
        connection.execute(
            "INSERT INTO footprints.spots VALUES (1, spoint(1, 1), 10, 20), (2, NULL, NULL, 5), (3, spoint(0, pi() / 2), 0, 90)"
        )
        for name in ("maps", "spots"):
            description = (
                {"columns": {"ra": {"ucd": "pos.eq.ra"}, "dec": {"ucd": "pos.eq.dec"}}} if name == "spots" else {}
            )
            publish_table(connection, f"footprints.{name}", parse_description(description))
        yield service
        for name in ("maps", "spots"):
            unpublish_table(connection, f"footprints.{name}")
        connection.execute("DROP SCHEMA footprints CASCADE")


def moc_of(service: str, query: str, format_: str = "moc", **parameters: str) -> MOC:
    reply = sync(service, query, RESPONSEFORMAT=format_, **parameters)
    assert reply.status == 200, reply.text
    return read(reply, format_)


def read(reply: Reply, format_: str) -> MOC:
    if format_ == "moc-json":
        return MOC.from_json(json.loads(reply.body))
    if format_ == "moc-ascii":
        return MOC.from_string(reply.text)
    return MOC.from_fits(io.BytesIO(reply.body))


@pytest.fixture(scope="module")
def positions(service: str) -> tuple[np.ndarray, np.ndarray]:
    lines = sync(service, STARS, RESPONSEFORMAT="csv", MAXREC="10000000").lines[1:]
    ra, dec = np.array([line.split(",") for line in lines], float).T
    return ra, dec


@in_every_format
@pytest.mark.parametrize("order", [None, 0, 5, 11])
def test_the_moc_of_a_result_is_that_of_its_positions(
    service: str, positions: tuple[np.ndarray, np.ndarray], format_: str, order: int | None
) -> None:
    parameters = {} if order is None else {"MOC_ORDER": str(order)}
    ra, dec = positions
    expected = MOC.from_lonlat(ra * u.deg, dec * u.deg, max_norder=10 if order is None else order)
    found = moc_of(service, STARS, format_, **parameters)
    assert found == expected
    assert found.max_order == expected.max_order


@pytest.mark.parametrize(
    "columns",
    [
        "POINT(ra, dec) AS p",
        "vmag, tyc_id, POINT(ra, dec) AS p, hip",
        "tyc_id, dec, vmag, ra",
        "ra AS x, dec AS y, pmra",
    ],
)
def test_the_position_is_found_among_other_columns(
    service: str, positions: tuple[np.ndarray, np.ndarray], columns: str
) -> None:
    ra, dec = positions
    query = f"SELECT {columns} FROM demo.stars WHERE vmag < 8"
    assert moc_of(service, query) == MOC.from_lonlat(ra * u.deg, dec * u.deg, max_norder=10)


def test_more_rows_than_maxrec_default_are_all_in_it(service: str) -> None:
    reply = sync(service, "SELECT ra, dec FROM demo.stars", RESPONSEFORMAT="moc-ascii", MOC_ORDER="3")
    assert reply.text == "0/0-11 3/\n"


@in_every_format
def test_no_rows_are_an_empty_moc_of_the_order(service: str, format_: str) -> None:
    found = moc_of(service, "SELECT ra, dec FROM demo.stars WHERE vmag < -100", format_, MOC_ORDER="7")
    assert found.empty()
    assert found.max_order == 7


def test_mocs_of_a_column_are_put_together(footprints: str) -> None:
    found = moc_of(footprints, "SELECT id, map FROM footprints.maps", MOC_ORDER="10")
    assert found == MOC.from_string("1/0 2 10/312500")
    assert moc_of(footprints, "SELECT map FROM footprints.maps WHERE id = 3", MOC_ORDER="11") == MOC.from_string(
        "11/1250000"
    )


def test_rows_without_a_position_do_not_count(footprints: str) -> None:
    expected = MOC.from_lonlat(np.degrees([1, 0]) * u.deg, [np.degrees(1), 90] * u.deg, max_norder=9)
    assert moc_of(footprints, "SELECT id, place FROM footprints.spots", MOC_ORDER="9") == expected
    expected = MOC.from_lonlat([10, 0] * u.deg, [20, 90] * u.deg, max_norder=9)
    assert moc_of(footprints, "SELECT ra, id, dec FROM footprints.spots", MOC_ORDER="9") == expected


def test_the_fits_file_is_a_moc_2_0_that_readers_of_1_1_know(service: str) -> None:
    """MOC 2.0 §4.3.1: order and number of each cell as one, in one column of 64 bits, in order."""
    reply = sync(service, STARS, RESPONSEFORMAT="moc", MOC_ORDER="6")
    assert len(reply.body) % 2880 == 0
    wanted = {
        "MOCVERS": "2.0",
        "MOCDIM": "SPACE",
        "ORDERING": "NUNIQ",
        "COORDSYS": "C",
        "MOCORD_S": 6,
        "MOCORDER": 6,
        "QUERYST": "OK",
        "TTYPE1": "UNIQ",
        "TFORM1": "1K",
    }
    with fits.open(io.BytesIO(reply.body)) as file:
        header, uniqs = file[1].header, file[1].data["UNIQ"]
        assert {key: header[key] for key in wanted} == wanted
        assert (np.diff(uniqs) > 0).all()
        assert uniqs.min() >= 4
        assert uniqs.max() < 16 * 4**6
        parents, siblings = np.unique(uniqs >> 2, return_counts=True)
        assert siblings[parents >= 4].max() < 4
    assert reply.headers["Content-Type"] == "application/fits;content=moc"
    assert 'filename="result.moc.fits"' in reply.headers["Content-Disposition"]


def test_rows_that_are_missing_are_told_or_the_moc_is_refused(service: str) -> None:
    reply = sync(service, STARS, RESPONSEFORMAT="moc", MAXREC="5")
    with fits.open(io.BytesIO(reply.body)) as file:
        assert file[1].header["QUERYST"] == "OVERFLOW"
    for format_ in ("moc-json", "moc-ascii"):
        reply = sync(service, STARS, RESPONSEFORMAT=format_, MAXREC="5")
        assert reply.status == 400
        assert "more rows than MAXREC" in reply.text
        assert sync(service, f"SELECT TOP 5 {STARS[7:]}", RESPONSEFORMAT=format_).status == 200


@in_every_format
@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT vmag, tyc_id FROM demo.stars WHERE vmag < 2", "select one POINT or MOC"),
        ("SELECT ra FROM demo.stars WHERE vmag < 2", "select one POINT or MOC"),
        ("SELECT POINT(ra, dec) AS a, POINT(dec, dec) AS b FROM demo.stars WHERE vmag < 2", "2 columns of POINTs"),
        (
            "SELECT a.ra, a.dec, b.ra, b.dec FROM demo.stars AS a, demo.stars AS b WHERE a.vmag < 0 AND b.vmag < 0",
            "2 positions",
        ),
    ],
)
def test_a_result_without_one_position_is_no_moc(service: str, format_: str, query: str, message: str) -> None:
    reply = sync(service, query, RESPONSEFORMAT=format_)
    assert reply.status == 400
    assert message in reply.text


@pytest.mark.parametrize("order", ["12", "-1", "x", "1.5"])
def test_an_order_that_is_none_is_refused(service: str, order: str) -> None:
    reply = sync(service, STARS, RESPONSEFORMAT="moc", MOC_ORDER=order)
    assert reply.status == 400
    assert "MOC_ORDER" in reply.text


@needs_stilts
def test_stilts_reads_the_moc(service: str, tmp_path: Path) -> None:
    path = tmp_path / "stars.fits"
    path.write_bytes(sync(service, STARS, RESPONSEFORMAT="moc", MOC_ORDER="4").body)
    places = [(0.5, 0.5), (56.75, 24.12), (180.0, 89.0), (300.0, -45.0)]
    ra, dec = np.transpose(places)
    expected = moc_of(service, STARS, "moc-ascii", MOC_ORDER="4").contains_lonlat(ra * u.deg, dec * u.deg)
    asked = [stil("calc", f'expression=inMoc("{path}", {lon}, {lat})').strip() for lon, lat in places]
    assert asked == [str(bool(there)).lower() for there in expected]
