"""ECSV (APE 6), read back by astropy, STIL and csv.

ECSV tells NULL from an empty text only in its quotes, which no reader hands on. astropy takes off blanks
at both ends of a text, takes every character at which Python's splitlines cuts for the end of a line, and
drops lines within a text that are empty or begin with #; STIL drops carriage returns and reads Latin-1. What they cannot
hand on is compared with csv.
"""

import csv
import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.contract.client import post
from tests.tap.formats.readers import ecsv_table, hdf5_table, kept, needs_stilts, read_ecsv, stil
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


def of_ecsv(service: str, query: str) -> bytes:
    return fetch(service, query, "ecsv").body


def data_of(body: bytes) -> list[list[str]]:
    """Names and rows as csv reads them, below the header."""
    lines = body.decode().split("\n")
    header = next(i for i, line in enumerate(lines) if not line.startswith("# "))
    return list(csv.reader(io.StringIO("\n".join(lines[header:]), newline="")))


def seen_by_astropy(text: str | None) -> str | None:
    """Lines that are not empty, without blanks at both ends; nothing at all is masked."""
    if not text or not text.strip(" \t"):
        return None
    lines = text.splitlines()
    kept_lines = [line.strip() for i, line in enumerate(lines) if line.strip() or i in (0, len(lines) - 1)]
    ends_line = len((text + "x").splitlines()) > len(lines)
    return "\n".join(kept_lines + [""] * ends_line).strip(" \t")


def expected(name: str, value: Any) -> Any:
    return seen_by_astropy(value) if COLUMNS[name][0] == pa.string() else value


def same_in_ecsv(name: str, found: Any, wanted: Any) -> bool:
    kind = COLUMNS[name][0]
    if pa.types.is_binary(kind):
        return bytes.fromhex(found or "") == (wanted or b"")
    if pa.types.is_string(kind):
        return (found or "").strip() == (wanted or "").strip()
    if pa.types.is_list(kind) and pa.types.is_floating(kind.value_type):
        # In JSON -0 is a whole number, from which Python takes the sign.
        wanted = wanted and [each + 0.0 for each in wanted]
    return same(name, found, wanted, "ecsv")


def test_astropy_reads_every_value_as_it_was(everything: str) -> None:
    found = read_ecsv(of_ecsv(everything, EVERYTHING))
    assert list(found) == ["id", *COLUMNS]
    wrong = [
        (name, row, a, b)
        for name in COLUMNS
        for row, (a, b) in enumerate(zip(found[name], VALUES[name], strict=True))
        if not same_in_ecsv(name, a, expected(name, b))
    ]
    assert wrong == []


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_alone_keeps_all_its_rows(everything: str, name: str) -> None:
    """Of a lone column NULL would be an empty line, which readers skip."""
    found = read_ecsv(of_ecsv(everything, f"SELECT {name} FROM formats.everything ORDER BY id"))[name]
    pairs = zip(found, VALUES[name], strict=True)
    assert [(a, b) for a, b in pairs if not same_in_ecsv(name, a, expected(name, b))] == []


@pytest.mark.parametrize("name", ["ascii_", "unicode_"])
def test_csv_reads_texts_to_the_last_character(everything: str, name: str) -> None:
    rows = data_of(of_ecsv(everything, f"SELECT id, {name} FROM formats.everything ORDER BY id"))
    assert rows[0] == ["id", name]
    assert [row[1] for row in rows[1:]] == [value or "" for value in VALUES[name]]


def test_null_and_an_empty_text_are_written_differently(everything: str) -> None:
    query = "SELECT id, unicode_ FROM formats.everything WHERE unicode_ = '' OR unicode_ IS NULL ORDER BY id"
    lines = of_ecsv(everything, query).decode().splitlines()
    wanted = [f"{row},{'' if text is None else chr(34) * 2}" for row, text in enumerate(VALUES["unicode_"]) if not text]
    assert lines[-len(wanted) :] == wanted


