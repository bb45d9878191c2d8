"""Files as astropy, STIL and spreadsheets write them, where they differ from what a format's description suggests."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Column, MaskedColumn, Table

from tests.contract.client import Reply, sync
from tests.tap.uploads.test_uploads import send


def ask(service: str, query: str, file_name: str, content: bytes, format_: str) -> Reply:
    """With the file as TAP_UPLOAD.t."""
    return send(f"{service}/sync", query, content, "t", file_name, RESPONSEFORMAT=format_)


MASKED = Table(
    {
        "whole": MaskedColumn([1, 2, 3], mask=[False, True, False]),
        "text": MaskedColumn(["a", "b", "c"], mask=[True, False, False]),
        "far": Column([1.0, 2.0, 3.0], unit="km", description="How far"),
        "square": np.arange(12).reshape(3, 2, 2),
    }
)


def _by_astropy(suffix: str, **how: Any) -> Callable[[Path], bytes]:
    def write(folder: Path) -> bytes:
        path = folder / f"table.{suffix}"
        MASKED.write(path, **how)
        return path.read_bytes()

    return write


WAYS = {
    "parquet": _by_astropy("parquet", format="parquet"),
    "ecsv": _by_astropy("ecsv", format="ascii.ecsv", serialize_method="data_mask"),
}


@pytest.mark.parametrize("suffix", WAYS)
def test_masked_values_of_astropy_are_null_and_their_masks_no_columns(
    service: str, tmp_path: Path, suffix: str
) -> None:
    reply = ask(service, "SELECT * FROM TAP_UPLOAD.t ORDER BY far", f"t.{suffix}", WAYS[suffix](tmp_path), "json")
    document = json.loads(reply.body)
    assert [column["name"] for column in document["metadata"]] == MASKED.colnames
    assert document["data"] == [
        [1, None, 1.0, [[0, 1], [2, 3]]],
        [None, "b", 2.0, [[4, 5], [6, 7]]],
        [3, "c", 3.0, [[8, 9], [10, 11]]],
    ]
    far = document["metadata"][2]
    assert (far["unit"], far["description"]) == ("km", "How far")


@pytest.mark.parametrize("content", [b"i\n1\n\n3\n", b"i\n1\n\n3", b'i\n1\n""\n3\n', b"i\r\n1\r\n\r\n3\r\n"])
def test_an_empty_line_of_a_single_column_is_a_missing_value(service: str, content: bytes) -> None:
    assert json.loads(ask(service, "SELECT * FROM TAP_UPLOAD.t", "t.csv", content, "json").body)["data"] == [
        [1],
        [None],
        [3],
    ]


@pytest.mark.parametrize("format_", ["csv", "tsv"])
@pytest.mark.parametrize(
    "values", [[1.5, None, 2.5], [None, 1.5, None], [None, None, 3.5, None, None], ["a\n\nb", None, 'say ""', "c"]]
)
def test_missing_values_of_a_single_column_come_back(service: str, format_: str, values: list[Any]) -> None:
    rows = Table({"i": range(len(values)), "x": [v if v is not None else np.ma.masked for v in values]})
    text = io.StringIO()
    rows.write(text, format="ascii.ecsv")
    query = "SELECT x FROM TAP_UPLOAD.t ORDER BY i"
    written = ask(service, query, "t.ecsv", text.getvalue().encode(), format_).body
    again = ask(service, "SELECT x FROM TAP_UPLOAD.t", f"t.{format_}", written, "json")
    assert json.loads(again.body)["data"] == [[value] for value in values]
    delimiter = "\t" if format_ == "tsv" else ","
    read = Table.read(written.decode(), format="ascii.csv", delimiter=delimiter)
    assert len(read) == len(values)


@pytest.mark.parametrize(("suffix", "content"), [("csv", b"ra,dec"), ("tsv", b"ra\tdec"), ("csv", b"ra,dec\n")])
def test_a_line_of_names_alone_is_a_table_without_rows(service: str, suffix: str, content: bytes) -> None:
    reply = ask(service, "SELECT ra, dec FROM TAP_UPLOAD.t", f"t.{suffix}", content, "csv")
    assert reply.body == b"ra,dec\n"


def test_a_csv_that_is_not_in_utf_8_is_refused_with_its_column(service: str) -> None:
    reply = ask(service, "SELECT * FROM TAP_UPLOAD.t", "t.csv", b"n,x\n\xe9a,1\n", "csv")
    assert reply.status == 400
    assert b"column n" in reply.body
    assert b"UTF-8" in reply.body


def test_texts_of_fits_may_be_in_latin_1(service: str) -> None:
    texts = np.array([b"\xe4b", b"c"], "S2")
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU(np.rec.fromarrays([texts], names="us"))]).writeto(file)
    reply = ask(service, "SELECT us FROM TAP_UPLOAD.t", "t.fits", file.getvalue(), "json")
    assert json.loads(reply.body)["data"] == [["äb"], ["c"]]


def _votable(xtype: str, datatype: str, arraysize: str, value: str) -> bytes:
    field = f'<FIELD name="x" datatype="{datatype}" arraysize="{arraysize}" xtype="{xtype}"/>'
    table = f"<TABLE>{field}<DATA><TABLEDATA><TR><TD>{value}</TD></TR></TABLEDATA></DATA></TABLE>"
    return f'<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE>{table}</RESOURCE></VOTABLE>'.encode()


@pytest.mark.parametrize(
    ("xtype", "datatype", "arraysize", "value"),
    [
        ("interval", "double", "2", "1 2"),
        ("moc", "char", "*", "1/3 4"),
        ("uri", "char", "*", "ivo://x"),
        ("hms", "char", "*", "1:2:3"),
        ("range", "double", "4", "1 2 3 4"),
    ],
)
def test_an_xtype_comes_back(service: str, xtype: str, datatype: str, arraysize: str, value: str) -> None:
    content = _votable(xtype, datatype, arraysize, value)
    (field,) = ask(service, "SELECT x FROM TAP_UPLOAD.t", "t.vot", content, "votable/td").votable().fields
    assert field["xtype"] == xtype


@pytest.mark.parametrize("xtype", ["point", "adql:REGION"])
def test_an_xtype_that_the_values_are_not_is_left_out(service: str, xtype: str) -> None:
    content = _votable(xtype, "long", "3", "1 2 3")
    (field,) = ask(service, "SELECT x FROM TAP_UPLOAD.t", "t.vot", content, "votable/td").votable().fields
    assert "xtype" not in field


@pytest.mark.parametrize("name", ["\x1b[31m", "x" * 3000, "a\tb", "日本"])
def test_a_warning_about_any_name_is_a_header(service: str, name: str) -> None:
    reply = sync(service, f'SELECT TOP 1 ra AS "{name}" FROM demo.ngc ORDER BY ra', RESPONSEFORMAT="fits")
    assert reply.status == 200
    assert reply.headers["x-armillary-warning"].isprintable()


def test_many_warnings_are_counted(service: str) -> None:
    names = ", ".join(f'ra AS "é{i}"' for i in range(300))
    form = {"LANG": "ADQL", "QUERY": f"SELECT TOP 1 {names} FROM demo.ngc ORDER BY ra", "RESPONSEFORMAT": "fits"}
    with urlopen(f"{service}/sync", urlencode(form).encode()) as answer:
        warnings = answer.headers.get_all("x-armillary-warning")
    assert (len(warnings), warnings[-1]) == (21, "There are 280 more warnings.")


def test_fits_tells_before_the_file_that_it_cannot_keep_a_name(service: str) -> None:
    reply = sync(f"{service}", 'SELECT TOP 1 ra AS "é", dec AS b FROM demo.ngc ORDER BY ra', RESPONSEFORMAT="fits")
    assert "The column" in reply.headers["x-armillary-warning"]
    assert "called ?" in reply.headers["x-armillary-warning"]
