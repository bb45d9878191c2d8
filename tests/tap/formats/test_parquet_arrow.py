"""Parquet (VOParquet 1.0) and Arrow's stream, read back by pyarrow and astropy: types and values exactly, NULL, NaN and nothing told apart."""

import io
import math
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import votable
from astropy.table import Table
from astropy.utils.exceptions import AstropyUserWarning

from tests.contract.client import Votable, sync
from tests.contract.xsd import parse
from tests.tap.formats.readers import arrow_table, kept, parquet_table, read_arrow
from tests.tap.formats.tables import (
    ABOUT,
    BIG,
    BIG_VALUES,
    COLUMNS,
    EVERYTHING,
    EXTREMES,
    GEOMETRIES,
    POSITIONS,
    VALUES,
    Publish,
    fetch,
    same_number,
)

BOTH = {"arrow": arrow_table, "parquet": parquet_table}
in_both = pytest.mark.parametrize("format_", BOTH)
NO_ROWS = "SELECT * FROM formats.everything WHERE id < 0"


def table_of(service: str, query: str, format_: str) -> pa.Table:
    return BOTH[format_](fetch(service, query, format_).body)


def held(name: str, format_: str) -> tuple[pa.DataType, list[Any]]:
    """Type and values of a column as the format has them: times are texts in Parquet, as its VOTable says.

    The least whole number is NULL within an array.
    """
    kind = COLUMNS[name][0]
    if pa.types.is_list(kind) and pa.types.is_integer(kind.value_type):
        least = np.iinfo(kind.value_type.to_pandas_dtype()).min
        return kind, [array and [None if each == least else each for each in array] for array in VALUES[name]]
    if format_ == "arrow" or not pa.types.is_timestamp(kind):
        return kind, VALUES[name]
    return pa.string(), [value and value.isoformat(timespec="microseconds") for value in VALUES[name]]


def bits(value: Any, kind: pa.DataType) -> Any:
    """A value by which floats are compared to the last bit, -0.0 and NaN included."""
    if isinstance(value, list):
        return [bits(each, kind.value_type) for each in value]
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else pa.scalar(value, kind).as_py().hex()
    return value


# ---- every type


@in_both
def test_every_value_of_every_type_is_as_it_was_and_null_is_null(everything: str, format_: str) -> None:
    """Nothing is lost: an empty text, array or blob is not NULL, NaN is not NULL."""
    found = table_of(everything, EVERYTHING, format_)
    assert found.column_names == ["id", *COLUMNS]
    for name in COLUMNS:
        kind, wanted = held(name, format_)
        assert [bits(each, kind) for each in found[name].to_pylist()] == [bits(each, kind) for each in wanted], name


@in_both
@pytest.mark.parametrize("query", [EVERYTHING, NO_ROWS], ids=["rows", "no rows"])
def test_the_types_are_those_of_the_database(everything: str, format_: str, query: str) -> None:
    schema = table_of(everything, query, format_).schema
    assert {name: schema.field(name).type for name in COLUMNS} == {name: held(name, format_)[0] for name in COLUMNS}


@in_both
@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_alone_is_as_it_was(everything: str, format_: str, name: str) -> None:
    kind, wanted = held(name, format_)
    found = table_of(everything, f"SELECT {name} FROM formats.everything ORDER BY id", format_)[name]
    assert found.null_count == sum(value is None for value in wanted)
    assert [bits(each, kind) for each in found.to_pylist()] == [bits(each, kind) for each in wanted]


@in_both
def test_geometries_are_lists_of_degrees_and_null_is_null(places: str, format_: str) -> None:
    found = table_of(places, GEOMETRIES, format_)
    assert [found.schema.field(name).type for name in "pcy"] == [
        pa.list_(pa.float64(), 2),
        pa.list_(pa.float64(), 3),
        pa.list_(pa.float64()),
    ]
    rows = found.to_pylist()
    for row, (ra, dec, radius) in zip(rows, POSITIONS, strict=True):
        assert row["p"] == (None if ra is None else pytest.approx([ra, dec], abs=1e-9))
        assert row["c"] == (None if None in (ra, radius) else pytest.approx([ra, dec, radius], abs=1e-9))
        assert (row["y"] is None) == (ra is None)


@in_both
def test_columns_of_geometries_hold_null(extremes: str, format_: str) -> None:
    found = table_of(extremes, "SELECT p, c, y FROM formats.extremes ORDER BY id", format_)
    for index, name in enumerate("pcy", 2):
        assert [each is None for each in found[name].to_pylist()] == [row[index] is None for row in EXTREMES], name


