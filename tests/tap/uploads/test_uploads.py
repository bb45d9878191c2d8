"""Tables that come with a query: every type there and back, every way to send them, and what is refused (docs/demands.md C)."""

import base64
import gzip
import io
import os
import re
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.io.votable import from_table, parse_single_table, writeto
from astropy.table import MaskedColumn, Table
from astropy.time import Time
from astropy.utils.exceptions import AstropyWarning

from tap.config import Config
from tap.uploads.upload import sweep_uploads
from tests.conftest import free_port, serving
from tests.contract.client import Reply, get, post, request

pytestmark = pytest.mark.filterwarnings(f"ignore::{AstropyWarning.__module__}.AstropyWarning")
ALL = "SELECT * FROM TAP_UPLOAD.mine"
COUNT = "SELECT COUNT(*) AS n FROM TAP_UPLOAD.mine"


def send(url: str, query: str, content: bytes, name: str = "mine", file_name: str = "mine.vot", **more: str) -> Reply:
    """A form with one file, as pyvo sends it."""
    form = {"LANG": "ADQL", "QUERY": query, "UPLOAD": f"{name},param:part", "RESPONSEFORMAT": "csv"} | more
    fields = b"".join(
        f'--xyz\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in form.items()
    )
    head = f'--xyz\r\nContent-Disposition: form-data; name="part"; filename="{file_name}"\r\n\r\n'.encode()
    body = fields + head + content + b"\r\n--xyz--\r\n"
    return request("POST", url, body, {"Content-Type": "multipart/form-data; boundary=xyz"})


def votable(table: Table, kind: str) -> bytes:
    out = io.BytesIO()
    document = from_table(table)
    writeto(document, out, tabledata_format=kind)
    return out.getvalue()


def document(fields: str, data: str) -> bytes:
    return f"""<?xml version="1.0"?><VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">
<RESOURCE><TABLE>{fields}<DATA>{data}</DATA></TABLE></RESOURCE></VOTABLE>""".encode()


ONE_FIELD = '<FIELD name="a" datatype="int"/>'
ONE_ROW = "<TABLEDATA><TR><TD>1</TD></TR></TABLEDATA>"


@pytest.fixture(scope="module")
def sync(service: str) -> str:
    return f"{service}/sync"


def table(*, nulls: bool) -> Table:
    """One column of each kind, with a missing value in the last row where there can be one."""

    def masked(values: list[object], dtype: str) -> MaskedColumn:
        return MaskedColumn(values, dtype=dtype, mask=[False, False, nulls])

    return Table(
        {
            "short": masked([1, -32767, 0], "i2"),
            "int": masked([1, -(2**31) + 1, 0], "i4"),
            "long": masked([2**53 + 1, -(2**63) + 1, 0], "i8"),
            "float": np.array([1.5, -3.25, np.nan], "f4"),
            "double": np.array([1e-300, np.pi, np.nan]),
            "text": np.array(["a,b", "", "Ω < & >"]),
            "flag": np.array([True, False, True]),
        }
    )


@pytest.mark.parametrize("kind", ["tabledata", "binary", "binary2"])
def test_every_type_comes_back_as_it_went(sync: str, kind: str) -> None:
    nulls = kind == "binary2"
    reply = send(sync, ALL, votable(table(nulls=nulls), kind))
    assert reply.status == 200, reply.text
    lines = reply.lines
    assert lines[0] == "short,int,long,float,double,text,flag"
    assert lines[1] == f'1,1,{2**53 + 1},1.5,1e-300,"a,b",true'
    assert lines[2].startswith(f"-32767,{-(2**31) + 1},{-(2**63) + 1},-3.25,3.141592653589793,")
    assert lines[3] == (",,,,,Ω < & >,true" if nulls else "0,0,0,,,Ω < & >,true")


def test_types_stay_as_narrow_as_they_were_and_metadata_come_along(sync: str) -> None:
    fields = '<FIELD name="s" datatype="short" unit="mag" ucd="phot.mag"><DESCRIPTION>Bright</DESCRIPTION></FIELD>'
    reply = send(sync, ALL, document(fields, ONE_ROW), RESPONSEFORMAT="votable/td")
    field = reply.votable().fields[0]
    assert (field["datatype"], field["unit"], field["ucd"], field["description"]) == (
        "short",
        "mag",
        "phot.mag",
        "Bright",
    )


