"""MOCs in tables and results (DALI 1.2 §3.3.11): texts in every format, which queries can compare as texts."""

from collections.abc import Iterator

import pytest

from schema.description import parse_description
from schema.publish import publish_table, unpublish_table
from tap.config import Config
from tap.engine import database
from tap.formats import FORMATS
from tests.contract.client import sync

MAP = "1/0 2 3/"


@pytest.fixture(scope="module")
def mocs(service: str, sample: Config) -> Iterator[str]:
    with database.owner_connection(sample) as connection:
        connection.execute("SET search_path = pg_catalog, public")
        connection.execute("CREATE SCHEMA mocs")
        connection.execute("CREATE TABLE mocs.maps (id integer, map smoc)")
        connection.execute("INSERT INTO mocs.maps VALUES (1, '1/0,2 3/'), (2, NULL)")
        publish_table(connection, "mocs.maps", parse_description({}))
        yield service
        unpublish_table(connection, "mocs.maps")
        connection.execute("DROP SCHEMA mocs CASCADE")


def test_a_moc_column_has_its_xtype(mocs: str) -> None:
    field = sync(mocs, "SELECT map FROM mocs.maps").votable().fields[0]
    assert {name: field.get(name) for name in ("datatype", "arraysize", "xtype")} == {
        "datatype": "char",
        "arraysize": "*",
        "xtype": "moc",
    }


@pytest.mark.parametrize(
    "format_", [each.aliases[0] for each in FORMATS if each.encoding.name not in ("BINARY", "COLUMNS")]
)
def test_a_moc_is_its_text_in_every_format_of_text(mocs: str, format_: str) -> None:
    reply = sync(mocs, "SELECT id, map FROM mocs.maps ORDER BY id", RESPONSEFORMAT=format_)
    assert reply.status == 200
    assert reply.text.count(MAP) == 1


@pytest.mark.parametrize("format_", ["fits", "arrow"])
def test_a_moc_is_its_text_in_binary_formats(mocs: str, format_: str) -> None:
    assert sync(mocs, "SELECT map FROM mocs.maps", RESPONSEFORMAT=format_).body.count(MAP.encode()) == 1


@pytest.mark.parametrize(
    "query",
    [
        "SELECT id FROM mocs.maps WHERE map = '1/0'",
        "SELECT COUNT(DISTINCT map) AS n FROM mocs.maps",
        "SELECT map FROM mocs.maps ORDER BY map",
        "SELECT map || 'a' FROM mocs.maps",
    ],
)
def test_comparing_a_moc_is_refused_with_what_to_write_instead(mocs: str, query: str) -> None:
    reply = sync(mocs, query)
    assert reply.status == 400
    assert "CAST(column AS VARCHAR)" in reply.text


def test_the_text_of_a_moc_can_be_compared(mocs: str) -> None:
    query = f"SELECT id FROM mocs.maps WHERE CAST(map AS VARCHAR) = '{MAP}'"
    assert sync(mocs, query, RESPONSEFORMAT="csv").lines == ["id", "1"]
