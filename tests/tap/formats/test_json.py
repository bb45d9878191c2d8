"""JSON (RFC 8259), read by a parser that takes nothing else: values exactly, NULL is null, numbers that JSON has not are texts."""

from typing import Any

import pyarrow as pa
import pytest

from tests.tap.formats.readers import read_json
from tests.tap.formats.tables import (
    COLUMNS,
    VALUES,
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


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_alone_is_as_it_was(everything: str, name: str) -> None:
    kind = COLUMNS[name][0]
    found = of_json(everything, f"SELECT {name} FROM formats.everything ORDER BY id")[name]
    assert [(a, b) for a, b in zip(found, VALUES[name], strict=True) if not same_json(kind, a, b)] == []
