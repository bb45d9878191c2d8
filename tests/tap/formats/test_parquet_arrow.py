"""Parquet (VOParquet 1.0) and Arrow's stream, read back by pyarrow and astropy: types and values exactly, NULL, NaN and nothing told apart."""

import io
import math
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.contract.client import Votable
from tests.contract.xsd import parse
from tests.tap.formats.readers import arrow_table, parquet_table
from tests.tap.formats.tables import (
    COLUMNS,
    VALUES,
    Publish,
    fetch,
)

BOTH = {"arrow": arrow_table, "parquet": parquet_table}
in_both = pytest.mark.parametrize("format_", BOTH)
NO_ROWS = "SELECT * FROM formats.everything WHERE id < 0"


def table_of(service: str, query: str, format_: str) -> pa.Table:
    return BOTH[format_](fetch(service, query, format_).body)


def bits(value: Any, kind: pa.DataType) -> Any:
    """A value by which floats are compared to the last bit, -0.0 and NaN included."""
    if isinstance(value, list):
        return [bits(each, kind.value_type) for each in value]
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else pa.scalar(value, kind).as_py().hex()
    return value


# ---- every type


@in_both
@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_alone_is_as_it_was(everything: str, format_: str, name: str) -> None:
    kind = COLUMNS[name][0]
    found = table_of(everything, f"SELECT {name} FROM formats.everything ORDER BY id", format_)[name]
    assert found.null_count == sum(value is None for value in VALUES[name])
    assert [bits(each, kind) for each in found.to_pylist()] == [bits(each, kind) for each in VALUES[name]]


@in_both
def test_times_of_any_year_are_numbers_and_infinite_ones_null(extremes: str, format_: str) -> None:
    """Microseconds from 1970, which have no number for infinity and the last days that PostgreSQL knows."""
    found = table_of(extremes, "SELECT t FROM formats.extremes ORDER BY id", format_)["t"].cast(pa.int64()).to_pylist()
    day = 86_400_000_000
    of_year_0 = (datetime(1, 1, 1) - datetime(1970, 1, 1)).days * day
    assert found[:2] == [of_year_0, None]
    assert found[3] == of_year_0 - 1
    assert found[4] == -210_863_520_000_000_000 + 0 * day  # 4713-01-01 BC, PostgreSQL's day 0 but for half a day
    assert found[5] == 327_416_976_550_000_001
    assert found[6:9] == [None, None, None]
    assert found[9] == 253_402_300_799_999_999


# ---- what they say of the columns


def votable_of(body: bytes) -> Votable:
    metadata = pq.read_metadata(io.BytesIO(body)).metadata
    assert metadata[b"IVOA.VOTable-Parquet.version"] == b"1.0"
    return Votable(parse(metadata[b"IVOA.VOTable-Parquet.content"]))


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
