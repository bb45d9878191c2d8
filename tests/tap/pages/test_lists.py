"""What is told of a list before it is sent is what a query of it will find."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st

from adql.translate import translate
from schema.model import Catalogue
from tap.config import Config
from tap.pages.lists import schema_of_list
from tap.uploads.upload import uploads_of
from tests.contract.client import Reply, request
from tests.tap.uploads.test_uploads import send
from uws.parameters import ParameterError

ROWS = Table({"name": ["Alcyone", "Atlas"], "ra": [56.87, 57.29], "dec": [24.11, 24.05], "n": [1, 2]})
NAMED = "RAJ2000,DEJ2000,order,Mixed Case,x,X,é,2mass\n10.5,20.5,1,a,1,2,3,4\n"


def votable(table: Table = ROWS) -> bytes:
    out = io.BytesIO()
    table["ra"].unit = table["dec"].unit = "deg"
    table.write(out, format="votable")
    return out.getvalue()


def fits() -> bytes:
    out = io.BytesIO()
    ROWS.write(out, format="fits")
    return out.getvalue()


def parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({name: np.asarray(ROWS[name]).tolist() for name in ROWS.colnames}), out)
    return out.getvalue()


FILES = {
    "mine.vot": votable(),
    "mine.fits": fits(),
    "mine.parquet": parquet(),
    "mine.csv": b"name,ra,dec,n\nAlcyone,56.87,24.11,1\nAtlas,57.29,24.05,2\n",
    "mine.tsv": b"name\tra\tdec\tn\nAlcyone\t56.87\t24.11\t1\nAtlas\t57.29\t24.05\t2\n",
    "names.csv": NAMED.encode(),
}


def told(service: str, content: bytes, file_name: str = "mine.csv") -> Reply:
    head = f'--xyz\r\nContent-Disposition: form-data; name="file"; filename="{file_name}"\r\n\r\n'.encode()
    url = f"{service.removesuffix('/tap')}/-/list"
    body = head + content + b"\r\n--xyz--\r\n"
    return request("POST", url, body, {"Content-Type": "multipart/form-data; boundary=xyz"})


def columns_of(service: str, file_name: str) -> Any:
    reply = told(service, FILES[file_name], file_name)
    assert reply.status == 200, reply.text
    return json.loads(reply.body)


# ---- what is told


@pytest.mark.parametrize("file_name", [name for name in FILES if name != "names.csv"])
def test_a_list_has_its_columns_and_a_position(service: str, file_name: str) -> None:
    found = columns_of(service, file_name)
    assert [column["name"] for column in found["columns"]] == ["name", "ra", "dec", "n"]
    types = [column["datatype"] for column in found["columns"]]
    assert types[0] in {"char", "unicodeChar"}
    assert types[1:3] == ["double", "double"]
    assert types[3] in {"short", "int", "long"}
    assert found["position"] == ["ra", "dec"]


def test_a_list_without_a_position_says_so(service: str) -> None:
    reply = told(service, b"a,b\n1,2\n")
    assert json.loads(reply.body)["position"] is None


@pytest.mark.parametrize("file_name", FILES)
def test_a_query_of_the_list_has_the_columns_that_were_told(service: str, file_name: str) -> None:
    found = columns_of(service, file_name)
    names = ", ".join(column["column_name"] for column in found["columns"])
    answer = send(f"{service}/sync", f"SELECT {names} FROM TAP_UPLOAD.list", FILES[file_name], "list", file_name)
    assert answer.status == 200, answer.text
    assert answer.lines[0].split(",") == [column["name"] for column in found["columns"]]


@pytest.mark.parametrize("file_name", FILES)
def test_what_is_told_is_what_a_check_is_told_again(service: str, catalogue: Catalogue, file_name: str) -> None:
    found = columns_of(service, file_name)
    schema = schema_of_list(json.dumps(found["columns"]))
    assert schema is not None
    query = "SELECT * FROM TAP_UPLOAD.list"
    outputs = translate(query, catalogue.joined_by(schema)).outputs
    assert [output.name for output in outputs] == [column["name"] for column in found["columns"]]
    if found["position"]:
        longitude, latitude = found["position"]
        query += f" AS l, demo.stars AS s WHERE DISTANCE(l.{longitude}, l.{latitude}, s.ra, s.dec) < 0.01"
        translate(query, catalogue.joined_by(schema))


@pytest.mark.parametrize(
    "content", [b"", b"\0\1\2", b"PAR1xxxx", b"SIMPLE  =", b"<VOTABLE><RESOURCE>", b"%PDF-1.7 \xff\xfe\0\0"]
)
def test_what_is_no_list_is_said_without_a_path(service: str, config: Config, content: bytes) -> None:
    reply = told(service, content, "mine.x")
    assert reply.status == 400
    message = json.loads(reply.body)["error"]["message"]
    assert message
    assert "/" not in message.replace("and/or", "")


def test_a_form_without_a_file_is_told_so(service: str) -> None:
    body = b'--xyz\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--xyz--\r\n'
    reply = request(
        "POST", f"{service.removesuffix('/tap')}/-/list", body, {"Content-Type": "multipart/form-data; boundary=xyz"}
    )
    assert (reply.status, json.loads(reply.body)["error"]["message"]) == (400, "The form has no file")


def test_nothing_of_a_list_is_kept(service: str, config: Config) -> None:
    folder = Path(uploads_of(config))
    before = set(folder.rglob("*"))
    for file_name, content in [*FILES.items(), ("broken.vot", b"<VOTABLE>")]:
        told(service, content, file_name)
    assert set(folder.rglob("*")) <= before


# ---- what a page tells of it again

COLUMN = {"column_name": "ra", "datatype": "double", "arraysize": None, "xtype": None, "unit": "deg", "ucd": None}


@pytest.mark.parametrize("text", [None, ""])
def test_no_columns_are_no_list(text: str | None) -> None:
    assert schema_of_list(text) is None


def test_a_list_is_a_table_of_uploads() -> None:
    schema = schema_of_list(json.dumps([COLUMN]))
    assert schema is not None
    (table,) = schema.tables
    assert table.table_name == "TAP_UPLOAD.list"
    assert [(column.column_name, column.datatype, column.unit) for column in table.columns] == [("ra", "double", "deg")]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*COLUMN, "x"]), inner, max_size=6),
    max_leaves=20,
)


@given(JSON.map(json.dumps) | st.text() | st.builds(lambda value: json.dumps([{**COLUMN, "datatype": value}]), JSON))
def test_whatever_else_is_told_is_refused_or_is_columns(text: str) -> None:
    try:
        schema = schema_of_list(text)
    except ParameterError:
        return
    for table in schema.tables if schema else ():
        assert all(column.type for column in table.columns)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 150_000,
        '[{"a":' * 30_000,
        json.dumps([COLUMN] * 5000),
        "[" + "1" * 10_000 + "]",
        "[1e999]",
        "null",
        "{}",
        "0",
        '"text"',
        "[null]",
        "[[]]",
        '[{"column_name": "ra"}]',
        '[{"column_name": "ra", "datatype": "nonsense"}]',
    ],
    ids=lambda text: text[:20],
)
def test_what_is_no_list_of_columns_is_refused(text: str) -> None:
    with pytest.raises(ParameterError):
        schema_of_list(text)


@given(st.text(max_size=20))
def test_no_name_of_a_column_makes_more_of_a_query_than_a_name(name: str) -> None:
    """What a page tells comes from its user; the names stand in the catalogue of this one query."""
    try:
        schema = schema_of_list(json.dumps([{**COLUMN, "column_name": name}]))
    except ParameterError:
        return
    assert schema is not None
    translation = translate("SELECT * FROM TAP_UPLOAD.list", Catalogue((schema,)))
    assert len(translation.outputs) == 1