def test_times_of_any_year_are_numbers_in_arrow_and_infinite_ones_null(extremes: str) -> None:
    """Microseconds from 1970, which have no number for infinity and the last days that PostgreSQL knows."""
    found = table_of(extremes, "SELECT t FROM formats.extremes ORDER BY id", "arrow")["t"].cast(pa.int64()).to_pylist()
    day = 86_400_000_000
    of_year_0 = (datetime(1, 1, 1) - datetime(1970, 1, 1)).days * day
    assert found[:2] == [of_year_0, None]
    assert found[3] == of_year_0 - 1
    assert found[4] == -210_863_520_000_000_000 + 0 * day  # 4713-01-01 BC, PostgreSQL's day 0 but for half a day
    assert found[5] == 327_416_976_550_000_001
    assert found[6:9] == [None, None, None]
    assert found[9] == 253_402_300_799_999_999


@in_both
def test_nan_of_the_operators_own_table_is_nan_and_the_least_integers_are_themselves(edges: str, format_: str) -> None:
    row = table_of(edges, "SELECT r, d, s, i, b, t FROM formats.edges ORDER BY id", format_).to_pylist()[0]
    assert math.isnan(row["r"])
    assert math.isnan(row["d"])
    assert (row["s"], row["i"], row["b"]) == (-(2**15), -(2**31), -(2**63))
    assert row["t"] == "a\x1fb\\\x1f"


@in_both
def test_a_null_within_an_array_leaves_the_others_in_their_places(edges: str, format_: str) -> None:
    """NaN among floats, as in VOTable."""
    row = table_of(edges, "SELECT f, g, n, m, k FROM formats.edges ORDER BY id", format_).to_pylist()[0]
    assert row["f"] == pytest.approx([1, math.nan, 3], nan_ok=True)
    assert row["g"] == pytest.approx([math.nan, 2], nan_ok=True)
    assert (row["n"], row["m"], row["k"]) == ([1, None, 3], [None], [1, None])


# ---- what they say of the columns


@in_both
def test_fields_are_described_by_the_words_of_votable(everything: str, format_: str) -> None:
    schema = table_of(everything, EVERYTHING, format_).schema
    for name, about in ABOUT.items():
        said = {key.decode(): value.decode() for key, value in schema.field(name).metadata.items()}
        said.pop("PARQUET:field_id", None)
        assert said == about, name
    assert schema.field("time_").metadata[b"xtype"] == b"timestamp"
    assert schema.metadata[b"query"].decode() == EVERYTHING


def votable_of(body: bytes) -> Votable:
    metadata = pq.read_metadata(io.BytesIO(body)).metadata
    assert metadata[b"IVOA.VOTable-Parquet.version"] == b"1.0"
    return Votable(parse(metadata[b"IVOA.VOTable-Parquet.content"]))


def test_parquets_votable_describes_the_columns_as_a_votable_does(everything: str) -> None:
    """VOParquet 1.0: one table without DATA, whose FIELDs are the columns in their order."""
    body = fetch(everything, EVERYTHING, "parquet").body
    found, wanted = votable_of(body), fetch(everything, EVERYTHING, "votable").votable()
    sized = {"ascii_": "3000*", "unicode_": "2800*", "time_": "26*"}
    assert found.fields == [f | ({"arraysize": sized[f["name"]]} if f["name"] in sized else {}) for f in wanted.fields]
    assert found.names == parquet_table(body).column_names
    assert found.all("//v:DATA") == []
    assert found.statuses == [("OK", "before")]
    infos = "//v:INFO[@name != 'request_date']"
    assert [dict(each.attrib) for each in found.all(infos)] == [dict(each.attrib) for each in wanted.all(infos)]


def test_parquets_votable_is_valid_in_the_eyes_of_astropy(everything: str) -> None:
    metadata = pq.read_metadata(io.BytesIO(fetch(everything, EVERYTHING, "parquet").body)).metadata
    table = votable.parse(io.BytesIO(metadata[b"IVOA.VOTable-Parquet.content"])).get_first_table()
    assert [field.name for field in table.fields] == ["id", *COLUMNS]


