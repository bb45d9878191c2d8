"""MOCs in files: checked when they are read, written as MOC 2.0 has them, and used as MOCs."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from schema.description import parse_description
from schema.load import open_file
from schema.load.reader import LoadError
from schema.publish import load_table, unpublish_table
from tap.config import Config
from tap.engine import database
from tests.contract.client import sync
from tests.tap.uploads.test_files_of_others import _votable, ask

MADE = (
    "SELECT name, CASE WHEN name = 'NGC0224' THEN MOC('4/30-33 5/136') WHEN name = 'NGC0598' THEN MOC('0/0-11') END AS map"
    " FROM demo.ngc WHERE name IN ('NGC0224', 'NGC0598', 'NGC7078')"
)
ASKED = "SELECT name, map, AREA(map) AS a, CONTAINS(POINT(56, 24), map) AS c FROM TAP_UPLOAD.t ORDER BY name"
FILES = {
    "votable": "t.vot",
    "votable/td": "t.vot",
    "fits": "t.fits",
    "parquet": "t.parquet",
    "arrow": "t.arrow",
    "ecsv": "t.ecsv",
}


@pytest.mark.parametrize("format_", FILES)
def test_mocs_of_a_result_are_mocs_when_they_are_uploaded(service: str, format_: str) -> None:
    content = sync(service, MADE, RESPONSEFORMAT=format_).body
    reply = ask(service, ASKED, FILES[format_], content, "csv")
    rows = [line.split(",") for line in reply.lines[1:]]
    assert [row[:2] for row in rows] == [["NGC0224", "4/30-33 5/136"], ["NGC0598", "0/0-11"], ["NGC7078", ""]]
    assert float(rows[1][2]) == pytest.approx(41252.96124941928)
    assert [row[3] for row in rows[:2]] == ["0", "1"]


def test_stars_are_looked_for_in_an_uploaded_moc(service: str) -> None:
    content = _votable("moc", "char", "*", "6/462 5/,116")
    query = "SELECT COUNT(*) AS n FROM demo.stars AS s JOIN TAP_UPLOAD.t AS t ON 1 = CONTAINS(POINT(s.ra, s.dec), t.x)"
    expected = sync(
        service,
        "SELECT COUNT(*) AS n FROM demo.stars WHERE 1 = CONTAINS(POINT(ra, dec), MOC('5/116 6/462'))",
        RESPONSEFORMAT="csv",
    )
    assert ask(service, query, "t.vot", content, "csv").lines == expected.lines
    assert int(expected.lines[1]) > 0


def test_an_upload_with_a_text_that_is_no_moc_is_refused_with_its_row(service: str) -> None:
    reply = ask(service, "SELECT x FROM TAP_UPLOAD.t", "t.vot", _votable("moc", "char", "*", "3/768"), "csv")
    assert reply.status == 400
    assert "column x, row 1: '3/768' is no MOC: Cells of order 3 are from 0 to 767, not 768" in reply.text


@pytest.fixture
def loaded(sample: Config, tmp_path: Path) -> Iterator[psycopg.Connection]:
    path = tmp_path / "t.csv"
    path.write_text('id,map\n1,"3/5,7 4/1"\n2,\n3,0/\n')
    description = parse_description({"columns": {"map": {"type": "MOC", "description": "Where it was looked"}}})
    with database.owner_connection(sample) as connection:
        load_table(connection, open_file(path, {"map": "MOC"}), "fields.maps", description)
        yield connection
        unpublish_table(connection, "fields.maps", drop=True)


def test_a_description_makes_mocs_of_the_texts_of_a_file(service: str, loaded: psycopg.Connection) -> None:
    reply = sync(
        service,
        "SELECT map, INTERSECTS(map, MOC('2/1')) AS i FROM fields.maps ORDER BY id",
        RESPONSEFORMAT="votable/td",
    )
    field = reply.votable().fields[0]
    assert (field["datatype"], field["arraysize"], field["xtype"]) == ("char", "*", "moc")
    assert reply.votable().rows == [["3/5 7 4/1", "1"], ["", str(-(2**31))], ["0/", "0"]]
    (stored,) = (
        loaded.execute(
            "SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = 'fields.maps'::regclass AND attname = 'map'"
        ).fetchone()
        or ()
    )
    assert stored == "smoc"


def test_a_file_with_a_text_that_is_no_moc_is_not_loaded(sample: Config, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,map\n1,3/5\n2,3/5 x\n")
    description = parse_description({"columns": {"map": {"type": "MOC"}}})
    with (
        database.owner_connection(sample) as connection,
        pytest.raises(LoadError, match="column map, row 2"),
    ):
        load_table(connection, open_file(path, {"map": "MOC"}), "fields.maps", description)
