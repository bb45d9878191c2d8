"""HDF5, read back by h5py and astropy: every value as it was, and NULL told by masks."""

import io
import math
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pytest
from astropy.table import Table

from tests.contract.client import post
from tests.tap.formats.readers import kept
from tests.tap.formats.tables import (
    ABOUT,
    COLUMNS,
    EVERYTHING,
    EXTREMES,
    GEOMETRIES,
    POSITIONS,
    VALUES,
    fetch,
    same_number,
)


def by_h5py(service: str, query: str) -> dict[str, list[Any]]:
    """Values as h5py gives them, None where there is a mask and it is set."""
    with h5py.File(io.BytesIO(fetch(service, query, "hdf5").body)) as book:
        rows = book["table"][:]
    names = [name for name in rows.dtype.names if not name.endswith(".mask")]
    masks = {
        name: rows[f"{name}.mask"] if f"{name}.mask" in rows.dtype.names else [False] * len(rows) for name in names
    }
    return {n: [None if np.all(m) else v for v, m in zip(rows[n].tolist(), masks[n], strict=True)] for n in names}


def equal(found: Any, wanted: Any, kind: pa.DataType) -> bool:
    if wanted is None or found is None:
        return found is wanted
    if pa.types.is_floating(kind):
        return same_number(found, wanted, kind.bit_width // 8)
    if pa.types.is_string(kind):
        return bool(found.decode() == wanted)
    if pa.types.is_timestamp(kind):
        return bool(found.decode() == wanted.isoformat(timespec="microseconds"))
    if pa.types.is_binary(kind):
        return bytes(found) == wanted
    if pa.types.is_list(kind):
        return len(found) == len(wanted) and all(
            equal(a, b, kind.value_type) for a, b in zip(found, wanted, strict=True)
        )
    return bool(found == wanted)


def test_every_value_of_every_type_is_as_it_was_and_null_is_masked(everything: str) -> None:
    found = by_h5py(everything, EVERYTHING)
    assert list(found) == ["id", *COLUMNS]
    wrong = [
        (name, row, a, b)
        for name, (kind, _) in COLUMNS.items()
        for row, (a, b) in enumerate(zip(found[name], VALUES[name], strict=True))
        if not equal(a, b, kind)
    ]
    assert wrong == []


def test_texts_that_are_short_have_one_width(everything: str) -> None:
    query = "SELECT id, ascii_ FROM formats.everything WHERE ascii_ LIKE 'p%' OR ascii_ = 'it''s' ORDER BY id"
    with h5py.File(io.BytesIO(fetch(everything, query, "hdf5").body)) as book:
        rows = book["table"][:]
    assert rows.dtype["ascii_"].kind == "S"
    assert [text.decode() for text in rows["ascii_"]] == [VALUES["ascii_"][row] for row in rows["id"]]


def test_what_is_below_a_mask_is_no_number_that_one_could_take_for_one(everything: str) -> None:
    with h5py.File(io.BytesIO(fetch(everything, EVERYTHING, "hdf5").body)) as book:
        rows = book["table"][:]
    assert np.isnan(rows["double_"][rows["double_.mask"]]).all()
    assert (rows["int_"][rows["int_.mask"]] == 0).all()


def test_geometries_are_numbers_in_degrees(places: str) -> None:
    found = by_h5py(places, GEOMETRIES)
    for row, (ra, dec, radius) in enumerate(POSITIONS):
        point, circle = found["p"][row], found["c"][row]
        assert (point is None) == (ra is None)
        assert point is None or list(point) == pytest.approx([ra, dec], abs=1e-9)
        assert circle is None or list(circle) == pytest.approx([ra, dec, radius], abs=1e-9)
        assert (found["y"][row] is None) == (ra is None)


def test_times_of_any_year_are_iso_8601(extremes: str) -> None:
    found = by_h5py(extremes, "SELECT id, t FROM formats.extremes ORDER BY id")["t"]
    assert found[0] == b"0001-01-01T00:00:00.000000"
    assert found[2] == b"-0043-03-15T12:00:00.250000"
    assert found[7] is found[8] is None
    assert len(found) == len(EXTREMES)


def test_astropy_reads_units_descriptions_and_masks(everything: str, tmp_path: Path) -> None:
    query = "SELECT id, small, double_, flag, time_ FROM formats.everything ORDER BY id"
    path = kept(tmp_path, "x.h5", fetch(everything, query, "hdf5").body)
    table = Table.read(path, path="table", character_as_bytes=False)
    assert table.colnames == ["id", "small", "double_", "flag", "time_"]
    assert (str(table["small"].unit), str(table["double_"].unit)) == ("mag", "km / s")
    assert table["small"].description == ABOUT["small"]["description"]
    assert table["double_"].meta["ucd"] == ABOUT["double_"]["ucd"]
    for name in ("small", "double_", "flag", "time_"):
        assert table[name].mask.tolist() == [value is None for value in VALUES[name]], name
    assert table.meta["query"] == query


def test_a_column_called_like_a_mask_keeps_its_name(everything: str, tmp_path: Path) -> None:
    query = 'SELECT small, id AS "small.mask" FROM formats.everything ORDER BY id'
    path = kept(tmp_path, "x.h5", fetch(everything, query, "hdf5").body)
    table = Table.read(path, path="table")
    assert table["small"].mask.tolist() == [value is None for value in VALUES["small"]]
    assert table["small.mask"].tolist() == list(range(len(VALUES["small"])))


def test_a_table_too_wide_for_hdf5_is_refused(everything: str) -> None:
    columns = ", ".join(f"id AS a_rather_long_name_of_a_column_{i}" for i in range(1000))
    query = f"SELECT TOP 1 {columns} FROM formats.everything"
    reply = post(f"{everything}/sync", {"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": "hdf5"})
    assert reply.status == 400
    assert "Parquet" in reply.text


def test_nan_is_not_null(edges: str) -> None:
    found = by_h5py(edges, "SELECT d FROM formats.edges ORDER BY id")["d"]
    assert math.isnan(found[0])