def test_astropy_reads_parquet_with_units_and_ucds(everything: str, tmp_path: Path) -> None:
    """It puts the rows under an empty table made from the VOTable, which must have texts of some length; a NULL number
    becomes NaN, and over NULL among texts and booleans it fails. Without a word on the lengths of texts it warns."""
    query = "SELECT id, small, double_, floats, unicode_, time_ FROM formats.everything WHERE small IS NOT NULL AND unicode_ <> '' AND time_ IS NOT NULL ORDER BY id"
    path = kept(tmp_path, "x.parquet", fetch(everything, query, "parquet").body)
    with pytest.warns(AstropyUserWarning, match="longest string"):
        table = Table.read(path, format="parquet.votable")
    assert table.colnames == ["id", "small", "double_", "floats", "unicode_", "time_"]
    assert (str(table["small"].unit), str(table["double_"].unit)) == ("mag", "km / s")
    assert table["small"].meta["ucd"] == ABOUT["small"]["ucd"]
    assert table["double_"].description == ABOUT["double_"]["description"]
    assert table["small"].tolist() == [VALUES["small"][row] for row in table["id"]]
    assert table["unicode_"].tolist() == [VALUES["unicode_"][row] for row in table["id"]]
    assert table["time_"].tolist() == [held("time_", "parquet")[1][row] for row in table["id"]]
    wanted = [VALUES["double_"][row] for row in table["id"]]
    assert all(same_number(a, b, 8) for a, b in zip(table["double_"], wanted, strict=True))


def test_arrow_tells_all_whose_data_are_joined(service: str) -> None:
    """Metadata of Arrow take each name once, and there are two of some."""
    query = "SELECT TOP 1 a.name, s.ra FROM demo.ngc AS a, demo.stars AS s"
    wanted = fetch(service, query, "votable").votable()
    found = arrow_table(fetch(service, query, "arrow").body).schema.metadata
    titles = wanted.all("//v:INFO[@name='data_title']/@value")
    assert len(titles) == 2
    assert found[b"data_title"].decode().split("\n") == titles


# ---- shapes


@in_both
def test_fifty_thousand_rows_of_many_blocks_join_without_a_seam(big: str, format_: str) -> None:
    found = table_of(big, "SELECT * FROM formats.big ORDER BY n", format_)
    assert found.num_rows == BIG
    for name, wanted in BIG_VALUES.items():
        kind = found.schema.field(name).type
        assert found[name].combine_chunks().equals(pa.array(wanted, kind)), name


@in_both
def test_texts_larger_than_a_block_come_whole(service: str, tables: Publish, format_: str) -> None:
    texts = ["é" * 700_000, None, "x" * 1_500_000, ""]
    arrays = [[i * 0.5 for i in range(200_000)], [], None, [1.0]]
    tables(
        "formats.large",
        {"n": pa.array(range(4)), "t": pa.array(texts), "a": pa.array(arrays, pa.list_(pa.float64()))},
    )
    found = table_of(service, "SELECT t, a FROM formats.large ORDER BY n", format_)
    assert found["t"].to_pylist() == texts
    assert found["a"].to_pylist() == arrays


def test_parquet_has_few_row_groups_and_arrow_many_batches(big: str) -> None:
    query = "SELECT * FROM formats.big ORDER BY n"
    assert pq.read_metadata(io.BytesIO(fetch(big, query, "parquet").body)).num_row_groups == 1
    with pa.ipc.open_stream(fetch(big, query, "arrow").body) as stream:
        assert len(list(stream)) > 5


@in_both
@pytest.mark.parametrize("value", [None, ""])
def test_a_text_column_of_one_value_only_keeps_it(
    service: str, tables: Publish, format_: str, value: str | None
) -> None:
    tables("formats.one", {"t": pa.array([value] * 3, pa.string())})
    assert table_of(service, "SELECT t FROM formats.one", format_)["t"].to_pylist() == [value] * 3


@in_both
def test_a_bare_null_is_a_column_of_text(service: str, format_: str) -> None:
    found = table_of(service, "SELECT TOP 2 NULL AS nothing, 1 AS one FROM tap_schema.tables", format_)
    assert found.schema.field("nothing").type == pa.string()
    assert found["nothing"].to_pylist() == [None, None]


def test_an_arrow_stream_that_breaks_off_has_no_status(big: str) -> None:
    """What a client has to look for, as Arrow's readers take the end of the bytes for the end of the stream."""
    body = fetch(big, "SELECT * FROM formats.big", "arrow").body
    with (
        pa.ipc.open_stream(body[: len(body) // 2]) as stream,
        pytest.raises(OSError, match="Expected to be able to read"),
    ):
        stream.read_all()
    assert len(read_arrow(body)["n"]) == BIG


@in_both
def test_odd_names_are_kept(service: str, format_: str) -> None:
    names = ["a,b", "<&>", 'say "x"', "é 𝄞", "tab\there", " ", "new\nline", "#", "A", "a"]
    columns = ", ".join('table_name AS "{}"'.format(name.replace('"', '""')) for name in names)
    reply = sync(service, f"SELECT TOP 1 {columns} FROM tap_schema.tables", RESPONSEFORMAT=format_)
    assert reply.status == 200, reply.text
    assert BOTH[format_](reply.body).column_names == names
