"""Every format in, by upload and by load, every type, every format out: a NULL stays NULL, a value stays itself."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow.csv as pacsv
import pytest
from astropy.io import votable
from astropy.table import Table
from astropy.utils.exceptions import AstropyWarning

from schema.description import Description
from schema.load import open_file
from schema.publish import load_table, unpublish_table
from tap.config import Config
from tap.engine import database
from tests.contract.client import Reply, post
from tests.tap.formats.readers import READERS, ecsv_table, kept
from tests.tap.uploads.matrix import (
    IDS,
    INPUTS,
    Kind,
    declared,
    handed_on,
    held,
    nested,
    same,
    sent,
    shown,
    stored,
)
from tests.tap.uploads.test_uploads import send

pytestmark = pytest.mark.filterwarnings(f"ignore::{AstropyWarning.__module__}.AstropyWarning")
OUTPUTS = ("votable/td", "votable/b", "votable/b2", "csv", "tsv", *READERS)
NO_MORE = Description()
Columns = dict[str, list[Any]]
Ask = Callable[[str, str], Reply]
"""A query of TABLE, and the format of its result."""


# ---- readers


def read_votable(body: bytes) -> Columns:
    """In arrays what the document says of NULL elements; a NULL array is all NULL only where that has a mask."""
    table = votable.parse(io.BytesIO(body)).get_first_table()
    data, mask = table.array.data, table.array.mask
    has_mask = b"<BINARY2>" in body
    return {
        f.name: [
            _flags(value, hidden, has_mask=has_mask)
            if f.datatype == "boolean" and f.arraysize
            else np.ma.getdata(value).tolist()
            if np.size(hidden) > 1 and not has_mask
            else _unmasked(np.ma.getdata(value), hidden)
            for value, hidden in zip(data[f.ID], mask[f.ID], strict=True)
        ]
        for f in table.fields
    }


def _flags(value: Any, hidden: Any, *, has_mask: bool) -> list[Any] | None:
    """An array of booleans, each of which can be NULL; the mask of the whole is told from that of its elements by BINARY2 only."""
    if np.all(hidden) and (has_mask or np.ndim(hidden) == 0):
        return None
    return np.ma.array(np.ma.getdata(value), mask=np.ma.getmaskarray(value) | hidden).tolist()  # type: ignore[no-any-return]


def read_masked(table: Table) -> Columns:
    return {
        c.name: list(map(_unmasked, np.asarray(c), getattr(c, "mask", [False] * len(c))))
        for c in table.columns.values()
    }


def read_hdf5(body: bytes) -> Table:
    """Texts as bytes: astropy loses the mask of those beyond ASCII when it makes texts of them."""
    with h5py.File(io.BytesIO(body), "r") as book:
        return Table.read(book, path="table")


def _unmasked(value: Any, hidden: Any) -> Any:
    if np.size(hidden) and np.all(hidden):
        return None
    return np.ma.array(value, mask=hidden).tolist() if isinstance(value, np.ndarray | np.generic) else value


def read_delimited(body: bytes, delimiter: str) -> Columns:
    """An empty text is two quotes, NULL is nothing."""
    head = body.decode().split("\n", 1)[0].split(delimiter)
    table = pacsv.read_csv(
        io.BytesIO(body),
        parse_options=pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(head, "string"),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    return {name: table[name].to_pylist() for name in head}


def read(format_: str, body: bytes) -> Columns:
    if format_.startswith("votable"):
        return read_votable(body)
    if format_ in {"csv", "tsv"}:
        return read_delimited(body, "," if format_ == "csv" else "\t")
    if format_ in {"ecsv", "hdf5"}:
        return read_masked(ecsv_table(body) if format_ == "ecsv" else read_hdf5(body))
    return READERS[format_](body)


# ---- both ways in


@pytest.fixture(scope="module")
def asks(service: str, sample: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, str], Ask]]:
    """For an input format and a way in, what puts queries to its table."""
    folder, loaded = tmp_path_factory.mktemp("matrix"), dict[str, str]()

    def of_upload(input_: str) -> Ask:
        file_name, write = INPUTS[input_]
        content = write(held(input_))
        return lambda query, format_: send(
            f"{service}/sync",
            query.replace("TABLE", "TAP_UPLOAD.mine"),
            content,
            file_name=file_name,
            RESPONSEFORMAT=format_,
        )

    def of_load(input_: str) -> Ask:
        if input_ not in loaded:
            file_name, write = INPUTS[input_]
            name = "matrix." + "".join(c for c in input_ if c.isalnum())
            load(sample, kept(folder, file_name, write(held(input_))), name)
            loaded[input_] = name
        name = loaded[input_]
        return lambda query, format_: post(
            f"{service}/sync", {"LANG": "ADQL", "QUERY": query.replace("TABLE", name), "RESPONSEFORMAT": format_}
        )

    yield lambda way, input_: {"upload": of_upload, "load": of_load}[way](input_)
    with database.owner_connection(sample) as connection:
        for name in loaded.values():
            unpublish_table(connection, name)
        connection.execute("DROP SCHEMA IF EXISTS matrix CASCADE")


def load(config: Config, path: Path, name: str, description: Description = NO_MORE) -> None:
    """As `armillary load` does."""
    with database.owner_connection(config) as connection:
        load_table(connection, open_file(path), name, description)


def differences(input_: str, output: str, found: Columns) -> dict[str, list[Any]]:
    """Of each column its rows that are not as they should be: the row, what came, what should have come."""
    wrong = {
        kind.name: [
            (row, cell, value)
            for row, (cell, value) in enumerate(zip(found[kind.name], sent(input_, output, kind), strict=True))
            if not same(kind, handed_on(output, kind, cell), value)
            or (cell is not None and np.shape(cell) != (nested(input_, output, kind) or np.shape(cell)))
        ]
        for kind in shown(input_, output)
    }
    return {name: rows for name, rows in wrong.items() if rows}


both_ways = pytest.mark.parametrize("way", ["upload", "load"])
every_input = pytest.mark.parametrize("input_", INPUTS)


@both_ways
@every_input
def test_exactly_the_nulls_are_null(asks: Callable[[str, str], Ask], way: str, input_: str) -> None:
    kinds = held(input_)
    query = " UNION ALL ".join(
        f"SELECT '{kind.name}' AS what, id FROM TABLE AS t WHERE {quoted(kind)} IS NULL" for kind in kinds
    )
    reply = asks(way, input_)(query, "csv")
    assert reply.status == 200, reply.text
    found = sorted(reply.lines[1:])
    assert found == sorted(f"{kind.name},{row}" for kind in kinds for row in IDS if stored(input_, kind)[row] is None)


@both_ways
@every_input
def test_columns_are_declared_as_in_the_file(asks: Callable[[str, str], Ask], way: str, input_: str) -> None:
    reply = asks(way, input_)("SELECT * FROM TABLE AS t", "json")
    assert reply.status == 200, reply.text
    about = {each["name"]: each for each in json.loads(reply.body)["metadata"]}
    found = {k.name: tuple(about[k.name].get(a) for a in ("datatype", "arraysize", "xtype")) for k in held(input_)}
    assert found == {kind.name: declared(input_, kind) for kind in held(input_)}


def quoted(kind: Kind) -> str:
    return f't."{kind.name}"'


@both_ways
@every_input
@pytest.mark.parametrize("output", OUTPUTS)
def test_values_come_out_as_they_went_in(asks: Callable[[str, str], Ask], way: str, input_: str, output: str) -> None:
    kinds = shown(input_, output)
    columns = ", ".join(quoted(kind) for kind in kinds)
    reply = asks(way, input_)(f"SELECT id, {columns} FROM TABLE AS t ORDER BY id", output)
    assert reply.status == 200, reply.text
    assert differences(input_, output, read(output, reply.body)) == {}
