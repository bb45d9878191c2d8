"""FITS 4.0, read back by astropy and STIL: what is in the database, as far as FITS can say it.

FITS tells NULL from nothing for numbers and booleans only: a text, a time, a blob or an array that is
NULL comes out empty.
"""

import csv
import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from astropy.io import votable
from astropy.table import Table

from tests.contract.client import post
from tests.tap.formats.readers import kept, needs_stilts, open_fits, read_fits, stil
from tests.tap.formats.tables import (
    ABOUT,
    COLUMNS,
    EVERYTHING,
    GEOMETRIES,
    POSITIONS,
    ROWS,
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


def test_numbers_and_booleans_that_are_null_are_told_from_all_others(everything: str) -> None:
    found = read_fits(of_fits(everything, EVERYTHING))
    for name in (*NUMBERS, "flag"):
        assert found[name] == VALUES[name], name


def test_astropys_tables_mask_what_is_null(everything: str) -> None:
    query = "SELECT small, int_, big, real_, double_ FROM formats.everything ORDER BY id"
    table = Table.read(io.BytesIO(of_fits(everything, query)), format="fits", hdu=1)
    for name in table.colnames:
        assert table[name].mask.tolist() == [value is None for value in VALUES[name]], name


def test_the_types_are_those_of_the_database(everything: str) -> None:
    """FITS 4.0 §7.3.1: L, I, J, K, E, D as they are; what varies in length by 64-bit descriptors."""
    forms = [column.format for column in open_fits(of_fits(everything, EVERYTHING))[1].columns][1:]
    assert forms[:6] == ["I", "J", "K", "E", "D", "L"]
    assert forms[6:9] == ["QA(3000)", "QA(2800)", "26A"]
    assert forms[9:] == ["QB(256)", "QI(3)", "QJ(300)", "QK(3)", "QE(3)", "QD(4)"]


def test_geometries_are_degrees_and_nan_where_they_are_null(places: str) -> None:
    found = read_fits(of_fits(places, GEOMETRIES))
    for row, (ra, dec, radius) in enumerate(POSITIONS):
        point, circle, polygon = found["p"][row], found["c"][row], found["y"][row]
        assert point == pytest.approx([ra, dec] if ra is not None else [math.nan] * 2, abs=1e-9, nan_ok=True)
        whole = ra is not None and radius is not None
        assert circle == pytest.approx([ra, dec, radius] if whole else [math.nan] * 3, abs=1e-9, nan_ok=True)
        assert len(polygon) == (0 if ra is None else 6)


def test_columns_of_geometries_hold_null(extremes: str) -> None:
    found = read_fits(of_fits(extremes, "SELECT p, c, y FROM formats.extremes ORDER BY id"))
    assert found["p"][:1] == [[10, 20]]
    assert np.isnan(found["p"][1]).all()
    assert np.isnan(found["c"][1]).all()
    assert found["y"][1] == []


def test_a_null_within_an_array_leaves_the_others_in_their_places(edges: str) -> None:
    """FITS 4.0 §7.3.3: NaN among floats; among integers the least, for there is no other way."""
    found = read_fits(of_fits(edges, "SELECT f, g, n, m, k FROM formats.edges ORDER BY id"))
    assert found["f"][0] == pytest.approx([1, math.nan, 3], nan_ok=True)
    assert found["g"][0] == pytest.approx([math.nan, 2], nan_ok=True)
    assert (found["n"][0], found["m"][0], found["k"][0]) == ([1, -(2**31), 3], [-(2**63)], [1, -(2**15)])


def test_astropy_reads_integers_of_arrays_of_any_length_as_a_table(edges: str) -> None:
    table = Table.read(io.BytesIO(of_fits(edges, "SELECT f, n, m, k FROM formats.edges ORDER BY id")), format="fits")
    assert (list(table["n"][0]), list(table["k"][0])) == ([1, -(2**31), 3], [1, -(2**15)])


def test_the_least_integers_cannot_be_told_from_null(edges: str) -> None:
    """FITS 4.0 §7.3.2, TNULL: one number stands for NULL, and it is the one that is needed least."""
    found = read_fits(of_fits(edges, "SELECT s, i, b FROM formats.edges ORDER BY id"))
    assert [found[name] for name in "sib"] == [[None, 3], [None, 4], [None, 5]]


# ---- what it says of the columns


def test_the_header_describes_the_columns_in_ascii(everything: str) -> None:
    header = open_fits(of_fits(everything, EVERYTHING))[1].header
    assert (header["TUNIT2"], header["TUCD2"], header["TCOMM2"]) == tuple(
        ABOUT["small"][key] for key in ("unit", "ucd", "description")
    )
    assert (header["TUNIT6"], header["TUTYP6"], header["TCOMM6"]) == ("km/s", "a:b.c", "????? ?")
    assert (header["TXTYP10"], header["QUERYST"]) == ("timestamp", "OK")


def test_the_votable_before_the_table_describes_the_columns_as_a_votable_does(everything: str) -> None:
    """STIL's fits-plus: the primary HDU is a VOTable without data."""
    body = of_fits(everything, EVERYTHING)
    cards = [body[place : place + 8].decode().rstrip() for place in range(0, 400, 80)]
    assert cards == ["SIMPLE", "BITPIX", "NAXIS", "NAXIS1", "VOTMETA"]
    document = open_fits(body)[0].data.tobytes()
    wanted = fetch(everything, EVERYTHING, "votable").votable()
    found = wanted_of(document)
    assert found.fields == wanted.fields
    assert found.statuses == [("OK", "before")]
    assert found.all("//v:DATA") == []
    assert [field.name for field in votable.parse(io.BytesIO(document)).get_first_table().fields] == ["id", *COLUMNS]


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


def test_descriptions_of_any_length_and_kind_leave_the_header_whole(hard: str) -> None:
    """FITS 4.0 §4.2.1.2: long strings go on in CONTINUE."""
    header = open_fits(of_fits(hard, "SELECT * FROM formats.hard"))[1].header
    for number, about in enumerate(HARD.values(), 1):
        plain = "".join(c if " " <= c <= "~" else "?" for c in about["description"])
        assert header[f"TCOMM{number}"].rstrip() == plain.rstrip()
    assert header["TUTYP2"] == "x" * 90


@needs_stilts
def test_stil_knows_name_unit_ucd_utype_xtype_and_description_of_every_column(
    everything: str, hard: str, tmp_path: Path
) -> None:
    path = kept(tmp_path, "x.fits", of_fits(everything, EVERYTHING))
    hard_path = kept(tmp_path, "y.fits", of_fits(hard, "SELECT * FROM formats.hard"))
    about = "cmd=meta name xtype ucd utype units description"
    found = {
        row["Name"]: row
        for each in (path, hard_path)
        for row in csv.DictReader(
            io.StringIO(stil("tpipe", f"in={each}", "ifmt=fits-plus", about, "ofmt=csv"), newline="")
        )
    }
    names = {"unit": "Units", "ucd": "UCD", "utype": "Utype", "description": "Description"}
    for name, wanted in (ABOUT | {"a": HARD["a"], "d": HARD["d"]}).items():
        for key, value in wanted.items():
            assert found[name][names[key]] == value, (name, key)
    assert found["time_"]["Xtype"] == "timestamp"
    assert list(found) == ["id", *COLUMNS, *HARD]


@needs_stilts
def test_stil_reads_every_value_as_it_was(everything: str, tmp_path: Path) -> None:
    """Texts and arrays too; STIL shows an empty text and an empty array as nothing."""
    path = kept(tmp_path, "x.fits", of_fits(everything, EVERYTHING))
    rows = list(csv.DictReader(io.StringIO(stil("tpipe", f"in={path}", "ifmt=fits-plus", "ofmt=csv"), newline="")))
    assert len(rows) == ROWS
    wrong = [
        (name, row[name], value)
        for name in COLUMNS
        for row, value in zip(rows, VALUES[name], strict=True)
        if not stil_shows(name, row[name], value)
    ]
    assert wrong == []


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
    assert inside == ["é", "a,b", "say 'x'", "x" * 100, "\ufffd[31m", "TTYPE1", "A", "a", "'" * 99, "ü", "x" * 90]


# ---- shapes


def test_no_rows_leave_the_columns(everything: str) -> None:
    body = of_fits(everything, NO_ROWS)
    assert read_fits(body) == {name: [] for name in ["id", *COLUMNS]}
    assert open_fits(body)[1].header["NAXIS2"] == 0


def test_a_thousand_columns_are_refused_with_a_reason(service: str) -> None:
    """FITS 4.0 §7.3.1: TFIELDS is 999 at most."""

    def ask(count: int) -> Any:
        columns = ", ".join(f"table_index AS c{i}" for i in range(count))
        query = f"SELECT TOP 3 {columns} FROM tap_schema.tables"
        return post(f"{service}/sync", {"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": "fits"})

    refused = ask(1000)
    assert refused.status == 400
    assert "999" in refused.votable().message
    assert list(read_fits(ask(999).body)) == [f"c{i}" for i in range(999)]


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


def test_texts_that_grow_from_block_to_block_widen_the_rows_before_them(service: str, tables: Publish) -> None:
    grow = ["é"[: i % 2] + "x" * (i // 20) for i in range(COUNT)]
    back = [text[::-1] for text in reversed(grow)]
    query = published(tables, {"grow": pa.array(grow), "back": pa.array(back)})
    forms = assert_texts(service, query, {"grow": grow, "back": back, "n": list(range(COUNT))})
    assert forms == {"n": "J", "grow": "301A", "back": "301A"}


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


@needs_stilts
def test_stil_reads_texts_that_were_widened_or_moved(service: str, tables: Publish, tmp_path: Path) -> None:
    texts = ["t" * (i // 10) + ("!" * 1100 if i == COUNT - 1 else "") for i in range(COUNT)]
    wider = [f"{i}" * (1 + i // 1000) for i in range(COUNT)]
    query = published(tables, {"t": pa.array(texts), "w": pa.array(wider)})
    path = kept(tmp_path, "x.fits", of_fits(service, query))
    printed = stil("tpipe", f"in={path}", "ifmt=fits-plus", "ofmt=csv")
    rows = list(csv.DictReader(io.StringIO(printed, newline="")))
    assert [(row["n"], row["t"], row["w"]) for row in rows] == [(str(i), texts[i], wider[i]) for i in range(COUNT)]


def test_one_long_text_among_short_ones_does_not_fill_the_file_with_blanks(service: str, tables: Publish) -> None:
    """Rows of FITS are all of one width: ten texts of a kilobyte must not make of each row ten kilobytes."""
    columns = {f"t{i}": ["x" * 1000 if row == 0 else "x" * (row % 3) for row in range(COUNT)] for i in range(10)}
    query = published(tables, {name: pa.array(values) for name, values in columns.items()})
    forms = assert_texts(service, query, columns)
    assert set(forms.values()) == {"J", "QA(1000)"}
    assert len(of_fits(service, query)) < 3_000_000


def test_short_texts_are_utf_8_and_keep_blanks_at_both_ends(service: str, tables: Publish) -> None:
    """As astropy's Table writes and reads them; FITS 4.0 has ASCII only, and no meaning for trailing blanks."""
    texts = ["é 𝄞", " both ", "", "日本語", "\t", "\x01\x7f"]
    query = published(tables, {"t": pa.array(texts)})
    assert read_fits(of_fits(service, query))["t"] == texts
    table = Table.read(io.BytesIO(of_fits(service, query)), format="fits", hdu=1)
    assert [str(each) for each in table["t"]][0::3] == ["é 𝄞", "日本語"]


@pytest.mark.parametrize("value", [None, ""])
def test_a_text_column_without_any_text_is_there(service: str, tables: Publish, value: str | None) -> None:
    query = published(tables, {"t": pa.array([value] * 3, pa.string())})
    assert read_fits(of_fits(service, query))["t"] == ["", "", ""]