def test_rows_keep_their_order(sync: str) -> None:
    numbers = np.random.default_rng(1).permutation(30_000).astype("i4")
    reply = send(sync, ALL, votable(Table({"n": numbers}), "binary2"))
    assert [int(line) for line in reply.lines[1:]] == numbers.tolist()


@pytest.mark.parametrize("kind", ["binary", "binary2"])
def test_texts_of_many_lengths_are_read_right(sync: str, kind: str) -> None:
    texts = np.array(["x" * (i % 37) + str(i) for i in range(20_000)], object)
    fields = '<FIELD name="i" datatype="int"/><FIELD name="t" datatype="char" arraysize="*"/><FIELD name="u" datatype="unicodeChar" arraysize="*"/>'
    mask = b"\0" if kind == "binary2" else b""
    rows = b"".join(
        mask + struct.pack(">ii", i, len(t)) + t.encode() + struct.pack(">i", len(t)) + t.encode("utf-16-be")
        for i, t in enumerate(texts)
    )
    data = f"<{kind.upper()}><STREAM encoding='base64'>{base64.encodebytes(rows).decode()}</STREAM></{kind.upper()}>"
    reply = send(sync, ALL, document(fields, data))
    assert reply.lines[1:] == [f"{i},{t},{t}" for i, t in enumerate(texts)]


@pytest.mark.parametrize("file_name", ["mine.csv", "mine.parquet", "mine.fits"])
def test_other_kinds_of_file_are_taken_too(sync: str, file_name: str, tmp_path: Path) -> None:
    path = tmp_path / file_name
    if file_name.endswith("parquet"):
        pq.write_table(pa.table({"a": [1, 2], "b": ["x", "y"]}), path)
    else:
        Table({"a": [1, 2], "b": ["x", "y"]}).write(path)
    reply = send(sync, ALL, path.read_bytes(), file_name=file_name)
    assert [line.strip() for line in reply.lines] == ["a,b", "1,x", "2,y"], reply.text


def test_an_upload_is_matched_with_a_catalogue(sync: str) -> None:
    catalogue = get(sync, {"LANG": "ADQL", "QUERY": "SELECT name, ra, dec FROM demo.ngc", "RESPONSEFORMAT": "csv"}).body
    match = (
        "SELECT COUNT(*) AS n FROM TAP_UPLOAD.mine AS u JOIN demo.ngc AS c"
        " ON 1 = CONTAINS(POINT(c.ra, c.dec), CIRCLE(u.ra, u.dec, 0.0001)) WHERE u.name = c.name"
    )
    with_position = sum(b",," not in line for line in catalogue.splitlines()[1:])
    assert int(send(sync, match, catalogue, file_name="mine.csv").lines[1]) == with_position


def test_a_job_keeps_its_upload(service: str) -> None:
    made = send(f"{service}/async", COUNT, document(ONE_FIELD, ONE_ROW), PHASE="RUN")
    job = f"{service}/async/{made.xml().findtext('{*}jobId')}"
    by_reference = {p.get("id"): p for p in made.xml().iter("{*}parameter") if p.get("byReference")}
    assert get(by_reference["part"].text).body == document(ONE_FIELD, ONE_ROW)
    ended = get(job, {"WAIT": "10", "PHASE": "QUEUED"}).xml().findtext("{*}phase")
    while ended == "EXECUTING":
        ended = get(job, {"WAIT": "10", "PHASE": "EXECUTING"}).xml().findtext("{*}phase")
    assert ended == "COMPLETED"
    assert get(f"{job}/results/result").lines == ["n", "1"]
    # Its result can be joined in turn, by URL or by id, without a network.
    for source in (f"{job}/results/result", job.rpartition("/")[2]):
        form = {"LANG": "ADQL", "QUERY": ALL, "UPLOAD": f"mine,{source}", "RESPONSEFORMAT": "csv"}
        assert get(f"{service}/sync", form).lines == ["n", "1"]


# ---- what is refused: 4xx, with a text that says what to do, and at once


