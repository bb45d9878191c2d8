"""FITS 4.0, read back by astropy and STIL: what is in the database, as far as FITS can say it.

FITS tells NULL from nothing for numbers and booleans only: a text, a time, a blob or an array that is
NULL comes out empty.
"""

import csv
import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.contract.client import post
from tests.tap.formats.readers import kept, needs_stilts, open_fits, read_fits, stil
from tests.tap.formats.tables import (
    COLUMNS,
    EVERYTHING,
    VALUES,
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


def test_astropy_reads_every_value_of_every_type_as_it_was(everything: str) -> None:
    found = read_fits(of_fits(everything, EVERYTHING))
    assert list(found) == ["id", *COLUMNS]
    wrong = [
        (name, row, a, b)
        for name in COLUMNS
        for row, (a, b) in enumerate(zip(found[name], VALUES[name], strict=True))
        if not same(name, a, expected(name, b), "fits")
    ]
    assert wrong == []


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_alone_is_as_it_was(everything: str, name: str) -> None:
    found = read_fits(of_fits(everything, f"SELECT {name} FROM formats.everything ORDER BY id"))[name]
    assert [
        (a, b) for a, b in zip(found, VALUES[name], strict=True) if not same(name, a, expected(name, b), "fits")
    ] == []


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


def test_texts_that_become_long_move_to_the_heap_beside_arrays(service: str, tables: Publish) -> None:
    """More than 1024 bytes late in the table: what was in the rows moves, with trailing blanks and all."""
    late = [f"{i} é " + " " * (i % 3) + "y" * (2000 if i == COUNT - 5 else i % 17) for i in range(COUNT)]
    later = [None if i % 5 == 0 else "z" * (1500 if i > COUNT - 3 else i % 29) for i in range(COUNT)]
    short = [f"s{i % 7}" for i in range(COUNT)]
    arrays = [None if i % 4 == 0 else list(range(i % 6)) for i in range(COUNT)]
    blobs = [bytes([i % 256]) * (i % 9) for i in range(COUNT)]
    query = published(
        tables,
        {
            "late": pa.array(late),
            "arrays": pa.array(arrays, pa.list_(pa.int32())),
            "later": pa.array(later),
            "short": pa.array(short),
            "blobs": pa.array(blobs, pa.binary()),
        },
    )
    forms = assert_texts(service, query, {"late": late, "later": later, "short": short, "arrays": arrays})
    found = read_fits(of_fits(service, query))
    assert [bytes(each) for each in found["blobs"]] == blobs
    assert "QA(20" in forms["late"]
    assert (forms["later"], forms["short"], forms["arrays"]) == ("QA(1500)", "2A", "QJ(5)")


@needs_stilts
def test_texts_larger_than_a_block_come_whole(service: str, tables: Publish, tmp_path: Path) -> None:
    """Read by STIL: for texts of this size astropy wants more memory than there is."""
    texts = ["é" * 700_000, None, "x" * 1_500_000, "short"]
    query = published(tables, {"t": pa.array(texts), "k": pa.array(["a", "b", "c" * 5, None])})
    path = kept(tmp_path, "x.fits", of_fits(service, query))
    csv.field_size_limit(10_000_000)
    rows = list(csv.DictReader(io.StringIO(stil("tpipe", f"in={path}", "ifmt=fits-plus", "ofmt=csv"))))
    assert [row["t"] for row in rows] == [in_heap(text) or "" for text in texts]
    assert [row["k"] for row in rows] == ["a", "b", "c" * 5, ""]


def test_one_long_text_among_short_ones_does_not_fill_the_file_with_blanks(service: str, tables: Publish) -> None:
    """Rows of FITS are all of one width: ten texts of a kilobyte must not make of each row ten kilobytes."""
    columns = {f"t{i}": ["x" * 1000 if row == 0 else "x" * (row % 3) for row in range(COUNT)] for i in range(10)}
    query = published(tables, {name: pa.array(values) for name, values in columns.items()})
    forms = assert_texts(service, query, columns)
    assert set(forms.values()) == {"J", "QA(1000)"}
    assert len(of_fits(service, query)) < 3_000_000