def test_astropy_knows_the_types(everything: str) -> None:
    table = ecsv_table(of_ecsv(everything, EVERYTHING))
    kinds = [table[name].dtype.str[1:] for name in COLUMNS]
    assert kinds[:6] == ["i2", "i4", "i8", "f4", "f8", "b1"]
    assert all(table[name].dtype.kind in "UO" for name in list(COLUMNS)[6:])


def test_numbers_and_booleans_are_masked_where_they_are_null(everything: str) -> None:
    table = ecsv_table(of_ecsv(everything, EVERYTHING))
    for name in ("small", "int_", "big", "real_", "double_", "flag"):
        assert np.ma.getmaskarray(table[name]).tolist() == [value is None for value in VALUES[name]], name


def test_rows_that_look_like_comments_are_rows(service: str, tables: Publish) -> None:
    texts = ["# no comment", "#", "plain", "  # blank before", "%ECSV 1.0", "# - {name: x}"]
    tables("formats.comments", {"t": pa.array(texts), "n": pa.array(range(len(texts)), pa.int32())})
    for columns in ("t, n", "t"):
        found = read_ecsv(of_ecsv(service, f"SELECT {columns} FROM formats.comments ORDER BY n"))
        assert [str(each) for each in found["t"]] == [text.strip() for text in texts]


def test_geometries_are_arrays_of_degrees(places: str) -> None:
    found = read_ecsv(of_ecsv(places, GEOMETRIES))
    for row, (ra, dec, radius) in enumerate(POSITIONS):
        assert found["p"][row] == ([None, None] if ra is None else pytest.approx([ra, dec], abs=1e-9))
        whole = ra is not None and radius is not None
        assert found["c"][row] == (pytest.approx([ra, dec, radius], abs=1e-9) if whole else [None] * 3)
        assert len(found["y"][row]) == (0 if ra is None else 6)


def test_null_within_an_array_is_null(edges: str) -> None:
    rows = data_of(of_ecsv(edges, "SELECT f, g, n, m, k FROM formats.edges ORDER BY id"))
    assert rows[1] == ["[1,null,3]", "[null,2]", "[1,null,3]", "[null]", "[1,null]"]
    found = read_ecsv(of_ecsv(edges, "SELECT n, k FROM formats.edges ORDER BY id"))
    assert (found["n"][0], found["k"][0]) == ([1, None, 3], [1, None])


def test_columns_of_geometries_hold_null(extremes: str) -> None:
    rows = data_of(of_ecsv(extremes, "SELECT p, c, y FROM formats.extremes ORDER BY id"))
    assert rows[1][:2] == ["[10,20]", "[10,20,1]"]
    assert rows[2] == ["", "", ""]
    found = read_ecsv(of_ecsv(extremes, "SELECT p FROM formats.extremes ORDER BY id"))
    assert found["p"][:2] == [[10, 20], [None, None]]


# ---- what it says of the columns


def test_astropy_knows_unit_ucd_utype_xtype_and_description(everything: str) -> None:
    table = ecsv_table(of_ecsv(everything, EVERYTHING))
    for name, about in ABOUT.items():
        column = table[name]
        found = {"unit": str(column.unit), "description": column.description} | dict(column.meta)
        assert {key: found.get(key) for key in about} == {
            key: value.replace(" ", " ") for key, value in about.items()
        } | ({"unit": str(column.unit)} if "unit" in about else {}), name
    assert str(table["double_"].unit) == "km / s"
    assert dict(table["time_"].meta) == {"xtype": "timestamp"}
    assert table.meta["query"] == EVERYTHING


def test_the_header_is_yaml_in_ascii_whatever_the_query(service: str) -> None:
    """YAML 1.1 §5.1 knows few characters as printable; readers fail over all others."""
    text = "\x7f\x80\x9f\x85\u2028\u2029\ufeff𝄞\U0001fffe'\\\" \t é"
    query = f'SELECT TOP 1 1 AS "{text.replace(chr(34), chr(34) * 2)}", 2 AS b\nFROM tap_schema.tables'
    reply = post(f"{service}/sync", {"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": "ecsv"})
    table = ecsv_table(reply.body)
    assert table.meta["query"] == query
    marks = dict.fromkeys(map(ord, "\x85\u2028\u2029"), "?")
    assert table.colnames == [text.translate(marks), "b"]
    assert all(line.isascii() for line in reply.text.split("\n") if line.startswith("# "))


