"""FITS 4.0, read back by astropy and STIL: what is in the database, as far as FITS can say it.

FITS tells NULL from nothing for numbers and booleans only: a text, a time, a blob or an array that is
NULL comes out empty.
"""

from typing import Any

import pyarrow as pa
import pytest

from tests.contract.client import post
from tests.tap.formats.readers import open_fits, read_fits
from tests.tap.formats.tables import (
    COLUMNS,
    Publish,
    fetch,
    same,
)

NUMBERS = ("small", "int_", "big")
NO_ROWS = "SELECT * FROM formats.everything WHERE id < 0"


def in_heap(text: str | None) -> str | None:
    """Long texts are ASCII: astropy fails over any other in the heap, and STIL shows each byte as unknown."""
    return text and "".join(c if c <= "\x7f" else "?" for c in text)


def expected(name: str, value: Any) -> Any:
    """The texts of COLUMNS are long enough to be in the heap."""
    return in_heap(value) if COLUMNS[name][0] == pa.string() else value


def of_fits(service: str, query: str) -> bytes:
    return fetch(service, query, "fits").body


# ---- what it says of the columns


def wanted_of(document: bytes) -> Any:
    from tests.contract.client import Votable
    from tests.contract.xsd import parse

    return Votable(parse(document))


HARD = {
    "a": {"description": "it's 'quoted' & long," * 20, "unit": "km/s", "ucd": "meta.id"},
    "b": {"description": "ends in blanks and a quote'   ", "utype": "x" * 90},
    "c": {"description": "a\nb\tc\x7f <&> Ωμέγα 𝄞 " + "é" * 80},
    "d": {"description": "/ = '' \" \\ CONTINUE END"},
}


@pytest.fixture(scope="module")
def hard(service: str, tables: Publish) -> str:
    tables("formats.hard", {name: pa.array([1]) for name in HARD}, HARD)
    return service


def stil_shows(name: str, cell: str, value: Any) -> bool:
    kind = COLUMNS[name][0]
    if pa.types.is_string(kind):
        return cell.rstrip() == (in_heap(value) or "").rstrip()  # trailing blanks do not count (FITS 4.0 §7.3.3)
    if value is None:
        return cell in ("", "NaN")
    if pa.types.is_timestamp(kind):
        return same(name, cell, value, "fits")
    if pa.types.is_binary(kind) or pa.types.is_list(kind):
        items = [each for each in cell.strip("()").split(", ") if each]
        if pa.types.is_binary(kind):
            return [int(each) for each in items] == list(value)
        number = float if pa.types.is_floating(kind.value_type) else int
        return same(name, [number(each) for each in items], value, "fits")
    if pa.types.is_boolean(kind):
        return cell == str(value).lower()
    return same(name, float(cell) if pa.types.is_floating(kind) else int(cell), value, "fits")


# ---- names


def named(service: str, names: list[str]) -> bytes:
    listed = ", ".join('table_name AS "{}"'.format(name.replace('"', '""')) for name in names)
    reply = post(f"{service}/sync", {"LANG": "ADQL", "QUERY": f"SELECT TOP 2 {listed} FROM tap_schema.tables", "RESPONSEFORMAT": "fits"})  # fmt: skip
    assert reply.status == 200, reply.text
    return reply.body


@pytest.mark.filterwarnings("ignore:It is strongly recommended that column names:astropy.io.fits.verify.VerifyWarning")
def test_names_are_ascii_in_the_header_and_themselves_in_the_votable(service: str) -> None:
    found = open_fits(
        named(service, ["é", "a,b", "say 'x'", "x" * 100, "\x1b[31m", "TTYPE1", "A", "a", "'" * 99, "ü", "x" * 90])
    )
    assert found[1].columns.names == [
        "?",
        "a,b",
        "say 'x'",
        "x" * 60,
        "?[31m",
        "TTYPE1",
        "A",
        "a_2",
        "'" * 30,
        "?_2",
        "x" * 60 + "_2",
    ]
    inside = wanted_of(found[0].data.tobytes()).names
    assert inside == ["é", "a,b", "say 'x'", "x" * 100, "\ufffd[31m", "TTYPE1", "A", "a_2", "'" * 99, "ü", "x" * 90]


# ---- shapes


def published(tables: Publish, columns: dict[str, pa.Array]) -> str:
    """Rows in the order of `n`, in which they are read."""
    count = len(next(iter(columns.values())))
    tables("formats.shapes", {"n": pa.array(range(count), pa.int32())} | columns)
    return "SELECT * FROM formats.shapes ORDER BY n"


def assert_texts(service: str, query: str, wanted: dict[str, list[Any]]) -> dict[str, str]:
    """Every column to the last byte; gives the columns' forms."""
    body = of_fits(service, query)
    forms = {column.name: column.format for column in open_fits(body)[1].columns}
    found = read_fits(body)
    for name, values in wanted.items():
        seen = [in_heap(each) for each in values] if "QA" in forms[name] else values
        empty: Any = "" if "A" in forms[name] else []
        assert found[name] == [empty if each is None else each for each in seen], name
    return forms


COUNT = 6000


def test_one_long_text_among_short_ones_does_not_fill_the_file_with_blanks(service: str, tables: Publish) -> None:
    """Rows of FITS are all of one width: ten texts of a kilobyte must not make of each row ten kilobytes."""
    columns = {f"t{i}": ["x" * 1000 if row == 0 else "x" * (row % 3) for row in range(COUNT)] for i in range(10)}
    query = published(tables, {name: pa.array(values) for name, values in columns.items()})
    forms = assert_texts(service, query, columns)
    assert set(forms.values()) == {"J", "QA(1000)"}
    assert len(of_fits(service, query)) < 3_000_000