HOSTILE = {
    "doctype": (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]>' + document(ONE_FIELD, ONE_ROW)[21:], "DOCTYPE"),
    "not closed": (document(ONE_FIELD, ONE_ROW)[:-60], "not well-formed"),
    "stream elsewhere": (document(ONE_FIELD, "<BINARY><STREAM href='file:///etc/passwd'/></BINARY>"), "stand in it"),
    "stream packed": (document(ONE_FIELD, "<BINARY><STREAM encoding='gzip'>AAAA</STREAM></BINARY>"), "stand in it"),
    "fits inside": (document(ONE_FIELD, "<FITS/>"), "FITS"),
    "cut row": (document(ONE_FIELD, "<BINARY><STREAM encoding='base64'>AAA=</STREAM></BINARY>"), "middle of a row"),
    "no base64": (document(ONE_FIELD, "<BINARY><STREAM encoding='base64'>A*A=</STREAM></BINARY>"), "base64"),
    "negative length": (
        document(
            '<FIELD name="t" datatype="char" arraysize="*"/>',
            "<BINARY><STREAM encoding='base64'>/////0FB</STREAM></BINARY>",
        ),
        "negative length",
    ),
    "vast length": (
        document(
            '<FIELD name="t" datatype="char" arraysize="*"/>',
            "<BINARY><STREAM encoding='base64'>f////0FB</STREAM></BINARY>",
        ),
        "middle of a row",
    ),
    "no number": (document(ONE_FIELD, "<TABLEDATA><TR><TD>x</TD></TR></TABLEDATA>"), "row 1, column a"),
    "too large": (document(ONE_FIELD, "<TABLEDATA><TR><TD>9999999999</TD></TR></TABLEDATA>"), "column a"),
    "too many cells": (document(ONE_FIELD, "<TABLEDATA><TR><TD>1</TD><TD>2</TD></TR></TABLEDATA>"), "2 cells"),
    "complex": (document('<FIELD name="c" datatype="floatComplex"/>', ONE_ROW), "floatComplex"),
    "unknown type": (document('<FIELD name="c" datatype="int; DROP"/>', ONE_ROW), "cannot be loaded"),
    "odd size": (document('<FIELD name="c" datatype="int" arraysize="-5"/>', ONE_ROW), ""),
    "no name": (document('<FIELD datatype="int"/>', ONE_ROW), "no name"),
    "same name": (document(ONE_FIELD + '<FIELD name="a" datatype="int"/>', ONE_ROW), "two columns"),
    "nothing": (b"", "empty"),
    "noise": (b"\x00\x01\x02" * 1000, "what kind of file"),
    "packed": (gzip.compress(document(ONE_FIELD, ONE_ROW))[:-9], "packed file is broken"),
    "nul": (b"a\nx\x00y\n", ""),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_upload_is_refused_with_a_reason(sync: str, name: str) -> None:
    content, reason = HOSTILE[name]
    begun = time.monotonic()
    reply = send(sync, COUNT, content, file_name="mine.csv" if name == "nul" else "mine")
    assert 400 <= reply.status < 500, reply.text
    assert reason in reply.votable().message
    assert not re.search("/uploads/|Traceback|pg_temp", reply.text)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("name", ['a"b', "a;b", "1a", "x" * 300, "a b", "ä", ""])
def test_a_table_has_a_plain_name(sync: str, name: str) -> None:
    assert send(sync, COUNT, document(ONE_FIELD, ONE_ROW), name=name).status == 400


@pytest.mark.parametrize(
    "column", ['a"b; DROP TABLE x', "ctid", "tableoid", "select", "ra dec", "%s", "{0}", "ü" * 200, "c0", "C1"]
)
def test_any_column_name_is_kept(sync: str, column: str) -> None:
    quoted = column.replace("&", "&amp;").replace('"', "&quot;")
    fields = f'<FIELD name="{quoted}" datatype="int"/><FIELD name="other" datatype="int"/>'
    row = "<TABLEDATA><TR><TD>7</TD><TD>8</TD></TR></TABLEDATA>"
    escaped = column.replace('"', '""')
    reply = send(
        sync, f'SELECT other, "{escaped}" FROM TAP_UPLOAD.mine', document(fields, row), RESPONSEFORMAT="votable/td"
    )
    assert reply.votable().names == ["other", column]
    assert reply.votable().rows == [["8", "7"]]


@pytest.mark.parametrize(
    "source",
    [
        "file:///etc/passwd",
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://user@localhost/",
        "http://0.0.0.0/",
        "gopher://x/",
        "param:nothing",
        "nothing",
    ],
)
def test_nothing_is_fetched_from_elsewhere(sync: str, source: str) -> None:
    form = {"LANG": "ADQL", "QUERY": COUNT, "UPLOAD": f"mine,{source}"}
    assert post(sync, form).status == 400


def test_two_tables_of_one_name_are_refused(sync: str) -> None:
    assert send(sync, COUNT, document(ONE_FIELD, ONE_ROW), UPLOAD="mine,param:part;MINE,param:part").status == 400


def test_one_part_may_be_two_tables(sync: str) -> None:
    query = "SELECT COUNT(*) AS n FROM TAP_UPLOAD.a AS a, TAP_UPLOAD.b AS b"
    reply = send(sync, query, document(ONE_FIELD, ONE_ROW), UPLOAD="a,param:part;b,param:part")
    assert reply.lines == ["n", "1"]


def test_an_upload_is_gone_after_its_query(sync: str) -> None:
    assert send(sync, COUNT, document(ONE_FIELD, ONE_ROW)).status == 200
    assert get(sync, {"LANG": "ADQL", "QUERY": COUNT}).status == 400


def test_an_uploaded_table_is_in_no_metadata(sync: str) -> None:
    """TAP 1.1 §2.7.6: never visible in TAP_SCHEMA, not even to its own query."""
    query = (
        "SELECT t.table_name, mine.a FROM TAP_UPLOAD.mine AS mine, tap_schema.tables AS t"
        " WHERE LOWER(t.table_name) LIKE '%mine%' OR LOWER(t.schema_name) = 'tap_upload'"
    )
    assert send(sync, query, document(ONE_FIELD, ONE_ROW)).lines == ["table_name,a"]


def test_bytes_come_back_as_bytes(sync: str) -> None:
    """ADQL 2.1 §3.4.1: an array of unsignedByte."""
    field = '<FIELD name="b" datatype="unsignedByte" arraysize="*"/>'
    found = send(
        sync, ALL, document(field, "<TABLEDATA><TR><TD>0 1 255</TD></TR></TABLEDATA>"), RESPONSEFORMAT="votable/td"
    )
    votable = found.votable()
    assert (votable.fields[0]["datatype"], votable.rows) == ("unsignedByte", [["0 1 255"]])
    assert votable.fields[0]["arraysize"].endswith("*")


@pytest.mark.parametrize(("datatype", "value"), [("int", "1 5"), ("long", "0 0"), ("double", "-Inf 0.5")])
def test_an_interval_comes_back_as_an_interval(sync: str, datatype: str, value: str) -> None:
    """DALI 1.1 §3.3.4: two numbers, their type and xtype."""
    field = f'<FIELD name="i" datatype="{datatype}" arraysize="2" xtype="interval"/>'
    row = f"<TABLEDATA><TR><TD>{value}</TD></TR></TABLEDATA>"
    found = send(sync, ALL, document(field, row), RESPONSEFORMAT="votable/td").votable()
    assert [found.fields[0][key] for key in ("datatype", "arraysize", "xtype")] == [datatype, "2", "interval"]
    assert found.rows == [[value]]


@pytest.fixture(scope="module")
def strict(sample: Config) -> Iterator[str]:
    port = free_port()
    config = sample.changed(
        port=port,
        base_url=f"http://localhost:{port}/tap",
        upload_rows=1000,
        upload_columns=50,
        upload_cells=5000,
        upload_unpacked_bytes=30_000,
        upload_bytes=100_000,
        workers=0,
    )
    with serving(config) as url:
        yield url
        folder, end = Path(sample.database.data_dir) / "uploads", time.monotonic() + 5
        # The answer to a small query may be there a moment before its file is gone.
        while list(folder.iterdir()) and time.monotonic() < end:
            time.sleep(0.01)
        assert not list(folder.iterdir())


def test_limits_are_named(strict: str) -> None:
    rows = b"a\n" + b"1\n" * 1001
    reply = send(f"{strict}/sync", COUNT, rows, file_name="mine.csv")
    assert (reply.status, "1,000 in all" in reply.votable().message) == (400, True)
    assert send(f"{strict}/sync", COUNT, b"a\n" + b"1\n" * 1000, file_name="mine.csv").lines == ["n", "1000"]


@pytest.mark.parametrize(("columns", "rows", "cell", "says"), [
    (51, 1, "1", "51 columns; at most 50"),
    (50, 101, "1", "more cells than are taken: 5,000"),
    (1, 900, "x" * 40, "more unpacked bytes than are taken: 30,000"),
])  # fmt: skip
def test_every_limit_has_its_message(strict: str, columns: int, rows: int, cell: str, says: str) -> None:
    lines = [",".join(f"c{i}" for i in range(columns)), *[",".join([cell] * columns)] * rows]
    reply = send(f"{strict}/sync", COUNT, "\n".join(lines).encode(), file_name="mine.csv")
    assert reply.status == 400
    assert says in reply.votable().message


def test_what_is_too_large_is_413(strict: str) -> None:
    reply = send(f"{strict}/sync", COUNT, b"a\n" + b"1" * 1_200_000, file_name="mine.csv")
    assert reply.status == 413


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for path in (old, new):
        path.write_bytes(b"x")
    os.utime(old, (0, 0))
    sweep_uploads(tmp_path)
    assert list(tmp_path.iterdir()) == [new]


@pytest.mark.filterwarnings("ignore:ERFA function")
def test_stars_where_they_were_a_century_ago_are_found_at_their_epoch_only(sync: str) -> None:
    """The 185 stars that move more than 1 arcsec a year, at positions of 1900 that astropy computed."""
    query = "SELECT tyc_id, ra, dec, pmra, pmdec, parallax FROM demo.stars WHERE pmra * pmra + pmdec * pmdec > 1000000"
    answer = post(sync, {"QUERY": query, "LANG": "ADQL", "RESPONSEFORMAT": "votable"})
    stars = parse_single_table(io.BytesIO(answer.body)).to_table()
    parallax = np.ma.filled(np.ma.asarray(stars["parallax"]), 0)
    now = SkyCoord(
        np.asarray(stars["ra"]) * units.deg,
        np.asarray(stars["dec"]) * units.deg,
        pm_ra_cosdec=np.asarray(stars["pmra"]) * units.mas / units.yr,
        pm_dec=np.asarray(stars["pmdec"]) * units.mas / units.yr,
        distance=1000 / np.where(parallax > 0, parallax, 0.001) * units.pc,
        radial_velocity=np.zeros(len(stars)) * units.km / units.s,
        obstime=Time("J2000"),
    )
    then = now.apply_space_motion(new_obstime=Time("J1900"))
    lines = [
        f"{i},{ra!r},{dec!r}"
        for i, ra, dec in zip(stars["tyc_id"], then.ra.deg.tolist(), then.dec.deg.tolist(), strict=True)
    ]
    uploaded = "\n".join(["id,ra,dec", *lines]).encode()
    match = (
        "SELECT COUNT(*) AS n, COUNT(DISTINCT s.tyc_id) AS stars FROM TAP_UPLOAD.mine AS u JOIN demo.stars AS s"
        " ON 1 = CONTAINS({0}, CIRCLE(u.ra, u.dec, {1} / 3600.)) WHERE u.id = s.tyc_id"
    )
    plain = send(sync, match.format("POINT(s.ra, s.dec)", 60), uploaded, file_name="mine.csv")
    moved = "ivo_epoch_prop_pos(s.ra, s.dec, s.parallax, s.pmra, s.pmdec, 0, 2000, 1900)"
    propagated = send(sync, match.format(moved, 0.1), uploaded, file_name="mine.csv")
    assert (plain.lines[1], propagated.lines[1]) == ("0,0", "185,185")


def test_one_query_on_two_uploads_gives_each_its_own_columns(sync: str) -> None:
    query = "SELECT * FROM TAP_UPLOAD.mine"
    for name in ("a", "b"):
        assert send(sync, query, f"{name}\n1\n".encode(), file_name="mine.csv").lines == [name, "1"]