def test_hdf5_says_the_same_in_yaml(service: str) -> None:
    query = "SELECT TOP 1 '\x7f\x9f\u2028𝄞' AS t, a.ra FROM demo.ngc AS a, demo.stars AS s"
    reply = post(f"{service}/sync", {"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": "hdf5"})
    meta = hdf5_table(reply.body).meta
    assert meta["query"] == query
    assert len(meta["data_title"]) == 2


def test_odd_names_leave_the_table_readable(service: str) -> None:
    """Ends of lines in a name are question marks; the header line quotes all names."""
    names = ["#a", " b ", "a\nb", "a\rb", "a,b", 'say "x"', "é", "A", "a", "null", "- x: y"]
    columns = ", ".join('table_index AS "{}"'.format(name.replace('"', '""')) for name in names)
    query = f"SELECT TOP 1 {columns} FROM tap_schema.tables"
    reply = post(f"{service}/sync", {"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": "ecsv"})
    wanted = ["#a", " b ", "a?b", "a?b_2", "a,b", 'say "x"', "é", "A", "a", "null", "- x: y"]
    assert ecsv_table(reply.body).colnames == wanted
    assert data_of(reply.body)[0] == wanted


def test_it_tells_all_whose_data_are_joined(service: str) -> None:
    """YAML's !!omap takes each name once."""
    query = "SELECT TOP 1 a.name, s.ra FROM demo.ngc AS a, demo.stars AS s"
    titles = fetch(service, query, "votable").votable().all("//v:INFO[@name='data_title']/@value")
    assert len(titles) == 2
    assert ecsv_table(of_ecsv(service, query)).meta["data_title"] == titles


# ---- STIL


@needs_stilts
def test_stil_reads_every_value_and_what_is_said_of_the_columns(everything: str, tmp_path: Path) -> None:
    """One start for both; texts without carriage returns, which STIL drops."""
    path = kept(tmp_path, "x.ecsv", of_ecsv(everything, EVERYTHING))
    rows = list(csv.DictReader(io.StringIO(stil("tpipe", f"in={path}", "ifmt=ecsv", "ofmt=csv"), newline="")))
    assert len(rows) == ROWS
    wrong = [
        (name, row[name], value)
        for name in COLUMNS
        for row, value in zip(rows, VALUES[name], strict=True)
        if not stil_shows(name, row[name], value)
    ]
    assert wrong == []
    about = stil("tpipe", f"in={path}", "ifmt=ecsv", "cmd=meta name xtype ucd utype units description", "ofmt=csv")
    found = {row["Name"]: row for row in csv.DictReader(io.StringIO(about))}
    names = {"unit": "Units", "ucd": "UCD", "utype": "Utype", "description": "Description"}
    for name, wanted in ABOUT.items():
        assert {key: found[name][names[key]] for key in wanted} == wanted
    assert found["time_"]["Xtype"] == "timestamp"


def stil_shows(name: str, cell: str, value: Any) -> bool:
    kind = COLUMNS[name][0]
    if pa.types.is_string(kind):
        # STIL takes each byte for a character.
        return cell.encode("latin-1").decode("utf-8") == (value or "").replace("\r", "")
    if value is None:
        return cell in ("", "NaN")
    if pa.types.is_binary(kind):
        return bool(bytes.fromhex(cell) == value)
    if pa.types.is_list(kind):
        number = float if pa.types.is_floating(kind.value_type) else int
        items = [number(each) for each in cell.strip("()").split(", ") if each]
        return same(name, items, [each + number(0) for each in value], "ecsv")
    if pa.types.is_boolean(kind):
        return cell == str(value).lower()
    if pa.types.is_floating(kind):
        return same(name, float(cell), value, "ecsv") and not math.isnan(float(cell))
    return same(name, int(cell) if pa.types.is_integer(kind) else cell, value, "ecsv")
