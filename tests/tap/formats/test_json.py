"""JSON (RFC 8259), read by a parser that takes nothing else: values exactly, NULL is null, numbers that JSON has not are texts."""

import math
from typing import Any

import pyarrow as pa
import pytest

from tests.contract.client import post
from tests.tap.formats.readers import parse_json, read_json
from tests.tap.formats.tables import (
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


def of_json(service: str, query: str) -> dict[str, list[Any]]:
    return read_json(fetch(service, query, "json").body)


def same_json(kind: pa.DataType, found: Any, wanted: Any) -> bool:
    """Exactly, NULL and empty ones told apart."""
    if found is None or wanted is None:
        return found is wanted
    if pa.types.is_list(kind):
        return len(found) == len(wanted) and all(
            same_json(kind.value_type, a, b) for a, b in zip(found, wanted, strict=True)
        )
    if pa.types.is_floating(kind):
        return bool(same_number(found, wanted, kind.bit_width // 8))
    if pa.types.is_timestamp(kind):
        return bool(found == wanted.isoformat(timespec="microseconds"))
    if pa.types.is_binary(kind):
        return bool(bytes.fromhex(found) == wanted)
    return bool(found == wanted) and type(found) is type(wanted)


def test_every_value_of_every_type_is_as_it_was_and_null_is_null(everything: str) -> None:
    found = of_json(everything, EVERYTHING)
    assert list(found) == ["id", *COLUMNS]
    wrong = [
        (name, row, a, b)
        for name, (kind, _) in COLUMNS.items()
        for row, (a, b) in enumerate(zip(found[name], VALUES[name], strict=True))
        if not same_json(kind, a, b)
    ]
    assert wrong == []


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_alone_is_as_it_was(everything: str, name: str) -> None:
    kind = COLUMNS[name][0]
    found = of_json(everything, f"SELECT {name} FROM formats.everything ORDER BY id")[name]
    assert [(a, b) for a, b in zip(found, VALUES[name], strict=True) if not same_json(kind, a, b)] == []


def test_texts_that_look_like_numbers_json_has_not_stay_as_they_are(service: str, tables: Publish) -> None:
    texts = ["NaN", '"NaN', 'NaN"', "\\", '\\"NaN', '\\\\"', "-Infinity", '","NaN,', "],[NaN", "\x1fNaN\x1f", "null"]
    numbers = [math.nan, math.inf, -math.inf, None, 1.5, -0.0, math.nan, 1e300, 5e-324, 0.1, -math.inf]
    tables(
        "formats.look",
        {
            "n": pa.array(range(len(texts)), pa.int32()),
            "t": pa.array(texts),
            "d": pa.array(numbers, pa.float64()),
            "a": pa.array([[each, 1.0] for each in numbers], pa.list_(pa.float64())),
        },
    )
    found = of_json(service, "SELECT t, d, a, t AS again FROM formats.look ORDER BY n")
    assert found["t"] == found["again"] == texts
    assert all(same_number(a, b, 8) for a, b in zip(found["d"], numbers, strict=True))
    assert all(same_number(a[0], b, 8) for a, b in zip(found["a"], numbers, strict=True))


def test_numbers_that_json_has_not_are_texts_that_every_language_knows(edges: str) -> None:
    data = parse_json(fetch(edges, "SELECT r, d, f FROM formats.edges ORDER BY id", "json").body)["data"]
    assert data[0] == ["NaN", "NaN", [1, None, 3]]


def test_null_within_an_array_is_null(edges: str) -> None:
    found = of_json(edges, "SELECT f, g, n, m, k FROM formats.edges ORDER BY id")
    assert [found[name][0] for name in "fgnmk"] == [[1, None, 3], [None, 2], [1, None, 3], [None], [1, None]]


def test_geometries_are_arrays_of_degrees_and_null_is_null(places: str) -> None:
    found = of_json(places, GEOMETRIES)
    for row, (ra, dec, radius) in enumerate(POSITIONS):
        assert found["p"][row] == (None if ra is None else pytest.approx([ra, dec], abs=1e-9))
        assert found["c"][row] == (None if None in (ra, radius) else pytest.approx([ra, dec, radius], abs=1e-9))
        assert (found["y"][row] is None) == (ra is None)


def test_columns_of_geometries_hold_null(extremes: str) -> None:
    found = of_json(extremes, "SELECT p, c, y FROM formats.extremes ORDER BY id")
    for index, name in enumerate("pcy", 2):
        assert [each is None for each in found[name]] == [row[index] is None for row in EXTREMES], name


def test_metadata_are_the_attributes_of_votables_fields(everything: str) -> None:
    found = parse_json(fetch(everything, EVERYTHING, "json").body)
    wanted = fetch(everything, EVERYTHING, "votable").votable().fields
    about = [{name: value for name, value in column.items() if value is not None} for column in found["metadata"]]
    assert [{"description": "", **column} for column in about] == wanted
    assert all({"unit", "description"} <= column.keys() for column in found["metadata"])
    assert {"name": "query", "value": EVERYTHING} in found["info"]


def test_any_query_is_told_in_the_result(service: str) -> None:
    query = 'SELECT TOP 1\r\n\t\'<&>"\\é𝄞\x7f\u2028\' AS "x\\""\u2029"\nFROM demo.ngc'
    reply = post(f"{service}/sync", {"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": "json"})
    found = parse_json(reply.body)
    assert {"name": "query", "value": query} in found["info"]
    assert found["metadata"][0]["name"] == 'x\\"\u2029'
    assert found["data"] == [['<&>"\\é𝄞\x7f\u2028']]
